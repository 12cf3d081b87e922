#!/usr/bin/env python3
"""Compare our tokenizer with the published `tokenizers` library, id by id.

    compare_tokenizer.py --encode build/tests/conformance/tokenizer/encode_texts [-n N] [--seed S]
                         [--naughty blns.json] [--points] TOKENIZER.json...

For each tokenizer: N texts by seed with control tokens recognised, the same
texts without, N / 10 texts that are not UTF-8, and with --points every code
point of Unicode in nine surroundings.  Decoded text is compared too.  Prints one
line per tokenizer and kind; exit status 1 if anything differs.
"""

import argparse
import json
import os
import struct
import subprocess
import sys

from tokenizers import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "conformance", "tokenizer"))
import texts as make  # noqa: E402


def looks_special(s):
    return (s.startswith("<|") and s.endswith("|>")) or (s.startswith("<\uff5c") and s.endswith("\uff5c>"))


def load(path):
    """The tokenizer, with markers made special as our readers do."""
    with open(path, encoding="utf-8") as f:
        j = json.load(f)
    for a in j["added_tokens"]:
        a["special"] = a["special"] or looks_special(a["content"])
    return Tokenizer.from_str(json.dumps(j)), j


def ours(program, path, special, items):
    data = b"".join(struct.pack("<I", len(b)) + b for b in items)
    p = subprocess.run([program, path, "1" if special else "0"], input=data, stdout=subprocess.PIPE, check=True)
    out, at = [], 0
    for _ in items:
        (n,) = struct.unpack_from("<I", p.stdout, at)
        ids = list(struct.unpack_from("<%di" % n, p.stdout, at + 4))
        at += 4 + 4 * n
        (n,) = struct.unpack_from("<I", p.stdout, at)
        out.append((ids, p.stdout[at + 4 : at + 4 + n]))
        at += 4 + n
    assert at == len(p.stdout)
    return out


def report(name, kind, items, got, want, verbose, same_text):
    bad = [i for i in range(len(items)) if got[i][0] != want[i]]
    text_bad = [i for i in range(len(items)) if same_text and got[i][1].decode("utf-8") != same_text(i)]
    n_ids = sum(len(w) for w in want)
    print("%s: %s: %d texts, %d tokens, %d differ, %d decoded otherwise" %
          (name, kind, len(items), n_ids, len(bad), len(text_bad)), flush=True)
    for i in bad[:verbose]:
        print("   %r\n      ours %s\n      hf   %s" % (items[i][:200], got[i][0][:40], want[i][:40]))
    for i in text_bad[:verbose]:
        print("   %r\n      ours %r\n      hf   %r" % (items[i][:200], got[i][1][:200], same_text(i)[:200]))
    return len(bad) + len(text_bad)


def encode_broken(tok, byte_id, raw):
    """What we define for bytes that are not UTF-8: they are tokens of their own,
    and the text between them is encoded alone."""
    ids = []
    while raw:
        try:
            good, raw_rest = raw.decode("utf-8"), b""
        except UnicodeDecodeError as e:
            good, raw_rest = raw[: e.start].decode("utf-8"), raw[e.start :]
        ids += tok.encode(good, add_special_tokens=False).ids
        if raw_rest:
            ids.append(byte_id[raw_rest[0]])
            raw_rest = raw_rest[1:]
        raw = raw_rest
    return ids


def byte_ids(tok):
    printed = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    rest = [b for b in range(256) if b not in printed]
    chars = {b: chr(b) for b in printed}
    chars.update({b: chr(256 + i) for i, b in enumerate(rest)})
    return {b: tok.token_to_id(c) for b, c in chars.items()}


def compare(path, args):
    tok, j = load(path)
    name = os.path.basename(os.path.dirname(os.path.abspath(path))) if path.endswith("tokenizer.json") else os.path.basename(path)
    if name == "models":
        name = os.path.abspath(path).split("/")[-3]
    naughty = make.naughty_strings(args.naughty) if args.naughty else []
    specials = [a["content"] for a in j["added_tokens"]][:40] + [a["content"] for a in j["added_tokens"]][-20:]
    items = list(make.texts(args.seed, args.n, naughty, specials))
    raw = [t.encode("utf-8") for t in items]
    failed = 0
    for special in (True, False):
        tok.encode_special_tokens = not special
        want = [e.ids for e in tok.encode_batch(items, add_special_tokens=False)]
        got = ours(args.encode, path, special, raw)
        decoded = None
        # The library decodes an added token through the byte alphabet: only
        # tokens with other characters than the alphabet's (or ASCII) agree.
        if special and all(ord(min(a["content"])) < 128 or a["special"] for a in j["added_tokens"]):
            decoded = lambda i, want=want: tok.decode(want[i], skip_special_tokens=False)  # noqa: E731
        failed += report(name, "special" if special else "plain", items, got, want, args.verbose, decoded)
    tok.encode_special_tokens = False
    broken = list(make.broken(args.seed, args.n // 10, naughty, specials))
    ids = byte_ids(tok)
    want = [encode_broken(tok, ids, b) for b in broken]
    failed += report(name, "not UTF-8", broken, ours(args.encode, path, True, broken), want, args.verbose, None)
    if args.points:
        items = list(make.every_point())
        want = [e.ids for e in tok.encode_batch(items, add_special_tokens=False)]
        got = ours(args.encode, path, True, [t.encode("utf-8") for t in items])
        failed += report(name, "every code point", items, got, want, args.verbose, None)
    return failed


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--encode", required=True)
    p.add_argument("-n", type=int, default=20000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--naughty")
    p.add_argument("--points", action="store_true")
    p.add_argument("--verbose", type=int, default=3, help="differences shown per kind")
    p.add_argument("tokenizer", nargs="+")
    args = p.parse_args()
    failed = sum([compare(t, args) for t in args.tokenizer])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
