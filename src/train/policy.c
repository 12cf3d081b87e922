/* policy.c - see policy.h. */
#include "train/policy.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "engine/model.h"
#include "train/language.h"

enum { DEFAULT_TOGETHER = 128, MAX_PROMPT = 1 << 14, MAX_TEXT = 1 << 24 };

struct ts_policy {
    ts_policy_options opt;
    tiefsee_model *model;
    ts_engine *engine;
    tiefsee_token *prompt; /* (MAX_PROMPT) */
    ts_buf text;
    ts_lock *lock;
    size_t n_choices; /* of a token: layers times experts */
    size_t n_asked;
    size_t n_done; /* under the lock */
    size_t n_seen; /* of n_done when ts_policy_wait() returned last */
    char path[4096];
};

static tiefsee_status open_engine(ts_policy *p, tiefsee_error *err)
{
    const tiefsee_model_options opt = {
        .size = sizeof opt, .n_threads = p->opt.n_threads, .precise = !p->opt.is_rounded};
    const size_t n = p->opt.n_together ? p->opt.n_together : DEFAULT_TOGETHER;
    tiefsee_plan plan;
    const tiefsee_status st = tiefsee_model_open(&p->model, p->path, &opt, err);

    if (st != TIEFSEE_OK)
        return st;
    const ts_config *c = &p->model->net->config;
    p->n_choices = (size_t)c->n_layers * c->n_active;
    tiefsee_model_plan(p->model, p->opt.n_ctx, &plan);
    const ts_engine_options engine = {.n_ctx = p->opt.n_ctx,
                                      .max_running = n,
                                      .max_queue = p->opt.n_queue,
                                      .tells_experts = p->opt.tells_experts,
                                      .cache_bytes = (plan.kv_bytes + (1 << 20)) * n};
    return ts_engine_open(&p->engine, p->model, &engine, err);
}

tiefsee_status ts_policy_open(ts_policy **out, const ts_policy_options *opt, tiefsee_error *err)
{
    ts_policy *p = ts_alloc_zero(1, sizeof *p);

    *out = NULL;
    if (!p)
        return ts_fail_nomem(err, sizeof *p, "a policy");
    p->opt = *opt;
    (void)snprintf(p->path, sizeof p->path, "%s", opt->path);
    p->prompt = ts_alloc(MAX_PROMPT * sizeof *p->prompt);
    p->text = ts_buf_make(MAX_TEXT);
    p->lock = ts_lock_new();
    const tiefsee_status st = p->prompt && p->lock
                                  ? open_engine(p, err)
                                  : ts_fail_nomem(err, MAX_PROMPT * sizeof *p->prompt, "a policy");
    if (st != TIEFSEE_OK) {
        ts_policy_close(p);
        return st;
    }
    *out = p;
    return TIEFSEE_OK;
}

void ts_policy_close(ts_policy *p)
{
    if (!p)
        return;
    ts_engine_close(p->engine);
    tiefsee_model_close(p->model);
    (void)remove(p->path);
    ts_buf_free(&p->text);
    ts_lock_free(p->lock);
    ts_free(p->prompt);
    ts_free(p);
}

/* ------------------------------------------------------------------ asking */

/* To stop was chosen too, and is learned like the rest; the engine does not count it. */
static void add_end(const ts_policy *p, ts_policy_answer *a)
{
    const tiefsee_token eos = ts_bpe_eos(p->model->bpe);

    if (eos < 0 || a->n >= p->opt.n_ctx)
        return;
    if (a->experts)
        for (size_t i = 0; i < p->n_choices; i++)
            a->experts[a->n * p->n_choices + i] = TS_NO_EXPERT;
    a->token[a->n++] = (uint32_t)eos;
}

/* On the engine's thread. */
static void on_done(void *user, const ts_job_result *r)
{
    ts_policy_answer *a = user;
    ts_policy *p = a->policy;

    a->status = r->status;
    a->error = r->error;
    a->n_prompt = r->n_prompt;
    a->n = r->n_prompt + r->n_generated;
    a->is_cut = r->finish != TIEFSEE_FINISH_STOP;
    for (size_t i = 0; i < a->n; i++)
        a->token[i] = (uint32_t)r->tokens[i];
    if (a->experts && r->experts)
        memcpy(a->experts, r->experts, a->n * p->n_choices * sizeof *a->experts);
    if (!a->is_cut && a->status == TIEFSEE_OK)
        add_end(p, a);
    ts_lock_take(p->lock);
    a->state = TS_ANSWER_DONE;
    p->n_done++;
    ts_lock_wake(p->lock);
    ts_lock_give(p->lock);
}

