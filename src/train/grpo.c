/* grpo.c - see grpo.h. */
#include "train/grpo.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "engine/engine.h"
#include "engine/model.h"
#include "train/export_gguf.h"
#include "train/run_parts.h"

enum { TOGETHER = 128, MAX_PROMPT = 1 << 14 };

typedef struct source source;

/* One answer: prompt and answer as tokens. */
typedef struct answer {
    source *s;
    uint32_t *token; /* (n_ctx) */
    size_t n, n_prompt;
    bool is_cut;
    tiefsee_status status;
    tiefsee_error error;
} answer;

struct source {
    ts_vocab_file vocab;
    ts_item *item;  /* (n_prompts) */
    answer *answer; /* (n_prompts * group) */
    double *reward, *advantage;
    tiefsee_token *prompt; /* (MAX_PROMPT) */
    ts_buf text;
    real *weight; /* (micro_tokens) */
    ts_grpo_reward *judge;
    char policy_path[4096];
    int n_threads;
    size_t n_answers, next; /* next: for the pass to come */
    double n_learned;       /* tokens of answers with an advantage */
    ts_lock *lock;
    size_t n_done; /* under the lock */
};

/* ----------------------------------------------------------------- rollout */

/* On the engine's thread. */
static void on_done(void *user, const ts_job_result *r)
{
    answer *a = user;

    a->status = r->status;
    a->error = r->error;
    a->n_prompt = r->n_prompt;
    a->n = r->n_prompt + r->n_generated;
    a->is_cut = r->finish != TIEFSEE_FINISH_STOP;
    for (size_t i = 0; i < a->n; i++)
        a->token[i] = (uint32_t)r->tokens[i];
    ts_lock_take(a->s->lock);
    a->s->n_done++;
    ts_lock_wake(a->s->lock);
    ts_lock_give(a->s->lock);
}

uint32_t ts_grpo_family_mask(const char *const *names, size_t n)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < n; i++) {
        const ts_family *f = ts_family_find(names[i]);

        if (!f)
            return 0;
        mask |= 1u << (f - ts_families);
    }
    return mask;
}

static const ts_family *choose_family(const ts_grpo_options *o, uint64_t index)
{
    size_t n = 0;

    if (o->families == 0)
        return NULL;
    for (size_t i = 0; i < ts_n_families; i++)
        n += o->families >> i & 1;
    size_t at = (size_t)(index % n);
    for (size_t i = 0;; i++)
        if ((o->families >> i & 1) && at-- == 0)
            return &ts_families[i];
}

/* The group's jobs of problem i. */
static tiefsee_status ask(ts_run *r, tiefsee_model *model, ts_engine *e, size_t i,
                          tiefsee_error *err)
{
    static const ts_job_events events = {.done = on_done};
    const ts_run_options *o = &r->head->options;
    const ts_grpo_options *g = &o->grpo;
    source *s = r->source;
    const uint64_t index = r->head->step * g->n_prompts + i;
    const ts_item_spec spec = {.seed = o->seed + 0x6770,
                               .index = index,
                               .family = choose_family(g, index),
                               .split = TS_SPLIT_TRAIN,
                               .lang = -1};
    tiefsee_status st = ts_item_make(&s->item[i], &spec, err);
    const tiefsee_chat_options chat = {
        .size = sizeof chat, .no_thinking = st == TIEFSEE_OK && !s->item[i].family->thinks};
    size_t n = 0;

    if (st == TIEFSEE_OK) {
        const tiefsee_message m = {.role = TIEFSEE_USER, .content = s->item[i].question.ptr};
        st = tiefsee_chat_encode(model, &m, 1, &chat, s->prompt, MAX_PROMPT, &n, err);
    }
    if (st == TIEFSEE_OK && n + 1 >= o->config.n_ctx)
        st = ts_fail(err, TIEFSEE_E_LIMIT, "a question of %zu tokens (a context of %u)", n,
                     o->config.n_ctx);
    for (size_t j = 0; st == TIEFSEE_OK && j < g->group; j++) {
        const size_t room = o->config.n_ctx - n;
        ts_job_spec job = {.tokens = s->prompt, .n_tokens = n, .user_name = ""};
        ts_job *submitted;

        job.generate = (tiefsee_generate_options){
            .size = sizeof job.generate,
            .max_tokens = g->max_answer < room ? g->max_answer : room,
            .raw = true,
            .in_reasoning = !chat.no_thinking,
            .sampling = {.size = sizeof job.generate.sampling,
                         .temperature = (float)g->temperature,
                         .seed = (o->seed << 40) + index * g->group + j},
        };
        st = ts_engine_submit(e, &job, &events, &s->answer[i * g->group + j], &submitted, err);
        s->n_answers += st == TIEFSEE_OK;
    }
    return st;
}

static void wait_for_all(source *s)
{
    ts_lock_take(s->lock);
    while (s->n_done < s->n_answers)
        ts_lock_wait(s->lock, 1);
    ts_lock_give(s->lock);
}

