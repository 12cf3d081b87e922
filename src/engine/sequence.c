/* sequence.c - see sequence.h. */
#include "engine/sequence.h"

#include <assert.h>
#include <string.h>

#include "models/moe.h"

/* Lay the shares out as one batch; returns how many rows of logits it wants. */
static size_t gather(tiefsee_model *m, const ts_feed *feeds, size_t n_feeds, size_t *n_tokens)
{
    size_t n = 0, n_logits = 0;

    for (size_t i = 0; i < n_feeds; i++) {
        const ts_feed *f = &feeds[i];
        ts_sequence *s = f->seq;
        assert(n + f->n <= m->max_batch && s->n + f->n <= s->n_ctx && f->n_logits <= f->n);
        for (size_t j = 0; j < f->n; j++, n++) {
            m->id[n] = s->tokens[s->n + j] = f->tokens[j];
            m->pos[n] = (uint32_t)(s->n + j);
            m->kv[n] = &s->kv;
        }
        for (size_t j = 0; j < f->n_logits; j++)
            m->want[n_logits++] = (uint32_t)(n - f->n_logits + j);
    }
    assert(n_logits <= m->max_logits);
    *n_tokens = n;
    return n_logits;
}

/* The experts of f's tokens, which were the batch's from `first` on; n: of the batch. */
static void tell_experts(const tiefsee_model *m, const ts_feed *f, size_t first, size_t n)
{
    const ts_config *c = &m->net->config;
    const size_t k = c->n_active, L = c->n_layers;

    for (size_t l = 0; l < L; l++) {
        if (!ts_moe_is_in_layer(c, l))
            continue;
        for (size_t i = 0; i < f->n; i++) {
            const int32_t *from = m->choices + (l * n + first + i) * k;
            uint16_t *to = f->seq->choices + ((f->seq->n + i) * L + l) * k;

            for (size_t j = 0; j < k; j++)
                to[j] = (uint16_t)from[j];
        }
    }
}

/* Does nobody want the logits themselves?  Then samplers of the rows. */
static bool wants_tokens(tiefsee_model *m, const ts_feed *feeds, size_t n_feeds)
{
    for (size_t i = 0, row = 0; i < n_feeds; i++) {
        if (feeds[i].n_logits == 0)
            continue;
        if (!feeds[i].sampler)
            return false;
        assert(feeds[i].n_logits == 1);
        m->samplers[row++] = feeds[i].sampler;
    }
    return true;
}

/* Tokens of the hidden rows, logits of those that have none. */
static void choose(tiefsee_model *m, float *rows, size_t n_rows)
{
    const ts_net *net = m->net;
    const size_t n_vocab = net->config.n_vocab, d = net->config.d_model;

    ts_head_choose(m->head, m->backend, &m->k, m->hidden, n_rows, m->samplers, rows, m->chosen);
    for (size_t i = 0; i < n_rows; i++)
        if (m->chosen[i] < 0)
            m->backend->op->linear(m->backend, rows + i * n_vocab, net->head, NULL,
                                   m->hidden + i * d, d, 1);
}

/* All logits, from which one learns whether they are needed. */
static void try_head(tiefsee_model *m, float *rows, size_t n_rows)
{
    m->backend->op->linear(m->backend, rows, m->net->head, NULL, m->hidden, m->net->config.d_model,
                           n_rows);
    ts_head_try(m->head, &m->k, m->hidden, rows);
}

bool ts_model_step(tiefsee_model *m, ts_feed *feeds, size_t n_feeds, const _Atomic int *cancel)
{
    const size_t n_vocab = m->net->config.n_vocab, d = m->net->config.d_model;
    size_t n;

    ts_lock_take(m->lock);
    const size_t n_logits = gather(m, feeds, n_feeds, &n);
    const ts_batch batch = {n, m->id, m->pos, m->kv};
    /* One caller's rows go straight to it. */
    float *rows = n_feeds == 1 && feeds[0].logits ? feeds[0].logits : m->step_logits;
    const bool may_be_short = m->head && n_logits > 0 && wants_tokens(m, feeds, n_feeds);
    const bool is_short = may_be_short && ts_head_is_ready(m->head, m->backend);
    const bool is_trial = may_be_short && !is_short && ts_head_wants_trial(m->head);
    const ts_forward forward = {.batch = &batch,
                                .want = m->want,
                                .n_logits = n_logits,
                                .logits = rows,
                                .hidden = is_short || is_trial ? m->hidden : NULL,
                                .cancel = cancel,
                                .choices = m->choices};
    const bool is_done = ts_net_forward(m->net, m->backend, m->scratch, m->scratch_bytes, &forward);
    if (is_done && is_short)
        choose(m, rows, n_logits);
    if (is_done && is_trial)
        try_head(m, rows, n_logits);
    for (size_t i = 0, row = 0, at = 0; is_done && i < n_feeds;
         row += feeds[i].n_logits, at += feeds[i].n, i++) {
        ts_feed *f = &feeds[i];
        if (m->choices && f->seq->choices)
            tell_experts(m, f, at, n);
        f->seq->n += f->n;
        f->rows = rows + row * n_vocab;
        f->token = is_short && f->n_logits > 0 ? m->chosen[row] : -1;
        if (f->token >= 0 && f->hidden)
            memcpy(f->hidden, m->hidden + row * d, d * sizeof *f->hidden);
        if (f->logits && f->logits != rows && f->n_logits)
            memcpy(f->logits, f->rows, f->n_logits * n_vocab * sizeof *f->logits);
    }
    ts_lock_give(m->lock);
    return is_done;
}

void ts_model_logits(tiefsee_model *m, const float *hidden, float *logits)
{
    ts_lock_take(m->lock);
    m->backend->op->linear(m->backend, logits, m->net->head, NULL, hidden, m->net->config.d_model,
                           1);
    ts_lock_give(m->lock);
}
