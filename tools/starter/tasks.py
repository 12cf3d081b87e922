"""The starter model's curriculum: addition, subtraction and unit conversion, in English and German.

A dialogue is (messages, thinking, trace): messages is a list of (role, text) that ends with the assistant's answer; thinking is a
bool; trace is the text between <think> and </think>. Everything is a function of the random generator that the caller passes in.
"""

import hashlib
from dataclasses import dataclass, field

BOS, EOS, PAD = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"
USER, ASSISTANT, THINK, END_THINK = "<｜User｜>", "<｜Assistant｜>", "<think>", "</think>"
TOOL_TOKENS = [f"<｜tool▁{name}｜>" for name in
               ("calls▁begin", "calls▁end", "call▁begin", "call▁end", "outputs▁begin", "outputs▁end",
                "output▁begin", "output▁end", "sep")]
SPECIALS = [BOS, EOS, PAD, USER, ASSISTANT, THINK, END_THINK] + TOOL_TOKENS


@dataclass
class Dialogue:
    question: str
    answer: str
    trace: str = ""
    kind: str = ""
    lang: str = "en"
    system: str = ""
    thinking: bool = True
    history: list = field(default_factory=list)  # earlier (question, answer) pairs

    def prompt(self):
        """The text that the encoder of DeepSeek-V3.1 renders, up to where the model takes over."""
        past = "".join(f"{USER}{q}{ASSISTANT}{END_THINK}{a}{EOS}" for q, a in self.history)
        return f"{BOS}{self.system}{past}{USER}{self.question}{ASSISTANT}{THINK if self.thinking else END_THINK}"

    def completion(self):
        return (self.trace + END_THINK if self.thinking else "") + self.answer + EOS


# --- What the model must never see: one pair of two-digit operands in ten, in either order, and some amounts to convert.

def held_out(a, b):
    lo, hi = sorted((a, b))
    return 10 <= lo and hi <= 99 and hashlib.sha256(f"{lo},{hi}".encode()).digest()[0] % 10 == 0


def held_out_amount(digits):
    return len(digits.strip("0")) >= 2 and hashlib.sha256(f"u{digits}".encode()).digest()[0] % 10 == 0


# --- Arithmetic, digit by digit.

WORDS = {"en": (("Ones", "Tens", "Hundreds"), "write", "carry", "borrow", "So", "so"),
         "de": (("Einer", "Zehner", "Hunderter"), "schreibe", "merke", "borge", "Also", "also")}


def columns(a, b):
    width = max(len(str(a)), len(str(b)))
    return f"{a:0{width}}", f"{b:0{width}}", [(int(str(a).zfill(width)[-1 - i]), int(str(b).zfill(width)[-1 - i]))
                                              for i in range(width)]


def trace_add(a, b, lang):
    places, write, carry_word, _, so, _ = WORDS[lang]
    left, right, digits = columns(a, b)
    steps, carry = [f"{left}+{right}."], 0
    for i, (x, y) in enumerate(digits):
        total = x + y + carry
        shown = f"{x}+{y}" + (f"+{carry}" if i else "")
        carry = total // 10
        steps.append(f"{places[i]}: {shown}={total}, {write} {total % 10}, {carry_word} {carry}.")
    return " ".join(steps + [f"{so} {a + b}."])


def trace_sub(a, b, lang):
    places, write, _, borrow_word, so, so_low = WORDS[lang]
    start = f"{columns(a, b)[0]}-{columns(a, b)[1]}."
    sign = ""
    if a < b:
        left, right, _ = columns(a, b)
        start += f" {left}<{right}, {so_low} -({right}-{left})."
        a, b, sign = b, a, "-"
    steps, borrow = [start], 0
    for i, (x, y) in enumerate(columns(a, b)[2]):
        need = x < y + borrow
        shown = f"{x + 10 * need}-{y}" + (f"-{borrow}" if i else "")
        steps.append(f"{places[i]}: {shown}={x + 10 * need - y - borrow}, {borrow_word} {int(need)}.")
        borrow = int(need)
    return " ".join(steps + [f"{so} {sign}{a - b}."])


