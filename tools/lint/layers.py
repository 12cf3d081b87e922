#!/usr/bin/env python3
"""Which way dependencies point (STYLE.md, 3): reads every #include "..." in src/
and include/ against the table of allowed edges.  Also: header guards, and file
names that are unique in the tree."""
import collections
import re

import tree

PUBLIC = "tiefsee"
# module -> modules it may include, besides itself and the public header's types.
ALLOWED = {
    "core": set(),
    "kernels": {"core"},  # core/cpu.h and core/compiler.h only, see below
    "formats": {"core"},
    "backends": {"kernels", "core"},
    "models": {"backends", "kernels", "formats", "core"},
    "engine": {"models", "backends", "kernels", "formats", "core"},
    "train": {"engine", "models", "backends", "kernels", "formats", "core"},
    "server": {"engine", "formats", "core"},
    "chat": set(),
    "cli": {"chat"},
}
KERNEL_CORE = {"core/cpu.h", "core/compiler.h"}
# What chat and cli may take from core beside the public header: texts, memory,
# files and errors, none of which knows a model.  Everything else is an exception
# by name in allow.txt.
FRONT = {"core/alloc.h", "core/clock.h", "core/compiler.h", "core/error.h", "core/file.h",
         "core/outfile.h", "core/str.h", "core/utf8.h"}
GENERATED = {"version.h", "config.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def module_of(name):
    parts = name.split("/")
    return parts[1] if len(parts) > 2 else ""


def check_includes(report, name, module):
    for number, line in enumerate(tree.read(name).splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1)
        other = target.split("/")[0]
        if target in GENERATED or other in (PUBLIC, module):
            continue
        if module in ("chat", "cli") and target in FRONT:
            continue
        if "/" not in target or target.startswith("."):
            report.add(name, number, target, f'"{target}": write the path from src/')
        elif other not in ALLOWED.get(module, set()):
            report.add(name, number, target, f'{module} must not include "{target}"')
        elif module == "kernels" and target not in KERNEL_CORE:
            report.add(name, number, target, f'kernels must not include "{target}" '
                       "(core/cpu.h and core/compiler.h only)")


def check_guard(report, name, module):
    stem = name.rsplit("/", 1)[1][:-2]
    want = f"TS_{module}_{stem}_H".upper().replace("-", "_")
    if f"#ifndef {want}\n#define {want}\n" not in tree.read(name):
        report.add(name, 1, want, f"header guard {want} expected")


def main():
    report = tree.Report("layers")
    seen = collections.defaultdict(list)
    checked = 0
    for name in tree.files(".c", ".h", ".def", folders=("include", "src")):
        module = module_of(name) if name.startswith("src/") else PUBLIC
        checked += 1
        if module != PUBLIC and module not in ALLOWED:
            report.add(name, 1, module, f"src/{module} has no row in tools/lint/layers.py")
        if module == PUBLIC:
            for number, line in enumerate(tree.read(name).splitlines(), 1):
                match = INCLUDE.match(line)
                if match and not match.group(1).startswith("tiefsee/"):
                    report.add(name, number, match.group(1), "a public header includes only its own")
        else:
            check_includes(report, name, module)
        if name.endswith(".h") and module != PUBLIC:
            check_guard(report, name, module)
    for name in tree.files(".c", ".h"):
        seen[name.rsplit("/", 1)[1]].append(name)
    for base, names in seen.items():
        if len(names) > 1:
            report.add(names[1], 1, base, f"file name {base} is also {names[0]}")
    report.close(f"{checked} files")


main()
