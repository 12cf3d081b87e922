#!/usr/bin/env python3
"""Build the assistant and write it as a C table (src/server/page/pack.h).

    pack.py OUTPUT.c              an empty table: the assistant is not in this build
    pack.py OUTPUT.c WORK_FOLDER  run Vite (web/node_modules), pack what it made

Scripts and styles are stored compressed, the rest as it is.  The same sources give the
same bytes."""
import gzip
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys

WEB = pathlib.Path(__file__).resolve().parent
TYPES = {
    ".bcmap": "application/octet-stream",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
AS_THEY_ARE = {".html", ".png", ".woff2"}  # the page itself is small, and read by programs too
HASHED = re.compile(r"-[A-Za-z0-9_-]{8}\.[a-z0-9]+$")


def build(folder):
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run(["node", "node_modules/vite/bin/vite.js", "build", "--outDir",
                           str(folder), "--logLevel", "warn"], cwd=WEB, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit("web: Vite says\n" + done.stdout)


def entry(folder, path, number):
    name = path.relative_to(folder).as_posix()
    content = path.read_bytes()
    is_gzip = path.suffix not in AS_THEY_ARE
    body = gzip.compress(content, 9, mtime=0) if is_gzip else content
    etag = hashlib.sha256(content).hexdigest()[:16]
    array = ",".join(map(str, body))
    public = "" if name == "index.html" else name
    fields = [f'"{public}"', f'"{TYPES[path.suffix]}"', f'"\\"{etag}\\""',
              "true" if is_gzip else "false",
              "true" if HASHED.search(name) else "false",
              f"file_{number}", f"sizeof file_{number}"]
    return (public, f"static const unsigned char file_{number}[] = {{{array}}};\n",
            "    {" + ", ".join(fields) + "},\n")


def main():
    entries = []
    if len(sys.argv) > 2:
        folder = pathlib.Path(sys.argv[2]).resolve()
        build(folder)
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        entries = sorted(entry(folder, path, i) for i, path in enumerate(paths))
    table = "".join(line for _, _, line in entries) or "    {0},\n"
    pathlib.Path(sys.argv[1]).write_text(
        "/* The assistant's files; made by web/pack.py. */\n"
        '#include "server/page/pack.h"\n\n'
        + "".join(array for _, array, _ in entries)
        + f"\nconst ts_page_file ts_page_files[] = {{\n{table}}};\n"
        + f"const size_t ts_n_page_files = {len(entries)};\n")


main()
