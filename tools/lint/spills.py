#!/usr/bin/env python3
"""spills.py BUILD: vector registers that hot loops of kernels lose to the stack,
beside the table in spills.txt.

A kernel that needs more registers than there are still gives the right bits, at
half the speed; an edit, or another compiler, can do that unseen.  For each
function of the files below, compiled as BUILD compiles them, by each compiler
that the table knows: stores of vector registers to the stack and uses of such
values, in innermost loops.  More than the table says is an error, less a reason
to say so there.

    spills.py BUILD --update      write the table
    spills.py --object FILE.o     one object's functions, for looking into it
"""
import bisect
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import tree

SOURCES = re.compile(r"src/kernels/x86/(gemm_q32|gemm_qk|gemm_f32|latent|panels_f32)_\w+\.c$")
COMPILERS = ("gcc-12", "clang-14")
MIN_VECTORS = 16
TABLE = tree.ROOT / "tools/lint/spills.txt"

FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$", re.MULTILINE)
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
TARGET = re.compile(r"^([0-9a-f]+) <")
VECTOR = re.compile(r"%[xyz]mm\d+")
# Whole registers only: a scalar or a broadcast comes from an array.
NARROW = re.compile(r"broadcast|^v?(mov(d|q|ss|sd)$|pinsr|pextr|cvt|pmov[sz]x)")


def functions(disassembly):
    """Name and instructions (address, mnemonic, operands) of each function."""
    name, body = None, []
    for line in disassembly.splitlines():
        head = FUNCTION.match(line)
        if head:
            if name:
                yield name, body
            name, body = head.group(1), []
            continue
        found = INSTRUCTION.match(line)
        if found:
            body.append((int(found.group(1), 16), found.group(2), found.group(3)))
    if name:
        yield name, body


def innermost(body):
    """Loops as (first, last) addresses: backward jumps around no other one, but for those
    with next to no vectors (prefetches, gathered pointers)."""
    first = body[0][0]
    vectors = [address for address, _, operands in body if VECTOR.search(operands)]
    loops = set()
    for address, mnemonic, operands in body:
        target = TARGET.match(operands) if mnemonic.startswith("j") else None
        if target and first <= (start := int(target.group(1), 16)) <= address:
            if bisect.bisect(vectors, address) - bisect.bisect_left(vectors, start) >= MIN_VECTORS:
                loops.add((start, address))
    return [a for a in loops
            if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in loops)]


def count(body):
    """Stores and uses of vectors on the stack in the innermost loops of a function."""
    frame = ["%rsp"]
    if any(m == "mov" and o == "%rsp,%rbp" for _, m, o in body[:24]):
        frame.append("%rbp")
    stack = re.compile(r"(0x[0-9a-f]+)?\((%s)\)" % "|".join(frame))
    loops = innermost(body)
    stores = uses = 0
    for address, mnemonic, operands in body:
        if not any(a <= address <= b for a, b in loops) or NARROW.search(mnemonic):
            continue
        if not (stack.search(operands) and VECTOR.search(operands)):
            continue
        if operands.endswith(")"):
            stores += 1
        else:
            uses += 1
    return stores, uses


def counts_of_object(path):
    output = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path],
                            capture_output=True, text=True, check=True).stdout
    result = {}
    if not FUNCTION.search(output):
        sys.exit(f"spills: {path} has no code that objdump can show")
    for name, body in functions(output):
        stores, uses = count(body) if body else (0, 0)
        if stores or uses:
            result[name] = (stores, uses)
    return result


def version_of(command):
    return subprocess.run([*command, "--version"], capture_output=True, text=True).stdout


def object_of(entry, compiler, folder):
    """A source's object by a compiler: the build's own if that made it."""
    words = [w for w in shlex.split(entry["command"]) if w != "ccache"]
    kind, number = compiler.split("-")
    head = version_of(words[:1]).splitlines()[0]
    is_the_builds = (kind == "clang") == ("clang" in head) and re.search(rf"\b{number}\.\d", head)
    built = os.path.join(entry["directory"], entry["output"])
    if is_the_builds and os.path.exists(built):
        return built
    to = os.path.join(folder, f"{compiler}-{os.path.basename(entry['file'])}.o")
    subprocess.run([compiler, *words[1:words.index("-MD")], "-w", "-c", entry["file"], "-o", to],
                   check=True, cwd=entry["directory"])
    return to


