/* task_ordering.c - which number is larger, and numbers in order; decimals too.
 *
 * Two numbers are compared place by place, with the same number of places behind
 * the point.  A list is numbered, and one after the other goes to its place among
 * those before it, which are looked at up to the first that stands behind it:
 *
 *     9.11 9.90            < 1:7 2:3 3:12
 *     9=9 1<9              1:7→7
 *                          2:3|7>→3,7
 *                          3:12|3<7<→3,7,12
 */
#include <stdio.h>
#include <string.h>

#include "train/tasks/maker.h"

static const char *const LARGER[TS_N_LANGS][8] = {
    {"Of {0} and {1}, give the greater.", "Which is larger, {0} or {1}?",
     "Which number is bigger: {0} or {1}?", "What is greater, {0} or {1}?",
     "{0} or {1}: which is more?", "Is {0} or {1} the larger number?"},
    {"Nenne die größere von {0} und {1}.", "Was ist größer, {0} oder {1}?",
     "Welche Zahl ist größer: {0} oder {1}?", "Ist {0} oder {1} die größere Zahl?",
     "{0} oder {1}: was ist mehr?"},
    {"给出{0}和{1}中较大的。", "{0}和{1}哪个大？", "{0} 和 {1}，哪个更大？",
     "比较{0}和{1}，哪个数大？", "哪个数更大：{0}还是{1}？"},
};
static const char *const ASCENDING[TS_N_LANGS][8] = {
    {"Arrange in increasing order: {0}", "Sort these numbers: {0}", "Sort ascending: {0}",
     "Put these numbers in order, smallest first: {0}", "Sort from smallest to largest: {0}",
     "Sort {0}"},
    {"Reihe aufsteigend: {0}", "Sortiere diese Zahlen: {0}", "Sortiere aufsteigend: {0}",
     "Ordne diese Zahlen, die kleinste zuerst: {0}", "Sortiere von klein nach groß: {0}",
     "Sortiere {0}"},
    {"按递增顺序排列：{0}", "把这些数排序：{0}", "从小到大排序：{0}", "把下面的数从小到大排列：{0}",
     "请将{0}从小到大排序。"},
};
static const char *const DESCENDING[TS_N_LANGS][8] = {
    {"Arrange in decreasing order: {0}", "Sort descending: {0}",
     "Put these numbers in order, largest first: {0}", "Sort from largest to smallest: {0}"},
    {"Reihe absteigend: {0}", "Sortiere absteigend: {0}",
     "Ordne diese Zahlen, die größte zuerst: {0}", "Sortiere von groß nach klein: {0}"},
    {"按递减顺序排列：{0}", "从大到小排序：{0}", "把下面的数从大到小排列：{0}",
     "请将{0}从大到小排序。"},
};

enum { MAX_LIST = 10 };

/* A number of tenths, hundredths or thousandths, as people write it. */
typedef struct decimal {
    int64_t whole, part;
    unsigned n_places;
} decimal;

static void put_decimal(ts_maker *m, ts_buf *b, decimal d, unsigned n_places, char point)
{
    ts_put(m, b, "%lld", (long long)d.whole);
    if (n_places > 0)
        ts_put(m, b, "%c%0*lld", point, (int)n_places,
               (long long)(d.part * ts_power10(n_places - d.n_places)));
}

static char point_of(const ts_maker *m)
{
    return m->lang == TS_LANG_DE ? ',' : '.';
}

static decimal draw_decimal(ts_maker *m, int64_t near)
{
    decimal d = {.whole = ts_chance(m, 60) ? near : ts_between(m, 0, 20)};

    d.n_places = (unsigned)ts_between(m, 1, 3);
    do {
        d.part = ts_between(m, 1, ts_power10(d.n_places) - 1);
    } while (d.part % 10 == 0); /* 9.90 is not written */
    return d;
}

static int64_t scaled(decimal d, unsigned n_places)
{
    return d.whole * ts_power10(n_places) + d.part * ts_power10(n_places - d.n_places);
}

/* Digit against digit of two texts of one length, up to the first that differ. */
static void compare_texts(ts_maker *m, const char *a, const char *b)
{
    ts_buf *t = &m->item->trace;
    const size_t na = strcspn(a, ".,"), nb = strcspn(b, ".,");

    if (na != nb) {
        ts_put(m, t, "#%zu%c#%zu", na, na > nb ? '>' : '<', nb);
        return;
    }
    for (size_t i = 0; a[i]; i++) {
        if (a[i] == '.' || a[i] == ',')
            continue;
        ts_put(m, t, "%s%c%c%c", i ? " " : "", a[i],
               a[i] > b[i]   ? '>'
               : a[i] < b[i] ? '<'
                             : '=',
               b[i]);
        if (a[i] != b[i])
            return;
    }
}

