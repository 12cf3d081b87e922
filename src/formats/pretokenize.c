/* pretokenize.c - see pretokenize.h.
 *
 * A stage is one regex of a published sequence, given above its function.  Its
 * find() looks for the next match in [begin, end); nothing outside these bounds
 * is seen, because to the published library each piece is a text of its own
 * (so `$` and `(?!\S)` hold at the end of a piece).
 */
#include "formats/pretokenize.h"

#include <assert.h>

#include "formats/unicode_tables.h"

typedef struct span {
    size_t begin, end;
} span;

/* The next match that begins at or behind begin; an empty span: none. */
typedef span find_match(const char *s, size_t begin, size_t end);

/* Code point at *i of valid UTF-8; *i moves behind it. */
static inline uint32_t take_code(const char *s, size_t *i)
{
    const unsigned char *p = (const unsigned char *)s + *i;

    if (p[0] < 0x80) {
        *i += 1;
        return p[0];
    }
    if (p[0] < 0xe0) {
        *i += 2;
        return ((p[0] & 0x1fu) << 6) | (p[1] & 0x3fu);
    }
    if (p[0] < 0xf0) {
        *i += 3;
        return ((p[0] & 0x0fu) << 12) | ((p[1] & 0x3fu) << 6) | (p[2] & 0x3fu);
    }
    *i += 4;
    return ((p[0] & 0x07u) << 18) | ((p[1] & 0x3fu) << 12) | ((p[2] & 0x3fu) << 6) | (p[3] & 0x3fu);
}

static inline unsigned class_at(const char *s, size_t i)
{
    return ts_unicode_class(take_code(s, &i));
}

/* Behind the characters from i on that have one of the bits. */
static size_t skip_any(const char *s, size_t i, size_t end, unsigned bits)
{
    while (i < end) {
        size_t next = i;
        if (!(ts_unicode_class(take_code(s, &next)) & bits))
            break;
        i = next;
    }
    return i;
}

/* Behind the characters from i on that have none of the bits. */
static size_t skip_none(const char *s, size_t i, size_t end, unsigned bits)
{
    while (i < end) {
        size_t next = i;
        if (ts_unicode_class(take_code(s, &next)) & bits)
            break;
        i = next;
    }
    return i;
}

static bool is_newline(char c)
{
    return c == '\r' || c == '\n';
}

static size_t skip_newlines(const char *s, size_t i, size_t end)
{
    while (i < end && is_newline(s[i]))
        i++;
    return i;
}

