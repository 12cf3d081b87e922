/* grpo.c - see grpo.h. */
#include "train/grpo.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "train/grpo_parts.h"

static const double SOFT_END = 0.15; /* the share of max_answer that costs */
enum { ITEM_SEED = 0x6770 };

/* ----------------------------------------------------------------- rollout */

uint32_t ts_grpo_family_mask(const char *const *names, size_t n)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < n; i++) {
        const ts_family *f = ts_family_find(names[i]);

        if (!f || (size_t)(f - ts_families) >= ts_n_families)
            return 0;
        mask |= 1u << (f - ts_families);
    }
    return mask;
}

tiefsee_status ts_grpo_check_level(uint32_t mask, unsigned level, tiefsee_error *err)
{
    if (level && !mask)
        return ts_fail(err, TIEFSEE_E_INVALID, "a level of which families of problems?");
    for (size_t i = 0; i < ts_n_families; i++)
        if ((mask >> i & 1) && level > ts_families[i].n_levels)
            return ts_fail(err, TIEFSEE_E_INVALID, "no level %u: %s has %u", level,
                           ts_families[i].name, ts_families[i].n_levels);
    return TIEFSEE_OK;
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

/* Problem `index`: what it is about, by the curriculum or by the families' shares. */
static ts_item_spec problem(const ts_run *r, uint64_t index)
{
    const ts_run_options *o = &r->head->options;
    const ts_curriculum_rule rule = {o->grpo.families, o->grpo.replay, o->seed};
    ts_item_spec spec = {
        .seed = o->seed + ITEM_SEED, .index = index, .split = TS_SPLIT_TRAIN, .lang = -1};

    spec.level = o->level;
    spec.family = o->grpo.has_curriculum && !o->level
                      ? ts_curriculum_choose(&r->grpo->curriculum, &rule, index, &spec.level)
                      : ts_grpo_family(o->grpo.families, index);
    return spec;
}

/* The group's answers to problem i of the step. */
static tiefsee_status ask(ts_run *r, ts_policy *p, size_t i, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const ts_grpo_options *g = &o->grpo;
    ts_grpo_source *s = r->source;
    const uint64_t index = r->head->step * g->n_prompts + i;
    const ts_item_spec spec = problem(r, index);
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
    ts_grpo_source *s = r->source;
    tiefsee_status st = TIEFSEE_OK;

    s->n_answers = 0;
    for (size_t i = 0; i < r->head->options.grpo.n_prompts && st == TIEFSEE_OK; i++)
        st = ask(r, p, i, err);
    ts_policy_wait_all(p);
    return st;
}

/* ------------------------------------------------------------------ reward */

double ts_grpo_earns(const ts_grpo_options *g, bool is_right, bool keeps_language, size_t n,
                     bool is_cut)
{
    const double soft = SOFT_END * g->max_answer;
    const double over = ((double)n - (g->max_answer - soft)) / soft;
    const double length = is_cut || over > 1 ? 1 : over > 0 ? over : 0;

    return (is_right ? 1 - g->language * !keeps_language : 0) - g->overlong * length;
}

static tiefsee_status judge(const ts_run *r, ts_policy *p, size_t i, bool *is_right,
                            tiefsee_error *err)
{
    const ts_grpo_options *g = &r->head->options.grpo;
    ts_grpo_source *s = r->source;
    const ts_item *it = &s->item[i / g->group];
    const ts_policy_answer *a = &s->answer[i];
    const size_t n = a->n - a->n_prompt;
    ts_policy_verdict v;
    const tiefsee_status st = ts_policy_judge(p, it, a, &v, err);

    if (st != TIEFSEE_OK)
        return st;
    *is_right = v.is_right;
    s->reward[i] =
        ts_grpo_earns(g, v.is_right, v.keeps_language || it->lang == TS_LANG_EN, n, a->is_cut);
    if (s->judge) {
        s->reward[i] = s->judge(it, a->token + a->n_prompt, n, a->is_cut);
        *is_right = s->reward[i] > 0.5;
    }
    return TIEFSEE_OK;
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
    ts_grpo_source *s = r->source;
    const double n = (double)s->n_answers;

    for (size_t i = 0, n_right = 0; i < s->n_answers; i++) {
        const ts_policy_answer *a = &s->answer[i];
        const ts_item *it = &s->item[i / g->group];
        bool is_right = false;
        const tiefsee_status st = judge(r, p, i, &is_right, err);

        if (st != TIEFSEE_OK)
            return st;
        n_right = i % g->group == 0 ? is_right : n_right + is_right;
        if ((i + 1) % g->group == 0 && g->has_curriculum && !r->head->options.level)
            ts_curriculum_tell(&r->grpo->curriculum, it->family, it->level,
                               (double)n_right / g->group);
        stats->reward += s->reward[i] / n;
        stats->right += is_right / n;
        stats->cut += a->is_cut / n;
        stats->answer_tokens += (double)(a->n - a->n_prompt) / n;
    }
    stats->informative = ts_grpo_advantages(s->advantage, s->reward, g->n_prompts, g->group);
    for (size_t i = 0; r->head->options.teacher && i < s->n_answers; i++)
        s->advantage[i] = 1; /* the teacher has something to say to each */
    return TIEFSEE_OK;
}

tiefsee_status ts_grpo_open_policy(ts_run *r, ts_policy **out, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const ts_grpo_options *g = &o->grpo;
    const ts_export_options export = {
        .name = "policy",
        .type = (ts_dtype)(g->rollout_type ? g->rollout_type : o->round_type),
        .experts = (ts_dtype)(g->rollout_experts ? g->rollout_experts : o->round_experts)};
    const ts_grpo_source *s = r->source;
    const ts_policy_options opt = {.path = s->policy_path,
                                   .n_threads = s->n_threads,
                                   .is_rounded = export.type != TS_F32,
                                   .n_ctx = o->config.n_ctx,
                                   .n_queue = s->n_room,
                                   .tells_experts = g->keeps_routing != 0};
    const tiefsee_status st =
        ts_export_network(&r->trunk.net, &s->vocab.vocab, &export, s->policy_path, err);

    return st == TIEFSEE_OK ? ts_policy_open(out, &opt, err) : st;
}

static void score(ts_run *r);

static tiefsee_status prepare(ts_run *r, ts_run_stats *stats, tiefsee_error *err)
{
    const double start = ts_clock_seconds();
    ts_policy *p = NULL;
    tiefsee_status st = TIEFSEE_OK;

    if (r->head->step == 0 && r->head->options.grpo.valid_every && !r->grpo->has_best)
        st = ts_grpo_validate(r, stats, err);
    if (st == TIEFSEE_OK)
        st = ts_grpo_open_policy(r, &p, err);
    if (st == TIEFSEE_OK)
        st = answer_all(r, p, err);
    if (st == TIEFSEE_OK)
        st = reward_all(r, p, stats, err);
    if (st == TIEFSEE_OK)
        ts_grpo_share_experts(r);
    if (st == TIEFSEE_OK && ((ts_grpo_source *)r->source)->old)
        score(r);
    ts_policy_close(p);
    stats->rollout_seconds = ts_clock_seconds() - start;
    return st;
}

/* Behind a step: is it time to validate? */
static tiefsee_status behind(ts_run *r, ts_run_stats *stats, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const uint64_t step = r->head->step;
    const double start = ts_clock_seconds();
    tiefsee_status st = TIEFSEE_OK;

    if (o->grpo.valid_every && (step % o->grpo.valid_every == 0 || step == o->schedule.n_steps))
        st = ts_grpo_validate(r, stats, err);
    stats->rollout_seconds += ts_clock_seconds() - start;
    return st;
}

/* Times have a fixed width (run.c). */
static void tell(const ts_run_stats *s, char *out, size_t size)
{
    int n =
        snprintf(out, size,
                 "\"reward\":%.4f,\"right\":%.4f,\"informative\":%.4f,"
                 "\"answer_tokens\":%.2f,\"cut\":%.4f,\"rollout_seconds\":%9.4f,",
                 s->reward, s->right, s->informative, s->answer_tokens, s->cut, s->rollout_seconds);

    if ((s->clipped > 0 || s->divergence > 0) && n > 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, "\"clipped\":%.5f,\"divergence\":%.6f,",
                      s->clipped, s->divergence);
    if (s->has_validation && n > 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, "\"validation\":%.4f,", s->validation);
    if (s->has_validation && s->sampled >= 0 && n > 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, "\"sampled\":%.4f,", s->sampled);
    for (size_t f = 0; s->has_validation && f < ts_n_families && n > 0 && (size_t)n < size; f++)
        if (s->validation_of[f] >= 0)
            n += snprintf(out + n, size - (size_t)n, "\"validation_%s\":%.4f,", ts_families[f].name,
                          s->validation_of[f]);
    for (size_t f = 0; s->has_validation && f < ts_n_families && n > 0 && (size_t)n < size; f++)
        if (s->sampled_of[f] >= 0)
            n += snprintf(out + n, size - (size_t)n, "\"sampled_%s\":%.4f,", ts_families[f].name,
                          s->sampled_of[f]);
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

uint32_t ts_grpo_n_updates(const ts_run_options *o)
{
    return o->updates.n > 1 ? o->updates.n : 1;
}

/* Groups go to the mini-batches in turn. */
static bool is_in_update(const ts_run *r, size_t answer)
{
    const ts_run_options *o = &r->head->options;

    return answer / o->grpo.group % ts_grpo_n_updates(o) == r->update;
}

static void begin_pass(ts_run *r)
{
    const ts_run_options *o = &r->head->options;
    ts_train_batch *b = &r->batch;

    r->trunk.keeps_routing = o->grpo.keeps_routing && o->config.n_experts > 0;
    b->pack.n = b->pack.n_docs = b->n_learned = b->n_ahead = 0;
    b->pack.begin[0] = 0;
}

/* Answer i behind what the pass has; false: there is no room. */
static bool put_answer(ts_run *r, size_t i)
{
    ts_train_batch *b = &r->batch;
    ts_grpo_source *s = r->source;
    const ts_policy_answer *a = &s->answer[i];

    if (a->n > r->head->options.micro_tokens - b->pack.n)
        return false;
    if (r->trunk.keeps_routing)
        ts_grpo_route(r, a, b->pack.n);
    add_answer(b, s->weight, a, s->advantage[i] / s->n_learned);
    return true;
}

/* What the tokens of answer i are compared with, for the rows that it has become. */
static void put_scores(ts_run *r, size_t i)
{
    const size_t n_ctx = r->head->options.config.n_ctx;
    ts_grpo_source *s = r->source;
    const size_t n = s->answer[i].n - s->answer[i].n_prompt, at = r->batch.n_learned - n;

    memcpy(s->row_old + at, s->old + i * n_ctx, n * sizeof(real));
    memcpy(s->row_reference + at, s->reference + i * n_ctx, n * sizeof(real));
}

static void begin_update(ts_run *r)
{
    const ts_grpo_updates *u = &r->head->options.updates;
    ts_grpo_source *s = r->source;

    s->next = 0;
    s->n_learned = 0;
    for (size_t i = 0; i < s->n_answers; i++)
        if (s->advantage[i] != 0 && is_in_update(r, i))
            s->n_learned += (double)(s->answer[i].n - s->answer[i].n_prompt);
    s->bounds = (ts_clip_bounds){(real)u->low, (real)u->high,
                                 (real)(s->n_learned > 0 ? u->kl / s->n_learned : 0)};
}

/* Answers with an advantage, in order; then, once, documents of the shards. */
static bool fill(ts_run *r, size_t pass, uint64_t *cursor)
{
    const ts_run_options *o = &r->head->options;
    ts_train_batch *b = &r->batch;
    ts_grpo_source *s = r->source;

    if (pass == 0)
        begin_update(r);
    begin_pass(r);
    b->weight = s->weight;
    b->is_taught = o->teacher != 0;
    b->clip = s->old ? &s->bounds : NULL;
    b->old = s->row_old;
    b->reference = s->row_reference;
    for (; s->next < s->n_answers; s->next++) {
        if (s->advantage[s->next] == 0 || !is_in_update(r, s->next))
            continue;
        if (!put_answer(r, s->next))
            break;
        if (s->old)
            put_scores(r, s->next);
    }
    if (b->pack.n > 0)
        return true;
    if (s->next > s->n_answers || o->grpo.anchor <= 0)
        return false;
    s->next = s->n_answers + 1;
    b->is_taught = false;
    b->clip = NULL;
    r->trunk.keeps_routing = false;
    ts_feed_fill(&r->feed, cursor, b, o->micro_tokens);
    for (size_t i = 0; i < b->n_learned; i++)
        s->weight[i] = (real)(o->grpo.anchor / (double)b->n_learned);
    return true;
}

/* ------------------------------------------------------------------ scores */

/* log p of the pass's rows by the weights as they are, for the answers from first on. */
static void score_pass(ts_run *r, real *out, size_t first, size_t end)
{
    const size_t n_ctx = r->head->options.config.n_ctx;
    const ts_grpo_source *s = r->source;
    const real *from = s->row_old;

    ts_trunk_forward(&r->trunk, &r->batch);
    ts_trunk_score(&r->trunk, &r->batch, s->row_old);
    for (size_t i = first; i < end; i++) {
        const size_t n = s->answer[i].n - s->answer[i].n_prompt;

        if (s->advantage[i] == 0)
            continue;
        memcpy(out + i * n_ctx, from, n * sizeof *from);
        from += n;
    }
}

/* The same of all answers that are learned from. */
static void score_all(ts_run *r, real *out)
{
    const ts_config *c = &r->head->options.config;
    ts_grpo_source *s = r->source;

    for (size_t first = 0, next = 0; next < s->n_answers; first = next) {
        begin_pass(r);
        while (next < s->n_answers && (s->advantage[next] == 0 || put_answer(r, next)))
            next++;
        if (r->batch.pack.n > 0)
            score_pass(r, out, first, next);
    }
    memset(r->trunk.load, 0, (c->n_layers + 1) * c->n_experts * sizeof *r->trunk.load);
}

/* The reference's weights and the run's change places. */
static void swap_weights(ts_run *r)
{
    real *value = r->trunk.net.value;

    for (size_t i = 0; i < r->trunk.net.n_reals; i++) {
        const real mine = value[i];

        value[i] = r->reference[i];
        r->reference[i] = mine;
    }
    ts_run_use_weights(r);
}

static void score(ts_run *r)
{
    const ts_run_options *o = &r->head->options;
    ts_grpo_source *s = r->source;
    const size_t bytes = (size_t)o->grpo.n_prompts * o->grpo.group * o->config.n_ctx * sizeof(real);
    const bool is_new = r->reference && r->head->step % o->updates.refresh == 0;

    s->n_learned = 1;
    score_all(r, s->old);
    if (is_new)
        memcpy(r->reference, r->trunk.net.value, r->trunk.net.n_reals * sizeof *r->reference);
    if (!r->reference || is_new) {
        memcpy(s->reference, s->old, bytes);
        return;
    }
    swap_weights(r);
    score_all(r, s->reference);
    swap_weights(r);
}

/* ------------------------------------------------------------- begin, end */

static void end(ts_run *r)
{
    ts_grpo_source *s = r->source;

    if (!s)
        return;
    for (size_t i = 0; s->item && i < s->n_items; i++)
        ts_item_free(&s->item[i]);
    for (size_t i = 0; s->answer && i < s->n_room; i++) {
        ts_free(s->answer[i].token);
        ts_free(s->answer[i].experts);
    }
    ts_vocab_file_close(&s->vocab);
    ts_free(s->item);
    ts_free(s->answer);
    ts_free(s->reward);
    ts_free(s->advantage);
    ts_free(s->weight);
    ts_free(s->old);
    ts_free(s->reference);
    ts_free(s->row_old);
    ts_free(s->row_reference);
    ts_free(s);
    r->source = NULL;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static tiefsee_status reserve(ts_grpo_source *s, const ts_run_options *o, tiefsee_error *err)
{
    const size_t n = (size_t)o->grpo.n_prompts * o->grpo.group, n_valid = ts_grpo_n_valid(o);
    const size_t n_choices = (size_t)o->config.n_layers * o->config.n_active;
    bool has_all = true;

    s->n_items = larger(o->grpo.n_prompts, n_valid);
    s->n_room = larger(n, ts_grpo_n_valid_answers(o));
    s->item = ts_alloc_zero(s->n_items, sizeof *s->item);
    s->answer = ts_alloc_zero(s->n_room, sizeof *s->answer);
    s->reward = ts_alloc_zero(n, sizeof *s->reward);
    s->advantage = ts_alloc_zero(n, sizeof *s->advantage);
    s->weight = ts_alloc(o->micro_tokens * sizeof *s->weight);
    for (size_t i = 0; s->item && i < s->n_items; i++)
        s->item[i] = ts_item_empty();
    for (size_t i = 0; s->answer && i < s->n_room; i++) {
        s->answer[i].token = ts_alloc(o->config.n_ctx * sizeof(uint32_t));
        has_all &= s->answer[i].token != NULL;
        if (o->grpo.keeps_routing && i < n) {
            s->answer[i].experts = ts_alloc(o->config.n_ctx * n_choices * sizeof(uint16_t));
            has_all &= s->answer[i].experts != NULL;
        }
    }
    if (ts_grpo_n_updates(o) > 1 || o->updates.refresh) {
        s->old = ts_alloc_zero(n * o->config.n_ctx, sizeof *s->old);
        s->reference = ts_alloc_zero(n * o->config.n_ctx, sizeof *s->reference);
        s->row_old = ts_alloc(o->micro_tokens * sizeof *s->row_old);
        s->row_reference = ts_alloc(o->micro_tokens * sizeof *s->row_reference);
        has_all &= s->old && s->reference && s->row_old && s->row_reference;
    }
    if (!has_all || !s->item || !s->answer || !s->reward || !s->advantage || !s->weight)
        return ts_fail_nomem(err, s->n_room * o->config.n_ctx * sizeof(uint32_t), "answers");
    return TIEFSEE_OK;
}

size_t ts_grpo_remembers(const ts_run_options *o)
{
    return o->grpo.n_prompts && (o->grpo.valid_every || o->grpo.has_curriculum);
}

tiefsee_status ts_grpo_start(ts_run *r, const ts_run_files *files, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;

    if (!files->tokenizer)
        return ts_fail(err, TIEFSEE_E_INVALID, "learning from answers needs the tokenizer");
    ts_grpo_source *s = ts_alloc_zero(1, sizeof *s);
    if (!s)
        return ts_fail_nomem(err, sizeof *s, "answers");
    r->source = s;
    r->prepare = prepare;
    r->fill = fill;
    r->end = end;
    r->behind = behind;
    r->tell = tell;
    r->is_over = r->grpo && r->grpo->is_over;
    s->n_threads = files->n_threads;
    (void)snprintf(s->policy_path, sizeof s->policy_path, "%s/policy.gguf", files->folder);
    (void)snprintf(s->best_path, sizeof s->best_path, "%s/best.bin", files->folder);
    tiefsee_status st = reserve(s, o, err);
    if (st == TIEFSEE_OK)
        st = ts_vocab_file_open(&s->vocab, files->tokenizer, err);
    if (st == TIEFSEE_OK)
        st = ts_vocab_file_check(&s->vocab, r->head->tokenizer, files->tokenizer, err);
    return st;
}

void ts_grpo_set_reward(ts_run *r, ts_grpo_reward *reward)
{
    ((ts_grpo_source *)r->source)->judge = reward;
}
