/* decode.c - see decode.h. */
#include "engine/decode.h"

#include <assert.h>
#include <string.h>

static void deliver(ts_answer *a, tiefsee_channel channel, const char *text, size_t n)
{
    if (a->is_cancelled || !a->opt.on_piece)
        return;
    a->piece.channel = channel;
    a->piece.text = text;
    a->piece.n = n;
    a->was_called = true;
    if (!a->opt.on_piece(a->opt.user, &a->piece))
        a->is_cancelled = true;
}

static void on_content(void *user, const char *text, size_t n)
{
    deliver(user, TIEFSEE_CONTENT, text, n);
}

static void on_split(void *user, tiefsee_channel channel, const char *text, size_t n)
{
    ts_answer *a = user;

    if (channel != TIEFSEE_CONTENT) {
        deliver(a, channel, text, n);
        return;
    }
    if (a->stop_index < 0)
        a->stop_index = ts_stop_feed(&a->stop, text, n, on_content, a);
}

static void take_text(ts_answer *a, const char *text, size_t n)
{
    if (a->opt.raw)
        on_split(a, TIEFSEE_CONTENT, text, n);
    else
        ts_splitter_feed(&a->splitter, text, n, on_split, a);
}

static bool is_call_marker(const tiefsee_model *m, int32_t token)
{
    for (size_t i = 0; i < m->n_call_markers; i++)
        if (m->call_marker[i] == token)
            return true;
    return false;
}

/* Control tokens have no text, but some marks are for the splitter. */
static bool has_text(const ts_answer *a, int32_t token)
{
    const tiefsee_model *m = a->model;

    if (!m->bpe)
        return false;
    if (!a->opt.raw && is_call_marker(m, token))
        return a->opt.splits_calls && !a->splitter.in_reasoning;
    return !ts_bpe_is_control(m->bpe, token) || token == m->think_begin || token == m->think_end;
}

static void take_token(ts_answer *a, int32_t token)
{
    char out[3 * 68];

    a->was_called = false;
    if (has_text(a, token)) {
        ts_str bytes = ts_bpe_bytes(a->model->bpe, token);
        while (bytes.len > 0) {
            const size_t n = bytes.len < 64 ? bytes.len : 64;
            take_text(a, out, ts_utf8_stream_feed(&a->utf8, bytes.ptr, n, out));
            bytes.ptr += n;
            bytes.len -= n;
        }
    }
    /* Callers that count tokens hear of every one. */
    if (!a->was_called && a->stop_index < 0)
        deliver(a, a->splitter.in_reasoning && !a->opt.raw ? TIEFSEE_REASONING : TIEFSEE_CONTENT,
                "", 0);
}

static bool is_stop_token(const tiefsee_model *m, int32_t token)
{
    for (size_t i = 0; i < m->n_stop_tokens; i++)
        if (m->stop_token[i] == token)
            return true;
    return false;
}

/* Reasoning is free; the constraint rules what comes behind it. */
static bool is_constrained(const ts_answer *a)
{
    return a->constraint.ctx && (a->opt.raw || !a->splitter.in_reasoning);
}

/* Bits of what must not come; false if nothing may. */
static bool exclude(ts_answer *a)
{
    const tiefsee_model *m = a->model;
    const size_t n_vocab = m->net->config.n_vocab, n_words = (n_vocab + 63) / 64;
    bool may_end, has_any = false;

    a->constraint.mask(a->constraint.ctx, a->excluded, &may_end);
    for (size_t i = 0; may_end && i < m->n_stop_tokens; i++)
        a->excluded[m->stop_token[i] / 64] |= (uint64_t)1 << (m->stop_token[i] % 64);
    for (size_t i = 0; i < n_words; i++) {
        a->excluded[i] = ~a->excluded[i] | (m->undefined ? m->undefined[i] : 0);
        const size_t bits = n_vocab - i * 64;
        has_any = has_any ||
                  (bits >= 64 ? ~a->excluded[i] : ~a->excluded[i] & (((uint64_t)1 << bits) - 1));
    }
    return has_any;
}

static bool end_with(ts_answer *a, tiefsee_finish finish)
{
    a->finish = finish;
    return false;
}

