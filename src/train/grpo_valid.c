/* grpo_valid.c - how good the policy is on problems that it does not learn from.
 *
 * Problem i of a family is the same each time.  First come the greedy answers, valid_n of
 * each family, then the sampled ones, valid_answers to each problem of the families asked. */
#include "train/grpo_parts.h"

enum { VALID_SEED = 0x76616c };

static bool is_asked(const ts_run_options *o, size_t family)
{
    return o->grpo.families == 0 || (o->grpo.families >> family & 1);
}

/* One level is asked by who teaches nothing else. */
static bool is_validated(const ts_run_options *o, size_t family)
{
    return !o->level || is_asked(o, family);
}

static size_t n_asked(const ts_run_options *o)
{
    size_t n = 0;

    for (size_t f = 0; f < ts_n_families; f++)
        n += is_asked(o, f);
    return n;
}

static size_t n_validated(const ts_run_options *o)
{
    return o->level ? n_asked(o) : ts_n_families;
}

/* That of problem i. */
static size_t family_of(const ts_run_options *o, size_t i)
{
    size_t f = 0;

    for (size_t left = i / o->grpo.valid_n; !is_validated(o, f) || left-- > 0;)
        f++;
    return f;
}

size_t ts_grpo_n_valid(const ts_run_options *o)
{
    return o->grpo.valid_every ? o->grpo.valid_n * n_validated(o) : 0;
}

size_t ts_grpo_n_valid_answers(const ts_run_options *o)
{
    const size_t sampled = (size_t)o->grpo.valid_n * o->valid_answers * n_asked(o);

    return ts_grpo_n_valid(o) + (o->grpo.valid_every ? sampled : 0);
}

static tiefsee_status ask(ts_run *r, ts_policy *p, size_t i, size_t sample, ts_policy_answer *a,
                          tiefsee_error *err)
{
    const ts_grpo_options *g = &r->head->options.grpo;
    const ts_item *it = &((ts_grpo_source *)r->source)->item[i];
    const ts_policy_ask ask = {.item = it,
                               .thinks = it->family->thinks,
                               .max_answer = g->max_answer,
                               .temperature = sample ? g->temperature : 0,
                               .seed = ((uint64_t)VALID_SEED << 32) + i * 4096 + sample};

    return ts_policy_ask_for(p, a, &ask, err);
}

static tiefsee_status ask_all(ts_run *r, ts_policy *p, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    ts_grpo_source *s = r->source;
    const size_t n = ts_grpo_n_valid(o);
    size_t at = n;
    tiefsee_status st = TIEFSEE_OK;

    for (size_t i = 0; i < n && st == TIEFSEE_OK; i++) {
        const ts_item_spec spec = {.seed = VALID_SEED,
                                   .index = i % o->grpo.valid_n,
                                   .family = &ts_families[family_of(o, i)],
                                   .split = TS_SPLIT_VALID,
                                   .level = o->level,
                                   .lang = -1};

        st = ts_item_make(&s->item[i], &spec, err);
        if (st == TIEFSEE_OK)
            st = ask(r, p, i, 0, &s->answer[i], err);
        for (size_t k = 1; k <= o->valid_answers && st == TIEFSEE_OK; k++)
            if (is_asked(o, family_of(o, i)))
                st = ask(r, p, i, k, &s->answer[at++], err);
    }
    ts_policy_wait_all(p);
    return st;
}

/* Adds to *right what answer a to problem i is worth. */
static tiefsee_status judge(ts_run *r, ts_policy *p, size_t i, const ts_policy_answer *a,
                            double share, double *right, tiefsee_error *err)
{
    const ts_grpo_source *s = r->source;
    const ts_item *it = &s->item[i];
    ts_policy_verdict v;
    const tiefsee_status st = ts_policy_judge(p, it, a, &v, err);

    if (st == TIEFSEE_OK && s->judge)
        v.is_right = s->judge(it, a->token + a->n_prompt, a->n - a->n_prompt, a->is_cut) > 0.5;
    if (st == TIEFSEE_OK)
        *right += v.is_right * share;
    return st;
}

static tiefsee_status judge_all(ts_run *r, ts_policy *p, ts_run_stats *stats, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    ts_grpo_source *s = r->source;
    const size_t per_family = o->grpo.valid_n, n = ts_grpo_n_valid(o);
    const double share = 1 / (double)per_family,
                 of_sampled = o->valid_answers ? share / o->valid_answers : 0;
    size_t at = n;
    tiefsee_status st = TIEFSEE_OK;

    stats->validation = 0;
    stats->sampled = o->valid_answers ? 0 : -1;
    for (size_t f = 0; f < ts_n_families; f++) {
        stats->validation_of[f] = is_validated(o, f) ? 0 : -1;
        stats->sampled_of[f] = o->valid_answers && is_asked(o, f) ? 0 : -1;
    }
    for (size_t i = 0; i < n && st == TIEFSEE_OK; i++) {
        const size_t f = family_of(o, i);

        st = judge(r, p, i, &s->answer[i], share, &stats->validation_of[f], err);
        for (size_t k = 0; stats->sampled_of[f] >= 0 && k < o->valid_answers; k++)
            if (st == TIEFSEE_OK)
                st = judge(r, p, i, &s->answer[at++], of_sampled, &stats->sampled_of[f], err);
    }
    for (size_t f = 0; f < ts_n_families; f++) {
        if (stats->validation_of[f] >= 0)
            stats->validation += stats->validation_of[f] / (double)n_validated(o);
        if (stats->sampled_of[f] >= 0)
            stats->sampled += stats->sampled_of[f] / (double)n_asked(o);
    }
    return st;
}

/* The best weights so far are kept; a disk that is full does not stop the run. */
static void remember(ts_run *r, ts_run_stats *stats)
{
    const ts_run_options *o = &r->head->options;
    const ts_grpo_source *s = r->source;
    ts_grpo_state *g = r->grpo, before = *g;
    const double score = o->valid_answers ? stats->sampled : stats->validation;

    g->best_greedy = stats->validation > g->best_greedy ? stats->validation : g->best_greedy;
    if (!g->has_best || score > g->best) {
        g->best = score;
        g->best_step = r->head->step;
        g->has_best = 1;
        if (ts_checkpoint_save(r->state, r->state_bytes, s->best_path, &r->save_error) !=
            TIEFSEE_OK) {
            stats->save_error = r->save_error.message;
            *g = before; /* the next good one is tried again */
        }
    }
    g->is_over = g->has_best && (score < g->best - o->grpo.valid_drop ||
                                 stats->validation < g->best_greedy - o->grpo.valid_drop);
    r->is_over = g->is_over != 0;
    stats->has_validation = true;
    stats->is_over = r->is_over;
    stats->best_validation = g->best;
    stats->best_step = g->best_step;
}

tiefsee_status ts_grpo_validate(ts_run *r, ts_run_stats *s, tiefsee_error *err)
{
    ts_policy *p = NULL;
    tiefsee_status st = ts_grpo_open_policy(r, &p, err);

    if (st == TIEFSEE_OK)
        st = ask_all(r, p, err);
    if (st == TIEFSEE_OK)
        st = judge_all(r, p, s, err);
    ts_policy_close(p);
    if (st == TIEFSEE_OK)
        remember(r, s);
    return st;
}
