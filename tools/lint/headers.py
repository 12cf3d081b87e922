#!/usr/bin/env python3
"""Every public header compiles alone, as C11, C17 and C++17, without a warning;
every internal header compiles alone as C11 (it includes what it needs)."""
import os
import shutil
import subprocess
import sys
import tempfile

import tree

CC = os.environ.get("CC", "cc")
CXX = os.environ.get("CXX", "c++")
BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"


def compile_alone(headers, command, flags, suffix):
    with tempfile.NamedTemporaryFile("w", suffix=suffix) as source:
        source.writelines(f'#include "{header}"\n' for header in headers)
        source.write("extern int nothing_else;\n")
        source.flush()
        return subprocess.run([*command.split(), *flags, "-fsyntax-only", "-Wall", "-Wextra",
                               "-Wpedantic", "-Werror", source.name],
                              capture_output=True, text=True).stderr


def main():
    report = tree.Report("headers")
    public = [n[len("include/"):] for n in tree.files(".h", folders=("include",))]
    include = ["-I" + str(tree.ROOT / "include")]
    runs = [(CC, "-std=c11", ".c"), (CC, "-std=c17", ".c")]
    if shutil.which(CXX.split()[0]):
        runs.append((CXX, "-std=c++17", ".cc"))
    else:
        print("headers: no C++ compiler here, C++17 not checked")
    for header in public:
        for command, standard, suffix in runs:
            output = compile_alone([header], command, [standard, *include], suffix)
            if output:
                report.add("include/" + header, 1, standard, f"alone as {standard}: {output}")
    internal = [n[len("src/"):] for n in tree.files(".h", folders=("src",))]
    flags = ["-std=c11", "-D_GNU_SOURCE", *include, "-I" + str(tree.ROOT / "src"), "-I" + BUILD]
    for header in internal:
        output = compile_alone([header], CC, flags, ".c")
        if output:
            report.add("src/" + header, 1, "alone", f"alone: {output}")
    report.close(f"{len(public)} public headers x {len(runs)}, {len(internal)} internal")


main()
