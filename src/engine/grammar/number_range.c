/* number_range.c - decimals between two bounds, digit by digit (see schema.h).
 *
 * A number is read from the left beside the digits of both bounds.  As long as it
 * equals a bound so far, that bound is "tight" and limits the next digit; once it
 * differs it is free.  Numbers with bounds are written without an exponent, with up
 * to MAX_FRACTION digits behind the point, never as -0.
 */
#include "engine/grammar/schema.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FRACTION = 12 };

/* ---- decimals */

/* digits with a point at `point` digits from the left, which may lie outside. */
static bool place_point(ts_decimal *out, const char *digits, long point)
{
    const long n = (long)strlen(digits);
    size_t w = 0, f = 0;

    if (point > DECIMAL_DIGITS || n - point > DECIMAL_DIGITS)
        return false;
    for (long i = 0; i < point; i++) {
        const char c = i < n ? digits[i] : '0';
        if (w > 0 || c != '0')
            out->whole[w++] = c;
    }
    if (w == 0)
        out->whole[w++] = '0';
    out->whole[w] = 0;
    for (long i = point; i < n; i++)
        out->fraction[f++] = i < 0 ? '0' : digits[i];
    while (f > 0 && out->fraction[f - 1] == '0')
        f--;
    out->fraction[f] = 0;
    if (strcmp(out->whole, "0") == 0 && f == 0)
        out->is_negative = false;
    return true;
}

/* A real is the shortest decimal that reads back as the same number. */
bool ts_decimal_of(ts_decimal *out, const json_t *number)
{
    char text[64], digits[64];
    size_t n = 0;
    long point = 0, exponent = 0;
    bool has_point = false;

    *out = (ts_decimal){0};
    if (json_is_integer(number)) {
        (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(number));
    } else {
        const double v = json_real_value(number);
        for (int precision = 15; precision <= 17; precision++) {
            (void)snprintf(text, sizeof text, "%.*g", precision, v);
            if (strtod(text, NULL) == v)
                break;
        }
    }
    for (const char *c = text; *c; c++) {
        if (*c == '-')
            out->is_negative = true;
        else if (*c == 'e') {
            exponent = strtol(c + 1, NULL, 10);
            break;
        } else if (*c >= '0' && *c <= '9') {
            digits[n++] = *c;
            point += !has_point;
        } else {
            has_point = true;
        }
    }
    digits[n] = 0;
    return place_point(out, digits, point + exponent);
}

static int compare_size(const ts_decimal *a, const ts_decimal *b)
{
    const size_t na = strlen(a->whole), nb = strlen(b->whole);

    if (na != nb)
        return na < nb ? -1 : 1;
    const int order = strcmp(a->whole, b->whole);
    return order ? order : strcmp(a->fraction, b->fraction);
}

int ts_decimal_compare(const ts_decimal *a, const ts_decimal *b)
{
    if (a->is_negative != b->is_negative)
        return a->is_negative ? -1 : 1;
    return a->is_negative ? compare_size(b, a) : compare_size(a, b);
}

/* ---- the automaton of one sign */

typedef struct range {
    ts_char_nfa *n;
    const ts_bound *low, *high; /* of the size; high may be unset */
    size_t n_low, n_high;       /* digits of their whole parts */
    bool whole_only;
    uint32_t to;
    uint32_t fraction[MAX_FRACTION + 1][4]; /* states behind the point; 0: not made */
} range;

/* May the number end here, with `at` digits behind the point read? */
static bool may_end(const range *r, size_t at, bool low, bool high)
{
    if (low && (strlen(r->low->value.fraction) > at || r->low->is_exclusive))
        return false;
    return !high || strlen(r->high->value.fraction) > at || !r->high->is_exclusive;
}

static char digit_at(const char *digits, size_t at)
{
    const size_t n = strlen(digits);

    return at < n ? digits[at] : '0';
}

