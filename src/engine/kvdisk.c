/* kvdisk.c - see kvdisk.h.
 *
 * Pages to write lie in a ring: [written, saved) are done and wait to be given
 * back, [saved, queued) wait to be written.
 */
#include "engine/kvdisk.h"

#include <sodium.h>
#include <string.h>

#include "backends/backend.h"
#include "core/alloc.h"
#include "core/thread.h"

typedef struct save {
    ts_kvkey key;
    char user[TS_KVSTORE_MAX_USER];
    size_t user_len;
    char topic[TS_KVSTORE_MAX_TOPIC];
    size_t topic_len;
    const float *data;
    int32_t number;
} save;

struct ts_kvdisk {
    ts_kvdisk_options opt;
    ts_thread *thread;

    ts_lock *lock; /* for all below */
    save *ring;    /* (max_saves) */
    uint64_t n_queued, n_saved, n_written;
    ts_kvload *first, **last;
    bool is_closing;
};

static ts_kvstore_id id_of(const ts_kvdisk *d, const ts_kvkey *key, const char *user, size_t len)
{
    return (ts_kvstore_id){key->bytes, d->opt.model, {user, len}, {0}};
}

/* ------------------------------------------------------------------ thread */

/* One page of a load; false when it has ended. */
static bool load_page(ts_kvdisk *d, ts_kvload *l)
{
    size_t n = 0;

    if (atomic_load_explicit(l->cancel, memory_order_relaxed))
        return false;
    const ts_kvstore_id id = id_of(d, &l->keys[l->n_loaded], l->user, strlen(l->user));
    if (!ts_kvstore_get(d->opt.store, &id, l->page[l->n_loaded], d->opt.page_bytes, &n) ||
        n != d->opt.page_bytes)
        return false;
    return ++l->n_loaded < l->n;
}

/* The store copies the page; a full queue is waited for, another reason is not. */
static void save_page(ts_kvdisk *d, const save *s)
{
    ts_kvstore_id id = id_of(d, &s->key, s->user, s->user_len);
    ts_kvstore_stats stats;

    id.topic = (ts_str){s->topic, s->topic_len};
    if (ts_kvstore_put(d->opt.store, &id, s->data, d->opt.page_bytes))
        return;
    ts_kvstore_read_stats(d->opt.store, &stats);
    if (stats.is_stopped)
        return;
    ts_kvstore_flush(d->opt.store);
    (void)ts_kvstore_put(d->opt.store, &id, s->data, d->opt.page_bytes);
}

static void add_load(ts_kvdisk *d, ts_kvload *l)
{
    l->next = NULL;
    *d->last = l;
    d->last = &l->next;
}

/* Under the lock, which is given up meanwhile. */
static void work_on_load(ts_kvdisk *d)
{
    ts_kvload *l = d->first;

    d->first = l->next;
    if (!d->first)
        d->last = &d->first;
    ts_lock_give(d->lock);
    const bool goes_on = load_page(d, l);
    ts_lock_take(d->lock);
    if (goes_on) {
        add_load(d, l);
        return;
    }
    ts_lock_give(d->lock);
    atomic_store(&l->is_done, 1); /* the caller's again */
    d->opt.on_change(d->opt.ctx);
    ts_lock_take(d->lock);
}

static void work_on_save(ts_kvdisk *d)
{
    const save s = d->ring[d->n_saved % d->opt.max_saves];

    ts_lock_give(d->lock);
    save_page(d, &s);
    ts_lock_take(d->lock);
    d->n_saved++;
    ts_lock_give(d->lock);
    d->opt.on_change(d->opt.ctx);
    ts_lock_take(d->lock);
}

static void disk_main(void *ctx)
{
    ts_kvdisk *d = ctx;

    ts_lock_take(d->lock);
    for (;;) {
        if (d->first)
            work_on_load(d);
        else if (d->n_saved < d->n_queued)
            work_on_save(d);
        else if (d->is_closing)
            break;
        else
            ts_lock_wait(d->lock, 0);
    }
    ts_lock_give(d->lock);
}

/* ------------------------------------------------------------------- calls */