static tiefsee_status answer_all(ts_run *r, tiefsee_model *model, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const size_t n = (size_t)o->grpo.n_prompts * o->grpo.group;
    source *s = r->source;
    tiefsee_plan plan;
    ts_engine *e;

    tiefsee_model_plan(model, o->config.n_ctx, &plan);
    const ts_engine_options opt = {.n_ctx = o->config.n_ctx,
                                   .max_running = TOGETHER,
                                   .max_queue = n,
                                   .cache_bytes = (plan.kv_bytes + (1 << 20)) * TOGETHER};
    tiefsee_status st = ts_engine_open(&e, model, &opt, err);
    if (st != TIEFSEE_OK)
        return st;
    s->n_answers = s->n_done = 0;
    for (size_t i = 0; i < o->grpo.n_prompts && st == TIEFSEE_OK; i++)
        st = ask(r, model, e, i, err);
    wait_for_all(s);
    ts_engine_close(e);
    for (size_t i = 0; i < s->n_answers && st == TIEFSEE_OK; i++)
        if (s->answer[i].status != TIEFSEE_OK) {
            st = s->answer[i].status;
            if (err)
                *err = s->answer[i].error;
        }
    return st;
}

/* ------------------------------------------------------------------ reward */

static bool is_stop(const tiefsee_model *m, uint32_t token)
{
    for (size_t i = 0; i < m->n_stop_tokens; i++)
        if ((uint32_t)m->stop_token[i] == token)
            return true;
    return false;
}

static double judge(source *s, const tiefsee_model *m, const ts_item *it, const answer *a)
{
    if (s->judge)
        return s->judge(it, a->token + a->n_prompt, a->n - a->n_prompt, a->is_cut);
    if (a->is_cut)
        return 0;
    ts_buf_clear(&s->text);
    for (size_t i = a->n_prompt; i < a->n; i++) {
        const ts_str bytes = ts_bpe_bytes(m->bpe, (tiefsee_token)a->token[i]);

        if (!is_stop(m, a->token[i]) && !ts_buf_append(&s->text, bytes.ptr, bytes.len))
            return 0;
    }
    const ts_str text = {s->text.ptr ? s->text.ptr : "", s->text.len};
    const ts_verdict v = ts_judge(it, text, it->family->thinks);
    return v.is_correct && v.is_formed ? 1 : 0;
}

double ts_grpo_advantages(double *advantage, const double *reward, size_t n_prompts, size_t group)
{
    size_t n_informative = 0;

    for (size_t i = 0; i < n_prompts; i++) {
        const double *r = reward + i * group;
        double mean = 0;
        bool differs = false;

        for (size_t j = 0; j < group; j++) {
            mean += r[j] / (double)group;
            differs |= r[j] != r[0];
        }
        for (size_t j = 0; j < group; j++)
            advantage[i * group + j] = differs ? r[j] - mean : 0;
        n_informative += differs;
    }
    return (double)n_informative / (double)n_prompts;
}

static void reward_all(ts_run *r, const tiefsee_model *model, ts_run_stats *stats)
{
    const ts_grpo_options *g = &r->head->options.grpo;
    source *s = r->source;
    const double n = (double)s->n_answers;

    for (size_t i = 0; i < s->n_answers; i++) {
        const answer *a = &s->answer[i];

        s->reward[i] = judge(s, model, &s->item[i / g->group], a);
        stats->reward += s->reward[i] / n;
        stats->cut += a->is_cut / n;
        stats->answer_tokens += (double)(a->n - a->n_prompt) / n;
    }
    stats->informative = ts_grpo_advantages(s->advantage, s->reward, g->n_prompts, g->group);
    s->n_learned = 0;
    for (size_t i = 0; i < s->n_answers; i++)
        if (s->advantage[i] != 0)
            s->n_learned += (double)(s->answer[i].n - s->answer[i].n_prompt);
}

/* The policy is a file for a moment: the engine opens files. */
static tiefsee_status prepare(ts_run *r, ts_run_stats *stats, tiefsee_error *err)
{
    const ts_export_options export = {.name = "policy", .type = TS_F32, .experts = TS_F32};
    source *s = r->source;
    const tiefsee_model_options opt = {
        .size = sizeof opt, .n_threads = s->n_threads, .precise = true};
    const double start = ts_clock_seconds();
    tiefsee_model *model;
    tiefsee_status st =
        ts_export_network(&r->trunk.net, &s->vocab.vocab, &export, s->policy_path, err);

    if (st == TIEFSEE_OK)
        st = tiefsee_model_open(&model, s->policy_path, &opt, err);
    if (st != TIEFSEE_OK)
        return st;
    st = answer_all(r, model, err);
    if (st == TIEFSEE_OK)
        reward_all(r, model, stats);
    tiefsee_model_close(model);
    (void)remove(s->policy_path);
    stats->rollout_seconds = ts_clock_seconds() - start;
    return st;
}

/* ------------------------------------------------------------------ passes */