ts_sampler *ts_answer_sampler(const ts_answer *a)
{
    const bool needs_logits = a->constraint.ctx || a->opt.n_top_logprobs > 0;

    return !needs_logits && ts_sampler_is_plain(a->sampler) ? a->sampler : NULL;
}

int32_t ts_answer_choose(ts_answer *a, const float *logits, const int32_t *context,
                         size_t n_context)
{
    const tiefsee_model *m = a->model;

    if (is_constrained(a) || (a->opt.max_tokens && a->n_generated >= a->opt.max_tokens))
        return -1;
    return ts_sampler_next(a->sampler, &m->k, logits, m->undefined, context, n_context);
}

bool ts_answer_step(ts_answer *a, const float *logits, int32_t chosen, const int32_t *context,
                    size_t n_context, size_t n_ctx, int32_t *token)
{
    const tiefsee_model *m = a->model;
    const uint64_t *excluded = m->undefined;

    *token = -1;
    if (a->opt.max_tokens && a->n_generated >= a->opt.max_tokens)
        return end_with(a, TIEFSEE_FINISH_LENGTH);
    if (is_constrained(a)) {
        if (!exclude(a))
            return end_with(a, TIEFSEE_FINISH_STOP);
        excluded = a->excluded;
    }
    int32_t t = chosen >= 0
                    ? chosen
                    : ts_sampler_next(a->sampler, &m->k, logits, excluded, context, n_context);
    /* An answer that is asked for in a form must come: an end within the reasoning is
     * the end of the reasoning. */
    if (a->constraint.ctx && !is_constrained(a) && is_stop_token(m, t) && m->think_end >= 0)
        t = m->think_end;
    if (!a->opt.ignore_eos && is_stop_token(m, t))
        return end_with(a, TIEFSEE_FINISH_STOP);
    if (n_context >= n_ctx)
        return end_with(a, TIEFSEE_FINISH_LENGTH); /* no room for its row */
    if (is_constrained(a) && !a->constraint.accept(a->constraint.ctx, t))
        return end_with(a, TIEFSEE_FINISH_STOP);
    a->piece.token = *token = t;
    if (a->opt.n_top_logprobs > 0)
        a->piece.logprob =
            ts_logprobs(a->top, a->opt.n_top_logprobs, logits, m->net->config.n_vocab, t);
    a->piece.index = a->n_generated++;
    a->n_reasoning += !a->opt.raw && a->splitter.in_reasoning;
    take_token(a, t);
    if (a->stop_index >= 0)
        return end_with(a, TIEFSEE_FINISH_STOP);
    if (a->is_cancelled)
        return end_with(a, TIEFSEE_FINISH_CANCELLED);
    return true;
}

void ts_answer_end(ts_answer *a)
{
    char out[16];

    if (a->stop_index >= 0 || a->finish == TIEFSEE_FINISH_CANCELLED)
        return;
    const size_t n = ts_utf8_stream_end(&a->utf8, out);
    if (n > 0)
        take_text(a, out, n);
    if (!a->opt.raw)
        ts_splitter_end(&a->splitter, on_split, a);
    if (a->stop_index < 0)
        ts_stop_end(&a->stop, on_content, a);
}

tiefsee_status ts_answer_start(ts_answer *a, const tiefsee_model *m, ts_sampler *sampler,
                               const tiefsee_generate_options *opt, const ts_constraint *constraint,
                               uint64_t *excluded, tiefsee_error *err)
{
    assert(!constraint || !constraint->ctx || excluded);
    *a = (ts_answer){
        .model = m, .sampler = sampler, .excluded = excluded, .opt = *opt, .stop_index = -1};
    if (opt->n_top_logprobs > TS_MAX_TOP_LOGPROBS)
        return ts_fail(err, TIEFSEE_E_INVALID, "%zu top logprobs (%d allowed)", opt->n_top_logprobs,
                       TS_MAX_TOP_LOGPROBS);
    if (constraint)
        a->constraint = *constraint;
    a->piece.top = a->top;
    a->piece.n_top = opt->n_top_logprobs;
    tiefsee_status st = ts_sampler_start(sampler, &opt->sampling, err);
    if (st == TIEFSEE_OK)
        st = ts_stop_start(&a->stop, opt->stop, opt->n_stop, err);
    ts_splitter_start(&a->splitter, opt->in_reasoning);
    a->splitter.splits_calls = opt->splits_calls;
    return st;
}
