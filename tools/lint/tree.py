"""What the linters share: the C files of the tree, code without comments and
strings, and the list of exceptions (allow.txt)."""
import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("include", "src", "tests", "tools")
SKIP = re.compile(r"(^|/)(node_modules|dist|corpus|fixtures)(/|$)")


def files(*suffixes, folders=FOLDERS):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in suffixes and not SKIP.search(name):
                yield name


def read(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def code_of(text):
    """The text with comments blanked and literals emptied; lines stay lines."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] * 2
        return re.sub(r"[^\n]", " ", token)
    return TOKEN.sub(blank, text)


class Report:
    """Collects findings of one linter; exceptions that excuse nothing are findings too."""

    def __init__(self, linter):
        self.linter = linter
        self.findings = []
        self.allowed = []
        for number, line in enumerate(read("tools/lint/allow.txt").splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            parts = line.split(None, 3)
            if len(parts) < 4:
                self.findings.append(f"tools/lint/allow.txt:{number}: "
                                     "needs: linter, file, what, reason")
            elif parts[0] == linter:
                self.allowed.append([parts[1], parts[2], number, False])

    def add(self, name, line, what, message):
        for entry in self.allowed:
            if fnmatch.fnmatch(name, entry[0]) and entry[1] == what:
                entry[3] = True
                return
        self.findings.append(f"{name}:{line}: {message}")

    def close(self, checked):
        for name, what, number, used in self.allowed:
            if not used:
                self.findings.append(f"tools/lint/allow.txt:{number}: nothing needs the exception "
                                     f"'{name} {what}' any more; remove it")
        for finding in self.findings:
            print(finding)
        print(f"{self.linter}: {checked} checked, {len(self.findings)} findings")
        sys.exit(1 if self.findings else 0)