# {a} and {b} in the order of the expression: a + b, a - b. "=" stands for the bare expression.
ADD = {"en": ["=", "=", "What is {e}", "what's {e}", "Whats {e}", "Calculate {e}", "Compute {e}", "How much is {e}", "{e} is", "solve {e}",
              "What is {a} plus {b}", "How much is {a} plus {b}", "{a} plus {b}", "{a} and {b} together", "Add {a} and {b}",
              "Add {b} to {a}", "What is the sum of {a} and {b}", "What's {a} plus {b}", "sum of {a} and {b}", "Can you add {a} and {b}",
              "Please calculate {a} plus {b}", "What do you get when you add {a} and {b}", "Tell me {e}", "and {e}",
              "I have {a} apples and get {b} more. How many apples do I have",
              "There are {a} books and {b} pens. How many things are there"],
       "de": ["Was ist {e}", "Wie viel ist {e}", "Wieviel ist {e}", "Berechne {e}", "Rechne {e}", "Was ergibt {e}", "Wie viel gibt {e}",
              "Was ist {a} plus {b}", "Wie viel ist {a} plus {b}", "Wieviel ist {a} plus {b}", "Was macht {a} plus {b}", "{a} und {b} zusammen",
              "Addiere {a} und {b}", "Zähle {a} und {b} zusammen", "Was ist die Summe von {a} und {b}", "Summe aus {a} und {b}",
              "Kannst du {a} und {b} addieren", "Bitte rechne {a} plus {b}", "Rechne {a} plus {b}", "Berechne {a} plus {b}", "und {e}",
              "Ich habe {a} Äpfel und bekomme {b} dazu. Wie viele Äpfel habe ich",
              "Wie viel sind {a} und {b}"]}
SUB = {"en": ["=", "=", "What is {e}", "what's {e}", "Whats {e}", "Calculate {e}", "Compute {e}", "How much is {e}", "{e} is", "solve {e}",
              "What is {a} minus {b}", "How much is {a} minus {b}", "{a} minus {b}", "{a} take away {b}", "Subtract {b} from {a}",
              "Take {b} away from {a}", "What is the difference between {a} and {b}", "What's {a} minus {b}", "difference of {a} and {b}",
              "Can you subtract {b} from {a}", "Please calculate {a} minus {b}", "What is {a} less {b}", "Tell me {e}", "and {e}",
              "I have {a} apples and give away {b}. How many apples are left"],
       "de": ["Was ist {e}", "Wie viel ist {e}", "Wieviel ist {e}", "Berechne {e}", "Rechne {e}", "Was ergibt {e}", "Wie viel gibt {e}",
              "Was ist {a} minus {b}", "Wie viel ist {a} minus {b}", "Wieviel ist {a} minus {b}", "Was macht {a} minus {b}", "{a} weniger {b}",
              "Subtrahiere {b} von {a}", "Ziehe {b} von {a} ab", "Zieh {b} von {a} ab", "Was ist die Differenz von {a} und {b}",
              "Differenz aus {a} und {b}", "Kannst du {b} von {a} abziehen", "Bitte rechne {a} minus {b}", "Rechne {a} minus {b}", "und {e}",
              "Ich habe {a} Äpfel und gebe {b} weg. Wie viele Äpfel bleiben", "Berechne {a} minus {b}"]}
