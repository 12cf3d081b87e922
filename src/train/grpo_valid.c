/* grpo_valid.c - how good the policy is on problems that it does not learn from. */
#include "train/grpo_parts.h"

enum { VALID_SEED = 0x76616c };

size_t ts_grpo_n_valid(const ts_run_options *o)
{
    return o->grpo.valid_every ? o->grpo.valid_n * ts_n_families : 0;
}

/* The same problems each time; the answer to problem i is answer i. */
static tiefsee_status ask_all(ts_run *r, ts_policy *p, tiefsee_error *err)
{
    const ts_grpo_options *g = &r->head->options.grpo;
    ts_grpo_source *s = r->source;
    const size_t n = ts_grpo_n_valid(&r->head->options);
    tiefsee_status st = TIEFSEE_OK;

    for (size_t i = 0; i < n && st == TIEFSEE_OK; i++) {
        const ts_family *f = &ts_families[i / g->valid_n];
        const ts_item_spec spec = {.seed = VALID_SEED,
                                   .index = i % g->valid_n,
                                   .family = f,
                                   .split = TS_SPLIT_VALID,
                                   .lang = -1};
        const ts_policy_ask ask = {
            .item = &s->item[i], .thinks = f->thinks, .max_answer = g->max_answer};

        st = ts_item_make(&s->item[i], &spec, err);
        if (st == TIEFSEE_OK)
            st = ts_policy_ask_for(p, &s->answer[i], &ask, err);
    }
    ts_policy_wait_all(p);
    return st;
}

static tiefsee_status judge_all(ts_run *r, ts_policy *p, ts_run_stats *stats, tiefsee_error *err)
{
    ts_grpo_source *s = r->source;
    const size_t per_family = r->head->options.grpo.valid_n;
    const double share = 1 / (double)per_family;

    stats->validation = 0;
    for (size_t f = 0; f < ts_n_families; f++)
        stats->validation_of[f] = 0;
    for (size_t i = 0; i < ts_grpo_n_valid(&r->head->options); i++) {
        const ts_policy_answer *a = &s->answer[i];
        ts_policy_verdict v;
        const tiefsee_status st = ts_policy_judge(p, &s->item[i], a, &v, err);

        if (st != TIEFSEE_OK)
            return st;
        if (s->judge)
            v.is_right =
                s->judge(&s->item[i], a->token + a->n_prompt, a->n - a->n_prompt, a->is_cut) > 0.5;
        stats->validation_of[i / per_family] += v.is_right * share;
    }
    for (size_t f = 0; f < ts_n_families; f++)
        stats->validation += stats->validation_of[f] / (double)ts_n_families;
    return TIEFSEE_OK;
}

/* The best weights so far are kept; a disk that is full does not stop the run. */
static void remember(ts_run *r, ts_run_stats *stats)
{
    const ts_grpo_source *s = r->source;
    ts_grpo_state *g = r->grpo, before = *g;

    if (!g->has_best || stats->validation > g->best) {
        g->best = stats->validation;
        g->best_step = r->head->step;
        g->has_best = 1;
        if (ts_checkpoint_save(r->state, r->state_bytes, s->best_path, &r->save_error) !=
            TIEFSEE_OK) {
            stats->save_error = r->save_error.message;
            *g = before; /* the next good one is tried again */
        }
    }
    g->is_over = g->has_best && stats->validation < g->best - r->head->options.grpo.valid_drop;
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
