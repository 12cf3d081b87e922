#!/usr/bin/env python3
"""symbols.py STATIC SHARED: the static library defines only ts_ and tiefsee_ as
global symbols, the shared one exports only tiefsee_."""
import subprocess
import sys

import tree

STATIC, SHARED = sys.argv[1:3]
# Put there by the compiler's instrumentation, not by us.
FOREIGN = ("__asan", "__ubsan", "__odr_asan", "__sancov", "__start_", "__stop_", "__llvm", "__gcov",
           "__x86.", "DW.ref.")


def names(*command):
    output = subprocess.run(["nm", *command], capture_output=True, text=True, check=True).stdout
    for line in output.splitlines():
        parts = line.split()
        if len(parts) == 3:
            yield parts[2]


def main():
    report = tree.Report("symbols")
    checked = 0
    for symbol in sorted(set(names("-g", "--defined-only", STATIC))):
        checked += 1
        if not symbol.startswith(("ts_", "tiefsee_") + FOREIGN):
            report.add("libtiefsee.a", 1, symbol, f"global symbol {symbol} without ts_ or tiefsee_")
    for symbol in sorted(set(names("-D", "-g", "--defined-only", SHARED))):
        checked += 1
        if not symbol.startswith(("tiefsee_",) + FOREIGN):
            report.add("libtiefsee.so", 1, symbol, f"the shared library exports {symbol}")
    if checked == 0:
        report.add("libtiefsee.a", 1, "none", "no symbols found: nothing was checked")
    report.close(f"{checked} symbols")


main()
