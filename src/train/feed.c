/* feed.c - see feed.h. */
#include "train/feed.h"

#include <assert.h>

#include "core/hash.h"

/* splitmix64's finish. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t ts_feed_shuffle(uint64_t seed, uint64_t epoch, uint64_t i, uint64_t n)
{
    const uint64_t key = mix(mix(seed + 0x9e3779b97f4a7c15u) + epoch);
    unsigned half = 1;

    while (half < 32 && (uint64_t)1 << (2 * half) < n)
        half++;
    const uint64_t mask = ((uint64_t)1 << half) - 1;
    do {
        uint64_t left = i >> half, right = i & mask;

        for (uint64_t round = 0; round < 6; round++) {
            const uint64_t next = left ^ (mix(right + key + round * 0x9e3779b97f4a7c15u) & mask);
            left = right;
            right = next;
        }
        i = left << half | right;
    } while (i >= n);
    return i;
}

static tiefsee_status add_shard(ts_feed *f, const char *path, tiefsee_error *err)
{
    ts_shard *s = &f->shard[f->n_shards];
    const tiefsee_status st = ts_shard_open(s, path, err);

    if (st != TIEFSEE_OK)
        return st;
    if (f->n_shards > 0 && (s->n_vocab != f->n_vocab || s->tokenizer != f->shard[0].tokenizer)) {
        const uint32_t n_vocab = s->n_vocab;
        ts_shard_close(s);
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "%s: made with another tokenizer (%u tokens; the first shard has %u)", path,
                       n_vocab, f->n_vocab);
    }
    f->n_vocab = s->n_vocab;
    f->n_tokens += s->n_tokens;
    f->n_learned += s->n_learned;
    f->longest_doc = s->longest_doc > f->longest_doc ? s->longest_doc : f->longest_doc;
    f->fingerprint = ts_hash_more(f->fingerprint, s->map.ptr, s->map.size);
    f->first_doc[f->n_shards + 1] = f->first_doc[f->n_shards] + s->n_docs;
    f->n_shards++;
    return TIEFSEE_OK;
}

tiefsee_status ts_feed_open(ts_feed *out, const char *const *paths, size_t n_paths, uint64_t seed,
                            tiefsee_error *err)
{
    *out = (ts_feed){.seed = seed};
    if (n_paths == 0 || n_paths > FEED_MAX_SHARDS)
        return ts_fail(err, TIEFSEE_E_INVALID, "%zu shards of tokens (1 to %d)", n_paths,
                       FEED_MAX_SHARDS);
    for (size_t i = 0; i < n_paths; i++) {
        const tiefsee_status st = add_shard(out, paths[i], err);

        if (st != TIEFSEE_OK) {
            ts_feed_close(out);
            return st;
        }
    }
    return TIEFSEE_OK;
}

void ts_feed_close(ts_feed *f)
{
    for (size_t i = 0; i < f->n_shards; i++)
        ts_shard_close(&f->shard[i]);
    *f = (ts_feed){0};
}

void ts_train_batch_carve(ts_train_batch *b, size_t n, ts_carve *work)
{
    uint32_t **const parts[] = {&b->pack.token, &b->pack.position, &b->next,        &b->row,
                                &b->target,     &b->ahead_row,     &b->ahead_target};

    for (size_t i = 0; i < TS_COUNT(parts); i++)
        *parts[i] = ts_carve_take(work, n, sizeof(uint32_t));
    b->pack.begin = ts_carve_take(work, n + 1, sizeof(uint32_t));
}

/* The shard of a document, which becomes its number there. */
static const ts_shard *find_shard(const ts_feed *f, uint64_t *doc)
{
    size_t i = 0;

    while (*doc >= f->first_doc[i + 1])
        i++;
    *doc -= f->first_doc[i];
    return &f->shard[i];
}

static void add_document(ts_train_batch *b, const ts_shard *s, uint64_t begin, uint64_t end)
{
    ts_pack *p = &b->pack;

    for (uint64_t t = begin; t < end; t++) {
        const uint32_t at = (uint32_t)p->n++;

        p->token[at] = ts_shard_token(s, t);
        p->position[at] = (uint32_t)(t - begin);
        b->next[at] = t + 1 < end ? ts_shard_token(s, t + 1) : 0;
        if (t + 1 < end && ts_shard_is_learned(s, t + 1)) {
            b->row[b->n_learned] = at;
            b->target[b->n_learned++] = b->next[at];
        }
        if (t + 2 < end && ts_shard_is_learned(s, t + 2)) {
            b->ahead_row[b->n_ahead] = at;
            b->ahead_target[b->n_ahead++] = ts_shard_token(s, t + 2);
        }
    }
    p->begin[++p->n_docs] = (uint32_t)p->n;
}

void ts_feed_fill(const ts_feed *f, uint64_t *cursor, ts_train_batch *b, size_t max_tokens)
{
    const uint64_t n_docs = f->first_doc[f->n_shards];

    assert(f->longest_doc <= max_tokens);
    b->pack.n = b->pack.n_docs = b->n_learned = b->n_ahead = 0;
    b->pack.begin[0] = 0;
    for (;; ++*cursor) {
        uint64_t doc = ts_feed_shuffle(f->seed, *cursor / n_docs, *cursor % n_docs, n_docs);
        const ts_shard *s = find_shard(f, &doc);
        const uint64_t begin = ts_shard_offset(s, doc), end = ts_shard_offset(s, doc + 1);

        if (end - begin > max_tokens - b->pack.n)
            return;
        add_document(b, s, begin, end);
    }
}
