"""Texts that tokenizers stumble over, by seed.

Everything is made here or comes from a file the caller names (the public "Big
List of Naughty Strings"); nothing depends on the Python version's Unicode data
except str.upper() and normalisation, which only add variety.
"""

import json
import random
import unicodedata

SENTENCES = """
The quick brown fox jumps over the lazy dog. It's 3:45pm, isn't it? WE'LL see, they'd say; I'VE been there.
Die Tiefsee beginnt dort, wo das Licht endet: 200 m unter der Oberfläche. Größe, Übermut, Straße, daß, ẞ.
El veloz murciélago hindú comía feliz cardillo y kiwi. ¿Qué tal? ¡Muy bien! La cigüeña tocaba el saxofón.
Voix ambiguë d’un cœur qui, au zéphyr, préfère les jattes de kiwis. L'été, « c'est fini » : 25 %.
Gazeta Pchnąć w tę łódź jeża lub ośm skrzyń fig. Žluťoučký kůň úpěl ďábelské ódy. Árvíztűrő tükörfúrógép.
Съешь же ещё этих мягких французских булок, да выпей чаю. Їжак, ґава, ў. Ђорђе, љубав, џеп.
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. Ὦ ξεῖν’, ἀγγέλλειν Λακεδαιμονίοις ὅτι τῇδε κείμεθα.
我能吞下玻璃而不伤身体。今天天气很好,我们去公园吧!2024年12月31日,价格是¥1,234.56元。“你好”,他说:『再见』。
私はガラスを食べられます。それは私を傷つけません。カタカナ・ひらがな、ー長音、゛濁点゜。ﾊﾝｶｸ。第3回、1〜5位。
나는 유리를 먹을 수 있어요. 그래도 아프지 않아요. 대한민국 2024년, ㅋㅋㅋ ㅠㅠ. 한글 자모: ᄀ ᅡ ᆨ 각.
أنا قادر على أكل الزجاج و هذا لا يؤلمني. السَّلَامُ عَلَيْكُمْ ١٢٣٤٥٦. پارسی، گچپژ، ۱۲۳۴.
אני יכול לאכול זכוכית וזה לא מזיק לי. שָׁלוֹם עֲלֵיכֶם, מה שלומך?
मैं काँच खा सकता हूँ, मुझे उस से कोई पीडा नहीं होती। १२३४५ क्ष त्र ज्ञ।
আমি কাঁচ খেতে পারি, তাতে আমার কোনো ক্ষতি হয় না। ১২৩৪ கண்ணாடி தின்பேன். ఎంత బాగుంది ೧೨೩
ฉันกินกระจกได้ แต่มันไม่ทำให้ฉันเจ็บ ๑๒๓๔๕ ກິນແກ້ວ ໑໒໓ ខ្ញុំអាចញុំកញ្ចក់បាន ១២៣ မြန်မာ ၁၂၃
Tôi có thể ăn thủy tinh mà không hại gì. Việt Nam, phở, đường, ước mơ. ẤẦẨẪẬ
Կրնամ ապակի ուտել և ինծի անհանգիստ չըներ։ მინას ვჭამ და არა მტკივა. ᲛᲘᲜᲐᲡ Ⴀⴀ
ᚠᛇᚻ ᛒᛦᚦ ᚠᚱᚩᚠᚢᚱ ᚠᛁᚱᚪ ᚷᛖᚻᚹᛦᛚᚳᚢᛗ 𐌼𐌰𐌲 𐌲𐌻𐌴𐍃 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 ⅣⅫ ⅷ ½¾ ²³ ①② ㊿ ㈱
∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β = ¬(¬α ∨ β), ℕ ⊆ ℕ₀ ⊂ ℤ, 2H₂ + O₂ ⇌ 2H₂O, R = 4.7 kΩ, ⌀ 200 mm ∮ E⋅da = Q
""".strip().split("\n")