static uint32_t fraction_state(range *r, size_t at, bool low, bool high)
{
    uint32_t *known = &r->fraction[at][low * 2 + high];

    if (*known)
        return *known;
    *known = ts_char_state(r->n);
    if (at > 0 && may_end(r, at, low, high))
        ts_char_empty(r->n, *known, r->to);
    for (char d = '0'; d <= '9' && at < MAX_FRACTION; d++) {
        const char least = low ? digit_at(r->low->value.fraction, at) : '0';
        const char most = high ? digit_at(r->high->value.fraction, at) : '9';
        if (d < least || d > most)
            continue;
        const uint32_t next = fraction_state(r, at + 1, low && d == least, high && d == most);
        ts_char_move(r->n, *known, (uint32_t)d, (uint32_t)d, next);
    }
    return *known;
}

static void end_whole(range *r, uint32_t state, bool low, bool high)
{
    if (may_end(r, 0, low, high))
        ts_char_empty(r->n, state, r->to);
    if (!r->whole_only)
        ts_char_move(r->n, state, '.', '.', fraction_state(r, 0, low, high));
}

/* Whole parts of n digits; those of more than n as well if is_open. */
static void add_length(range *r, uint32_t from, size_t n, bool is_open)
{
    uint32_t here[4] = {0}, next[4];
    const bool low = n == r->n_low, high = r->high->is_set && n == r->n_high;

    here[low * 2 + high] = from;
    for (size_t i = 0; i < n; i++) {
        memset(next, 0, sizeof next);
        for (int k = 0; k < 4; k++) {
            const bool is_low = k & 2, is_high = k & 1;
            if (!here[k] && !(i == 0 && k == low * 2 + high))
                continue;
            for (char d = i == 0 && n > 1 ? '1' : '0'; d <= '9'; d++) {
                const char least = is_low ? r->low->value.whole[i] : '0';
                const char most = is_high ? r->high->value.whole[i] : '9';
                if (d < least || d > most)
                    continue;
                const int to = (is_low && d == least) * 2 + (is_high && d == most);
                if (!next[to])
                    next[to] = ts_char_state(r->n);
                ts_char_move(r->n, here[k], (uint32_t)d, (uint32_t)d, next[to]);
            }
        }
        memcpy(here, next, sizeof here);
    }
    for (int k = 0; k < 4; k++)
        if (here[k])
            end_whole(r, here[k], k & 2, k & 1);
    if (is_open && here[0])
        ts_char_move(r->n, here[0], '0', '9', here[0]);
}

/* Sizes from low to high. */
static void add_sizes(ts_char_nfa *n, uint32_t from, uint32_t to, const ts_bound *low,
                      const ts_bound *high, bool whole_only)
{
    range r = {.n = n, .low = low, .high = high, .whole_only = whole_only, .to = to};

    r.n_low = strlen(low->value.whole);
    r.n_high = high->is_set ? strlen(high->value.whole) : r.n_low + 1;
    if (high->is_set && ts_decimal_compare(&low->value, &high->value) > 0)
        return;
    /* A leading state of their own: lengths differ only later. */
    for (size_t k = r.n_low; k <= r.n_high; k++) {
        const uint32_t start = ts_char_state(n);
        ts_char_empty(n, from, start);
        add_length(&r, start, k, !high->is_set && k == r.n_high);
    }
}

void ts_number_range(ts_char_nfa *n, uint32_t from, uint32_t to, const ts_bound *min,
                     const ts_bound *max, unsigned types)
{
    const ts_bound zero = {.is_set = true, .value = {.whole = "0"}};
    const ts_bound above_zero = {.is_set = true, .is_exclusive = true, .value = {.whole = "0"}};
    const bool whole_only = !(types & SCHEMA_FRACTION);

    if (!max->is_set || !max->value.is_negative) {
        const bool use_zero = !min->is_set || min->value.is_negative;
        add_sizes(n, from, to, use_zero ? &zero : min, max, whole_only);
    }
    if (!min->is_set || min->value.is_negative) {
        const bool use_zero = !max->is_set || !max->value.is_negative;
        ts_bound low = use_zero ? above_zero : *max, high = *min;
        low.value.is_negative = high.value.is_negative = false;
        const uint32_t sign = ts_char_state(n);
        ts_char_move(n, from, '-', '-', sign);
        add_sizes(n, sign, to, &low, &high, whole_only);
    }
}
