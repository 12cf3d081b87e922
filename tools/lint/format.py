#!/usr/bin/env python3
"""Every C file is as clang-format 14 leaves it; with --fix, makes it so."""
import shutil
import subprocess
import sys

import tree

names = [name for name in tree.files(".c", ".h") if not tree.is_generated(name)]
if not shutil.which("clang-format-14"):
    print("format: clang-format-14 is not installed, nothing checked")
    sys.exit(77)
if sys.argv[1:] == ["--fix"]:
    sys.exit(subprocess.run(["clang-format-14", "-i", *names], cwd=tree.ROOT).returncode)
result = subprocess.run(["clang-format-14", "--dry-run", "-Werror", "--ferror-limit=1", *names],
                        cwd=tree.ROOT, capture_output=True, text=True)
print(result.stderr, end="")
print(f"format: {len(names)} files checked, {result.stderr.count('[-Wclang-format-violations]')} findings")
sys.exit(result.returncode)
