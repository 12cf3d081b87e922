/* bpe_merge.c - see bpe_merge.h.
 *
 * Short pieces, nearly all there are, scan for the lowest rank; long ones keep
 * the pairs in a queue (n log n) and the tokens in a linked list.
 */
#include "formats/bpe_merge.h"

#include <assert.h>
#include <string.h>

#include "core/alloc.h"
#include "formats/config.h"

enum { SHORT_PIECE = 48, N_BYTE_PAIRS = 256 * 256 };

/* A slot is left << 43 | right << 22 | rank.  All ones is free: that would be the
 * last of the most merges between the last of the most tokens. */
enum { RANK_BITS = 22, ID_BITS = 21 };
_Static_assert(TS_MAX_MERGES <= 1 << RANK_BITS, "a rank fits");
_Static_assert(TS_MAX_VOCAB <= 1 << ID_BITS, "an id fits");
static const uint64_t free_slot = UINT64_MAX;

static const uint32_t no_rank = UINT32_MAX;
static const uint32_t no_symbol = UINT32_MAX;

/* rank: of the pair with next; no_rank if it does not merge or the symbol was
 * merged into the one before it. */
typedef struct ts_symbol {
    int32_t id;
    uint32_t rank, prev, next;
} symbol;

bool ts_merges_init(ts_merges *m, uint32_t n_merges, ts_arena *arena)
{
    size_t n_slots = 16;

    while (n_slots < 2 * (size_t)n_merges)
        n_slots *= 2;
    m->n_merges = n_merges;
    m->mask = n_slots - 1;
    m->slot = ts_arena_alloc(arena, n_slots * sizeof *m->slot);
    m->result = ts_arena_alloc(arena, (n_merges ? n_merges : 1) * sizeof *m->result);
    m->byte_rank = ts_arena_alloc(arena, N_BYTE_PAIRS * sizeof *m->byte_rank);
    if (!m->slot || !m->result || !m->byte_rank)
        return false;
    memset(m->slot, 0xff, n_slots * sizeof *m->slot);
    memset(m->result, 0xff, (n_merges ? n_merges : 1) * sizeof *m->result);
    return true;
}

static uint64_t pair_of(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << ID_BITS | (uint32_t)right;
}

/* The slot of the pair, or the free one where it belongs. */
static uint64_t *find_slot(const ts_merges *m, uint64_t pair)
{
    size_t i = (size_t)(pair * 0x9e3779b97f4a7c15u >> 32) & m->mask;

    while (m->slot[i] != free_slot && m->slot[i] >> RANK_BITS != pair)
        i = (i + 1) & m->mask;
    return &m->slot[i];
}

/* Of a pair that is listed twice the last one counts, as in the published library. */
void ts_merges_add(ts_merges *m, uint32_t rank, int32_t left, int32_t right, int32_t id)
{
    const uint64_t pair = pair_of(left, right);

    *find_slot(m, pair) = pair << RANK_BITS | rank;
    m->result[rank] = id;
}

static uint32_t rank_of(const ts_merges *m, int32_t left, int32_t right)
{
    const uint64_t slot = *find_slot(m, pair_of(left, right));

    return slot == free_slot ? no_rank : (uint32_t)slot & ((1u << RANK_BITS) - 1);
}

void ts_merges_finish(ts_merges *m)
{
    for (size_t i = 0; i < N_BYTE_PAIRS; i++)
        m->byte_rank[i] = rank_of(m, m->byte_token[i / 256], m->byte_token[i % 256]);
}

static uint32_t rank_of_bytes(const ts_merges *m, const char *pair)
{
    return m->byte_rank[(unsigned char)pair[0] * 256 + (unsigned char)pair[1]];
}

tiefsee_status ts_tokens_add(ts_tokens *out, int32_t id, tiefsee_error *err)
{
    if (ts_tokens_push(out, id))
        return TIEFSEE_OK;
    if (out->n >= out->max)
        return ts_fail(err, TIEFSEE_E_LIMIT, "the text has more than %zu tokens", out->max);
    return ts_fail_nomem(err, 2 * (uint64_t)out->cap * sizeof *out->ids, "a list of tokens");
}

