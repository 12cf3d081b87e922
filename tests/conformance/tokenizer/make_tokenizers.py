#!/usr/bin/env python3
"""Make the small tokenizers of this folder, and what the published library says
about the texts of texts.py.

    make_tokenizers.py      trains <family>.json, writes texts.bin and <family>.ids

Trained by `tokenizers` on generated text with a fixed seed.  Each family gets a
peculiarity of real files that training alone does not give:

    deepseek-llm    bytes that no UTF-8 contains are added tokens only, whose
                    texts ("ü" for 0xfc) are found in any text
    deepseek-coder  merges out of order: a pair may outrank the making of its parts
    deepseek-v3     markers, some of them not special
    qwen2           NFC
    llama3          ignore_merges, with tokens that no merge makes

texts.bin, little endian: u32 n_texts, then per text u32 n and the bytes; an .ids
file has per text u32 n_ids and u16 ids.  Control tokens are recognised in the
texts with an even index.
"""

import json
import os
import random
import struct
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools", "unicode"))
sys.path.insert(0, os.path.join(ROOT, "tools", "test"))
import texts as make  # noqa: E402
from compare_tokenizer import byte_ids, encode_broken, load  # noqa: E402
from make_tables import letters  # noqa: E402

SEED = 20241226
N_TEXTS = 3000
MAX_TEXT = 400  # bytes

CJK_LLM = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
FAMILIES = {
    "deepseek-llm": [
        "[\r\n]",
        r"\s?[" + letters() + "]+",
        "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+",
        r"\s+$",
        CJK_LLM,
        None,
    ],
    "deepseek-coder": ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK_LLM, None],
    "deepseek-v3": [
        r"\p{N}{1,3}",
        "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
        "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
    ],
    "qwen2": [GPT4 % ""],
    "llama3": [GPT4 % "{1,3}"],
}
NEVER_UTF8 = "\u00c0\u00c1" + "".join(chr(c) for c in range(0xF5, 0x100))


def new_tokenizer(family):
    t = Tokenizer(models.BPE(ignore_merges=family == "llama3"))
    stages = [
        pre_tokenizers.Split(Regex(p), "isolated") if p else pre_tokenizers.Digits(individual_digits=True)
        for p in FAMILIES[family]
    ]
    t.pre_tokenizer = pre_tokenizers.Sequence(stages + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    if family == "qwen2":
        t.normalizer = normalizers.NFC()
    return t


def added_tokens(family):
    bar = "\uff5c"
    special = [AddedToken("<%sbegin\u2581of\u2581sentence%s>" % (bar, bar), special=True, normalized=False),
               AddedToken("<%send\u2581of\u2581sentence%s>" % (bar, bar), special=True, normalized=False),
               AddedToken("<|EOT|>", special=True, normalized=False)]
    user = [AddedToken(s, special=False, normalized=False) for s in ("<think>", "</think>", "<tool", "<tool_call>")]
    if family == "deepseek-llm":
        user = [AddedToken(c, special=False, normalized=True) for c in NEVER_UTF8]
    if family == "deepseek-v3":
        user += [AddedToken("<%s%s%s>" % (bar, name, bar), special=False, normalized=True) for name in ("User", "Assistant")]
    return special, user


def train(family, n_vocab):
    t = new_tokenizer(family)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    if family == "deepseek-llm":
        alphabet = [c for c in alphabet if c not in NEVER_UTF8]
    trainer = trainers.BpeTrainer(vocab_size=n_vocab, initial_alphabet=alphabet, show_progress=False, special_tokens=[])
    corpus = list(make.texts(SEED, 6000)) + make.SENTENCES * 4 + make.CODE * 4
    t.train_from_iterator(corpus, trainer)
    special, user = added_tokens(family)
    t.add_special_tokens(special)
    t.add_tokens(user)
    j = json.loads(t.to_str())
    r = random.Random(SEED)
    merges = j["model"]["merges"]
    if family == "llama3":
        j["model"]["merges"] = [m for m in merges if r.random() > 0.05]
    if family == "deepseek-coder":
        for _ in range(len(merges) // 10):
            a, b = r.randrange(len(merges)), r.randrange(len(merges))
            merges[a], merges[b] = merges[b], merges[a]
    path = os.path.join(HERE, family + ".json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(j, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")
    return path


def golden_texts(specials):
    items = [t.encode("utf-8") for t in make.texts(SEED + 1, 3 * N_TEXTS, (), specials)]
    broken = list(make.broken(SEED + 2, N_TEXTS // 5, (), specials))
    r = random.Random(SEED)
    items = [b for b in items if len(b) <= MAX_TEXT][: N_TEXTS - N_TEXTS // 10]
    items += [b for b in broken if len(b) <= MAX_TEXT][: N_TEXTS // 10]
    r.shuffle(items)
    return items


def write(name, parts):
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(b"".join(parts))


def main():
    paths = {f: train(f, 2500 if f != "deepseek-v3" else 4000) for f in FAMILIES}
    special, user = added_tokens("deepseek-v3")
    items = golden_texts([t.content for t in special + user] + ["<tool_call>"])
    write("texts.bin", [struct.pack("<I", len(items))] + [struct.pack("<I", len(b)) + b for b in items])
    for family, path in paths.items():
        tok, _ = load(path)
        ids = byte_ids(tok)
        out = []
        for i, b in enumerate(items):
            tok.encode_special_tokens = i % 2 == 1
            got = encode_broken(tok, ids, b)
            out.append(struct.pack("<I%dH" % len(got), len(got), *got))
        write(family + ".ids", out)
        print("%s: %d tokens" % (os.path.basename(path), tok.get_vocab_size()))


if __name__ == "__main__":
    main()