tiefsee_status ts_policy_ask_for(ts_policy *p, ts_policy_answer *a, const ts_policy_ask *ask,
                                 tiefsee_error *err)
{
    static const ts_job_events events = {.done = on_done};
    const tiefsee_message m = {.role = TIEFSEE_USER, .content = ask->item->question.ptr};
    const tiefsee_chat_options chat = {.size = sizeof chat, .no_thinking = !ask->thinks};
    const size_t n_ctx = p->opt.n_ctx;
    size_t n = 0;
    ts_job *job;
    tiefsee_status st = tiefsee_chat_encode(p->model, &m, 1, &chat, p->prompt, MAX_PROMPT, &n, err);

    if (st == TIEFSEE_OK && (n > MAX_PROMPT || n + 1 >= n_ctx))
        st = ts_fail(err, TIEFSEE_E_LIMIT, "a question of %zu tokens (a context of %zu)", n, n_ctx);
    if (st != TIEFSEE_OK)
        return st;
    const size_t room = n_ctx - n;
    ts_job_spec spec = {
        .tokens = p->prompt, .n_tokens = n, .user_name = "", .tells_experts = p->opt.tells_experts};
    spec.generate = (tiefsee_generate_options){
        .size = sizeof spec.generate,
        .max_tokens = ask->max_answer && ask->max_answer < room ? ask->max_answer : room,
        .raw = true,
        .in_reasoning = ask->thinks,
        .sampling = {.size = sizeof spec.generate.sampling,
                     .temperature = (float)ask->temperature,
                     .seed = ask->seed},
    };
    a->policy = p;
    a->thinks = ask->thinks;
    a->state = TS_ANSWER_ASKED; /* before it can be done */
    st = ts_engine_submit(p->engine, &spec, &events, a, &job, err);
    if (st == TIEFSEE_OK)
        p->n_asked++;
    else
        a->state = TS_ANSWER_IDLE;
    return st;
}

ts_answer_state ts_policy_look(const ts_policy_answer *a)
{
    ts_lock *const lock = a->policy ? a->policy->lock : NULL;

    if (!lock)
        return TS_ANSWER_IDLE;
    ts_lock_take(lock);
    const ts_answer_state state = a->state;
    ts_lock_give(lock);
    return state;
}

void ts_policy_wait(ts_policy *p)
{
    ts_lock_take(p->lock);
    while (p->n_done == p->n_seen && p->n_done < p->n_asked)
        ts_lock_wait(p->lock, 1);
    p->n_seen = p->n_done;
    ts_lock_give(p->lock);
}

void ts_policy_wait_all(ts_policy *p)
{
    ts_lock_take(p->lock);
    while (p->n_done < p->n_asked)
        ts_lock_wait(p->lock, 1);
    p->n_seen = p->n_done;
    ts_lock_give(p->lock);
}

/* ----------------------------------------------------------------- judging */

static bool is_stop(const tiefsee_model *m, uint32_t token)
{
    for (size_t i = 0; i < m->n_stop_tokens; i++)
        if ((uint32_t)m->stop_token[i] == token)
            return true;
    return false;
}

tiefsee_status ts_policy_judge(ts_policy *p, const ts_item *it, const ts_policy_answer *a,
                               ts_policy_verdict *out, tiefsee_error *err)
{
    *out = (ts_policy_verdict){0};
    if (a->status != TIEFSEE_OK) {
        if (err)
            *err = a->error;
        return a->status;
    }
    ts_buf_clear(&p->text);
    for (size_t i = a->n_prompt; i < a->n; i++) {
        const ts_str bytes = ts_bpe_bytes(p->model->bpe, (tiefsee_token)a->token[i]);

        if (!is_stop(p->model, a->token[i]) && !ts_buf_append(&p->text, bytes.ptr, bytes.len))
            return TIEFSEE_OK; /* too much of it to be right */
    }
    const ts_str text = {p->text.ptr ? p->text.ptr : "", p->text.len};
    const ts_verdict v = ts_judge(it, text, a->thinks);
    out->is_right = v.is_correct && v.is_formed && !a->is_cut;
    out->keeps_language = ts_keeps_language(it->lang, text);
    return TIEFSEE_OK;
}