CODE = '''
#include <stdio.h>\n\nint main(int argc, char **argv)\n{\n\tfor (int i = 0; i < argc; i++)\n\t\tprintf("%s\\n", argv[i]);\n\treturn 0;\n}\n
def f(x: int = 0) -> list[int]:\n    """Doc."""\n    return [i**2 for i in range(x) if i % 2 == 0]  # comment\n\n\nclass A(B):\n    pass\n
const x = async (a, b) => { await fetch(`https://example.com/${a}?q=${b}&r=1#top`); };\n// done\r\nlet y = x?.z ?? 'none';\r\n
SELECT u.id, COUNT(*) AS n FROM users u LEFT JOIN posts p ON p.uid=u.id WHERE u.name LIKE '%a_b%' GROUP BY 1 HAVING n>10;
<!DOCTYPE html>\n<div class="a b" id='c'><p>Hi &amp; bye</p><br/></div><!-- x -->\n<style>.a{color:#ff00aa;margin:0 -1px}</style>
{"key": [1, 2.5e-3, null, true], "nested": {"a\\u00e9": "b\\\\n"}}
fn main() -> Result<(), Box<dyn Error>> { let v: Vec<_> = (0..10).map(|x| x << 2).collect(); println!("{v:?}"); Ok(()) }
$ grep -rn 'TODO' ./src | awk -F: '{print $1":"$2}' | sort -u > /tmp/out_$$.txt 2>&1 && echo "ok" || exit 1
\\begin{align} \\frac{\\partial L}{\\partial w_{ij}} &= \\sum_{k=1}^{n} \\delta_k x_{ki} \\\\ \\end{align}
a_b.c-d+e/f\\g|h^i&j*k(l)m[n]o{p}q<r>s=t?u!v@w#x$y%z~`;:'",.
| a | b |\n|---|:-:|\n| 1 | 2 |\n\n- [ ] x\n- [x] y\n\n> quote\n\n```py\nx=1\n```\n
'''.strip("\n").split("\n")

EMOJI = """👨‍👩‍👧‍👦 👩🏽‍🚀 🏳️‍🌈 🏴‍☠️ 🇩🇪 🇯🇵🇺🇸 👍🏿 ✌️ ❤️‍🔥 1️⃣ #️⃣ 🧑🏻‍🤝‍🧑🏿 😀 🫠 🪿 🫨 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ☺ ☺️ ⌚ © ® ™ 〰️ 🀄 🤦🏼‍♂️ ⚕ ♾️""".split(" ")

