/* judge.c - is an answer right, and is it in the form that was asked for?
 *
 * A judge reads the end of an answer: the last number, the last word of a choice.
 * There is one guess, so an answer cannot win by listing many. */
#include <string.h>

#include "core/utf8.h"
#include "train/tasks/maker.h"

enum {
    MAX_ANSWER = 1000, /* bytes of an answer that is in form */
    MAX_READ = 4096,   /* judges read that much of its end */
    MAX_DIGITS = 40,
    MAX_NUMBERS = 64,
};

/* A number in one spelling: no zeros in front, none behind the point. */
typedef struct number {
    char text[2 * MAX_DIGITS + 3];
} number;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           (unsigned char)c > 127;
}

static size_t n_digits_at(ts_str s, size_t at)
{
    size_t n = 0;

    while (at + n < s.len && is_digit(s.ptr[at + n]))
        n++;
    return n;
}

/* "-", or "−" (U+2212), in front of a number and behind nothing that it could be
 * taken from. */
static bool has_minus(ts_str s, size_t at)
{
    size_t n = 0;

    if (at >= 1 && s.ptr[at - 1] == '-')
        n = 1;
    else if (at >= 3 && memcmp(s.ptr + at - 3, "\xe2\x88\x92", 3) == 0)
        n = 3;
    return n > 0 && (at == n || !(is_word(s.ptr[at - n - 1]) || strchr(")]", s.ptr[at - n - 1])));
}

typedef struct reading {
    char group, point; /* inside a number; group 0: lists have none */
} reading;

/* The number that begins at *at, a digit; moves *at behind it.  False: too long. */
static bool take_number(ts_str s, size_t *at, reading r, number *out)
{
    char whole[MAX_DIGITS], part[MAX_DIGITS];
    size_t n_whole = 0, n_part = 0, n = n_digits_at(s, *at), i = *at;
    const bool is_negative = has_minus(s, i);
    bool fits = true;

    for (;;) {
        for (size_t k = 0; k < n; k++) {
            if (n_whole == 0 && s.ptr[i + k] == '0')
                continue;
            if (n_whole < MAX_DIGITS)
                whole[n_whole++] = s.ptr[i + k];
            else
                fits = false;
        }
        i += n;
        n = i + 1 < s.len && r.group && s.ptr[i] == r.group ? n_digits_at(s, i + 1) : 0;
        if (n != 3)
            break;
        i++;
    }
    if (i + 1 < s.len && s.ptr[i] == r.point && is_digit(s.ptr[i + 1])) {
        n = n_digits_at(s, ++i);
        fits = fits && n <= MAX_DIGITS;
        n_part = n < MAX_DIGITS ? n : MAX_DIGITS;
        memcpy(part, s.ptr + i, n_part);
        i += n;
    }
    while (n_part > 0 && part[n_part - 1] == '0')
        n_part--;
    *at = i;
    char *p = out->text;
    if (is_negative && n_whole + n_part > 0)
        *p++ = '-';
    memcpy(p, whole, n_whole);
    p += n_whole;
    *p++ = '.';
    memcpy(p, part, n_part);
    p[n_part] = '\0';
    return fits;
}

/* The last up to max numbers, in order; one that is too long is like none at all. */
static size_t read_numbers(ts_str s, reading r, number *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len;) {
        number x;

        if (!is_digit(s.ptr[i])) {
            i++;
            continue;
        }
        const bool fits = take_number(s, &i, r, &x);
        if (!fits)
            n = 0;
        else {
            if (n == max) {
                memmove(out, out + 1, (max - 1) * sizeof *out);
                n--;
            }
            out[n++] = x;
        }
    }
    return n;
}

static ts_str end_of(ts_str s)
{
    return s.len <= MAX_READ ? s : (ts_str){s.ptr + s.len - MAX_READ, MAX_READ};
}

static bool end_agrees(ts_lang lang, ts_str truth, ts_str answer, bool is_list)
{
    const reading ours = {0, '.'};
    const reading theirs = {is_list              ? 0
                            : lang == TS_LANG_DE ? '.'
                                                 : ',',
                            lang == TS_LANG_DE ? ',' : '.'};
    number want[MAX_NUMBERS], has[MAX_NUMBERS];
    const size_t n = read_numbers(truth, ours, want, MAX_NUMBERS);
    const size_t k = read_numbers(end_of(answer), theirs, has, MAX_NUMBERS);

    if (n == 0 || k < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(want[i].text, has[k - n + i].text) != 0)
            return false;
    return true;
}

bool ts_judge_number(ts_lang lang, ts_str truth, ts_str answer)
{
    return end_agrees(lang, truth, answer, false);
}

