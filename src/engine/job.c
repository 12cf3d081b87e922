/* job.c - see job.h. */
#include "engine/job.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

static tiefsee_status check(const tiefsee_model *m, const ts_job_spec *spec, size_t n_ctx,
                            tiefsee_error *err)
{
    const size_t n_vocab = m->net->config.n_vocab;

    if (spec->n_tokens == 0)
        return ts_fail(err, TIEFSEE_E_INVALID, "the prompt is empty");
    if (spec->n_tokens >= n_ctx)
        return ts_fail(err, TIEFSEE_E_LIMIT,
                       "the prompt has %zu tokens, the context holds %zu with the answer",
                       spec->n_tokens, n_ctx);
    for (size_t i = 0; i < spec->n_tokens; i++)
        if (spec->tokens[i] < 0 || (size_t)spec->tokens[i] >= n_vocab)
            return ts_fail(err, TIEFSEE_E_INVALID, "token %zu is %d (0 to %zu exist)", i,
                           spec->tokens[i], n_vocab - 1);
    if (spec->user_name && strlen(spec->user_name) > TS_MAX_NAME_SPACE)
        return ts_fail(err, TIEFSEE_E_INVALID, "a user name of %zu bytes (%d allowed)",
                       strlen(spec->user_name), TS_MAX_NAME_SPACE);
    if (spec->topic && strlen(spec->topic) > TS_MAX_TOPIC)
        return ts_fail(err, TIEFSEE_E_INVALID, "a topic of %zu bytes (%d allowed)",
                       strlen(spec->topic), TS_MAX_TOPIC);
    if (spec->generate.n_stop > TS_MAX_STOPS)
        return ts_fail(err, TIEFSEE_E_INVALID, "%zu stop strings (%d allowed)",
                       spec->generate.n_stop, TS_MAX_STOPS);
    return TIEFSEE_OK;
}

static bool on_piece(void *user, const tiefsee_piece *piece)
{
    ts_job *j = user;

    return !j->events.piece || j->events.piece(j->user, piece);
}

static bool copy_stops(ts_job *j, const tiefsee_generate_options *o)
{
    size_t bytes = 1, at = 0;

    for (size_t i = 0; i < o->n_stop; i++)
        bytes += strlen(o->stop[i]) + 1;
    j->stop_text = ts_alloc(bytes);
    if (!j->stop_text)
        return false;
    for (size_t i = 0; i < o->n_stop; i++) {
        const size_t n = strlen(o->stop[i]) + 1;
        memcpy(j->stop_text + at, o->stop[i], n);
        j->stop[i] = j->stop_text + at;
        at += n;
    }
    j->opt.stop = j->stop;
    return true;
}

static bool copy_bias(ts_job *j, const tiefsee_sampling *s)
{
    if (s->n_bias == 0)
        return true;
    if (s->n_bias > TS_MAX_BIAS) /* the sampler will say so */
        return true;
    j->bias = ts_alloc(s->n_bias * sizeof *j->bias);
    if (!j->bias)
        return false;
    memcpy(j->bias, s->bias, s->n_bias * sizeof *j->bias);
    j->opt.sampling.bias = j->bias;
    return true;
}

static tiefsee_status take_memory(ts_job *j, const tiefsee_model *m, const ts_job_spec *spec,
                                  tiefsee_error *err)
{
    const size_t n_vocab = m->net->config.n_vocab;

    j->max_pages = (j->seq.n_ctx + TS_KV_PAGE - 1) / TS_KV_PAGE;
    j->seq.tokens = ts_alloc(j->seq.n_ctx * sizeof *j->seq.tokens);
    j->pages = ts_alloc(j->max_pages * sizeof *j->pages);
    j->table = ts_alloc_zero(j->max_pages, sizeof *j->table);
    j->keys = ts_alloc(j->max_pages * sizeof *j->keys);
    if (spec->tells_experts) {
        const size_t n = j->seq.n_ctx * m->net->config.n_layers * m->net->config.n_active;

        j->seq.choices = ts_alloc((n ? n : 1) * sizeof *j->seq.choices);
        if (j->seq.choices)
            memset(j->seq.choices, 0xff, n * sizeof *j->seq.choices); /* TS_NO_EXPERT */
    }
    if (spec->constraint.ctx)
        j->excluded = ts_alloc((n_vocab + 63) / 64 * sizeof *j->excluded);
    if (!j->seq.tokens || !j->pages || !j->table || !j->keys ||
        (spec->constraint.ctx && !j->excluded) || (spec->tells_experts && !j->seq.choices) ||
        !copy_stops(j, &spec->generate) || !copy_bias(j, &spec->generate.sampling))
        return ts_fail_nomem(err, j->seq.n_ctx * 8, "a job");
    return ts_sampler_open(&j->sampler, n_vocab, err);
}

tiefsee_status ts_job_new(ts_job **out, ts_engine *e, tiefsee_model *m, const ts_job_spec *spec,
                          size_t n_ctx, tiefsee_error *err)
{
    *out = NULL;
    tiefsee_status st = check(m, spec, n_ctx, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_job *j = ts_alloc_zero(1, sizeof *j);
    if (!j)
        return ts_fail_nomem(err, sizeof *j, "a job");
    j->engine = e;
    j->n_prompt = spec->n_tokens;
    /* No more room than the longest answer can take. */
    const size_t most = spec->generate.max_tokens;
    j->seq.n_ctx = most && most < n_ctx - spec->n_tokens ? spec->n_tokens + most : n_ctx;
    j->opt = spec->generate;
    j->opt.on_piece = on_piece;
    j->opt.user = j;
    st = take_memory(j, m, spec, err);
    if (st == TIEFSEE_OK)
        st = ts_answer_start(&j->answer, m, &j->sampler, &j->opt, &spec->constraint, j->excluded,
                             err);
    if (st != TIEFSEE_OK) {
        ts_job_free(j);
        return st;
    }
    memcpy(j->seq.tokens, spec->tokens, spec->n_tokens * sizeof *spec->tokens);
    j->seq.kv = ts_net_kv(m->net, j->table, j->max_pages);
    (void)snprintf(j->user_name, sizeof j->user_name, "%s", spec->user_name ? spec->user_name : "");
    (void)snprintf(j->topic, sizeof j->topic, "%s", spec->topic ? spec->topic : "");
    j->is_private = spec->is_private;
    if (!spec->shares_cache)
        memcpy(j->name_space, j->user_name, sizeof j->name_space);
    j->constraint = spec->constraint;
    *out = j;
    return TIEFSEE_OK;
}

void ts_job_free(ts_job *j)
{
    if (!j)
        return;
    if (j->constraint.ctx)
        j->constraint.free(j->constraint.ctx);
    ts_sampler_close(&j->sampler);
    ts_free(j->seq.tokens);
    ts_free(j->seq.choices);
    ts_free(j->pages);
    ts_free(j->table);
    ts_free(j->keys);
    ts_free(j->excluded);
    ts_free(j->bias);
    ts_free(j->stop_text);
    ts_free(j);
}