static bool is_ascii_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_ascii_punct(char c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ at white space: up to the last line break of the run;
 * without one, the whole run if the text ends there, else all but the last. */
static size_t match_space(const char *s, size_t i, size_t end)
{
    const size_t begin = i;
    size_t last = i, behind_newline = 0;

    while (i < end) {
        size_t next = i;
        if (!(ts_unicode_class(take_code(s, &next)) & UNI_SPACE))
            break;
        if (is_newline(s[i]))
            behind_newline = next;
        last = i;
        i = next;
    }
    if (behind_newline)
        return behind_newline;
    return i == end || last == begin ? i : last;
}

/* [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+
 * |[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+
 * | ?[\p{P}\p{S}]+[\r\n]*
 * |\s*[\r\n]+|\s+(?!\S)|\s+                      0: nothing matches here */
static size_t match_v3(const char *s, size_t i, size_t end)
{
    size_t second = i;
    const unsigned class = ts_unicode_class(take_code(s, &second));
    const unsigned next = second < end ? class_at(s, second) : 0;

    if (is_ascii_punct(s[i]) && second < end && is_ascii_letter(s[second])) {
        i = second;
        while (i < end && is_ascii_letter(s[i]))
            i++;
        return i;
    }
    if (class & (UNI_LETTER | UNI_MARK))
        return skip_any(s, second, end, UNI_LETTER | UNI_MARK);
    if (next & (UNI_LETTER | UNI_MARK) && !is_newline(s[i]) && !(class & (UNI_PUNCT | UNI_SYMBOL)))
        return skip_any(s, second, end, UNI_LETTER | UNI_MARK);
    if (class & (UNI_PUNCT | UNI_SYMBOL) || (s[i] == ' ' && next & (UNI_PUNCT | UNI_SYMBOL)))
        return skip_newlines(s, skip_any(s, second, end, UNI_PUNCT | UNI_SYMBOL), end);
    return class & UNI_SPACE ? match_space(s, i, end) : 0;
}

static span find_v3(const char *s, size_t begin, size_t end)
{
    while (begin < end) {
        const size_t behind = match_v3(s, begin, end);
        if (behind)
            return (span){begin, behind};
        take_code(s, &begin);
    }
    return (span){end, end};
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d) behind the apostrophe.  U+017F folds to s. */
static size_t match_contraction(const char *s, size_t i, size_t end)
{
    const char a = i < end ? (char)(s[i] | 0x20) : 0;
    const char b = end - i >= 2 ? (char)(s[i + 1] | 0x20) : 0;

    if (i >= end)
        return 0;
    if (end - i >= 2 && s[i] == '\xc5' && s[i + 1] == '\xbf')
        return i + 2;
    if (!is_ascii_letter(s[i]))
        return 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return i + 1;
    if (end - i >= 2 && is_ascii_letter(s[i + 1]) &&
        ((b == 'e' && (a == 'r' || a == 'v')) || (b == 'l' && a == 'l')))
        return i + 2;
    return 0;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)
 * |[^\r\n\p{L}\p{N}]?\p{L}+
 * |\p{N}{1,max_digits}
 * | ?[^\s\p{L}\p{N}]+[\r\n]*
 * |\s*[\r\n]+|\s+(?!\S)|\s+                      matches everywhere */
static size_t match_gpt4(const char *s, size_t i, size_t end, int max_digits)
{
    const unsigned not_other = UNI_SPACE | UNI_LETTER | UNI_NUMBER;
    size_t second = i;
    const unsigned class = ts_unicode_class(take_code(s, &second));
    const unsigned next = second < end ? class_at(s, second) : 0;

    if (s[i] == '\'') {
        const size_t behind = match_contraction(s, second, end);
        if (behind)
            return behind;
    }
    if (class & UNI_LETTER || (next & UNI_LETTER && !is_newline(s[i]) && !(class & UNI_NUMBER)))
        return skip_any(s, second, end, UNI_LETTER);
    if (class & UNI_NUMBER) {
        i = second;
        for (int n = 1; n < max_digits && i < end && class_at(s, i) & UNI_NUMBER; n++)
            take_code(s, &i);
        return i;
    }
    if (!(class & UNI_SPACE) || (s[i] == ' ' && second < end && !(next & not_other)))
        return skip_newlines(s, skip_none(s, second, end, not_other), end);
    return match_space(s, i, end);
}

static span find_qwen2(const char *s, size_t begin, size_t end)
{
    return begin < end ? (span){begin, match_gpt4(s, begin, end, 1)} : (span){end, end};
}

static span find_llama3(const char *s, size_t begin, size_t end)
{
    return begin < end ? (span){begin, match_gpt4(s, begin, end, 3)} : (span){end, end};
}

/* \p{N}{1,3} */
static span find_three_digits(const char *s, size_t begin, size_t end)
{
    const size_t first = skip_none(s, begin, end, UNI_NUMBER);
    size_t i = first;

    for (int n = 0; n < 3 && i < end && class_at(s, i) & UNI_NUMBER; n++)
        take_code(s, &i);
    return (span){first, i};
}

/* Digits, each alone. */
static span find_digit(const char *s, size_t begin, size_t end)
{
    const size_t first = skip_none(s, begin, end, UNI_NUMERIC);
    size_t behind = first;

    if (first < end)
        take_code(s, &behind);
    return (span){first, behind};
}

/* [\r\n] */
static span find_newline(const char *s, size_t begin, size_t end)
{
    while (begin < end && !is_newline(s[begin]))
        begin++;
    return (span){begin, begin < end ? begin + 1 : begin};
}

/* [\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff] */
static bool is_cjk_v3(uint32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fa5) || (c >= 0x3040 && c <= 0x30ff);
}

/* [\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff] */
static bool is_cjk_llm(uint32_t c)
{
    return (c >= 0x0800 && c <= 0x9fa5) || (c >= 0xac00 && c <= 0xd7ff);
}

/* [A-Za-z...] */
static bool is_llm_letter(uint32_t c)
{
    return ts_unicode_class(c) & UNI_LLM_LETTER;
}