tiefsee_status ts_kvdisk_new(ts_kvdisk **out, const ts_kvdisk_options *opt, tiefsee_error *err)
{
    *out = NULL;
    ts_kvdisk *d = ts_alloc_zero(1, sizeof *d);
    if (!d)
        return ts_fail_nomem(err, sizeof *d, "the context cache");
    d->opt = *opt;
    d->last = &d->first;
    d->lock = ts_lock_new();
    d->ring = ts_alloc_zero(opt->max_saves, sizeof *d->ring);
    const tiefsee_status st =
        d->lock && d->ring ? ts_thread_start(&d->thread, disk_main, d, err)
                           : ts_fail_nomem(err, opt->max_saves * sizeof *d->ring, "the cache");
    if (st != TIEFSEE_OK) {
        ts_kvdisk_free(d);
        return st;
    }
    *out = d;
    return TIEFSEE_OK;
}

void ts_kvdisk_free(ts_kvdisk *d)
{
    if (!d)
        return;
    if (d->thread) {
        ts_lock_take(d->lock);
        d->is_closing = true;
        ts_lock_wake(d->lock);
        ts_lock_give(d->lock);
        ts_thread_join(d->thread);
    }
    ts_lock_free(d->lock);
    ts_free(d->ring);
    ts_free(d);
}

/* Any machine's bytes: a store may outlive it. */
static void put_tokens(uint8_t *out, const int32_t *tokens)
{
    for (size_t i = 0; i < TS_KV_PAGE; i++)
        for (int k = 0; k < 4; k++)
            out[4 * i + (size_t)k] = (uint8_t)((uint32_t)tokens[i] >> (8 * k));
}

void ts_kvdisk_keys(const int32_t *tokens, size_t n, ts_kvkey *keys)
{
    uint8_t text[TS_KVSTORE_KEY_LEN + 4 * TS_KV_PAGE] = "tiefsee kv page, 64 tokens of 4";

    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            memcpy(text, keys[i - 1].bytes, TS_KVSTORE_KEY_LEN);
        put_tokens(text + TS_KVSTORE_KEY_LEN, tokens + i * TS_KV_PAGE);
        (void)crypto_generichash(keys[i].bytes, TS_KVSTORE_KEY_LEN, text, sizeof text, NULL, 0);
    }
}

size_t ts_kvdisk_known(ts_kvdisk *d, const char *user, const ts_kvkey *keys, size_t n)
{
    const size_t len = strlen(user);
    size_t i = 0;

    for (; i < n; i++) {
        const ts_kvstore_id id = id_of(d, &keys[i], user, len);
        if (!ts_kvstore_has(d->opt.store, &id))
            break;
    }
    return i;
}

void ts_kvdisk_load(ts_kvdisk *d, ts_kvload *load)
{
    load->n_loaded = 0;
    atomic_store(&load->is_done, 0);
    ts_lock_take(d->lock);
    add_load(d, load);
    ts_lock_wake(d->lock);
    ts_lock_give(d->lock);
}

bool ts_kvdisk_save(ts_kvdisk *d, const char *user, const char *topic, const ts_kvkey *key,
                    const float *data, int32_t number)
{
    const size_t len = strlen(user), topic_len = strlen(topic);

    ts_lock_take(d->lock);
    const bool fits = len <= TS_KVSTORE_MAX_USER && topic_len <= TS_KVSTORE_MAX_TOPIC &&
                      d->n_queued - d->n_written < d->opt.max_saves;
    if (fits) {
        save *s = &d->ring[d->n_queued++ % d->opt.max_saves];
        *s = (save){
            .key = *key, .user_len = len, .topic_len = topic_len, .data = data, .number = number};
        memcpy(s->user, user, len);
        memcpy(s->topic, topic, topic_len);
        ts_lock_wake(d->lock);
    }
    ts_lock_give(d->lock);
    return fits;
}

int32_t ts_kvdisk_written(ts_kvdisk *d)
{
    ts_lock_take(d->lock);
    const int32_t number =
        d->n_written < d->n_saved ? d->ring[d->n_written++ % d->opt.max_saves].number : -1;
    ts_lock_give(d->lock);
    return number;
}
