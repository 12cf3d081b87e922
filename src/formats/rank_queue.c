/* rank_queue.c - see rank_queue.h. */
#include "formats/rank_queue.h"

#include <assert.h>
#include <string.h>

#include "core/alloc.h"

enum { BLOCK_POSITIONS = 14, FEW = 32, RADIX_BITS = 11, RADIX = 1 << RADIX_BITS };

struct rank_block {
    uint32_t next; /* older positions of the rank, or the next unused block */
    uint32_t n;
    uint32_t position[BLOCK_POSITIONS];
};
_Static_assert(sizeof(rank_block) == 64, "a block is a cache line");

/* ----------------------------------------------------------- ranks in use */

static void mark(ts_rank_queue *q, size_t i)
{
    for (size_t l = 0; l < 4; l++, i /= 64) {
        const uint64_t word = q->bits[l][i / 64];
        q->bits[l][i / 64] = word | (uint64_t)1 << i % 64;
        if (word)
            return;
    }
}

static void unmark(ts_rank_queue *q, size_t i)
{
    for (size_t l = 0; l < 4; l++, i /= 64) {
        q->bits[l][i / 64] &= ~((uint64_t)1 << i % 64);
        if (q->bits[l][i / 64])
            return;
    }
}

/* The lowest rank in use, or n_ranks. */
static uint32_t lowest(const ts_rank_queue *q)
{
    size_t i = 0;

    while (i < q->n_words[3] && !q->bits[3][i])
        i++;
    if (i == q->n_words[3])
        return q->n_ranks;
    for (size_t l = 4; l-- > 0;)
        i = 64 * i + (size_t)__builtin_ctzll(q->bits[l][i]);
    return (uint32_t)i;
}

bool ts_rank_queue_start(ts_rank_queue *q, uint32_t n_ranks)
{
    size_t n = n_ranks;

    q->open = 0;
    if (q->head)
        return true;
    q->n_ranks = n_ranks;
    q->head = ts_alloc_zero((size_t)n_ranks + 1, sizeof *q->head);
    bool ok = q->head;
    for (size_t l = 0; l < 4; l++) {
        n = n / 64 + 1;
        q->n_words[l] = n;
        q->bits[l] = ts_alloc_zero(n, sizeof *q->bits[l]);
        ok = ok && q->bits[l];
    }
    if (!ok)
        ts_rank_queue_free(q);
    return ok;
}

/* ------------------------------------------------------------ what is late */

static bool push_late(ts_rank_queue *q, uint64_t key)
{
    if (q->n_late == q->cap_late) {
        const size_t cap = q->cap_late ? 2 * q->cap_late : 64;
        uint64_t *late = ts_realloc(q->late, q->n_late * sizeof *late, cap * sizeof *late);
        if (!late)
            return false;
        q->late = late;
        q->cap_late = cap;
    }
    size_t i = q->n_late++;
    for (; i > 0 && q->late[(i - 1) / 2] > key; i = (i - 1) / 2)
        q->late[i] = q->late[(i - 1) / 2];
    q->late[i] = key;
    return true;
}

static uint64_t pop_late(ts_rank_queue *q)
{
    const uint64_t least = q->late[0];
    const uint64_t moved = q->late[--q->n_late];
    size_t i = 0;

    for (size_t child = 1; child < q->n_late; child = 2 * i + 1) {
        if (child + 1 < q->n_late && q->late[child + 1] < q->late[child])
            child++;
        if (q->late[child] >= moved)
            break;
        q->late[i] = q->late[child];
        i = child;
    }
    q->late[i] = moved;
    return least;
}

/* ------------------------------------------------------- positions by rank */

/* A block that is not in use; 0: no memory. */
static uint32_t new_block(ts_rank_queue *q)
{
    if (q->unused) {
        const uint32_t b = q->unused;
        q->unused = q->block[b].next;
        return b;
    }
    if (q->n_blocks == q->cap_blocks) {
        const size_t cap = q->cap_blocks ? (size_t)q->cap_blocks + q->cap_blocks / 2 : 64;
        rank_block *block = cap < UINT32_MAX ? ts_realloc(q->block, q->n_blocks * sizeof *block,
                                                          cap * sizeof *block)
                                             : NULL;
        if (!block)
            return 0;
        q->n_blocks += q->n_blocks == 0; /* number 0 says none */
        q->block = block;
        q->cap_blocks = (uint32_t)cap;
    }
    return q->n_blocks++;
}

