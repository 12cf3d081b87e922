/* grpo.c - see grpo.h. */
#include "train/grpo.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "train/export_gguf.h"
#include "train/policy.h"
#include "train/run_parts.h"

typedef struct source {
    ts_vocab_file vocab;
    ts_item *item;            /* (n_prompts) */
    ts_policy_answer *answer; /* (n_prompts * group) */
    double *reward, *advantage;
    real *weight; /* (micro_tokens) */
    ts_grpo_reward *judge;
    char policy_path[4096];
    int n_threads;
    size_t n_answers, next; /* next: for the pass to come */
    double n_learned;       /* tokens of answers with an advantage */
} source;

/* ----------------------------------------------------------------- rollout */

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

const ts_family *ts_grpo_family(uint32_t mask, uint64_t index)
{
    size_t n = 0;

    if (mask == 0)
        return NULL;
    for (size_t i = 0; i < ts_n_families; i++)
        n += mask >> i & 1;
    size_t at = (size_t)(index % n);
    for (size_t i = 0;; i++)
        if ((mask >> i & 1) && at-- == 0)
            return &ts_families[i];
}

/* The group's answers to problem i. */
static tiefsee_status ask(ts_run *r, ts_policy *p, size_t i, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const ts_grpo_options *g = &o->grpo;
    source *s = r->source;
    const uint64_t index = r->head->step * g->n_prompts + i;
    const ts_item_spec spec = {.seed = o->seed + 0x6770,
                               .index = index,
                               .family = ts_grpo_family(g->families, index),
                               .split = TS_SPLIT_TRAIN,
                               .lang = -1};
    tiefsee_status st = ts_item_make(&s->item[i], &spec, err);

    for (size_t j = 0; st == TIEFSEE_OK && j < g->group; j++) {
        const ts_policy_ask a = {.item = &s->item[i],
                                 .thinks = s->item[i].family->thinks,
                                 .max_answer = g->max_answer,
                                 .temperature = g->temperature,
                                 .seed = (o->seed << 40) + index * g->group + j};

        st = ts_policy_ask_for(p, &s->answer[i * g->group + j], &a, err);
        s->n_answers += st == TIEFSEE_OK;
    }
    return st;
}

static tiefsee_status answer_all(ts_run *r, ts_policy *p, tiefsee_error *err)
{
    source *s = r->source;
    tiefsee_status st = TIEFSEE_OK;

    s->n_answers = 0;
    for (size_t i = 0; i < r->head->options.grpo.n_prompts && st == TIEFSEE_OK; i++)
        st = ask(r, p, i, err);
    ts_policy_wait_all(p);
    return st;
}

/* ------------------------------------------------------------------ reward */

static tiefsee_status judge(source *s, ts_policy *p, const ts_item *it, const ts_policy_answer *a,
                            double *reward, tiefsee_error *err)
{
    ts_policy_verdict v;
    const tiefsee_status st = ts_policy_judge(p, it, a, &v, err);

    if (st == TIEFSEE_OK)
        *reward = s->judge ? s->judge(it, a->token + a->n_prompt, a->n - a->n_prompt, a->is_cut)
                           : v.is_right;
    return st;
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

static tiefsee_status reward_all(ts_run *r, ts_policy *p, ts_run_stats *stats, tiefsee_error *err)
{
    const ts_grpo_options *g = &r->head->options.grpo;
    source *s = r->source;
    const double n = (double)s->n_answers;

    for (size_t i = 0; i < s->n_answers; i++) {
        const ts_policy_answer *a = &s->answer[i];
        const tiefsee_status st = judge(s, p, &s->item[i / g->group], a, &s->reward[i], err);

        if (st != TIEFSEE_OK)
            return st;
        stats->reward += s->reward[i] / n;
        stats->cut += a->is_cut / n;
        stats->answer_tokens += (double)(a->n - a->n_prompt) / n;
    }
    stats->informative = ts_grpo_advantages(s->advantage, s->reward, g->n_prompts, g->group);
    s->n_learned = 0;
    for (size_t i = 0; i < s->n_answers; i++)
        if (s->advantage[i] != 0)
            s->n_learned += (double)(s->answer[i].n - s->answer[i].n_prompt);
    return TIEFSEE_OK;
}

static tiefsee_status open_policy(ts_run *r, ts_policy **out, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const ts_export_options export = {
        .name = "policy", .type = (ts_dtype)o->round_type, .experts = (ts_dtype)o->round_experts};
    source *s = r->source;
    const ts_policy_options opt = {.path = s->policy_path,
                                   .n_threads = s->n_threads,
                                   .n_ctx = o->config.n_ctx,
                                   .n_queue = (size_t)o->grpo.n_prompts * o->grpo.group};
    const tiefsee_status st =
        ts_export_network(&r->trunk.net, &s->vocab.vocab, &export, s->policy_path, err);

    return st == TIEFSEE_OK ? ts_policy_open(out, &opt, err) : st;
}

static tiefsee_status prepare(ts_run *r, ts_run_stats *stats, tiefsee_error *err)
{
    const double start = ts_clock_seconds();
    ts_policy *p = NULL;
    tiefsee_status st = open_policy(r, &p, err);

    if (st == TIEFSEE_OK)
        st = answer_all(r, p, err);
    if (st == TIEFSEE_OK)
        st = reward_all(r, p, stats, err);
    ts_policy_close(p);
    stats->rollout_seconds = ts_clock_seconds() - start;
    return st;
}

/* ------------------------------------------------------------------ passes */

static void add_answer(ts_train_batch *b, real *weight, const ts_policy_answer *a, double w)
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
        const ts_policy_answer *a = &s->answer[s->next];

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
    ts_free(s->item);
    ts_free(s->answer);
    ts_free(s->reward);
    ts_free(s->advantage);
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
    s->weight = ts_alloc(o->micro_tokens * sizeof *s->weight);
    for (size_t i = 0; s->item && i < o->grpo.n_prompts; i++)
        s->item[i] = ts_item_empty();
    for (size_t i = 0; s->answer && i < n; i++) {
        s->answer[i].token = ts_alloc(o->config.n_ctx * sizeof(uint32_t));
        has_all &= s->answer[i].token != NULL;
    }
    if (!has_all || !s->item || !s->answer || !s->reward || !s->advantage || !s->weight)
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
