/* session.c - a conversation's cache, and feeding it. */
#include "engine/session.h"

#include <assert.h>
#include <string.h>

#include "core/alloc.h"
#include "core/cpu.h"

enum { DEFAULT_CTX = 4096 };

static size_t page_bytes(const tiefsee_model *m)
{
    return m->net->config.n_layers * TS_KV_PAGE * ts_net_kv_row_floats(m->net) * sizeof(float);
}

static size_t pages_for(size_t n_ctx)
{
    return (n_ctx + TS_KV_PAGE - 1) / TS_KV_PAGE;
}

uint64_t ts_session_kv_bytes(const tiefsee_model *m, size_t n_ctx)
{
    return (uint64_t)pages_for(n_ctx) * page_bytes(m);
}

static tiefsee_status take_memory(tiefsee_session *s, tiefsee_error *err)
{
    const tiefsee_model *m = s->model;
    const size_t n_vocab = m->net->config.n_vocab, n_pages = pages_for(s->seq.n_ctx);
    const uint64_t bytes = ts_session_kv_bytes(m, s->seq.n_ctx);
    const uint64_t have = ts_cpu_available_memory();

    if (have && bytes > have)
        return ts_fail(err, TIEFSEE_E_NOMEM,
                       "not enough memory: a context of %zu tokens needs %llu MB, %llu MB are "
                       "available",
                       s->seq.n_ctx, (unsigned long long)(bytes >> 20),
                       (unsigned long long)(have >> 20));
    s->cache = ts_alloc((size_t)bytes);
    s->pages = ts_alloc(n_pages * sizeof *s->pages);
    s->seq.tokens = ts_alloc(s->seq.n_ctx * sizeof *s->seq.tokens);
    s->logits = ts_alloc(n_vocab * sizeof *s->logits);
    s->hidden = ts_alloc(m->net->config.d_model * sizeof *s->hidden);
    if (!s->cache || !s->pages || !s->seq.tokens || !s->logits || !s->hidden)
        return ts_fail_nomem(err, bytes, "the cache of a session");
    for (size_t i = 0; i < n_pages; i++)
        s->pages[i] = (float *)(void *)((uint8_t *)s->cache + i * page_bytes(m));
    s->seq.kv = ts_net_kv(m->net, s->pages, n_pages);
    return ts_sampler_open(&s->sampler, n_vocab, err);
}

tiefsee_status tiefsee_session_open(tiefsee_session **out, tiefsee_model *model,
                                    const tiefsee_session_options *opt, tiefsee_error *err)
{
    tiefsee_session_options o = {0};

    *out = NULL;
    if (opt)
        memcpy(&o, opt, opt->size < sizeof o ? opt->size : sizeof o);
    if (!model->net)
        return ts_fail(err, TIEFSEE_E_INVALID, "the model was opened for its metadata only");
    const size_t longest = model->net->config.n_ctx;
    const size_t n_ctx = o.n_ctx ? o.n_ctx : longest < DEFAULT_CTX ? longest : DEFAULT_CTX;
    if (n_ctx > longest)
        return ts_fail(err, TIEFSEE_E_LIMIT, "a context of %zu tokens: the model allows %zu", n_ctx,
                       longest);
    tiefsee_session *s = ts_alloc_zero(1, sizeof *s);
    if (!s)
        return ts_fail_nomem(err, sizeof *s, "a session");
    s->model = model;
    s->seq.n_ctx = n_ctx;
    tiefsee_status st = take_memory(s, err);
    if (st != TIEFSEE_OK) {
        tiefsee_session_close(s);
        return st;
    }
    *out = s;
    return TIEFSEE_OK;
}

void tiefsee_session_close(tiefsee_session *s)
{
    if (!s)
        return;
    ts_sampler_close(&s->sampler);
    ts_free(s->cache);
    ts_free(s->pages);
    ts_free(s->seq.tokens);
    ts_free(s->logits);
    ts_free(s->hidden);
    ts_free(s);
}

static tiefsee_status check_tokens(const tiefsee_session *s, const tiefsee_token *tokens, size_t n,
                                   tiefsee_error *err)
{
    const size_t n_vocab = s->model->net->config.n_vocab;

    if (n > s->seq.n_ctx - s->seq.n)
        return ts_fail(err, TIEFSEE_E_LIMIT,
                       "%zu tokens do not fit: %zu of the context's %zu are in use", n, s->seq.n,
                       s->seq.n_ctx);
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || (size_t)tokens[i] >= n_vocab)
            return ts_fail(err, TIEFSEE_E_INVALID, "token %zu is %d (0 to %zu exist)", i, tokens[i],
                           n_vocab - 1);
    return TIEFSEE_OK;
}

/* A cancelled feed leaves the context as it was. */
static tiefsee_status undo(tiefsee_session *s, size_t length, tiefsee_error *err)
{
    tiefsee_session_rewind(s, length);
    atomic_store(&s->is_cancelled, 0);
    return ts_fail(err, TIEFSEE_E_CANCELLED, "cancelled");
}