bool ts_rank_queue_push(ts_rank_queue *q, uint32_t rank, uint32_t position)
{
    uint32_t b = q->head[rank];

    assert(rank < q->n_ranks);
    if (rank < q->open)
        return push_late(q, (uint64_t)rank << 32 | position);
    if (!b || q->block[b].n == BLOCK_POSITIONS) {
        const uint32_t fresh = new_block(q);
        if (!fresh)
            return false;
        if (!b)
            mark(q, rank);
        q->block[fresh].next = b;
        q->block[fresh].n = 0;
        q->head[rank] = b = fresh;
    }
    q->block[b].position[q->block[b].n++] = position;
    return true;
}

static void insertion_sort(uint32_t *a, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const uint32_t moved = a[i];
        size_t k = i;
        for (; k > 0 && a[k - 1] > moved; k--)
            a[k] = a[k - 1];
        a[k] = moved;
    }
}

/* One pass of a radix sort, by the digit at shift. */
static void radix_pass(uint32_t *to, const uint32_t *from, size_t n, unsigned shift)
{
    size_t start[RADIX] = {0};
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        start[from[i] >> shift & (RADIX - 1)]++;
    for (size_t d = 0; d < RADIX; d++) {
        const size_t count = start[d];
        start[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[start[from[i] >> shift & (RADIX - 1)]++] = from[i];
}

static void sort_batch(ts_rank_queue *q)
{
    size_t sorted = 1;

    while (sorted < q->n_batch && q->batch[sorted - 1] <= q->batch[sorted])
        sorted++;
    if (sorted >= q->n_batch)
        return;
    if (q->n_batch <= FEW) {
        insertion_sort(q->batch, q->n_batch);
        return;
    }
    for (unsigned shift = 0; shift < 32; shift += RADIX_BITS) {
        uint32_t *sorted_by_digit = q->spare;
        radix_pass(q->spare, q->batch, q->n_batch, shift);
        q->spare = q->batch;
        q->batch = sorted_by_digit;
    }
}

static bool reserve_batch(ts_rank_queue *q, size_t n)
{
    if (n <= q->cap_batch)
        return true;
    const size_t cap = n < 64 ? 64 : n + n / 4;
    ts_free(q->batch);
    ts_free(q->spare);
    q->batch = ts_alloc(cap * sizeof *q->batch);
    q->spare = ts_alloc(cap * sizeof *q->spare);
    q->cap_batch = q->batch && q->spare ? cap : 0;
    return q->cap_batch > 0;
}

/* Take all positions of a rank, oldest first, and close it. */
static bool open_rank(ts_rank_queue *q, uint32_t rank)
{
    size_t n = 0;

    for (uint32_t b = q->head[rank]; b; b = q->block[b].next)
        n += q->block[b].n;
    if (!reserve_batch(q, n))
        return false;
    q->n_batch = n;
    q->at = 0;
    for (uint32_t b = q->head[rank], next; b; b = next) {
        next = q->block[b].next;
        n -= q->block[b].n;
        memcpy(q->batch + n, q->block[b].position, q->block[b].n * sizeof *q->batch);
        q->block[b].next = q->unused;
        q->unused = b;
    }
    q->head[rank] = 0;
    unmark(q, rank);
    q->open = (uint64_t)rank + 1;
    sort_batch(q);
    return true;
}

int ts_rank_queue_pop(ts_rank_queue *q, uint32_t *rank, uint32_t *position)
{
    if (q->at == q->n_batch && q->n_late == 0) {
        const uint32_t least = lowest(q);
        if (least == q->n_ranks)
            return 0;
        if (!open_rank(q, least))
            return -1;
    }
    if (q->at < q->n_batch) {
        const uint64_t key = (q->open - 1) << 32 | q->batch[q->at];
        if (q->n_late == 0 || key <= q->late[0]) {
            q->at++;
            *rank = (uint32_t)(key >> 32);
            *position = (uint32_t)key;
            return 1;
        }
    }
    const uint64_t key = pop_late(q);
    *rank = (uint32_t)(key >> 32);
    *position = (uint32_t)key;
    return 1;
}

void ts_rank_queue_free(ts_rank_queue *q)
{
    ts_free(q->head);
    for (size_t l = 0; l < 4; l++)
        ts_free(q->bits[l]);
    ts_free(q->block);
    ts_free(q->batch);
    ts_free(q->spare);
    ts_free(q->late);
    *q = (ts_rank_queue){0};
}