MARKS = "\u0300\u0301\u0302\u0303\u0308\u030a\u0323\u0327\u0328\u0331\u0338\u0345\u0360\u05b0\u064b\u0651\u093c\u094d\u0e38\u20dd\u3099\u309a\ufe0f\u1ab0\U0001d165"
SPACES = " \t\n\r\v\f\u0085\u00a0\u1680\u180e\u2000\u2003\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
ODD = (
    "\x00\x01\x07\x1b\x7f\x80\x9f\u00ad\u034f\u061c\u200c\u200d\u200e\u202e\u2060\u2066\ufff9\ufffc\ufffd\ufffe\uffff"
    "\ue000\U000f0000\U0010ffff\U000e0001\U000e0020\u0378\u0530\U0001f6dc\U0002ebf0\U00011f50\U0001e4f0\U00016d70"
    "'’ʼ‘“”\"ſʼsıİKÅΩÅéẛ̣ﬁﬀﬆßẞ١२௧〇一龥龦가힣ࠀ゛゜・ー゠ｦﾞ！／：～。、　"
)
ASCII_PUNCT = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def any_point(r):
    while True:
        plane = r.random()
        c = (
            r.randrange(0x250)
            if plane < 0.2
            else r.randrange(0x3000)
            if plane < 0.5
            else r.randrange(0x10000)
            if plane < 0.75
            else r.randrange(0x10000, 0x20000)
            if plane < 0.9
            else r.randrange(0x110000)
        )
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def atom(r, naughty, specials):
    """A small thing of one kind."""
    k = r.randrange(22)
    if k < 5:
        words = r.choice(SENTENCES).split(" ")
        i = r.randrange(len(words))
        return " ".join(words[i : i + r.randrange(1, 6)])
    if k < 7:
        line = r.choice(CODE)
        i = r.randrange(len(line) + 1)
        return line[i : i + r.randrange(1, 60)]
    if k == 7:
        return "".join(r.choice("0123456789") for _ in range(r.randrange(1, 14)))
    if k == 8:
        return r.choice(SPACES) * r.randrange(1, 12)
    if k == 9:
        return "".join(r.choice(SPACES[:8] if r.random() < 0.6 else SPACES) for _ in range(r.randrange(1, 9)))
    if k == 10:
        return "".join(r.choice(EMOJI) for _ in range(r.randrange(1, 4)))
    if k == 11:
        return r.choice("aeiouAsSqΩ가ᄀक゛") + "".join(r.choice(MARKS) for _ in range(r.randrange(1, 7)))
    if k == 12:
        return "".join(any_point(r) for _ in range(r.randrange(1, 12)))
    if k == 13:
        c = any_point(r)
        return c * r.randrange(1, 80)
    if k == 14:
        return "".join(r.choice(ODD) for _ in range(r.randrange(1, 8)))
    if k == 15:
        return "".join(r.choice(ASCII_PUNCT) for _ in range(r.randrange(1, 7)))
    if k == 16:
        return "'" + r.choice("stmdSTMDrvlRVLſke") + r.choice(["", "e", "E", "l", "L", "s", " ", "é"])
    if k == 17 and naughty:
        return r.choice(naughty)
    if k == 18:
        return unicodedata.normalize(r.choice(["NFD", "NFKD", "NFC"]), r.choice(SENTENCES))[r.randrange(40) :][:40]
    if k == 19 and specials:
        s = r.choice(specials)
        return s if r.random() < 0.7 else s[: r.randrange(len(s))]
    if k == 20:
        base = r.choice([0x0, 0x100, 0x370, 0x400, 0x5D0, 0x620, 0x900, 0xE00, 0x1100, 0x1E00, 0x2000, 0x3040, 0x4E00, 0xAC00, 0xFF00])
        return "".join(chr(base + r.randrange(0x60)) for _ in range(r.randrange(1, 30)))
    return "".join(r.choice("abcdefghijklmnopqrstuvwxyzABCXYZ_ -") for _ in range(r.randrange(1, 120)))


def texts(seed, n, naughty=(), specials=()):
    """n texts, most of them short, a few long."""
    r = random.Random(seed)
    for i in range(n):
        if i < len(naughty):
            yield naughty[i]
            continue
        j = i - len(naughty)
        if j < len(SENTENCES):
            yield SENTENCES[j]
            continue
        size = r.choice([1, 1, 2, 2, 3, 3, 4, 6, 9, 20 if r.random() < 0.9 else 200])
        join = r.choice(["", "", " ", "\n", "  "])
        yield join.join(atom(r, naughty, specials) for _ in range(size))


def every_point():
    """Every code point behind and in front of other kinds of characters."""
    points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    for form in ("%s", " %s", "a%sb ", "1%s2!", "!%s\n", "%s%s \u3000", "'%s", "一%sア", "e%s\u0323\u0301"):
        n = form.count("%s")
        for i in range(0, len(points), 128):
            yield "\n".join(form % ((chr(c),) * n) for c in points[i : i + 128])


def broken(seed, n, naughty=(), specials=()):
    """Bytes that are not UTF-8."""
    r = random.Random(seed)
    for text in texts(seed + 1, n, naughty, specials):
        b = bytearray(text.encode("utf-8"))
        for _ in range(r.randrange(1, 6)):
            at = r.randrange(len(b) + 1)
            how = r.randrange(4)
            if how == 0 and b:
                del b[at - 1 if at else 0]
            elif how == 1:
                b[at:at] = bytes([r.randrange(128, 256)])
            elif how == 2:
                b[at:at] = r.choice([b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xf0\x9f", b"\xe2\x82", b"\xff\xfe", b"\xc1\xbf", b"\xe0\x80\x80"])
            else:
                b = b[:at] if r.random() < 0.3 else b
        yield bytes(b)


def naughty_strings(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)