/* [!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002] */
static bool is_llm_punct(uint32_t c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '~') || (c >= 0xff01 && c <= 0xff0f) ||
           (c >= 0xff1a && c <= 0xff5e) || (c >= 0x2018 && c <= 0x201f) ||
           (c >= 0x3000 && c <= 0x3002);
}

static bool is_letter(uint32_t c)
{
    return ts_unicode_class(c) & UNI_LETTER;
}

static bool is_punct(uint32_t c)
{
    return ts_unicode_class(c) & UNI_PUNCT;
}

/* [...]+, and with_space: \s?[...]+ */
static inline span find_run(const char *s, size_t begin, size_t end, bool is_in(uint32_t),
                            bool with_space)
{
    size_t space = end; /* white space directly before i */

    for (size_t i = begin; i < end;) {
        size_t next = i;
        const uint32_t code = take_code(s, &next);

        if (is_in(code)) {
            span found = {space < i ? space : i, next};
            for (i = next; i < end && is_in(take_code(s, &next)); i = next)
                found.end = next;
            return found;
        }
        space = with_space && ts_unicode_class(code) & UNI_SPACE ? i : end;
        i = next;
    }
    return (span){end, end};
}

static span find_cjk_v3(const char *s, size_t begin, size_t end)
{
    return find_run(s, begin, end, is_cjk_v3, false);
}

static span find_cjk_llm(const char *s, size_t begin, size_t end)
{
    return find_run(s, begin, end, is_cjk_llm, false);
}

static span find_llm_letters(const char *s, size_t begin, size_t end)
{
    return find_run(s, begin, end, is_llm_letter, true);
}

static span find_llm_punct(const char *s, size_t begin, size_t end)
{
    return find_run(s, begin, end, is_llm_punct, true);
}

static span find_letters(const char *s, size_t begin, size_t end)
{
    return find_run(s, begin, end, is_letter, true);
}

static span find_punct(const char *s, size_t begin, size_t end)
{
    return find_run(s, begin, end, is_punct, true);
}

/* \s+$ */
static span find_last_space(const char *s, size_t begin, size_t end)
{
    size_t i = end;

    while (i > begin) {
        size_t before = i - 1;
        while (((unsigned char)s[before] & 0xc0) == 0x80)
            before--;
        if (!(class_at(s, before) & UNI_SPACE))
            break;
        i = before;
    }
    return (span){i, end};
}

static find_match *const stages_v3[] = {find_three_digits, find_cjk_v3, find_v3, NULL};
static find_match *const stages_llm[] = {
    find_newline, find_llm_letters, find_llm_punct, find_last_space, find_cjk_llm, find_digit,
    NULL};
static find_match *const stages_coder[] = {find_newline, find_letters, find_punct,
                                           find_cjk_llm, find_digit,   NULL};
static find_match *const stages_qwen2[] = {find_qwen2, NULL};
static find_match *const stages_llama3[] = {find_llama3, NULL};

typedef struct cutter {
    const char *text;
    ts_on_cut *on_cut;
    void *user;
} cutter;

/* Recursion is as deep as there are stages, at most six. */
static bool cut(const cutter *c, find_match *const *stage, size_t begin, size_t end)
{
    if (!*stage)
        return c->on_cut(c->user, c->text + begin, end - begin);
    while (begin < end) {
        const span found = (*stage)(c->text, begin, end);

        assert(found.begin >= begin && found.end <= end);
        assert(found.begin < found.end || found.begin == end);
        if (found.begin > begin && !cut(c, stage + 1, begin, found.begin))
            return false;
        if (found.end > found.begin && !cut(c, stage + 1, found.begin, found.end))
            return false;
        begin = found.end;
    }
    return true;
}

bool ts_pretokenize(ts_pretokenizer pre, const char *text, size_t n, ts_on_cut *on_cut, void *user)
{
    static find_match *const *const stages[] = {
        [TS_PRE_DEEPSEEK_LLM] = stages_llm,     [TS_PRE_DEEPSEEK_V3] = stages_v3,
        [TS_PRE_DEEPSEEK_CODER] = stages_coder, [TS_PRE_QWEN2] = stages_qwen2,
        [TS_PRE_LLAMA3] = stages_llama3,
    };
    const cutter c = {text, on_cut, user};

    assert((size_t)pre < TS_COUNT(stages) && stages[pre]);
    return cut(&c, stages[pre], 0, n);
}
