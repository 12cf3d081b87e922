#!/usr/bin/env python3
"""Sizes (STYLE.md, 12): lines of a file, and of a function its length, branches,
parameters, nesting.  Hard limits are findings; soft ones are printed and pass.

Relies on clang-format's layout: a function's braces stand alone in column one."""
import re

import tree

HARD = {"c": 1200, "h": 600, "public": 1000, "function": 100, "branches": 25, "params": 9,
        "nesting": 5, "width": 100}
SOFT = {"c": 800, "h": 300, "public": 1000, "function": 70, "branches": 15, "params": 7,
        "nesting": 4, "width": 100}
BRANCH = re.compile(r"\b(?:if|for|while|case)\b|&&|\|\||\?")
warnings = []


def judge(report, name, line, what, kind, value, subject):
    if value > HARD[kind]:
        report.add(name, line, what, f"{subject}: {kind} {value} ({HARD[kind]} allowed)")
    elif value > SOFT[kind]:
        warnings.append(f"{name}:{line}: {subject}: {kind} {value} (aim for {SOFT[kind]})")


def signature_before(lines, brace):
    """Lines of the declarator above an opening brace, up to the blank line or end of a thing."""
    first = brace
    while first > 0 and lines[first - 1].strip() and not re.match(r"[#}]|.*;\s*$", lines[first - 1]):
        first -= 1
    return first, " ".join(lines[first:brace])


def parameters(signature):
    match = re.search(r"(\w+)\s*\((.*)\)\s*$", signature)
    if not match:
        return "?", 0
    depth = count = 0
    for c in match.group(2):
        depth += {"(": 1, ")": -1}.get(c, 0)
        count += c == "," and depth == 0
    return match.group(1), 0 if match.group(2).strip() in ("", "void") else count + 1


def nesting_of(body):
    depth = deepest = 0
    for c in "".join(body):
        depth += {"{": 1, "}": -1}.get(c, 0)
        deepest = max(deepest, depth)
    return deepest


def check_functions(report, name, text):
    lines = tree.code_of(text).split("\n")
    start = None
    for i, line in enumerate(lines):
        if line == "{":
            start = i
        elif line == "}" and start is not None:
            first, signature = signature_before(lines, start)
            function, n_params = parameters(signature)
            body = lines[start + 1:i]
            for kind, value in (("function", i - first + 1), ("params", n_params),
                                ("branches", 1 + len(BRANCH.findall("\n".join(body)))),
                                ("nesting", nesting_of(body))):
                judge(report, name, first + 1, function, kind, value, function)
            start = None


def main():
    report = tree.Report("limits")
    checked = 0
    for name in tree.files(".c", ".h", ".def"):
        text = tree.read(name)
        lines = text.splitlines()
        checked += 1
        kind = "c" if name.endswith(".c") else "public" if name.startswith("include") else "h"
        if tree.is_generated(name):
            continue
        if not name.endswith(".def"):
            judge(report, name, 1, "lines", kind, len(lines), "lines of the file")
        for number, line in enumerate(lines, 1):
            if len(line) > HARD["width"]:
                judge(report, name, number, "width", "width", len(line), "line")
            if "\t" in line or line.rstrip() != line:
                report.add(name, number, "blanks", "tab or blanks at the end of a line")
        if name.endswith((".c", ".h")):
            check_functions(report, name, text)
    for warning in warnings:
        print("warning:", warning)
    report.close(f"{checked} files")


main()
