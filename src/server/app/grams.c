/* grams.c - see grams.h. */
#include "server/app/grams.h"

#include <string.h>

#include "core/hash.h"
#include "core/utf8.h"

enum { N_HASHES = 10, BLANK = ' ' };

/* ---- folding */

/* Lower case where one character becomes one: Latin, Greek, Cyrillic, full width.
 * A step of 0: the odd one of two is the small one; -1: the even one. */
static const struct {
    uint32_t first, last;
    int step;
} cases[] = {{0xc0, 0xd6, 32},    {0xd8, 0xde, 32},    {0x100, 0x137, 0},  {0x139, 0x148, -1},
             {0x14a, 0x177, 0},   {0x179, 0x17e, -1},  {0x391, 0x3a9, 32}, {0x400, 0x40f, 80},
             {0x410, 0x42f, 32},  {0x460, 0x481, 0},   {0x48a, 0x4bf, 0},  {0x4d0, 0x52f, 0},
             {0x1e00, 0x1eff, 0}, {0xff21, 0xff3a, 32}};

static uint32_t lower(uint32_t c)
{
    for (size_t i = 0; i < TS_COUNT(cases); i++)
        if (c >= cases[i].first && c <= cases[i].last)
            return cases[i].step > 0    ? c + (uint32_t)cases[i].step
                   : cases[i].step == 0 ? c | 1
                                        : c + c % 2;
    return c;
}

/* Beyond ASCII: everything counts as a letter, but for the common punctuation. */
static bool is_letter(uint32_t c)
{
    return c > 0xbf && c != 0xd7 && c != 0xf7 && !(c >= 0x2000 && c <= 0x206f) &&
           !(c >= 0x3000 && c <= 0x303f) && !(c >= 0xff00 && c <= 0xff0f) && c != 0xff1a &&
           c != 0xff1b && c != 0xff1f && c != 0xfeff;
}

/* Words are not parted by blanks: kana, ideographs; Thai, Lao, Khmer, Burmese. */
bool ts_is_dense(uint32_t c)
{
    return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff) ||
           (c >= 0xe00 && c <= 0xeff) || (c >= 0x1000 && c <= 0x109f) ||
           (c >= 0x1780 && c <= 0x17ff);
}

/* Of ASCII: the letter, folded, or a blank; of other bytes: 0. */
static inline uint32_t fold_ascii(uint8_t byte)
{
    const uint8_t low = byte | 32;

    if (low >= 'a' && low <= 'z')
        return low;
    if ((byte >= '0' && byte <= '9') || byte == '_')
        return byte;
    return byte < 0x80 ? BLANK : 0;
}

/* The next folded character; 0: the end.  A run of others gives one blank. */
static uint32_t next(ts_str text, size_t *at, bool *was_blank)
{
    while (*at < text.len) {
        uint32_t c = fold_ascii((uint8_t)text.ptr[*at]);

        if (c > BLANK) { /* the common case */
            ++*at;
            *was_blank = false;
            return c;
        }
        const size_t n = c == BLANK ? 1 : ts_utf8_decode(text.ptr + *at, text.len - *at, &c);

        *at += n ? n : 1;
        c = lower(c);
        if (n > 1 && is_letter(c)) {
            *was_blank = false;
            return c;
        }
        if (!*was_blank) {
            *was_blank = true;
            return BLANK;
        }
    }
    return 0;
}

size_t ts_fold(ts_str text, char *out, size_t *from)
{
    bool was_blank = true;
    size_t n = 0, at = 0;

    for (;;) {
        const size_t begin = at;
        const uint32_t c = next(text, &at, &was_blank);
        if (c == 0)
            return n;
        /* Lower case can be a byte longer only where upper case is not ASCII; never here. */
        const size_t len = ts_utf8_encode(c, out + n);
        for (size_t i = 0; from && i < len; i++)
            from[n + i] = begin;
        n += len;
    }
}

/* ---- grams */

typedef bool on_gram(void *ctx, uint64_t hash);

/* is_query: only what is longest counts, and every end may be the middle of a word. */
static bool walk(ts_str text, bool is_query, on_gram *visit, void *ctx)
{
    uint64_t prefix = 0; /* of the word so far */
    size_t n_letters = 0;
    uint32_t before = 0;
    bool was_blank = true;
    size_t at = 0;

    for (;;) {
        const uint32_t c = next(text, &at, &was_blank);
        const bool is_in_word = c != 0 && c != BLANK && !ts_is_dense(c);
        bool is_good = true;

        if (is_query && !is_in_word && n_letters >= TS_GRAMS_SHORTEST)
            is_good = visit(ctx, prefix);
        if (is_in_word && n_letters < TS_GRAMS_LONGEST) {
            prefix = n_letters ? ts_hash_more(prefix, &c, sizeof c) : ts_hash(&c, sizeof c);
            n_letters++;
            if (!is_query && n_letters >= TS_GRAMS_SHORTEST)
                is_good = visit(ctx, prefix);
        } else if (!is_in_word)
            n_letters = 0;
        if (is_good && ts_is_dense(c)) {
            const uint32_t one[] = {1, c}, two[] = {2, before, c};
            is_good = visit(ctx, ts_hash(one, sizeof one)) &&
                      (!ts_is_dense(before) || visit(ctx, ts_hash(two, sizeof two)));
        }
        if (c == 0 || !is_good)
            return is_good;
        before = c;
    }
}

