#!/usr/bin/env python3
"""Calls that are not made (STYLE.md, 14), and those that only some files make."""
import re

import tree

NEVER = ("strcpy strcat sprintf vsprintf gets strtok atoi atol atof rand srand system popen tmpnam "
         "alloca setjmp longjmp").split()
# calls -> files of src/ that may make them.
ONLY = [
    ("malloc calloc realloc free strdup strndup posix_memalign aligned_alloc", ["src/core/alloc.c"]),
    ("fopen", ["src/core/file.c"]),
    ("getenv secure_getenv", ["src/cli/", "src/core/log.c"]),
    ("printf fprintf vprintf vfprintf puts fputs putchar fputc perror",
     ["src/cli/", "src/chat/", "src/core/log.c"]),
    ("exit _exit abort quick_exit", ["src/cli/main.c"]),
]


def main():
    report = tree.Report("banned")
    rules = [(re.compile(rf"(?<![\w.>])({'|'.join(NEVER)})\s*\("), [])]
    for calls, homes in ONLY:
        rules.append((re.compile(rf"(?<![\w.>])({'|'.join(calls.split())})\s*\("), homes))
    checked = 0
    for name in tree.files(".c", ".h", ".def"):
        checked += 1
        code = tree.code_of(tree.read(name)).split("\n")
        is_product = name.startswith("src/")
        for number, line in enumerate(code, 1):
            for i, (pattern, homes) in enumerate(rules):
                if i > 0 and (not is_product or name.startswith(tuple(homes))):
                    continue
                for call in pattern.findall(line):
                    report.add(name, number, call, f"{call}() is not called here")
    report.close(f"{checked} files")


main()