static bool make_pair(ts_maker *m)
{
    const bool is_decimal = m->level >= 2;
    const int64_t near = ts_between(m, 0, 20);
    decimal d[2];

    if (is_decimal) {
        d[0] = draw_decimal(m, near);
        d[1] = draw_decimal(m, near);
    } else {
        const unsigned n = (unsigned)ts_between(m, 1, 6);

        d[0] = (decimal){.whole = ts_of_digits(m, n)};
        d[1] =
            (decimal){.whole = ts_chance(m, 70) ? ts_of_digits(m, n)
                                                : ts_of_digits(m, (unsigned)ts_between(m, 1, 6))};
        if (n > 2 && ts_chance(m, 40)) /* the same beginning */
            d[1].whole = d[0].whole - d[0].whole % 100 + ts_between(m, 0, 99);
    }
    const unsigned n_places = d[0].n_places > d[1].n_places ? d[0].n_places : d[1].n_places;
    if (scaled(d[0], n_places) == scaled(d[1], n_places))
        return false;
    const int larger = scaled(d[1], n_places) > scaled(d[0], n_places);
    put_decimal(m, &m->item->key, d[larger], d[larger].n_places, '.');
    ts_put(m, &m->item->key, ">");
    put_decimal(m, &m->item->key, d[1 - larger], d[1 - larger].n_places, '.');
    if (!ts_maker_takes(m))
        return false;

    ts_buf text[4] = {ts_buf_make(64), ts_buf_make(64), ts_buf_make(64), ts_buf_make(64)};
    for (int i = 0; i < 2; i++) {
        put_decimal(m, &text[i], d[i], d[i].n_places, point_of(m));
        put_decimal(m, &text[2 + i], d[i], n_places, point_of(m));
    }
    if (!m->is_full) {
        const char *const args[] = {text[0].ptr, text[1].ptr};

        ts_ask(m, LARGER[m->lang], args);
        ts_put(m, &m->item->trace, "%s %s\n", text[2].ptr, text[3].ptr);
        compare_texts(m, text[2].ptr, text[3].ptr);
        ts_put(m, &m->item->answer, "%s", text[larger].ptr);
        put_decimal(m, &m->item->truth, d[larger], d[larger].n_places, '.');
    }
    for (int i = 0; i < 4; i++)
        ts_buf_free(&text[i]);
    return true;
}

static void put_list(ts_maker *m, ts_buf *b, const int64_t *x, size_t n, const char *between)
{
    for (size_t i = 0; i < n; i++)
        ts_put(m, b, "%s%lld", i ? between : "", (long long)x[i]);
}

/* Sorts x, and writes how. */
static void work_list(ts_maker *m, int64_t *x, size_t n, bool falls)
{
    ts_buf *t = &m->item->trace;

    ts_put(m, t, "%c", falls ? '>' : '<');
    for (size_t i = 0; i < n; i++)
        ts_put(m, t, " %zu:%lld", i + 1, (long long)x[i]);
    for (size_t i = 0; i < n; i++) {
        const int64_t new = x[i];
        size_t at = 0;

        ts_put(m, t, "\n%zu:%lld", i + 1, (long long)new);
        for (; at < i; at++) {
            const char sign = x[at] > new ? '>' : x[at] < new ? '<' : '=';

            ts_put(m, t, "%s%lld%c", at ? "" : "|", (long long)x[at], sign);
            if (sign == (falls ? '<' : '>'))
                break;
        }
        memmove(x + at + 1, x + at, (i - at) * sizeof *x);
        x[at] = new;
        ts_put(m, t, "→");
        put_list(m, t, x, i + 1, ",");
    }
}

static bool make_list(ts_maker *m)
{
    const size_t n = (size_t)ts_between(m, 3, m->level == 3 ? 5 : 8);
    const bool falls = ts_chance(m, 30);
    const int64_t top = ts_pick(m, 2) ? 99 : 999;
    int64_t x[MAX_LIST];
    char list[MAX_LIST * 8];
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        x[i] = ts_between(m, 0, top);
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%lld", i ? ", " : "",
                                (long long)x[i]);
    }
    ts_put(m, &m->item->key, "%c%s", falls ? '>' : '<', list);
    if (!ts_maker_takes(m))
        return false;
    const char *const args[] = {list};
    ts_ask(m, falls ? DESCENDING[m->lang] : ASCENDING[m->lang], args);
    work_list(m, x, n, falls);
    put_list(m, &m->item->answer, x, n, ", ");
    put_list(m, &m->item->truth, x, n, " ");
    return true;
}

bool ts_make_ordering(ts_maker *m)
{
    return m->level <= 2 ? make_pair(m) : make_list(m);
}