static void add_answer(ts_train_batch *b, real *weight, const answer *a, double w)
{
    ts_pack *p = &b->pack;

    for (size_t i = 0; i < a->n; i++) {
        const uint32_t at = (uint32_t)p->n++;

        p->token[at] = a->token[i];
        p->position[at] = (uint32_t)i;
        b->next[at] = i + 1 < a->n ? a->token[i + 1] : 0;
        if (i + 1 >= a->n_prompt && i + 1 < a->n) {
            weight[b->n_learned] = (real)w;
            b->row[b->n_learned] = at;
            b->target[b->n_learned++] = a->token[i + 1];
        }
    }
    p->begin[++p->n_docs] = (uint32_t)p->n;
}

/* Answers with an advantage, in order; then, once, documents of the shards. */
static bool fill(ts_run *r, size_t pass, uint64_t *cursor)
{
    const ts_run_options *o = &r->head->options;
    ts_train_batch *b = &r->batch;
    source *s = r->source;

    s->next = pass == 0 ? 0 : s->next;
    b->weight = s->weight;
    b->pack.n = b->pack.n_docs = b->n_learned = b->n_ahead = 0;
    b->pack.begin[0] = 0;
    for (; s->next < s->n_answers; s->next++) {
        const answer *a = &s->answer[s->next];

        if (s->advantage[s->next] == 0)
            continue;
        if (a->n > o->micro_tokens - b->pack.n)
            break;
        add_answer(b, s->weight, a, s->advantage[s->next] / s->n_learned);
    }
    if (b->pack.n > 0)
        return true;
    if (s->next > s->n_answers || o->grpo.anchor <= 0)
        return false;
    s->next = s->n_answers + 1;
    ts_feed_fill(&r->feed, cursor, b, o->micro_tokens);
    for (size_t i = 0; i < b->n_learned; i++)
        s->weight[i] = (real)(o->grpo.anchor / (double)b->n_learned);
    return true;
}

/* ------------------------------------------------------------- begin, end */

static void end(ts_run *r)
{
    source *s = r->source;
    const ts_grpo_options *g = &r->head->options.grpo;

    if (!s)
        return;
    for (size_t i = 0; s->item && i < g->n_prompts; i++)
        ts_item_free(&s->item[i]);
    for (size_t i = 0; s->answer && i < (size_t)g->n_prompts * g->group; i++)
        ts_free(s->answer[i].token);
    ts_vocab_file_close(&s->vocab);
    ts_buf_free(&s->text);
    ts_lock_free(s->lock);
    ts_free(s->item);
    ts_free(s->answer);
    ts_free(s->reward);
    ts_free(s->advantage);
    ts_free(s->prompt);
    ts_free(s->weight);
    ts_free(s);
    r->source = NULL;
}

static tiefsee_status reserve(source *s, const ts_run_options *o, tiefsee_error *err)
{
    const size_t n = (size_t)o->grpo.n_prompts * o->grpo.group;
    bool has_all = true;

    s->item = ts_alloc_zero(o->grpo.n_prompts, sizeof *s->item);
    s->answer = ts_alloc_zero(n, sizeof *s->answer);
    s->reward = ts_alloc_zero(n, sizeof *s->reward);
    s->advantage = ts_alloc_zero(n, sizeof *s->advantage);
    s->prompt = ts_alloc(MAX_PROMPT * sizeof *s->prompt);
    s->weight = ts_alloc(o->micro_tokens * sizeof *s->weight);
    s->text = ts_buf_make(1 << 20);
    s->lock = ts_lock_new();
    for (size_t i = 0; s->item && i < o->grpo.n_prompts; i++)
        s->item[i] = ts_item_empty();
    for (size_t i = 0; s->answer && i < n; i++) {
        s->answer[i].s = s;
        s->answer[i].token = ts_alloc(o->config.n_ctx * sizeof(uint32_t));
        has_all &= s->answer[i].token != NULL;
    }
    if (!has_all || !s->item || !s->answer || !s->reward || !s->advantage || !s->prompt ||
        !s->weight || !s->lock)
        return ts_fail_nomem(err, n * o->config.n_ctx * sizeof(uint32_t), "answers");
    return TIEFSEE_OK;
}

tiefsee_status ts_grpo_start(ts_run *r, const ts_run_files *files, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;

    if (!files->tokenizer)
        return ts_fail(err, TIEFSEE_E_INVALID, "learning from rewards needs the tokenizer");
    source *s = ts_alloc_zero(1, sizeof *s);
    if (!s)
        return ts_fail_nomem(err, sizeof *s, "answers");
    r->source = s;
    r->prepare = prepare;
    r->fill = fill;
    r->end = end;
    s->n_threads = files->n_threads;
    (void)snprintf(s->policy_path, sizeof s->policy_path, "%s/policy.gguf", files->folder);
    tiefsee_status st = reserve(s, o, err);
    if (st == TIEFSEE_OK)
        st = ts_vocab_file_open(&s->vocab, files->tokenizer, err);
    if (st == TIEFSEE_OK)
        st = ts_vocab_file_check(&s->vocab, r->head->tokenizer, files->tokenizer, err);
    return st;
}

void ts_grpo_set_reward(ts_run *r, ts_grpo_reward *reward)
{
    ((source *)r->source)->judge = reward;
}