tiefsee_status tiefsee_session_feed(tiefsee_session *s, const tiefsee_token *tokens,
                                    size_t n_tokens, tiefsee_error *err)
{
    const size_t before = s->seq.n;
    const tiefsee_status st = check_tokens(s, tokens, n_tokens, err);

    if (st != TIEFSEE_OK)
        return st;
    for (size_t done = 0; done < n_tokens;) {
        const size_t left = n_tokens - done, most = s->model->max_batch;
        const size_t n = left < most ? left : most;
        const bool is_last = n == left;
        ts_feed feed = {.seq = &s->seq,
                        .tokens = tokens + done,
                        .n = n,
                        .logits = s->logits,
                        .n_logits = is_last ? 1 : 0};
        if (ts_session_is_cancelled(s) || !ts_model_step(s->model, &feed, 1, &s->is_cancelled))
            return undo(s, before, err);
        done += n;
        if (s->on_progress)
            s->on_progress(s->progress_user, done, n_tokens);
    }
    if (n_tokens > 0) {
        s->has_logits = true;
        s->is_pending = false;
    }
    return TIEFSEE_OK;
}

tiefsee_status tiefsee_session_feed_all(tiefsee_session *s, const tiefsee_token *tokens,
                                        size_t n_tokens, tiefsee_on_logits *on_logits, void *user,
                                        tiefsee_error *err)
{
    const size_t before = s->seq.n, n_vocab = s->model->net->config.n_vocab;
    const size_t most = s->model->max_logits;
    const tiefsee_status st = check_tokens(s, tokens, n_tokens, err);

    if (st != TIEFSEE_OK)
        return st;
    float *rows = ts_alloc(most * n_vocab * sizeof *rows);
    if (!rows)
        return ts_fail_nomem(err, most * n_vocab * sizeof *rows, "logits");
    for (size_t done = 0; done < n_tokens;) {
        const size_t n = n_tokens - done < most ? n_tokens - done : most;
        ts_feed feed = {
            .seq = &s->seq, .tokens = tokens + done, .n = n, .logits = rows, .n_logits = n};
        if (ts_session_is_cancelled(s) || !ts_model_step(s->model, &feed, 1, &s->is_cancelled)) {
            ts_free(rows);
            return undo(s, before, err);
        }
        for (size_t i = 0; i < n; i++)
            on_logits(user, done + i, rows + i * n_vocab);
        done += n;
        if (done == n_tokens)
            memcpy(s->logits, rows + (n - 1) * n_vocab, n_vocab * sizeof *rows);
        if (s->on_progress)
            s->on_progress(s->progress_user, done, n_tokens);
    }
    ts_free(rows);
    if (n_tokens > 0) {
        s->has_logits = true;
        s->is_pending = false;
    }
    return TIEFSEE_OK;
}

void tiefsee_session_on_progress(tiefsee_session *s, tiefsee_on_progress *on_progress, void *user)
{
    s->on_progress = on_progress;
    s->progress_user = user;
}

const float *tiefsee_session_logits(const tiefsee_session *s)
{
    if (!s->has_logits)
        return NULL;
    if (s->is_pending) { /* the caller cannot see that they were not there */
        ts_model_logits(s->model, s->hidden, s->logits);
        ((tiefsee_session *)(uintptr_t)s)->is_pending = false;
    }
    return s->logits;
}

size_t tiefsee_session_length(const tiefsee_session *s)
{
    return s->seq.n;
}

size_t tiefsee_session_capacity(const tiefsee_session *s)
{
    return s->seq.n_ctx;
}

const tiefsee_token *tiefsee_session_tokens(const tiefsee_session *s)
{
    return s->seq.tokens;
}

void tiefsee_session_rewind(tiefsee_session *s, size_t n)
{
    if (n >= s->seq.n)
        return;
    s->seq.n = n;
    s->has_logits = false;
}

tiefsee_status tiefsee_session_set(tiefsee_session *s, const tiefsee_token *tokens, size_t n_tokens,
                                   size_t *n_reused, tiefsee_error *err)
{
    size_t same = 0;

    if (n_reused)
        *n_reused = 0;
    if (n_tokens > s->seq.n_ctx)
        return ts_fail(err, TIEFSEE_E_LIMIT, "the prompt has %zu tokens, the context holds %zu",
                       n_tokens, s->seq.n_ctx);
    while (same < s->seq.n && same < n_tokens && s->seq.tokens[same] == tokens[same])
        same++;
    /* The last token is fed again where its logits are gone. */
    if (same == n_tokens && same > 0 && !(same == s->seq.n && s->has_logits))
        same--;
    tiefsee_session_rewind(s, same);
    if (n_reused)
        *n_reused = same;
    return tiefsee_session_feed(s, tokens + same, n_tokens - same, err);
}

void tiefsee_session_cancel(tiefsee_session *s)
{
    atomic_store_explicit(&s->is_cancelled, 1, memory_order_relaxed);
}
