/* regex_set.c - see regex_set.h. */
#include "engine/grammar/regex_set.h"

#include "engine/grammar/draft.h"

bool ts_range_add(ts_range_list *l, uint32_t lo, uint32_t hi, ts_arena *arena)
{
    if (!ts_arena_grow(arena, &l->ranges, l->n, &l->cap, sizeof *l->ranges))
        return false;
    l->ranges[l->n++] = (ts_regex_range){lo, hi};
    return true;
}

static const ts_regex_range digits[] = {{'0', '9'}};
static const ts_regex_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const ts_regex_range blanks[] = {
    {0x09, 0x0d},     {0x20, 0x20},     {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
static const ts_regex_range line_ends[] = {{0x0a, 0x0a}, {0x0d, 0x0d}, {0x2028, 0x2029}};

/* lists are sorted: the gaps are what lies between. */
static bool add_all(ts_range_list *l, const ts_regex_range *r, size_t n, bool is_negated,
                    ts_arena *arena)
{
    uint32_t c = 0;

    for (size_t i = 0; i < n; i++) {
        if (!is_negated && !ts_range_add(l, r[i].lo, r[i].hi, arena))
            return false;
        if (is_negated && r[i].lo > c && !ts_range_add(l, c, r[i].lo - 1, arena))
            return false;
        c = r[i].hi + 1;
    }
    return !is_negated || c > GR_MAX_CHAR || ts_range_add(l, c, GR_MAX_CHAR, arena);
}

bool ts_range_add_class(ts_range_list *l, char c, ts_arena *arena, bool *is_class)
{
    *is_class = true;
    switch (c) {
    case 'd':
    case 'D': return add_all(l, digits, TS_COUNT(digits), c == 'D', arena);
    case 'w':
    case 'W': return add_all(l, words, TS_COUNT(words), c == 'W', arena);
    case 's':
    case 'S': return add_all(l, blanks, TS_COUNT(blanks), c == 'S', arena);
    case '.': return add_all(l, line_ends, TS_COUNT(line_ends), true, arena);
    default: *is_class = false; return false;
    }
}

bool ts_range_normalize(ts_range_list *l, bool is_negated, ts_arena *arena)
{
    ts_range_list out = {0};
    uint32_t n = 0;

    for (uint32_t i = 1; i < l->n; i++) { /* lists are short */
        const ts_regex_range x = l->ranges[i];
        uint32_t k = i;
        for (; k > 0 && l->ranges[k - 1].lo > x.lo; k--)
            l->ranges[k] = l->ranges[k - 1];
        l->ranges[k] = x;
    }
    for (uint32_t i = 0; i < l->n; i++) {
        const ts_regex_range x = l->ranges[i];
        if (n > 0 && x.lo <= l->ranges[n - 1].hi + 1) {
            if (x.hi > l->ranges[n - 1].hi)
                l->ranges[n - 1].hi = x.hi;
        } else {
            l->ranges[n++] = x;
        }
    }
    l->n = n;
    if (!is_negated)
        return true;
    if (!add_all(&out, l->ranges, l->n, true, arena))
        return false;
    *l = out;
    return true;
}
