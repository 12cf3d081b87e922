/* bpe_merge.c - see bpe_merge.h.
 *
 * Short pieces, nearly all there are, scan for the lowest rank; long ones keep
 * the pairs in a queue (n log n) and the tokens in a linked list.
 */
#include "formats/bpe_merge.h"

#include <assert.h>
#include <string.h>

#include "core/alloc.h"

enum { SHORT_PIECE = 48 };
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
    m->mask = n_slots - 1;
    m->slot = ts_arena_alloc(arena, n_slots * sizeof *m->slot);
    m->result = ts_arena_alloc(arena, (n_merges ? n_merges : 1) * sizeof *m->result);
    if (!m->slot || !m->result)
        return false;
    memset(m->slot, 0xff, n_slots * sizeof *m->slot);
    memset(m->result, 0xff, (n_merges ? n_merges : 1) * sizeof *m->result);
    return true;
}

static size_t first_slot(const ts_merges *m, int32_t left, int32_t right)
{
    const uint64_t pair = ((uint64_t)(uint32_t)left << 32) | (uint32_t)right;
    const uint64_t mixed = pair * 0x9e3779b97f4a7c15u;

    return (size_t)(mixed >> 32) & m->mask;
}

/* The slot of the pair, or the free one where it belongs. */
static ts_merge_slot *find_slot(const ts_merges *m, int32_t left, int32_t right)
{
    size_t i = first_slot(m, left, right);

    while (m->slot[i].left >= 0 && (m->slot[i].left != left || m->slot[i].right != right))
        i = (i + 1) & m->mask;
    return &m->slot[i];
}

/* Of a pair that is listed twice the last one counts, as in the published library. */
void ts_merges_add(ts_merges *m, uint32_t rank, int32_t left, int32_t right, int32_t id)
{
    *find_slot(m, left, right) = (ts_merge_slot){left, right, rank, id};
    m->result[rank] = id;
}

/* A free slot holds no_rank. */
static uint32_t rank_of(const ts_merges *m, int32_t left, int32_t right)
{
    return find_slot(m, left, right)->rank;
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
        rank[i] = rank_of(m, id[i], id[i + 1]);
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

/* Look the pair (i, next) up and queue it. */
static bool queue_pair(const ts_merges *m, ts_merge_scratch *s, uint32_t i)
{
    symbol *sym = &s->symbol[i];

    sym->rank = sym->next == no_symbol ? no_rank : rank_of(m, sym->id, s->symbol[sym->next].id);
    return sym->rank == no_rank || ts_rank_queue_push(&s->queue, ((uint64_t)sym->rank << 32) | i);
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
    return (sym->prev == no_symbol || queue_pair(m, s, sym->prev)) && queue_pair(m, s, i);
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
    bool has_memory = true;
    int popped = 0;
    uint64_t key;

    if (st != TIEFSEE_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        s->symbol[i] = (symbol){.id = m->byte_token[(unsigned char)piece[i]],
                                .rank = no_rank,
                                .prev = i ? (uint32_t)i - 1 : no_symbol,
                                .next = i + 1 < n ? (uint32_t)i + 1 : no_symbol};
    ts_rank_queue_restart(&s->queue);
    for (size_t i = 0; i + 1 < n && has_memory; i++)
        has_memory = queue_pair(m, s, (uint32_t)i);
    while (has_memory && (popped = ts_rank_queue_pop(&s->queue, &key)) > 0) {
        const uint32_t i = (uint32_t)key;
        /* A pair that has changed since has another rank, or none. */
        if (s->symbol[i].rank == key >> 32)
            has_memory = merge_at(m, s, i);
    }
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
