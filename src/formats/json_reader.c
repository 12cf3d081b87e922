/* json_reader.c - see json_reader.h. */
#include "formats/json_reader.h"

#include <string.h>

#include "core/utf8.h"

ts_json_reader ts_json_reader_of(ts_str text)
{
    const char *begin = text.len ? text.ptr : "";

    return (ts_json_reader){.start = begin, .p = begin, .end = begin + text.len};
}

tiefsee_status ts_json_reader_status(const ts_json_reader *r, const char *what, tiefsee_error *err)
{
    if (!r->problem)
        return TIEFSEE_OK;
    return ts_fail_at(err, TIEFSEE_E_FORMAT, (uint64_t)(r->p - r->start), "%s: JSON, byte %zu: %s",
                      what, (size_t)(r->p - r->start), r->problem);
}

static bool fail(ts_json_reader *r, const char *problem)
{
    if (!r->problem)
        r->problem = problem;
    return false;
}

static void skip_blanks(ts_json_reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
        r->p++;
}

char ts_json_peek(ts_json_reader *r)
{
    if (r->problem)
        return '\0';
    skip_blanks(r);
    return r->p < r->end ? *r->p : '\0';
}

static bool take(ts_json_reader *r, char c, const char *problem)
{
    if (ts_json_peek(r) != c || r->problem)
        return fail(r, problem);
    r->p++;
    return true;
}

void ts_json_end(ts_json_reader *r)
{
    (void)ts_json_peek(r);
    if (r->p < r->end)
        (void)fail(r, "something behind the end");
}

bool ts_json_enter(ts_json_reader *r, char bracket)
{
    if (!take(r, bracket, bracket == '{' ? "an object expected" : "a list expected"))
        return false;
    if (r->depth == JSON_READER_DEPTH)
        return fail(r, "nested deeper than 32");
    r->depth++;
    r->has_items &= ~(UINT64_C(1) << r->depth);
    return true;
}

/* The comma before an item, or the end. */
static bool next(ts_json_reader *r, char bracket)
{
    const uint64_t bit = UINT64_C(1) << r->depth;

    if (ts_json_peek(r) == bracket && !r->problem) {
        r->p++;
        r->depth--;
        return false;
    }
    if (r->has_items & bit && !take(r, ',', "',' or the end of the list expected"))
        return false;
    r->has_items |= bit;
    return !r->problem;
}

bool ts_json_next_item(ts_json_reader *r)
{
    return next(r, ']');
}

bool ts_json_next_key(ts_json_reader *r, ts_str *key)
{
    if (!next(r, '}'))
        return false;
    *key = ts_json_read_text(r);
    return take(r, ':', "':' expected");
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits; -1: they are not. */
static int32_t read_unit(const char *p, const char *end)
{
    int32_t unit = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const int v = hex_value(p[i]);
        if (v < 0)
            return -1;
        unit = unit * 16 + v;
    }
    return unit;
}

/* An escape at p (on its backslash): the character, and the bytes it takes; 0
 * bytes if it is none.  A surrogate must be the first half of a pair. */
static size_t decode_escape(const char *p, const char *end, uint32_t *code)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";

    if (end - p < 2)
        return 0;
    const char *letter = p[1] ? strchr(letters, p[1]) : NULL;
    if (letter) {
        *code = (uint32_t)meanings[letter - letters];
        return 2;
    }
    const int32_t high = p[1] == 'u' ? read_unit(p + 2, end) : -1;
    if (high <= 0 || (high >= 0xdc00 && high < 0xe000))
        return 0;
    *code = (uint32_t)high;
    if (high < 0xd800 || high >= 0xe000)
        return 6;
    if (end - p < 12 || p[6] != '\\' || p[7] != 'u')
        return 0;
    const int32_t low = read_unit(p + 8, end);
    if (low < 0xdc00 || low >= 0xe000)
        return 0;
    *code = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
    return 12;
}

ts_str ts_json_read_text(ts_json_reader *r)
{
    if (!take(r, '"', "a text expected"))
        return (ts_str){0};
    const char *begin = r->p;
    while (r->p < r->end && *r->p != '"') {
        const unsigned char c = (unsigned char)*r->p;
        uint32_t code;
        size_t n = 1;
        if (c == '\\')
            n = decode_escape(r->p, r->end, &code);
        else if (c < 0x20)
            n = 0;
        else if (c >= 0x80)
            n = ts_utf8_decode(r->p, (size_t)(r->end - r->p), &code);
        if (n == 0) {
            (void)fail(r, "a text with a bad character");
            return (ts_str){0};
        }
        r->p += n;
    }
    const ts_str text = {begin, (size_t)(r->p - begin)};
    if (!take(r, '"', "a text without end"))
        return (ts_str){0};
    return text;
}

size_t ts_json_unescape(ts_str text, char *out)
{
    const char *end = text.ptr + text.len;
    size_t n = 0;

    for (const char *p = text.ptr; p < end;) {
        uint32_t code;
        const size_t len = *p == '\\' ? decode_escape(p, end, &code) : 0;
        if (len) {
            n += ts_utf8_encode(code, out + n);
            p += len;
        } else {
            out[n++] = *p++;
        }
    }
    return n;
}

static bool is_digit(const ts_json_reader *r)
{
    return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

static bool skip_digits(ts_json_reader *r)
{
    if (!is_digit(r))
        return fail(r, "a digit expected");
    while (is_digit(r))
        r->p++;
    return true;
}

static bool skip_number(ts_json_reader *r)
{
    if (r->p < r->end && *r->p == '-')
        r->p++;
    const bool is_zero = r->p < r->end && *r->p == '0';
    if (!is_zero && !skip_digits(r))
        return false;
    if (is_zero)
        r->p++;
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        if (!skip_digits(r))
            return false;
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
            r->p++;
        return skip_digits(r);
    }
    return true;
}

uint64_t ts_json_read_size(ts_json_reader *r)
{
    const char first = ts_json_peek(r);
    const char *begin = r->p;
    uint64_t v = 0;

    if (first < '0' || first > '9' || !skip_number(r)) {
        (void)fail(r, "a whole number expected");
        return 0;
    }
    for (const char *p = begin; p < r->p; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        if (*p < '0' || *p > '9' || v > (UINT64_MAX - digit) / 10) {
            (void)fail(r, "a whole number expected");
            return 0;
        }
        v = v * 10 + digit;
    }
    return v;
}

static bool skip_word(ts_json_reader *r)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t n = strlen(words[i]);
        if ((size_t)(r->end - r->p) >= n && memcmp(r->p, words[i], n) == 0) {
            r->p += n;
            return true;
        }
    }
    return fail(r, "a value expected");
}

/* As deep as JSON_READER_DEPTH. */
static void skip_value(ts_json_reader *r)
{
    const char c = ts_json_peek(r);
    ts_str key;

    if (c == '"') {
        (void)ts_json_read_text(r);
    } else if (c == '{' && ts_json_enter(r, '{')) {
        while (ts_json_next_key(r, &key))
            skip_value(r);
    } else if (c == '[' && ts_json_enter(r, '[')) {
        while (ts_json_next_item(r))
            skip_value(r);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        (void)skip_number(r);
    } else if (!r->problem) {
        (void)skip_word(r);
    }
}

ts_str ts_json_read_any(ts_json_reader *r)
{
    (void)ts_json_peek(r);
    const char *begin = r->p;

    skip_value(r);
    return r->problem ? (ts_str){0} : (ts_str){begin, (size_t)(r->p - begin)};
}