/* ---- filters */

static uint64_t bit_of(uint64_t hash, int i, size_t n_bytes)
{
    const uint64_t step = (hash >> 32) | 1;

    return (hash + (uint64_t)i * step) & (8 * n_bytes - 1);
}

static bool has(const uint8_t *filter, size_t n_bytes, uint64_t hash)
{
    for (int i = 0; i < N_HASHES; i++) {
        const uint64_t bit = bit_of(hash, i, n_bytes);
        if (!(filter[bit / 8] >> (bit % 8) & 1))
            return false;
    }
    return true;
}

static bool any_has(ts_str bytes, uint64_t hash)
{
    size_t size = TS_GRAMS_FIRST;

    for (size_t at = 0; at + size <= bytes.len; at += size, size *= 4)
        if (has((const uint8_t *)bytes.ptr + at, size, hash))
            return true;
    return false;
}

/* Where the last filter begins: the others are a third of it, but for the first. */
static size_t last_at(size_t n_bytes)
{
    return (n_bytes - TS_GRAMS_FIRST) / 4;
}

static size_t count_bits(const uint8_t *p, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += (size_t)__builtin_popcount(p[i]);
    return count;
}

typedef struct adding {
    ts_grams *grams;
    size_t n_set; /* bits of the last filter */
} adding;

static bool grow(adding *a)
{
    static const char zeros[TS_GRAMS_FIRST];
    ts_buf *b = &a->grams->bytes;
    const size_t size = 3 * b->len + TS_GRAMS_FIRST; /* 1, 4, 16 ... KiB */

    a->n_set = 0;
    for (size_t n = 0; n < size; n += sizeof zeros)
        if (!ts_buf_append(b, zeros, sizeof zeros))
            return false;
    return true;
}

static bool add(void *ctx, uint64_t hash)
{
    adding *a = ctx;
    ts_buf *b = &a->grams->bytes;

    if (any_has((ts_str){b->ptr, b->len}, hash))
        return true;
    size_t size = b->len ? b->len - last_at(b->len) : 0;
    /* At the bound the last filter fills up: more false hopes, never a miss. */
    if (a->n_set >= 4 * size && 4 * b->len + TS_GRAMS_FIRST <= TS_GRAMS_MAX) {
        if (!grow(a))
            return false;
        size = b->len - last_at(b->len);
    }
    uint8_t *filter = (uint8_t *)b->ptr + last_at(b->len);
    for (int i = 0; i < N_HASHES; i++) {
        const uint64_t bit = bit_of(hash, i, size);
        const uint8_t mask = (uint8_t)(1u << (bit % 8));
        a->n_set += !(filter[bit / 8] & mask);
        filter[bit / 8] |= mask;
    }
    return true;
}

ts_grams ts_grams_make(void)
{
    return (ts_grams){.bytes = ts_buf_make(TS_GRAMS_MAX)};
}

void ts_grams_free(ts_grams *g)
{
    ts_buf_free(&g->bytes);
}

bool ts_grams_load(ts_grams *g, ts_str bytes)
{
    size_t n = 0;

    while (n < bytes.len)
        n = 4 * n + TS_GRAMS_FIRST;
    ts_buf_clear(&g->bytes);
    return n == bytes.len && (n == 0 || ts_buf_append(&g->bytes, bytes.ptr, n));
}

bool ts_grams_add(ts_grams *g, ts_str text)
{
    adding a = {.grams = g};

    if (g->bytes.len) {
        const size_t at = last_at(g->bytes.len);
        a.n_set = count_bits((const uint8_t *)g->bytes.ptr + at, g->bytes.len - at);
    }
    return walk(text, false, add, &a);
}

static bool ask(void *ctx, uint64_t hash)
{
    ts_grams_query *q = ctx;

    for (size_t i = 0; i < q->n; i++)
        if (q->hashes[i] == hash)
            return true;
    q->hashes[q->n++] = hash;
    return q->n < TS_GRAMS_QUERY;
}

void ts_grams_ask(ts_grams_query *q, ts_str query)
{
    q->n = 0;
    (void)walk(query, true, ask, q);
}

bool ts_grams_may_contain(ts_str bytes, const ts_grams_query *q)
{
    for (size_t i = 0; i < q->n; i++)
        if (!any_has(bytes, q->hashes[i]))
            return false;
    return true;
}