bool ts_judge_numbers(ts_lang lang, ts_str truth, ts_str answer)
{
    return end_agrees(lang, truth, answer, true);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_at(ts_str s, size_t at, ts_str word)
{
    if (word.len == 0 || word.len > s.len - at)
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (lower(s.ptr[at + i]) != lower(word.ptr[i]))
            return false;
    return true;
}

/* An ASCII word is no part of another ("no" is not in "know"). */
static bool stands_alone(ts_str s, size_t at, ts_str word)
{
    const char before = at > 0 ? s.ptr[at - 1] : ' ';
    const char behind = at + word.len < s.len ? s.ptr[at + word.len] : ' ';
    const bool begins = (unsigned char)word.ptr[0] < 128;
    const bool ends = (unsigned char)word.ptr[word.len - 1] < 128;

    return !(begins && is_word(before) && (unsigned char)before < 128) &&
           !(ends && is_word(behind) && (unsigned char)behind < 128);
}

/* Cut the next text before a mark off *rest; false at the end. */
static bool next_part(ts_str *rest, char mark, ts_str *part)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->ptr, mark, rest->len);
    const size_t n = end ? (size_t)(end - rest->ptr) : rest->len;

    *part = (ts_str){rest->ptr, n};
    const size_t taken = n + (end != NULL);
    *rest = (ts_str){rest->ptr + taken, rest->len - taken};
    return true;
}

/* truth: "right|also right;wrong|also wrong": what is named last counts. */
bool ts_judge_word(ts_lang lang, ts_str truth, ts_str answer)
{
    size_t best_end = 0, best_len = 0;
    bool is_right = false;
    ts_str group, word;

    (void)lang;
    answer = end_of(answer);
    for (int g = 0; next_part(&truth, ';', &group); g++)
        while (next_part(&group, '|', &word))
            for (size_t i = 0; i < answer.len; i++) {
                const size_t end = i + word.len;

                if (!is_at(answer, i, word) || !stands_alone(answer, i, word) || end < best_end ||
                    (end == best_end && word.len <= best_len))
                    continue;
                best_end = end;
                best_len = word.len;
                is_right = g == 0;
            }
    return is_right;
}

static bool contains_any(ts_str answer, ts_str words)
{
    ts_str word;

    while (next_part(&words, '|', &word))
        for (size_t i = 0; i < answer.len; i++)
            if (is_at(answer, i, word))
                return true;
    return false;
}

/* truth: "a|b;c;!d": one of a and b, and c, and not d. */
bool ts_judge_facts(ts_lang lang, ts_str truth, ts_str answer)
{
    ts_str group;

    (void)lang;
    if (answer.len > MAX_READ)
        return false;
    while (next_part(&truth, ';', &group)) {
        const bool is_banned = group.len > 0 && group.ptr[0] == '!';
        const ts_str words = {group.ptr + is_banned, group.len - is_banned};

        if (contains_any(answer, words) == is_banned)
            return false;
    }
    return true;
}

static const char *find(ts_str s, const char *what)
{
    return s.len > 0 ? memmem(s.ptr, s.len, what, strlen(what)) : NULL;
}

static bool has_text(ts_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr(" \t\r\n", s.ptr[i]) || s.ptr[i] == '\0')
            return true;
    return false;
}

ts_verdict ts_judge(const ts_item *it, ts_str text, bool thinks)
{
    static const char OPEN[] = "<think>", CLOSE[] = "</think>";
    ts_str before = {text.ptr, 0}, answer = text;
    ts_verdict v = {0};

    for (const char *p; (p = find(answer, CLOSE));) {
        before.len = (size_t)(p - text.ptr);
        answer.ptr = p + sizeof CLOSE - 1;
        answer.len = text.len - (size_t)(answer.ptr - text.ptr);
    }
    const bool has_end = answer.len < text.len;
    if (thinks && !has_end)
        return v; /* it never came to an answer */
    if (ts_str_starts(before, OPEN))
        before = (ts_str){before.ptr + sizeof OPEN - 1, before.len - (sizeof OPEN - 1)};
    v.is_formed = has_end == thinks && !find(before, CLOSE) && !find(before, OPEN) &&
                  !find(answer, OPEN) && has_text(before) == thinks && has_text(answer) &&
                  answer.len <= MAX_ANSWER && ts_utf8_is_valid(text.ptr, text.len);
    ts_judge_answer *judge = it->judge ? it->judge : it->family->judge;
    v.is_correct = judge(it->lang, (ts_str){it->truth.ptr, it->truth.len}, answer);
    return v;
}
