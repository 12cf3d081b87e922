/* plain.c - how many plain characters may follow (see machine.h).
 *
 * Most tokens of a vocabulary are plain text.  If every plain character leads to
 * the same DFA state, and so on, then only their number matters, and the mask of
 * "tokens of up to n plain characters" is taken whole instead of walked.
 */
#include "engine/grammar/machine.h"

/* Sets of (DFA state, what must follow) behind the first bytes of a character. */
typedef struct follow {
    uint8_t lo, hi;   /* first byte */
    uint8_t lo2, hi2; /* second byte */
    uint8_t n_more;   /* 80..bf behind that */
} follow;

/* RFC 3629, section 4; without " and \, which are not plain. */
static const follow kinds[] = {
    {0x20, 0x21, 0, 0, 0},       {0x23, 0x5b, 0, 0, 0},       {0x5d, 0x7f, 0, 0, 0},
    {0xc2, 0xdf, 0x80, 0xbf, 0}, {0xe0, 0xe0, 0xa0, 0xbf, 1}, {0xe1, 0xec, 0x80, 0xbf, 1},
    {0xed, 0xed, 0x80, 0x9f, 1}, {0xee, 0xef, 0x80, 0xbf, 1}, {0xf0, 0xf0, 0x90, 0xbf, 2},
    {0xf1, 0xf3, 0x80, 0xbf, 2}, {0xf4, 0xf4, 0x80, 0x8f, 2},
};

#define MIXED (UINT32_MAX - 1)

/* The one state behind all bytes lo..hi of d; MIXED if they differ. */
static uint32_t common(ts_gr_machine *m, uint32_t d, int lo, int hi)
{
    const uint32_t first = ts_gr_next(m, d, (uint8_t)lo);

    for (int byte = lo + 1; byte <= hi; byte++)
        if (ts_gr_next(m, d, (uint8_t)byte) != first)
            return MIXED;
    return first;
}

static uint32_t after_plain(ts_gr_machine *m, uint32_t d)
{
    uint32_t all = GR_UNKNOWN;

    for (size_t k = 0; k < TS_COUNT(kinds); k++) {
        const follow *f = &kinds[k];
        uint32_t next = common(m, d, f->lo, f->hi);
        if (next != MIXED && f->lo2)
            next = common(m, next, f->lo2, f->hi2);
        for (int i = 0; i < f->n_more && next != MIXED; i++)
            next = common(m, next, 0x80, 0xbf);
        if (next == MIXED || (all != GR_UNKNOWN && next != all))
            return MIXED;
        all = next;
    }
    return all;
}

bool ts_gr_plain_run(ts_gr_machine *m, uint32_t d, uint32_t max, uint32_t *n)
{
    for (*n = 0; *n < max; ++*n) {
        if (m->d[d].after_plain == GR_UNKNOWN) {
            const uint32_t next = after_plain(m, d);
            if (m->is_full)
                return false;
            m->d[d].after_plain = next;
        }
        const uint32_t next = m->d[d].after_plain;
        if (next == MIXED)
            return false;
        if (next == GR_DEAD)
            return true;
        if (next == d)
            *n = max - 1;
        d = next;
    }
    return true;
}