static tiefsee_status merge_short(const ts_merges *m, const char *piece, size_t n, ts_tokens *out,
                                  tiefsee_error *err)
{
    int32_t id[SHORT_PIECE];
    uint32_t rank[SHORT_PIECE]; /* of the pair (i, i + 1) */

    for (size_t i = 0; i < n; i++)
        id[i] = m->byte_token[(unsigned char)piece[i]];
    for (size_t i = 0; i + 1 < n; i++)
        rank[i] = rank_of_bytes(m, piece + i);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < rank[best])
                best = i;
        if (rank[best] == no_rank)
            break;
        id[best] = m->result[rank[best]];
        n--;
        for (size_t i = best + 1; i < n; i++)
            id[i] = id[i + 1];
        for (size_t i = best + 1; i + 1 < n; i++)
            rank[i] = rank[i + 1];
        if (best > 0)
            rank[best - 1] = rank_of(m, id[best - 1], id[best]);
        if (best + 1 < n)
            rank[best] = rank_of(m, id[best], id[best + 1]);
    }
    for (size_t i = 0; i < n; i++) {
        const tiefsee_status st = ts_tokens_add(out, id[i], err);
        if (st != TIEFSEE_OK)
            return st;
    }
    return TIEFSEE_OK;
}

/* The pair (i, next) has this rank. */
static bool queue_pair(ts_merge_scratch *s, uint32_t i, uint32_t rank)
{
    s->symbol[i].rank = rank;
    return rank == no_rank || ts_rank_queue_push(&s->queue, rank, i);
}

/* The pair (i, next) becomes one symbol. */
static bool merge_at(const ts_merges *m, ts_merge_scratch *s, uint32_t i)
{
    symbol *sym = &s->symbol[i];
    symbol *right = &s->symbol[sym->next];

    sym->id = m->result[sym->rank];
    sym->next = right->next;
    right->rank = no_rank;
    if (sym->next != no_symbol)
        s->symbol[sym->next].prev = i;
    if (sym->prev != no_symbol &&
        !queue_pair(s, sym->prev, rank_of(m, s->symbol[sym->prev].id, sym->id)))
        return false;
    return queue_pair(
        s, i, sym->next == no_symbol ? no_rank : rank_of(m, sym->id, s->symbol[sym->next].id));
}

static tiefsee_status reserve_symbols(ts_merge_scratch *s, size_t n, tiefsee_error *err)
{
    if (n >= UINT32_MAX)
        return ts_fail(err, TIEFSEE_E_LIMIT, "a word of %zu bytes (%u allowed)", n, UINT32_MAX - 1);
    if (n <= s->cap)
        return TIEFSEE_OK;
    ts_free(s->symbol);
    s->cap = 0;
    s->symbol = ts_alloc(n * sizeof *s->symbol);
    if (!s->symbol)
        return ts_fail_nomem(err, n * sizeof *s->symbol, "encoding a text");
    s->cap = n;
    return TIEFSEE_OK;
}

static tiefsee_status merge_long(const ts_merges *m, const char *piece, size_t n,
                                 ts_merge_scratch *s, ts_tokens *out, tiefsee_error *err)
{
    tiefsee_status st = reserve_symbols(s, n, err);
    int popped = 0;
    uint32_t rank, at;

    if (st != TIEFSEE_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        s->symbol[i] = (symbol){.id = m->byte_token[(unsigned char)piece[i]],
                                .rank = no_rank,
                                .prev = i ? (uint32_t)i - 1 : no_symbol,
                                .next = i + 1 < n ? (uint32_t)i + 1 : no_symbol};
    bool has_memory = ts_rank_queue_start(&s->queue, m->n_merges);
    for (size_t i = 0; i + 1 < n && has_memory; i++)
        has_memory = queue_pair(s, (uint32_t)i, rank_of_bytes(m, piece + i));
    /* A pair that has changed since it was queued has another rank, or none. */
    while (has_memory && (popped = ts_rank_queue_pop(&s->queue, &rank, &at)) > 0)
        if (s->symbol[at].rank == rank)
            has_memory = merge_at(m, s, at);
    if (!has_memory || popped < 0)
        return ts_fail_nomem(err, n * sizeof *s->symbol, "encoding a text");
    for (uint32_t i = 0; i != no_symbol && st == TIEFSEE_OK; i = s->symbol[i].next)
        st = ts_tokens_add(out, s->symbol[i].id, err);
    return st;
}

tiefsee_status ts_merge_piece(const ts_merges *m, const char *piece, size_t n,
                              ts_merge_scratch *scratch, ts_tokens *out, tiefsee_error *err)
{
    assert(n > 0);
    return n <= SHORT_PIECE ? merge_short(m, piece, n, out, err)
                            : merge_long(m, piece, n, scratch, out, err);
}

void ts_merge_scratch_free(ts_merge_scratch *s)
{
    ts_free(s->symbol);
    ts_rank_queue_free(&s->queue);
    *s = (ts_merge_scratch){0};
}
