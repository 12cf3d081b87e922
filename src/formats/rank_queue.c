/* rank_queue.c - see rank_queue.h. */
#include "formats/rank_queue.h"

#include <assert.h>

#include "core/alloc.h"

enum { BLOCK_KEYS = 254 };

struct rank_block {
    rank_block *next;
    size_t n;
    uint64_t key[BLOCK_KEYS];
};

static size_t bucket_of(const ts_rank_queue *q, uint64_t key)
{
    return key == q->last ? 0 : 64 - (size_t)__builtin_clzll(key ^ q->last);
}

static bool push_main(ts_rank_queue *q, uint64_t key)
{
    rank_block **bucket = &q->bucket[bucket_of(q, key)];
    rank_block *b = *bucket;

    if (!b || b->n == BLOCK_KEYS) {
        b = q->unused;
        if (b)
            q->unused = b->next;
        else if (!(b = ts_alloc(sizeof *b)))
            return false;
        b->next = *bucket;
        b->n = 0;
        *bucket = b;
    }
    b->key[b->n++] = key;
    return true;
}

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

bool ts_rank_queue_push(ts_rank_queue *q, uint64_t key)
{
    return key < q->last ? push_late(q, key) : push_main(q, key);
}

static void recycle(ts_rank_queue *q, rank_block *b)
{
    b->next = q->unused;
    q->unused = b;
}

/* Make the least key of the lowest bucket the last one, which spreads that
 * bucket over the lower ones.  False: no memory; keys may be lost. */
static bool spread(ts_rank_queue *q, size_t lowest)
{
    rank_block *b = q->bucket[lowest];
    uint64_t least = UINT64_MAX;
    bool ok = true;

    for (const rank_block *k = b; k; k = k->next)
        for (size_t i = 0; i < k->n; i++)
            least = k->key[i] < least ? k->key[i] : least;
    q->last = least;
    q->bucket[lowest] = NULL;
    while (b) {
        rank_block *next = b->next;
        for (size_t i = 0; i < b->n && ok; i++)
            ok = push_main(q, b->key[i]);
        recycle(q, b);
        b = next;
    }
    return ok;
}

int ts_rank_queue_pop(ts_rank_queue *q, uint64_t *key)
{
    if (q->n_late) { /* all of them are below every other key */
        *key = pop_late(q);
        return 1;
    }
    if (!q->bucket[0]) {
        size_t lowest = 1;
        while (lowest < RANK_QUEUE_BUCKETS && !q->bucket[lowest])
            lowest++;
        if (lowest == RANK_QUEUE_BUCKETS)
            return 0;
        if (!spread(q, lowest))
            return -1;
    }
    rank_block *b = q->bucket[0];
    assert(b && b->n > 0);
    *key = b->key[--b->n];
    if (b->n == 0) {
        q->bucket[0] = b->next;
        recycle(q, b);
    }
    return 1;
}

void ts_rank_queue_restart(ts_rank_queue *q)
{
    q->last = 0;
}

static void free_blocks(rank_block *b)
{
    while (b) {
        rank_block *next = b->next;
        ts_free(b);
        b = next;
    }
}

void ts_rank_queue_free(ts_rank_queue *q)
{
    for (size_t i = 0; i < RANK_QUEUE_BUCKETS; i++)
        free_blocks(q->bucket[i]);
    free_blocks(q->unused);
    ts_free(q->late);
    *q = (ts_rank_queue){0};
}