def sources(build):
    """The entries of the kernels proper, not of those that tests emulate."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        return [e for e in json.load(f)
                if SOURCES.search(e["file"]) and e["output"].startswith("src/kernels/")]


def measure(build, compilers):
    """{function and compiler: (stores, uses)} of all sources."""
    entries = sources(build)
    result = {}

    def one(job):
        entry, compiler = job
        return compiler, counts_of_object(object_of(entry, compiler, folder))

    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for compiler, counts in pool.map(one, [(e, c) for c in compilers for e in entries]):
            for name, pair in counts.items():
                result[f"{name} {compiler}"] = pair
    return result


def measure_once(build, compilers):
    """The same, from the last run if nothing that counts has changed since."""
    key = hashlib.sha256(json.dumps([sources(build), COMPILERS]).encode())
    for name in tree.files(".c", ".h", folders=("src/kernels",)):
        key.update(tree.read(name).encode())
    for name in compilers:
        key.update(version_of([name]).encode())
    key.update(tree.read("tools/lint/spills.py").encode())
    for entry in sources(build):
        with open(os.path.join(entry["directory"], entry["output"]), "rb") as f:
            key.update(f.read())
    memory = os.path.join(build, "spills.json")
    try:
        with open(memory, encoding="utf-8") as f:
            known = json.load(f)
        if known["key"] == key.hexdigest():
            return known["counts"]
    except (OSError, ValueError, KeyError):
        pass
    counts = measure(build, compilers)
    with open(memory + ".new", "w", encoding="utf-8") as f:
        json.dump({"key": key.hexdigest(), "counts": counts}, f)
    os.replace(memory + ".new", memory)
    return counts


def read_table():
    table = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, compiler, stores, uses = line.split()
            table[f"{name} {compiler}"] = int(stores), int(uses)
    return table


def write_table(counts):
    with open(TABLE, "w", encoding="utf-8") as f:
        f.write("# Vectors on the stack in innermost loops of kernels, see spills.py:\n"
                "# function, compiler, stores, uses.  What is not here has none.\n")
        for key, (stores, uses) in sorted(counts.items()):
            f.write(f"{key} {stores} {uses}\n")


def skip(why):
    print("spills: skipped, " + why)
    sys.exit(77)


def main():
    if sys.argv[1] == "--object":
        for name, (stores, uses) in sorted(counts_of_object(sys.argv[2]).items()):
            print(f"{name}: {stores} stores, {uses} uses")
        return
    report = tree.Report("spills")
    compilers = [c for c in COMPILERS if shutil.which(c)]
    if os.uname().machine != "x86_64" or not shutil.which("objdump"):
        skip("needs x86_64 and objdump")
    if not compilers or not all("-O3" in e["command"] for e in sources(sys.argv[1])):
        skip("needs a release build and one of " + ", ".join(COMPILERS))
    for compiler in set(COMPILERS) - set(compilers):
        print(f"spills: no {compiler} here, not checked with it")
    counts = measure_once(sys.argv[1], compilers)
    if sys.argv[2:] == ["--update"]:
        write_table(counts)
    table = {key: n for key, n in read_table().items() if key.split()[1] in compilers}
    fewer = 0
    for key in sorted(counts.keys() | table.keys()):
        now, known = counts.get(key, (0, 0)), table.get(key, (0, 0))
        if now[0] > known[0] or now[1] > known[1]:
            report.add("tools/lint/spills.txt", 1, key.split()[0],
                       f"{key}: {now[0]} stores and {now[1]} uses of the stack in hot loops, "
                       f"{known[0]} and {known[1]} are known")
        fewer += tuple(now) != known
    if fewer and not report.findings:
        print(f"spills: {fewer} functions have fewer than the table says; --update it")
    report.close(f"{len(sources(sys.argv[1]))} files by {', '.join(compilers)}")


main()
