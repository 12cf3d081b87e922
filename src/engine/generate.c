/* generate.c - sample, append, repeat.
 *
 * The way of a token: its bytes -> whole UTF-8 characters -> reasoning and
 * content apart -> content past the stop strings -> the caller.  Nothing here
 * allocates.
 */
#include <assert.h>
#include <string.h>

#include "core/clock.h"
#include "engine/session.h"
#include "engine/stop.h"

typedef struct answer {
    tiefsee_session *s;
    const tiefsee_generate_options *opt;
    ts_utf8_stream utf8;
    ts_splitter splitter;
    ts_stop stop;
    tiefsee_piece piece; /* of the token at hand */
    tiefsee_token_logprob top[TS_MAX_TOP_LOGPROBS];
    bool was_called;   /* for the token at hand */
    bool is_cancelled; /* the caller wants no more */
    int stop_index;
} answer;

static void deliver(answer *a, tiefsee_channel channel, const char *text, size_t n)
{
    if (a->is_cancelled || !a->opt->on_piece)
        return;
    a->piece.channel = channel;
    a->piece.text = text;
    a->piece.n = n;
    a->was_called = true;
    if (!a->opt->on_piece(a->opt->user, &a->piece))
        a->is_cancelled = true;
}

static void on_content(void *user, const char *text, size_t n)
{
    deliver(user, TIEFSEE_CONTENT, text, n);
}

static void on_split(void *user, tiefsee_channel channel, const char *text, size_t n)
{
    answer *a = user;

    if (channel == TIEFSEE_REASONING) {
        deliver(a, channel, text, n);
        return;
    }
    if (a->stop_index < 0)
        a->stop_index = ts_stop_feed(&a->stop, text, n, on_content, a);
}

static void take_text(answer *a, const char *text, size_t n)
{
    if (a->opt->raw)
        on_split(a, TIEFSEE_CONTENT, text, n);
    else
        ts_splitter_feed(&a->splitter, text, n, on_split, a);
}

/* Control tokens have no text, but the marks of reasoning are for the splitter. */
static bool has_text(const tiefsee_model *m, int32_t token)
{
    return m->bpe &&
           (!ts_bpe_is_control(m->bpe, token) || token == m->think_begin || token == m->think_end);
}

static void take_token(answer *a, int32_t token)
{
    const tiefsee_model *m = a->s->model;
    char out[3 * 68];

    a->was_called = false;
    if (has_text(m, token)) {
        ts_str bytes = ts_bpe_bytes(m->bpe, token);
        while (bytes.len > 0) {
            const size_t n = bytes.len < 64 ? bytes.len : 64;
            take_text(a, out, ts_utf8_stream_feed(&a->utf8, bytes.ptr, n, out));
            bytes.ptr += n;
            bytes.len -= n;
        }
    }
    /* Callers that count tokens hear of every one. */
    if (!a->was_called && a->stop_index < 0)
        deliver(a, a->splitter.in_reasoning && !a->opt->raw ? TIEFSEE_REASONING : TIEFSEE_CONTENT,
                "", 0);
}

/* The answer is over: pass on what was held back. */
static void finish_text(answer *a)
{
    char out[16];

    if (a->stop_index >= 0)
        return;
    const size_t n = ts_utf8_stream_end(&a->utf8, out);
    if (n > 0)
        take_text(a, out, n);
    if (!a->opt->raw)
        ts_splitter_end(&a->splitter, on_split, a);
    if (a->stop_index < 0)
        ts_stop_end(&a->stop, on_content, a);
}

static bool is_stop_token(const tiefsee_model *m, int32_t token)
{
    for (size_t i = 0; i < m->n_stop_tokens; i++)
        if (m->stop_token[i] == token)
            return true;
    return false;
}

static int32_t next_token(answer *a)
{
    tiefsee_session *s = a->s;
    const int32_t token =
        ts_sampler_next(&s->sampler, &s->model->k, s->logits, s->model->undefined, s->tokens, s->n);

    a->piece.token = token;
    if (a->opt->n_top_logprobs > 0) {
        a->piece.logprob = ts_logprobs(a->top, a->opt->n_top_logprobs, s->logits,
                                       s->model->net->config.n_vocab, token);
        a->piece.top = a->top;
        a->piece.n_top = a->opt->n_top_logprobs;
    }
    return token;
}

static tiefsee_finish run(answer *a, tiefsee_generate_result *r, double start)
{
    tiefsee_session *s = a->s;

    for (;;) {
        if (atomic_load_explicit(&s->is_cancelled, memory_order_relaxed))
            return TIEFSEE_FINISH_CANCELLED;
        if (a->opt->max_tokens && r->n_generated >= a->opt->max_tokens)
            return TIEFSEE_FINISH_LENGTH;
        const int32_t token = next_token(a);
        if (r->n_generated == 0)
            r->first_token_s = ts_clock_seconds() - start;
        if (!a->opt->ignore_eos && is_stop_token(s->model, token))
            return TIEFSEE_FINISH_STOP;
        if (s->n == s->n_ctx)
            return TIEFSEE_FINISH_LENGTH; /* no room for its row */
        r->n_generated++;
        r->n_reasoning += !a->opt->raw && a->splitter.in_reasoning;
        take_token(a, token);
        if (a->stop_index >= 0)
            return TIEFSEE_FINISH_STOP;
        if (a->is_cancelled)
            return TIEFSEE_FINISH_CANCELLED;
        const ts_feed feed = {s, &token, 1, s->logits, 1};
        ts_model_step(s->model, &feed, 1);
    }
}

static tiefsee_status check(const tiefsee_session *s, const tiefsee_generate_options *o,
                            tiefsee_error *err)
{
    if (!s->has_logits)
        return ts_fail(err, TIEFSEE_E_INVALID, "generate needs a prompt in the context");
    if (o->n_top_logprobs > TS_MAX_TOP_LOGPROBS)
        return ts_fail(err, TIEFSEE_E_INVALID, "%zu top logprobs (%d allowed)", o->n_top_logprobs,
                       TS_MAX_TOP_LOGPROBS);
    return TIEFSEE_OK;
}

tiefsee_status tiefsee_session_generate(tiefsee_session *s, const tiefsee_generate_options *opt,
                                        tiefsee_generate_result *result, tiefsee_error *err)
{
    tiefsee_generate_options o = {0};
    tiefsee_generate_result r = {.stop_index = -1};
    answer a = {.s = s, .opt = &o, .stop_index = -1};
    const double start = ts_clock_seconds();

    memcpy(&o, opt, opt->size < sizeof o ? opt->size : sizeof o);
    tiefsee_status st = check(s, &o, err);
    if (st == TIEFSEE_OK)
        st = ts_sampler_start(&s->sampler, &o.sampling, err);
    if (st == TIEFSEE_OK)
        st = ts_stop_start(&a.stop, o.stop, o.n_stop, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_splitter_start(&a.splitter, o.in_reasoning);
    r.finish = run(&a, &r, start);
    if (r.finish != TIEFSEE_FINISH_CANCELLED)
        finish_text(&a);
    atomic_store(&s->is_cancelled, 0);
    r.stop_index = a.stop_index;
    r.total_s = ts_clock_seconds() - start;
    if (result)
        *result = r;
    return TIEFSEE_OK;
}
