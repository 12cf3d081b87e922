#!/usr/bin/env python3
"""Write src/formats/unicode_tables.c: what the tokenizers must know of Unicode.

The classes are asked of the published `tokenizers` package itself, one code
point after the other, because the package is the judge of our pre-tokenizers
and each release carries its own version of Unicode.  Its NFC is of yet another,
older version: the tables come from Python's unicodedata, without what the
package does not know.

    python3 tools/unicode/make_tables.py > src/formats/unicode_tables.c
"""

import re
import sys
import unicodedata

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
BLOCK = 128

# The letters of deepseek-llm's second regex, as ranges of code points.  (Spelled
# out: some of them are lost when a text is normalised.)
LLM_LETTERS = """
41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376 377 37B-37D 37F 386 388-38A
38C 38E-3A1 3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF
1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D
1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4
1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D 212F-2134 2139 213C-213F
2145-2149 214E 2183 2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2 2CF3 A640-A66D A680-A69B A722-A76F
A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3
104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943
"""


def letters():
    return re.sub("[0-9A-F]+", lambda m: chr(int(m[0], 16)), LLM_LETTERS).replace(" ", "").replace("\n", "")


# The bits of src/formats/unicode_tables.h.
BITS = [
    (0x01, r"\p{L}"),
    (0x02, r"\p{M}"),
    (0x04, r"\p{N}"),
    (0x08, r"\p{P}"),
    (0x10, r"\p{S}"),
    (0x20, r"\s"),
    (0x80, "[" + letters() + "]"),
]
NUMERIC = 0x40  # what the pre-tokenizer Digits takes: Rust's char::is_numeric


def members(split):
    """Code points that a pre-tokenizer in mode 'removed' takes away."""
    found = set()
    for i in range(0, len(POINTS), 4096):
        block = POINTS[i : i + 4096]
        kept = set()
        for _, (a, b) in split.pre_tokenize_str("".join(map(chr, block))):
            kept.update(range(a, b))
        found.update(c for k, c in enumerate(block) if k not in kept)
    return found


def classes():
    table = bytearray(0x110000)
    for bit, pattern in BITS:
        for c in members(pre_tokenizers.Split(Regex(pattern), "removed")):
            table[c] |= bit
    digits = pre_tokenizers.Digits(individual_digits=True)
    for c in POINTS:
        if len(digits.pre_tokenize_str("a" + chr(c))) == 2:
            table[c] |= NUMERIC
    return table


def two_stages(table):
    """Table of blocks, equal blocks once."""
    stage1, blocks = [], {}
    for at in range(0, 0x110000, BLOCK):
        stage1.append(blocks.setdefault(bytes(table[at : at + BLOCK]), len(blocks)))
    assert len(blocks) < 65536
    return stage1, list(blocks)


def combining_classes():
    """As Python knows them, but zero where the package does not reorder: its NFC
    is of an older Unicode.  (An assigned class never changes.)"""
    nfc = normalizers.NFC().normalize_str
    out = bytearray(0x110000)
    for c in POINTS:
        k = unicodedata.combining(chr(c))
        before = "a\u0345" + chr(c)  # class 240
        if k >= 240:
            before = "a" + chr(c) + "\u0301"  # class 230
        if k and nfc(before) != before:
            out[c] = k
    return out


def compositions():
    """(first, second, composed): pairs that NFC puts together, without Hangul."""
    nfc = normalizers.NFC().normalize_str
    out, unknown = [], set()
    for c in POINTS:
        parts = unicodedata.decomposition(chr(c)).split()
        if len(parts) != 2 or parts[0].startswith("<"):
            continue
        a, b = (chr(int(p, 16)) for p in parts)
        if nfc(a + b) == chr(c):
            out.append((ord(a), ord(b), c))
        elif unicodedata.normalize("NFC", a + b) == chr(c):
            unknown.add(c)
    return sorted(out), unknown


def decompositions(unknown):
    """(code, canonical decomposition in full), without Hangul."""
    out = []
    for c in POINTS:
        d = unicodedata.normalize("NFD", chr(c))
        if d != chr(c) and not 0xAC00 <= c <= 0xD7A3 and c not in unknown:
            out.append((c, [ord(x) for x in d]))
    return out


def unsettled(pairs, ccc):
    """Code points that may change, or change what is before them: NFC_Quick_Check
    is not Yes, or the combining class is not zero."""
    nfc = normalizers.NFC().normalize_str
    second = {b for _, b, _ in pairs}
    jamo = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    return {
        c for c in POINTS if ccc[c] or c in second or c in jamo or nfc(chr(c)) != chr(c)
    }


def rows(values, form, per_line):
    for i in range(0, len(values), per_line):
        print("    " + ", ".join(form % v for v in values[i : i + per_line]) + ",")


def array(kind, name, values, form="%d", per_line=20):
    print("\nconst %s %s[%d] = {" % (kind, name, len(values)))
    rows(values, form, per_line)
    print("};")


def main():
    table = classes()
    ccc = combining_classes()
    pairs, unknown = compositions()
    full = decompositions(unknown)
    flags = unsettled(pairs, ccc)

    # NFC: the combining class; 255 marks class 0 that is unsettled all the same.
    assert max(ccc) < 255
    marks = bytearray(ccc)
    for c in flags:
        if not marks[c]:
            marks[c] = 255

    print("/* unicode_tables.c - generated by tools/unicode/make_tables.py; do not edit.")
    print(" *")
    print(" * Classes and NFC as the package tokenizers %s has them." % tokenizers.__version__)
    print(" */")
    print('#include "formats/unicode_tables.h"')
    for name, source in (("class", table), ("mark", marks)):
        stage1, blocks = two_stages(source)
        wide = "uint16_t" if len(blocks) > 256 else "uint8_t"
        assert wide == "uint8_t" or name == "class", (name, len(blocks))
        array("uint16_t" if name == "class" else "uint8_t", "ts_unicode_%s_block" % name, stage1)
        array("uint8_t", "ts_unicode_%s_bits" % name, [v for b in blocks for v in b])
    array("ts_unicode_pair", "ts_unicode_pairs", sorted(pairs), "{0x%x, 0x%x, 0x%x}", 4)
    print("\nconst uint32_t ts_unicode_n_pairs = %d;" % len(pairs))
    parts, heads = [], []
    for code, d in full:
        heads.append((code, len(parts), len(d)))
        parts += d
    array("ts_unicode_split", "ts_unicode_splits", heads, "{0x%x, %d, %d}", 5)
    print("\nconst uint32_t ts_unicode_n_splits = %d;" % len(heads))
    array("uint32_t", "ts_unicode_parts", parts, "0x%x", 12)


if __name__ == "__main__":
    main()