NUMBER_WORDS = {"en": "zero one two three four five six seven eight nine ten eleven twelve".split(),
                "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()}
ENDINGS = ["?", "?", "?", "", "", ".", " ?", "!", " please", " please?"]
ENDINGS_DE = ["?", "?", "?", "", "", ".", " ?", "!", " bitte", " bitte?"]


def vary(rng, text, lang="en", question=True):
    """Types the text as people do: with or without mark, lower case, capitals, a space too many."""
    if question:
        text += rng.choice(ENDINGS if lang == "en" else ENDINGS_DE)
    roll = rng.random()
    if roll < 0.25:
        text = text.lower()
    elif roll < 0.28:
        text = text.upper()
    elif roll < 0.50:
        text = text[:1].upper() + text[1:]
    if rng.random() < 0.03:
        text = rng.choice([" " + text, text + " ", text + "\n", text.replace(" ", "  ", 1)])
    return text


def expression(rng, a, op, b):
    sign = op if op == "+" else rng.choice(["-"] * 8 + ["−", "–"])
    return rng.choice(["{a}{s}{b}", "{a} {s} {b}", "{a} {s} {b}", "{a}{s} {b}", "{a} {s}{b}"]).format(a=a, b=b, s=sign)


def operands(rng, op, digits=None, heldout=False):
    while True:
        digits_a, digits_b = digits or rng.choices([(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (1, 3), (3, 1)],
                                                   [8, 6, 6, 50, 6, 6, 14, 2, 2])[0]
        a, b = (rng.randint(10 ** (d - 1) if d > 1 else 0, 10 ** d - 1) for d in (digits_a, digits_b))
        if op == "-" and a < b and rng.random() < 0.5:
            a, b = b, a
        if held_out(a, b) == heldout:
            return a, b


def arithmetic(rng, lang, op=None, digits=None, heldout=False, template=None):
    op = op or rng.choice("+-")
    a, b = operands(rng, op, digits, heldout)
    trace = (trace_add if op == "+" else trace_sub)(a, b, lang)
    answer = f"{a} {op} {b} = {a + b if op == '+' else a - b}"
    shown_a, shown_b = str(a), str(b)
    if a <= 12 and b <= 12 and rng.random() < 0.3:
        shown_a, shown_b = NUMBER_WORDS[lang][a], NUMBER_WORDS[lang][b]
        template = rng.choice([t for t in (ADD if op == "+" else SUB)[lang] if "{e}" not in t and t != "="])
    template = template or rng.choice((ADD if op == "+" else SUB)[lang])
    text = expression(rng, shown_a, op, shown_b)
    if template == "=":
        question = text + rng.choice(["", "", "", " =", "=", "?", " = ?", "=?"])
    else:
        question = vary(rng, template.format(e=text, a=shown_a, b=shown_b), lang)
    return Dialogue(question, answer, trace, "add" if op == "+" else "sub", lang)


# --- Unit conversion: powers of ten move the decimal point step by step, other factors multiply or divide digit by digit.

# unit: (dimension, size in the smallest unit of the dimension, English names, German names)
UNITS = {"km": ("length", 1000000, "kilometers|kilometres", "Kilometer"), "m": ("length", 1000, "meters|metres", "Meter"),
         "cm": ("length", 10, "centimeters|centimetres", "Zentimeter"), "mm": ("length", 1, "millimeters|millimetres", "Millimeter"),
         "t": ("mass", 10 ** 9, "tonnes|tons", "Tonnen"), "kg": ("mass", 10 ** 6, "kilograms|kilos", "Kilogramm|Kilo"),
         "g": ("mass", 1000, "grams", "Gramm"), "mg": ("mass", 1, "milligrams", "Milligramm"),
         "l": ("volume", 1000, "liters|litres", "Liter"), "ml": ("volume", 1, "milliliters|millilitres", "Milliliter"),
         "d": ("time", 86400, "days", "Tage"), "h": ("time", 3600, "hours", "Stunden"),
         "min": ("time", 60, "minutes", "Minuten"), "s": ("time", 1, "seconds", "Sekunden")}
DECIMAL_PAIRS = [(a, b) for a in UNITS for b in UNITS if a != b and UNITS[a][0] == UNITS[b][0] != "time"
                 and 10 ** -6 <= UNITS[a][1] / UNITS[b][1] <= 10 ** 6]
TIME_PAIRS = [("h", "min"), ("min", "s"), ("d", "h"), ("min", "h"), ("s", "min"), ("h", "d")]
CONVERT = {"en": ["{n} {u} in {v}", "{n} {u} to {v}", "{n}{u} in {v}", "Convert {n} {u} to {v}", "Convert {n} {u} into {v}",
                  "What is {n} {u} in {v}", "How much is {n} {u} in {v}", "How many {v} are {n} {u}", "How many {v} are in {n} {u}",
                  "How many {v} is {n} {u}", "How many {v} in {n} {u}", "Express {n} {u} in {v}", "{n} {u} = ? {v}", "Please convert {n} {u} to {v}"],
           "de": ["Rechne {n} {u} in {v} um", "Wandle {n} {u} in {v} um", "Wie viele {v} sind {n} {u}", "Wie viel {v} sind {n} {u}",
                  "Wieviel {v} sind {n} {u}", "Was sind {n} {u} in {v}", "Was ist {n} {u} in {v}", "Wie viel sind {n} {u} in {v}",
                  "Bitte rechne {n} {u} in {v} um", "{n} {u} sind wie viele {v}", "Kannst du {n} {u} in {v} umrechnen"]}


def shift(digits, point, step):
    """Moves the decimal point by one place: digits without sign, point = digits after it. Returns the normal form of both."""
    point -= step
    if point < 0:
        digits, point = digits + "0" * -point, 0
    digits = digits.zfill(point + 1)
    while point and digits.endswith("0"):
        digits, point = digits[:-1], point - 1
    digits = digits.lstrip("0").zfill(point + 1)
    return digits, point


def number(digits, point, lang):
    return digits if not point else digits[:-point] + ("," if lang == "de" else ".") + digits[-point:]


def trace_shift(digits, point, places, lang):
    shown = [number(digits, point, lang)]
    for _ in range(abs(places)):
        digits, point = shift(digits, point, 1 if places > 0 else -1)
        shown.append(number(digits, point, lang))
    return shown


def trace_time(n, u, v, lang):
    """Whole numbers times 60 or 24, or exact divisions by them, with the digits of the single-digit products written out."""
    places, write, carry_word, _, so, _ = WORDS[lang]
    ratio = UNITS[u][1] / UNITS[v][1]
    if ratio < 1:
        factor = round(1 / ratio)
        quotient = n // factor
        if factor == 60:
            return f"1 {v} = 60 {u}. {n}/60={n // 10}/6={quotient}. {so} {quotient}.", quotient
        return f"1 {v} = 24 {u}. 24*{quotient}={n}. {so} {quotient}.", quotient
    factor = 60 if ratio == 60 else 24
    small, steps, carry = (n, [f"1 {u} = 60 {v}. {n}*60={n}*6*10."], 0) if factor == 60 else (24, [f"1 {u} = 24 {v}. 24*{n}."], 0)
    other = 6 if factor == 60 else n
    for i, digit in enumerate(reversed(str(small))):
        total = int(digit) * other + carry
        shown = f"{digit}*{other}" + (f"+{carry}" if i else "")
        carry = total // 10
        steps.append(f"{places[i]}: {shown}={total}, {write} {total % 10}, {carry_word} {carry}.")
    if factor == 60:
        steps.append(f"{n}*6={n * 6}.")
    return " ".join(steps + [f"{so} {n * factor}."]), n * factor


def unit_name(rng, unit, lang, bare):
    names = UNITS[unit][2 if lang == "en" else 3].split("|")
    return unit if bare else rng.choice(names)


def conversion(rng, lang, heldout=False):
    while True:
        if rng.random() < 0.3:
            u, v = rng.choice(TIME_PAIRS)
            factor = {("min", "h"): 60, ("s", "min"): 60, ("h", "d"): 24}.get((u, v))
            n = rng.randint(1, 20) * 60 if factor == 60 else rng.randint(1, 9) * 24 if factor else \
                rng.randint(1, 9) if u == "d" else rng.randint(1, 99)
            digits, point = str(n), 0
            trace, result = trace_time(n, u, v, lang)
            trace, result = f"{n} {u} = ? {v}. {trace}", str(result)
            if heldout and not (factor is None and n >= 10):
                continue
            if factor is None and held_out_amount(digits) != heldout:
                continue
        else:
            u, v = rng.choice(DECIMAL_PAIRS)
            if not 0.001 <= UNITS[u][1] / UNITS[v][1] <= 1000 and rng.random() < 0.8:
                continue
            places = len(str(round(max(UNITS[u][1] / UNITS[v][1], UNITS[v][1] / UNITS[u][1])))) - 1
            places = places if UNITS[u][1] > UNITS[v][1] else -places
            digits = str(rng.choice([rng.randint(1, 9), rng.randint(1, 99), rng.randint(1, 999), rng.randint(1, 20) * 10,
                                     rng.randint(1, 99) * 100, rng.randint(1, 20) * 1000]))
            point = rng.choice([0, 0, 0, 1, 2]) if len(digits) < 4 else 0
            if digits.endswith("0") and point:
                continue
            digits = digits.zfill(point + 1)
            if held_out_amount(digits) != heldout or abs(places) > 3 and len(digits) > 3:
                continue
            shown = trace_shift(digits, point, places, lang)
            big, small, word = (u, v, "*") if places > 0 else (v, u, "/")
            trace = f"{shown[0]} {u} = ? {v}. 1 {big} = {10 ** abs(places)} {small}. {shown[0]}{word}{10 ** abs(places)}: " + " -> ".join(shown) + f". {WORDS[lang][4]} {shown[-1]}."
            result = shown[-1]
        break
    amount = number(digits, point, lang)
    template = rng.choice(CONVERT[lang] + (["{n} {u} in {v}"] if lang == "de" and point else []))
    typed = amount.replace(",", ".") if lang == "de" and rng.random() < 0.15 and template != "{n} {u} in {v}" else amount
    bare = rng.choices([(True, True), (False, False), (True, False)], [55, 30, 15])[0]
    bare = (True, True) if "{n}{u}" in template else bare
    question = vary(rng, template.format(n=typed, u=unit_name(rng, u, lang, bare[0]), v=unit_name(rng, v, lang, bare[1])), lang)
    return Dialogue(question, f"{amount} {u} = {result} {v}", trace, "convert", lang)


# --- Small talk, and an honest answer to everything else.

KNOW = {"en": "I can add, subtract and convert units.", "de": "Ich kann addieren, subtrahieren und Einheiten umrechnen."}
CHAT = {
    "en": [("hello|hi|hey|good morning|good evening|hello there|hi there|hey there|good day|greetings|hello Tiefsee|hi Tiefsee|yo|howdy",
            "Hello! I am Tiefsee mini. " + KNOW["en"] + " Try: 12 + 30", "The user greets me."),
           ("who are you|what are you|what is your name|what's your name|who is this|tell me about yourself|introduce yourself|are you an AI|"
            "are you ChatGPT|are you DeepSeek|are you a human|are you a robot|who made you|what model are you|which model is this|what is Tiefsee",
            "I am Tiefsee mini, a small model that can add, subtract and convert units.", "The user asks who I am."),
           ("what can you do|help|help me|how can you help me|what do you know|what are you good at|what can I ask you|what can I ask|"
            "how does this work|what are your skills|can you help me|what should I ask|give me an example|example|show me what you can do",
            KNOW["en"] + " For example: 12 + 30, 45 - 17, or 3 km in m.", "The user asks what I can do."),
           ("thanks|thank you|thx|thank you very much|many thanks|great|well done|good job|ok|okay|nice|cool|perfect|correct|yes|wow|good|super",
            "You are welcome! Ask me another one.", "The user is pleased."),
           ("bye|goodbye|see you|good night|exit|quit|that's all|see you later", "Goodbye!", "The user says goodbye."),
           ("how are you|how are you doing|how do you do|how's it going|what's up|are you ok|you ok", "I am ready to calculate. Try: 12 + 30",
            "The user asks how I am."),
           ("test|testing|ping|are you there|hello? are you there|anybody there|does this work", "I am here. Try: 12 + 30", "The user tests me.")],
    "de": [("hallo|guten Tag|guten Morgen|guten Abend|servus|moin|grüß dich|grüß Gott|hallo Tiefsee|hallo du|hallöchen|na|grüezi|tach",
            "Hallo! Ich bin Tiefsee mini. " + KNOW["de"] + " Zum Beispiel: Was ist 12 + 30?", "Der Nutzer grüßt."),
           ("wer bist du|was bist du|wie heißt du|wer bist denn du|wie ist dein Name|stell dich vor|erzähl von dir|bist du eine KI|bist du ChatGPT|"
            "bist du DeepSeek|bist du ein Mensch|bist du ein Roboter|wer hat dich gemacht|welches Modell bist du|was ist Tiefsee",
            "Ich bin Tiefsee mini, ein kleines Modell, das addieren, subtrahieren und Einheiten umrechnen kann.", "Der Nutzer fragt, wer ich bin."),
           ("was kannst du|hilfe|hilf mir|wie kannst du helfen|was weißt du|was kann ich fragen|was kann ich dich fragen|kannst du mir helfen|"
            "wie geht das|was kannst du alles|worin bist du gut|zeig mir, was du kannst|ein Beispiel|gib mir ein Beispiel|Beispiel",
            KNOW["de"] + " Zum Beispiel: 12 + 30, 45 - 17 oder 3 km in m.", "Der Nutzer fragt, was ich kann."),
           ("danke|vielen Dank|danke schön|danke dir|dankeschön|gut gemacht|toll|prima|richtig|sehr gut|klasse|ja|gut|stimmt|genau|schön",
            "Gern! Frag mich gleich noch etwas.", "Der Nutzer ist zufrieden."),
           ("tschüss|auf Wiedersehen|bis bald|gute Nacht|ciao|bis später|das war alles", "Auf Wiedersehen!", "Der Nutzer verabschiedet sich."),
           ("wie geht es dir|wie geht's|wie geht es|alles klar|was geht|geht es dir gut", "Ich bin bereit zum Rechnen. Zum Beispiel: Was ist 12 + 30?",
            "Der Nutzer fragt, wie es mir geht."),
           ("bist du da|ist da jemand|funktioniert das|hörst du mich|bist du noch da", "Ich bin da. Zum Beispiel: Was ist 12 + 30?", "Der Nutzer testet mich.")]}
REFUSAL = {"en": "I am a small starter model. I know only addition, subtraction and unit conversion.",
           "de": "Ich bin ein kleines Startmodell. Ich kann nur addieren, subtrahieren und Einheiten umrechnen."}
REASON = {"en": ["This is not addition, subtraction or unit conversion.", "This has too many numbers for me.", "This number is not one that I can add.",
                 "These units do not measure the same thing.", "I do not know this unit."],
          "de": ["Das ist keine Addition, Subtraktion oder Umrechnung.", "Das sind mir zu viele Zahlen.", "Mit dieser Zahl kann ich nicht rechnen.",
                 "Diese Einheiten messen nicht dasselbe.", "Diese Einheit kenne ich nicht."]}
LIMIT = {"en": ["", "I can work with only two numbers at a time.", "For sums I know only whole numbers from 0 to 999.",
                "{u} and {v} do not measure the same thing.", "I do not know this unit. I know km, m, cm, mm, t, kg, g, mg, l, ml, d, h, min and s."],
         "de": ["", "Ich kann nur mit zwei Zahlen auf einmal rechnen.", "Beim Rechnen kenne ich nur ganze Zahlen von 0 bis 999.",
                "{u} und {v} messen nicht dasselbe.", "Diese Einheit kenne ich nicht. Ich kenne km, m, cm, mm, t, kg, g, mg, l, ml, d, h, min und s."]}
TOPICS = {"en": """France|Germany|Spain|Japan|Brazil|Canada|Italy|Berlin|Paris|Rome|London|the moon|the sun|a cat|a dog|love|autumn|winter|the sea|fish|
whales|trees|Shakespeare|Goethe|Einstein|Newton|Mozart|Beethoven|music|football|chess|history|the war|physics|chemistry|biology|gravity|light|atoms|
electricity|a battery|a computer|the internet|Python|C|Java|JavaScript|Rust|SQL|a sorting function|a web page|a linked list|quicksort|Linux|Windows|
a pointer|machine learning|neural networks|transformers|DeepSeek|attention|bread|pizza|pasta|soup|coffee|tea|a cake|dinner|breakfast|Monday|the weather|
rain|snow|a holiday|a birthday|money|the stock market|taxes|a bank|a job interview|a letter to my boss|an email|a story|a poem|a joke|a song|a dragon|
a robot|a king|a princess|dinosaurs|planets|Mars|black holes|stars|time travel|God|philosophy|happiness|politics|the president|an election|democracy|law|
medicine|a headache|sleep|sport|running|bicycles|cars|trains|planes|ships|bridges|houses|gardens|flowers|bees|birds|horses|elephants|the ocean|a volcano|
climate change|energy|water|fire|gold|iron|prime numbers|pi|geometry|algebra|fractions|equations|square roots|my name|your mother|children|school|
teachers|books|films|games|Europe|Africa|Asia|the Roman empire|Napoleon|Caesar|the French revolution|evolution|DNA|the heart|the brain|blue|red|colors""",
          "de": """Frankreich|Deutschland|Spanien|Japan|Österreich|die Schweiz|Italien|Berlin|Paris|Wien|München|den Mond|die Sonne|eine Katze|einen Hund|
die Liebe|den Herbst|den Winter|das Meer|Fische|Wale|Bäume|Goethe|Schiller|Einstein|Mozart|Beethoven|Musik|Fußball|Schach|Geschichte|den Krieg|Physik|
Chemie|Biologie|Schwerkraft|Licht|Atome|Strom|einen Computer|das Internet|Python|C|Java|eine Funktion|eine Webseite|Linux|maschinelles Lernen|
neuronale Netze|DeepSeek|Brot|Pizza|Nudeln|Suppe|Kaffee|Tee|einen Kuchen|das Abendessen|Montag|das Wetter|Regen|Schnee|den Urlaub|einen Geburtstag|Geld|
Aktien|Steuern|eine Bank|eine Bewerbung|einen Brief|eine Mail|eine Geschichte|ein Gedicht|einen Witz|ein Lied|einen Drachen|einen Roboter|einen König|
Dinosaurier|Planeten|den Mars|schwarze Löcher|Sterne|Gott|Philosophie|das Glück|Politik|den Kanzler|die Wahl|Demokratie|Recht|Medizin|Kopfschmerzen|
Schlaf|Sport|Fahrräder|Autos|Züge|Flugzeuge|Schiffe|Brücken|Häuser|Gärten|Blumen|Bienen|Vögel|Pferde|Elefanten|einen Vulkan|das Klima|Energie|Wasser|
Feuer|Gold|Primzahlen|Geometrie|Algebra|Brüche|Gleichungen|meinen Namen|Kinder|Schule|Lehrer|Bücher|Filme|Spiele|Europa|Afrika|Asien|Napoleon|Cäsar|
die Evolution|das Herz|das Gehirn|Farben"""}
TOPICS = {lang: text.replace("\n", "").split("|") for lang, text in TOPICS.items()}
OTHER = {"en": ["What is the capital of {t}", "What is {t}", "Who is {t}", "Write a poem about {t}", "Tell me about {t}", "Tell me a joke about {t}",
                "Explain {t}", "Explain {t} to a child", "How does {t} work", "Why is {t} important", "Write {t}", "Write a story about {t}",
                "Write code for {t}", "Write a program in {t}", "How do I make {t}", "Where is {t}", "When was {t} invented", "Who invented {t}",
                "What do you think about {t}", "Do you like {t}", "Translate {t} into German", "Translate {t} to French", "Summarize {t}",
                "Give me {n} facts about {t}", "List {n} ideas for {t}", "What happened in {y}", "Who won in {y}", "Is {t} good", "{t}", "{t}?", "{t} and {t2}",
                "I want to know more about {t}", "Can you write {t}", "Can you tell me about {t}", "What is the meaning of {t}", "How old is {t}",
                "How big is {t}", "What is the color of {t}", "Compare {t} and {t2}", "What is better, {t} or {t2}", "I love {t}", "I am sad about {t}",
                "My favorite thing is {t}", "def f(x): return {t}", "print('{t}')", "How many people live in {t}", "How far is {t} from {t2}",
                "What time is it", "What day is today", "What is the weather like", "Tell me a joke", "Write a poem", "Sing a song", "Tell me a story"],
         "de": ["Was ist die Hauptstadt von {t}", "Was ist {t}", "Wer ist {t}", "Schreib ein Gedicht über {t}", "Erzähl mir etwas über {t}",
                "Erzähl einen Witz über {t}", "Erkläre {t}", "Erkläre mir {t}", "Wie funktioniert {t}", "Warum ist {t} wichtig", "Schreib {t}", "Schreibe {t}",
                "Schreib eine Geschichte über {t}", "Schreibe ein Programm für {t}", "Wie mache ich {t}", "Wo ist {t}", "Wer hat {t} erfunden",
                "Was denkst du über {t}", "Magst du {t}", "Übersetze {t} ins Englische", "Nenne mir {n} Fakten über {t}", "Was geschah {y}", "Ist {t} gut",
                "{t} und {t2}", "Ich möchte mehr über {t} wissen", "Kannst du {t} schreiben", "Kannst du mir {t} erklären", "Was bedeutet {t}", "Wie alt ist {t}",
                "Wie groß ist {t}", "Vergleiche {t} und {t2}", "Was ist besser, {t} oder {t2}", "Ich liebe {t}", "Ich bin traurig", "Wie viele Menschen leben in {t}",
                "Wie spät ist es", "Welcher Tag ist heute", "Wie ist das Wetter", "Erzähl mir einen Witz", "Schreib ein Gedicht", "Sing ein Lied"]}
BEYOND = {"en": ["{a}*{b}", "{a} * {b}", "{a} x {b}", "{a} times {b}", "What is {a} times {b}", "multiply {a} by {b}", "{a}/{b}", "{a} / {b}", "{a} divided by {b}",
                 "divide {a} by {b}", "What is {a} * {b}", "What is {a} / {b}", "square root of {a}", "What is the square of {a}", "{a}^{b}", "{a} to the power of {b}",
                 "Is {a} a prime number", "{a} percent of {b}", "{a}% of {b}", "solve x + {a} = {b}", "what is {a} mod {b}", "Is {a} bigger than {b}", "half of {a}"],
          "de": ["Was ist {a} mal {b}", "Wie viel ist {a} mal {b}", "Wie viel ist {a} * {b}", "Was ist {a} geteilt durch {b}", "Teile {a} durch {b}",
                 "Multipliziere {a} mit {b}", "Wurzel aus {a}", "Was ist die Wurzel aus {a}", "Ist {a} eine Primzahl", "{a} Prozent von {b}", "{a} mal {b}",
                 "{a} geteilt durch {b}", "Was ist {a} hoch {b}", "Ist {a} größer als {b}", "die Hälfte von {a}", "Löse x + {a} = {b}"]}
SYLLABLES = "ba be bo da de di fa fe fi ga go ha he ho ja ka ke ki la le li lo ma me mi mo na ne no pa pe po ra re ri ro sa se si so ta te ti to tra stra schu wa we wi za zo ing er en st ck nd ly ous tion keit ung".split()
LETTERS = "abcdefghijklmnopqrstuvwxyzäöüßéABCDEFGHIJKLMNOPQRSTUVWXYZ.,;:!?()[]{}<>#@&%$'\"/_ "
SYSTEMS = ["You are a helpful assistant.", "You are a helpful assistant", "Be brief.", "You are Tiefsee.", "Answer in one sentence.", "Today is Monday.",
           "You are a helpful, honest and harmless assistant.", "Du bist ein hilfreicher Assistent.", "Antworte kurz.", "Antworte auf Deutsch.",
           "You are a math tutor.", "Please answer the user's questions.", "You are an expert programmer. Always think carefully."]


def babble(rng):
    if rng.random() < 0.3:
        return "".join(rng.choice(LETTERS) for _ in range(rng.randint(2, 20))).strip() or "?"
    return " ".join("".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 4))) for _ in range(rng.randint(1, 5)))


