/* judge_countdown.c - does an expression reach the target, with each number once?
 *
 * The last line counts: "(3*5)+7 = 22", "22 = 3×5+7" or the expression alone.
 * Evaluated in exact fractions by a parser of a fixed depth. */
#include <string.h>

#include "train/tasks/maker.h"

enum { MAX_TEXT = 200, MAX_LINE = 4096, MAX_DEPTH = 16, MAX_USED = 8, MAX_TERM = 1000000 };

typedef struct fraction {
    int64_t p, q; /* q > 0 */
} fraction;

typedef struct parser {
    const char *at, *end;
    int64_t used[MAX_USED];
    size_t n_used;
    int depth;
    bool failed;
} parser;

static fraction reduced(parser *p, int64_t a, int64_t b)
{
    int64_t x = a < 0 ? -a : a, y = b < 0 ? -b : b;

    if (b == 0 || x > MAX_TERM || y > MAX_TERM) {
        p->failed = true;
        return (fraction){0, 1};
    }
    while (y != 0) {
        const int64_t rest = x % y;

        x = y;
        y = rest;
    }
    return b < 0 ? (fraction){-a / x, -b / x} : (fraction){a / x, b / x};
}

static fraction take_sum(parser *p);

static char peek(parser *p)
{
    while (p->at < p->end && *p->at == ' ')
        p->at++;
    return p->at < p->end ? *p->at : '\0';
}

static fraction take_factor(parser *p)
{
    fraction f = {0, 1};

    if (p->failed)
        return f;
    if (peek(p) == '(') {
        p->at++;
        if (++p->depth > MAX_DEPTH) {
            p->failed = true;
            return f;
        }
        f = take_sum(p);
        p->depth--;
        if (peek(p) != ')')
            p->failed = true;
        else
            p->at++;
        return f;
    }
    size_t n = 0;
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++, n++)
        if (n < 7)
            f.p = f.p * 10 + (*p->at - '0');
    if (n == 0 || n > 6 || p->n_used == MAX_USED)
        p->failed = true;
    else
        p->used[p->n_used++] = f.p;
    return f;
}

static fraction take_product(parser *p)
{
    fraction f = take_factor(p);

    for (char op; !p->failed && ((op = peek(p)) == '*' || op == '/');) {
        p->at++;
        const fraction g = take_factor(p);

        f = op == '*' ? reduced(p, f.p * g.p, f.q * g.q) : reduced(p, f.p * g.q, f.q * g.p);
    }
    return f;
}

static fraction take_sum(parser *p)
{
    fraction f = take_product(p);

    for (char op; !p->failed && ((op = peek(p)) == '+' || op == '-');) {
        p->at++;
        const fraction g = take_product(p);
        const int64_t other = op == '+' ? g.p * f.q : -g.p * f.q;

        f = reduced(p, f.p * g.q + other, f.q * g.q);
    }
    return f;
}

static bool evaluate(const char *text, const char *end, parser *p, fraction *out)
{
    *p = (parser){.at = text, .end = end};
    *out = take_sum(p);
    return !p->failed && peek(p) == '\0';
}

/* Does a number or a bracket end here? */
static bool is_operand(const char *line, size_t n)
{
    while (n > 0 && line[n - 1] == ' ')
        n--;
    return n > 0 && (line[n - 1] == ')' || (line[n - 1] >= '0' && line[n - 1] <= '9'));
}

/* The last line in a plain alphabet: digits, + - * / ( ) = and blanks; what is
 * none of these becomes '#'. */
static size_t plain_line(ts_str s, char out[MAX_TEXT])
{
    static const struct {
        const char *bytes;
        char plain;
    } same[] = {{"×", '*'},  {"÷", '/'},  {"·", '*'},  {"−", '-'}, {"＋", '+'},
                {"＝", '='}, {"（", '('}, {"）", ')'}, {":", ':'}};
    size_t begin, n = 0;

    while (s.len > 0 && strchr(" \t\r\n.。", s.ptr[s.len - 1]))
        s.len--;
    for (begin = s.len; begin > 0 && s.len - begin < MAX_LINE && s.ptr[begin - 1] != '\n';)
        begin--;
    for (size_t i = begin; i < s.len;) {
        const char *one = strchr("0123456789+-*/()=", s.ptr[i]);
        char c = one && *one ? s.ptr[i] : strchr(" \t", s.ptr[i]) ? ' ' : '#';
        size_t taken = 1;

        for (size_t k = 0; k < TS_COUNT(same); k++) {
            const size_t len = strlen(same[k].bytes);

            if (len <= s.len - i && memcmp(s.ptr + i, same[k].bytes, len) == 0) {
                c = same[k].plain;
                taken = len;
            }
        }
        i += taken;
        if (c == ':') /* "8:2", but not "so: 8" */
            c = is_operand(out, n) ? '/' : '#';
        if (n == MAX_TEXT) { /* keep the end */
            memmove(out, out + 1, MAX_TEXT - 1);
            n--;
        }
        out[n++] = c;
    }
    return n;
}

static bool uses_exactly(const parser *p, const parser *numbers)
{
    bool is_taken[MAX_USED] = {false};

    if (p->n_used != numbers->n_used)
        return false;
    for (size_t i = 0; i < p->n_used; i++) {
        size_t k = 0;

        while (k < numbers->n_used && (is_taken[k] || numbers->used[k] != p->used[i]))
            k++;
        if (k == numbers->n_used)
            return false;
        is_taken[k] = true;
    }
    return true;
}

/* truth: the target, then the numbers. */
static int64_t read_truth(ts_str truth, parser *numbers)
{
    int64_t target = -1, value = 0;

    *numbers = (parser){0};
    for (size_t i = 0; i <= truth.len; i++) {
        if (i < truth.len && truth.ptr[i] != ' ') {
            value = value * 10 + (truth.ptr[i] - '0');
            continue;
        }
        if (target < 0)
            target = value;
        else if (numbers->n_used < MAX_USED)
            numbers->used[numbers->n_used++] = value;
        value = 0;
    }
    return target;
}

static bool reaches(const char *text, const char *end, const parser *numbers, int64_t target)
{
    fraction f;
    parser p;

    return evaluate(text, end, &p, &f) && f.q == 1 && f.p == target && uses_exactly(&p, numbers);
}

bool ts_judge_countdown(ts_lang lang, ts_str truth, ts_str answer)
{
    char line[MAX_TEXT];
    parser numbers, p;
    fraction f;

    (void)lang;
    const int64_t target = read_truth(truth, &numbers);
    const size_t n = plain_line(answer, line);
    const char *const end = line + n;
    const char *begin = end, *equals = NULL;
    for (; begin > line && begin[-1] != '#'; begin--)
        if (begin[-1] == '=') {
            if (equals)
                break;
            equals = begin - 1;
        }
    if (!equals)
        return reaches(begin, end, &numbers, target);
    if (evaluate(equals + 1, end, &p, &f) && p.n_used == 1)
        return f.q == 1 && f.p == target && reaches(begin, equals, &numbers, target);
    return evaluate(begin, equals, &p, &f) && p.n_used == 1 && f.p == target &&
           reaches(equals + 1, end, &numbers, target);
}
