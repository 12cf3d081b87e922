#!/usr/bin/env python3
"""Every C file is as clang-format 14 leaves it (`make format` does it)."""
import shutil
import subprocess
import sys

import tree

names = list(tree.files(".c", ".h"))
if not shutil.which("clang-format-14"):
    print("format: clang-format-14 is not installed, nothing checked")
    sys.exit(77)
result = subprocess.run(["clang-format-14", "--dry-run", "-Werror", "--ferror-limit=1", *names],
                        cwd=tree.ROOT, capture_output=True, text=True)
print(result.stderr, end="")
print(f"format: {len(names)} files checked, {result.stderr.count('[-Wclang-format-violations]')} findings")
sys.exit(result.returncode)
