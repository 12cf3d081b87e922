/* automaton.c - see automaton.h.  The checks of a whole automaton: freeze.c. */
#include "engine/grammar/automaton.h"

#include <string.h>

#include "core/alloc.h"

void ts_gr_builder_init(ts_gr_builder *b)
{
    *b = (ts_gr_builder){0};
    (void)ts_gr_add_rule(b, NULL); /* rule 0 and its states: what failed ids lead to */
}

void ts_gr_builder_free(ts_gr_builder *b)
{
    ts_free(b->edges);
    ts_free(b->rules);
    *b = (ts_gr_builder){0};
}

static void set_failed(ts_gr_builder *b, tiefsee_status status)
{
    if (b->status == TIEFSEE_OK)
        b->status = status;
}

tiefsee_status ts_gr_builder_status(const ts_gr_builder *b, tiefsee_error *err)
{
    if (b->status == TIEFSEE_E_NOMEM)
        return ts_fail_nomem(err, (uint64_t)b->cap_edges * sizeof *b->edges, "grammar");
    if (b->status != TIEFSEE_OK)
        return ts_fail(err, b->status, "grammar larger than %d rules, %d states, %d edges",
                       GR_MAX_RULES, GR_MAX_STATES, GR_MAX_EDGES);
    return TIEFSEE_OK;
}

/* Room for one more element of a list. */
static bool reserve(ts_gr_builder *b, void *list, uint32_t n, uint32_t *cap, size_t size,
                    uint32_t max)
{
    void **p = list;

    if (b->status != TIEFSEE_OK)
        return false;
    if (n < *cap)
        return true;
    if (n >= max) {
        set_failed(b, TIEFSEE_E_LIMIT);
        return false;
    }
    const uint32_t wanted = *cap ? *cap * 2 : 256;
    void *grown = ts_realloc(*p, n * size, wanted * size);
    if (!grown) {
        set_failed(b, TIEFSEE_E_NOMEM);
        return false;
    }
    *p = grown;
    *cap = wanted;
    return true;
}

uint32_t ts_gr_add_state(ts_gr_builder *b)
{
    if (b->status != TIEFSEE_OK)
        return 0;
    if (b->n_states >= GR_MAX_STATES) {
        set_failed(b, TIEFSEE_E_LIMIT);
        return 0;
    }
    return b->n_states++;
}

uint32_t ts_gr_add_rule(ts_gr_builder *b, const char *name)
{
    if (!reserve(b, &b->rules, b->n_rules, &b->cap_rules, sizeof *b->rules, GR_MAX_RULES))
        return 0;
    const uint32_t start = ts_gr_add_state(b), end = ts_gr_add_state(b);
    b->rules[b->n_rules] = (ts_gr_rule){start, end, name};
    return b->n_rules++;
}

static void add_edge(ts_gr_builder *b, ts_gr_edge e)
{
    if (reserve(b, &b->edges, b->n_edges, &b->cap_edges, sizeof *b->edges, GR_MAX_EDGES))
        b->edges[b->n_edges++] = e;
}

void ts_gr_bytes(ts_gr_builder *b, uint32_t from, int lo, int hi, uint32_t to)
{
    add_edge(b,
             (ts_gr_edge){
                 .from = from, .to = to, .kind = GR_BYTES, .lo = (uint8_t)lo, .hi = (uint8_t)hi});
}

void ts_gr_empty(ts_gr_builder *b, uint32_t from, uint32_t to)
{
    add_edge(b, (ts_gr_edge){.from = from, .to = to, .kind = GR_EMPTY});
}

void ts_gr_call(ts_gr_builder *b, uint32_t from, uint32_t rule, uint32_t to)
{
    ts_gr_repeat(b, from, rule, 1, 1, to);
}

void ts_gr_repeat(ts_gr_builder *b, uint32_t from, uint32_t rule, uint32_t min, uint32_t max,
                  uint32_t to)
{
    if (max == 0)
        ts_gr_empty(b, from, to);
    else
        add_edge(
            b, (ts_gr_edge){
                   .from = from, .to = to, .kind = GR_CALL, .rule = rule, .min = min, .max = max});
}

uint32_t ts_gr_text(ts_gr_builder *b, uint32_t from, ts_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        const uint32_t next = ts_gr_add_state(b);
        ts_gr_bytes(b, from, (unsigned char)text.ptr[i], (unsigned char)text.ptr[i], next);
        from = next;
    }
    return from;
}

/* The state with n bytes 80..bf to come before `to`: shared, for ranges of characters
 * mostly end in these. */
static uint32_t tail_before(ts_gr_builder *b, size_t n, uint32_t to)
{
    if (n == 0)
        return to;
    if (b->tail_of != to) {
        memset(b->tails, 0, sizeof b->tails);
        b->tail_of = to;
    }
    for (size_t i = 0; i < n; i++)
        if (!b->tails[i]) {
            b->tails[i] = ts_gr_add_state(b);
            ts_gr_bytes(b, b->tails[i], 0x80, 0xbf, i == 0 ? to : b->tails[i - 1]);
        }
    return b->tails[n - 1];
}

/* One range of sequences of n bytes, lo[i]..hi[i] at each place. */
static void add_sequence(ts_gr_builder *b, uint32_t from, const uint8_t *lo, const uint8_t *hi,
                         size_t n, uint32_t to)
{
    size_t n_tail = 0;

    while (n_tail + 1 < n && lo[n - 1 - n_tail] == 0x80 && hi[n - 1 - n_tail] == 0xbf)
        n_tail++;
    for (size_t i = 0; i < n - n_tail; i++) {
        const uint32_t next = i + 1 == n - n_tail ? tail_before(b, n_tail, to) : ts_gr_add_state(b);
        ts_gr_bytes(b, from, lo[i], hi[i], next);
        from = next;
    }
}

static size_t encode(uint32_t c, uint8_t *out)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
    return n;
}

/* The range is cut where lengths change, and then until all places behind the
 * first that differs run through their whole range. */
void ts_gr_chars(ts_gr_builder *b, uint32_t from, uint32_t lo, uint32_t hi, uint32_t to)
{
    static const uint32_t cuts[] = {0x7f, 0x7ff, 0xd7ff, 0xdfff, 0xffff};
    uint8_t first[4], last[4];

    while (lo <= hi) {
        uint32_t end = hi;
        for (size_t i = 0; i < TS_COUNT(cuts); i++)
            if (lo <= cuts[i] && end > cuts[i])
                end = cuts[i];
        for (uint32_t bits = 6; bits <= 18 && lo >= 0x80; bits += 6) {
            const uint32_t low = (1u << bits) - 1;
            if ((lo & ~low) == (end & ~low))
                break;
            if ((lo & low) != 0) {
                end = lo | low; /* the rest of a begun block */
                break;
            }
            if ((end & low) != low)
                end = (end & ~low) - 1; /* leave the last, unfinished block */
        }
        if (end < 0xd800 || lo > 0xdfff) { /* surrogates are no characters */
            const size_t n = encode(lo, first);
            (void)encode(end, last);
            add_sequence(b, from, first, last, n, to);
        }
        lo = end + 1;
    }
}
