/* charset_lower.c - from characters to bytes (see charset.h). */
#include "engine/grammar/charset.h"

static const char hex_digits[] = "0123456789abcdef";

static void add_hex(ts_gr_builder *b, uint32_t from, uint32_t digit, uint32_t to)
{
    const int c = hex_digits[digit];

    ts_gr_bytes(b, from, c, c, to);
    if (digit >= 10)
        ts_gr_bytes(b, from, c - 'a' + 'A', c - 'a' + 'A', to);
}

/* Escapes that leave one state: made when the first is needed. */
typedef struct escapes {
    uint32_t backslash; /* behind it; 0: none yet */
    uint32_t high[2];   /* behind \u000 and \u001 */
} escapes;

static char short_escape(uint32_t c)
{
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

static void add_escape(ts_gr_builder *b, escapes *e, uint32_t from, uint32_t c, uint32_t to)
{
    const char letter = short_escape(c);

    if (!e->backslash) {
        e->backslash = ts_gr_add_state(b);
        ts_gr_bytes(b, from, '\\', '\\', e->backslash);
    }
    if (letter) {
        ts_gr_bytes(b, e->backslash, letter, letter, to);
        return;
    }
    if (!e->high[0]) {
        const uint32_t behind = ts_gr_text(b, e->backslash, TS_STR("u00"));
        for (int i = 0; i < 2; i++) {
            e->high[i] = ts_gr_add_state(b);
            ts_gr_bytes(b, behind, '0' + i, '0' + i, e->high[i]);
        }
    }
    add_hex(b, e->high[c >> 4], c & 15, to);
}

static void add_json_range(ts_gr_builder *b, escapes *e, uint32_t from, uint32_t lo, uint32_t hi,
                           uint32_t to)
{
    for (; lo <= hi && lo < 0x20; lo++)
        add_escape(b, e, from, lo, to);
    while (lo <= hi) {
        const uint32_t stop = lo <= '"' ? '"' : lo <= '\\' ? '\\' : GR_MAX_CHAR + 1;
        if (lo == stop) {
            add_escape(b, e, from, lo, to);
            lo++;
            continue;
        }
        const uint32_t end = hi < stop ? hi : stop - 1;
        ts_gr_chars(b, from, lo, end, to);
        lo = end + 1;
    }
}

void ts_charset_lower(ts_gr_builder *b, const ts_charset *c, bool is_json, uint32_t from,
                      uint32_t to)
{
    const uint32_t base = b->n_states;

    for (uint32_t s = 0; s < c->n_states; s++)
        (void)ts_gr_add_state(b);
    if (c->n_states == 0 || b->status != TIEFSEE_OK)
        return;
    ts_gr_empty(b, from, base);
    for (uint32_t s = 0; s < c->n_states; s++) {
        escapes e = {0};
        if (c->accepts[s])
            ts_gr_empty(b, base + s, to);
        for (uint32_t i = c->first[s]; i < c->first[s + 1]; i++) {
            const ts_char_edge *edge = &c->edges[i];
            if (is_json)
                add_json_range(b, &e, base + s, edge->lo, edge->hi, base + edge->to);
            else
                ts_gr_chars(b, base + s, edge->lo, edge->hi, base + edge->to);
        }
    }
}