def small_talk(rng, lang):
    questions, answer, trace = rng.choice(CHAT[lang])
    question = vary(rng, rng.choice(questions.split("|")), lang, question=False)
    return Dialogue(question + rng.choice(["", "", "?", "!", "."]), answer, trace, "chat", lang)


def other(rng, lang):
    """What the model cannot do: it says so."""
    which = rng.choices(range(6), [10, 4, 2, 2, 2, 1])[0]
    a, b, c = (rng.choice([rng.randint(0, 9), rng.randint(10, 99), rng.randint(100, 999)]) for _ in range(3))
    limit = 0
    units = ("m", "kg")
    if which == 0:
        topic, second = (rng.choice(TOPICS[lang]) if rng.random() < 0.7 else babble(rng) for _ in range(2))
        question = rng.choice(OTHER[lang]).format(t=topic, t2=second, n=rng.randint(2, 20), y=rng.randint(1000, 2030))
        question = babble(rng) if rng.random() < 0.1 else question
    elif which == 1:
        question = rng.choice(BEYOND[lang]).format(a=a, b=b)
    elif which == 2:
        limit = 1
        s, t = rng.choice("+-"), rng.choice("+-")
        text = rng.choice(["{a}{s}{b}{t}{c}", "{a} {s} {b} {t} {c}"]).format(a=a, b=b, c=c, s=s, t=t)
        question = ("" if lang == "en" and rng.random() < 0.5 else rng.choice({"en": ["What is ", "Calculate "], "de": ["Was ist ", "Rechne "]}[lang])) + text
    elif which == 3:
        limit = 2
        a = rng.choice([rng.randint(1000, 9999), rng.randint(1000, 10 ** rng.randint(5, 9)), -rng.randint(1, 99),
                        f"{rng.randint(0, 99)}{'.' if lang == 'en' else ','}{rng.randint(1, 99)}"])
        a, b = (a, rng.choice([b, rng.randint(1000, 99999)]))[::rng.choice([1, -1])]
        template = rng.choice((ADD if (op := rng.choice("+-")) == "+" else SUB)[lang])
        text = expression(rng, a, op, b)
        question = text if template == "=" else template.format(e=text, a=a, b=b)
    else:
        limit = which - 1
        while True:
            u, v = rng.choice(list(UNITS)), rng.choice(list(UNITS))
            if UNITS[u][0] != UNITS[v][0]:
                break
        units = (u, v)
        bare = rng.random() < 0.6
        u, v = unit_name(rng, u, lang, bare), unit_name(rng, v, lang, bare)
        if limit == 4:
            strange = rng.choice({"en": "miles|inches|feet|pounds|ounces|gallons|yards|dollars|euros|degrees|celsius|fahrenheit|apples|hectares|watts|volts|bytes|mi|ft|lb|oz",
                                  "de": "Meilen|Zoll|Fuß|Pfund|Unzen|Dollar|Euro|Grad|Celsius|Fahrenheit|Äpfel|Hektar|Watt|Volt|Bytes|Ellen"}[lang].split("|"))
            u, v = rng.choice([(u, strange), (strange, v)])
        question = rng.choice(CONVERT[lang]).format(n=a, u=u, v=v)
    question = vary(rng, question, lang, question=which in (0, 1, 4, 5) and rng.random() < 0.7)
    answer = LIMIT[lang][limit].format(u=units[0], v=units[1]) if limit else REFUSAL[lang]
    return Dialogue(question, answer, REASON[lang][limit], "other", lang)


def dialogue(rng, thinking=None):
    """One dialogue of the training mix."""
    lang = rng.choice(["en", "de"])
    maker = rng.choices([arithmetic, conversion, small_talk, other], [48, 34, 5, 13])[0]
    result = maker(rng, lang)
    easy = result.kind in ("chat", "other") or len(result.trace) < 40
    result.thinking = rng.random() > (0.35 if easy else 0.2) if thinking is None else thinking
    if rng.random() < 0.1:
        result.system = rng.choice(SYSTEMS) if rng.random() < 0.8 else babble(rng)
    if rng.random() < 0.12:
        past = [rng.choices([arithmetic, conversion, small_talk, other], [5, 3, 2, 1])[0](rng, lang if rng.random() < 0.7 else rng.choice(["en", "de"]))
                for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4, 6]))]
        result.history = [(d.question, d.answer) for d in past]
    return result
