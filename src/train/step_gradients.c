/* step_gradients.c - see step_gradients.h. */
#include "train/step_gradients.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "train/flops.h"

/* Reals that are received at a time, before they are added. */
enum { INBOX_REALS = 1 << 18 };

/* What a pass tells; then, behind those of all passes, one for the whole rank. */
enum { MAIN, MTP, BALANCE, CLIPPED, DIVERGENCE, FLOPS, N_TOLD };

/* What a step holds, before anything is computed: losses are divided by it. */
typedef struct step_counts {
    uint64_t tokens, learned, ahead, docs;
} step_counts;

static size_t n_passes(const ts_run_options *o)
{
    return o->batch_tokens / o->micro_tokens;
}

/* Parts below one another in the tree. */
static size_t n_levels(const ts_run_options *o)
{
    size_t n = 0;

    while ((size_t)1 << n < o->n_parts)
        n++;
    return n;
}

static size_t n_loads(const ts_run *r)
{
    return (r->trunk.net.config.n_layers + 1) * (size_t)r->trunk.net.config.n_experts;
}

void ts_gradients_carve(ts_run *r, const ts_run_options *o, ts_carve *work)
{
    if (o->n_parts == 0)
        return;
    r->pass_cursor = ts_carve_take(work, n_passes(o) + 1, sizeof *r->pass_cursor);
    r->saved = ts_carve_take(work, n_levels(o) * r->trunk.net.n_reals, sizeof *r->saved);
    r->inbox = ts_carve_take(work, INBOX_REALS, sizeof *r->inbox);
}

tiefsee_status ts_gradients_check(const ts_run_options *o, tiefsee_error *err)
{
    if (o->n_parts > n_passes(o))
        return ts_fail(err, TIEFSEE_E_INVALID, "%u parts of a step that has %zu passes", o->n_parts,
                       n_passes(o));
    if (o->n_parts && o->grpo.n_prompts)
        return ts_fail(err, TIEFSEE_E_INVALID, "a step that learns from answers has no parts");
    return TIEFSEE_OK;
}

static size_t n_told(const ts_run *r)
{
    return n_passes(&r->head->options) * N_TOLD + 1 + n_loads(r);
}

tiefsee_status ts_gradients_prepare(ts_run *r, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const int n_ranks = ts_comm_size(r->comm);

    if (n_ranks > 1 && o->n_parts == 0)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "%d ranks, but this run adds up its passes one after the other, which one "
                       "rank must do (a run that is begun with --parts does not)",
                       n_ranks);
    if (n_ranks > 1 && (uint32_t)n_ranks > o->n_parts)
        return ts_fail(err, TIEFSEE_E_INVALID, "%d ranks for a step of %u parts", n_ranks,
                       o->n_parts);
    if (o->n_parts == 0)
        return TIEFSEE_OK;
    r->told = ts_alloc_zero(((size_t)n_ranks + 1) * n_told(r), sizeof *r->told);
    return r->told ? TIEFSEE_OK
                   : ts_fail_nomem(err, ((size_t)n_ranks + 1) * n_told(r) * sizeof *r->told,
                                   "the ranks");
}

void ts_gradients_end(ts_run *r)
{
    ts_free(r->told);
}

static real share(double weight, uint64_t n)
{
    return n ? (real)(weight / (double)n) : 0;
}

/* Cursors of all passes too, where parts need them. */
static step_counts count_step(ts_run *r)
{
    uint64_t cursor = r->head->cursor;
    step_counts n = {0};

    if (r->pass_cursor)
        r->pass_cursor[0] = cursor;
    for (size_t i = 0; r->fill(r, i, &cursor); i++) {
        n.tokens += r->batch.pack.n;
        n.learned += r->batch.n_learned;
        n.ahead += r->batch.n_ahead;
        n.docs += r->batch.pack.n_docs;
        if (r->pass_cursor)
            r->pass_cursor[i + 1] = cursor;
    }
    return n;
}

/* One pass of a step: its counts and how each loss counts. */
typedef struct pass_sums {
    step_counts n;
    double n_main;
    ts_trunk_scales scales;
} pass_sums;

/* Rows that bring their own weights count as they say. */
static pass_sums sums_of(ts_run *r)
{
    const ts_run_options *o = &r->head->options;
    const step_counts n = count_step(r);
    const double n_main = r->batch.weight ? 1 : n.learned ? (double)n.learned : 1;

    return (pass_sums){n,
                       n_main,
                       {(real)(1 / n_main), o->has_mtp ? share(o->mtp_weight, n.ahead) : 0,
                        share(o->balance, n.docs)}};
}

/* The batch that was filled. */
static void run_pass(ts_run *r, const pass_sums *sums, double told[N_TOLD])
{
    ts_trunk_forward(&r->trunk, &r->batch);
    const ts_trunk_loss loss = ts_trunk_backward(&r->trunk, &r->batch, sums->scales);
    told[MAIN] = loss.main;
    told[MTP] = loss.mtp;
    told[BALANCE] = loss.balance;
    told[CLIPPED] = loss.clipped;
    told[DIVERGENCE] = loss.divergence;
    told[FLOPS] = ts_flops_of_batch(&r->trunk.net, &r->batch);
}

static void add_told(ts_run_stats *s, const pass_sums *sums, const double told[N_TOLD])
{
    s->loss += told[MAIN] / sums->n_main;
    s->mtp_loss += told[MTP] / (double)(sums->n.ahead ? sums->n.ahead : 1);
    s->balance_loss += told[BALANCE];
    s->clipped += told[CLIPPED] / (double)(sums->n.learned ? sums->n.learned : 1);
    s->divergence += told[DIVERGENCE] / (double)(sums->n.learned ? sums->n.learned : 1);
    s->flops += told[FLOPS];
}

/* ------------------------------------------------------------------- parts */

typedef struct part_loop {
    ts_run *r;
    const pass_sums *sums;
    double *told; /* of this rank */
} part_loop;

static int rank_of(const ts_run *r, uint32_t part)
{
    return (int)((uint64_t)part * (uint64_t)ts_comm_size(r->comm) / r->head->options.n_parts);
}

static tiefsee_status run_part(const part_loop *l, uint32_t part, tiefsee_error *err)
{
    ts_run *r = l->r;
    const ts_run_options *o = &r->head->options;
    const uint64_t n = n_passes(o), end = (part + 1) * n / o->n_parts;
    tiefsee_status st = TIEFSEE_OK;

    ts_trunk_clear_gradients(&r->trunk);
    for (uint64_t i = part * n / o->n_parts; i < end && st == TIEFSEE_OK; i++) {
        uint64_t cursor = r->pass_cursor[i];

        (void)r->fill(r, (size_t)i, &cursor);
        run_pass(r, l->sums, l->told + i * N_TOLD);
        st = ts_comm_check(r->comm, err);
    }
    return st;
}

static tiefsee_status send_gradient(ts_run *r, int to, tiefsee_error *err)
{
    const ts_network *n = &r->trunk.net;
    tiefsee_status st = TIEFSEE_OK;

    for (size_t at = 0; at < n->n_reals && st == TIEFSEE_OK; at += INBOX_REALS) {
        const size_t left = n->n_reals - at, size = left < INBOX_REALS ? left : INBOX_REALS;
        st = ts_comm_send(r->comm, to, n->grad + at, size * sizeof *n->grad, err);
    }
    return st;
}

static tiefsee_status add_gradient_of(ts_run *r, int from, tiefsee_error *err)
{
    const ts_network *n = &r->trunk.net;
    tiefsee_status st = TIEFSEE_OK;

    for (size_t at = 0; at < n->n_reals && st == TIEFSEE_OK; at += INBOX_REALS) {
        const size_t left = n->n_reals - at, size = left < INBOX_REALS ? left : INBOX_REALS;
        st = ts_comm_receive(r->comm, from, r->inbox, size * sizeof *n->grad, err);
        if (st == TIEFSEE_OK)
            ts_real_add(&r->trunk.team.kernels, n->grad + at, r->inbox, size);
    }
    return st;
}

/* The sum of parts [begin, end) as the gradient of the rank of `begin`.  All ranks walk
 * the whole tree, so they send and receive in one order.  (a + b is b + a, so it does not
 * matter which half lies where.) */
static tiefsee_status sum_parts(const part_loop *l, uint32_t begin, uint32_t end, size_t level,
                                tiefsee_error *err)
{
    ts_run *r = l->r;
    const uint32_t middle = begin + (end - begin) / 2;
    const int me = ts_comm_rank(r->comm), left = rank_of(r, begin), right = rank_of(r, middle);
    const ts_network *n = &r->trunk.net;
    const bool is_mine = left == me && right == me;
    real *saved = r->saved + level * n->n_reals;

    if (end - begin == 1)
        return left == me ? run_part(l, begin, err) : TIEFSEE_OK;
    tiefsee_status st = sum_parts(l, begin, middle, level, err);
    if (is_mine)
        memcpy(saved, n->grad, n->n_reals * sizeof *saved);
    if (st == TIEFSEE_OK)
        st = sum_parts(l, middle, end, level + 1, err);
    if (st != TIEFSEE_OK)
        return st;
    if (is_mine)
        ts_real_add(&r->trunk.team.kernels, n->grad, saved, n->n_reals);
    else if (left == me)
        st = add_gradient_of(r, right, err);
    else if (right == me)
        st = send_gradient(r, left, err);
    return st;
}

/* Losses and loads of all ranks: where one has computed, the others have zeros. */
static tiefsee_status exchange(ts_run *r, ts_run_stats *s, double *mine, tiefsee_error *err)
{
    const size_t n = n_told(r), first_load = n - n_loads(r);
    const int n_ranks = ts_comm_size(r->comm);
    double *all = r->told + n;
    const double now = ts_clock_process_seconds();

    mine[first_load - 1] = now - r->cpu_mark;
    r->cpu_mark = now;
    for (size_t i = first_load; i < n; i++)
        mine[i] = (double)r->trunk.load[i - first_load];
    const tiefsee_status st = ts_comm_gather(r->comm, mine, n * sizeof *mine, all, err);
    if (st != TIEFSEE_OK)
        return st;
    s->cpu_seconds = -mine[first_load - 1];
    memcpy(mine, all, n * sizeof *mine);
    for (int rank = 1; rank < n_ranks; rank++)
        for (size_t i = 0; i < n; i++)
            mine[i] += all[(size_t)rank * n + i];
    s->cpu_seconds += mine[first_load - 1];
    for (size_t i = first_load; i < n; i++)
        r->trunk.load[i - first_load] = (uint64_t)mine[i];
    return TIEFSEE_OK;
}

static tiefsee_status compute_parts(ts_run *r, ts_run_stats *s, const pass_sums *sums,
                                    tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const ts_network *net = &r->trunk.net;
    const part_loop l = {r, sums, r->told};

    memset(r->told, 0, n_told(r) * sizeof *r->told);
    tiefsee_status st = sum_parts(&l, 0, o->n_parts, 0, err);
    if (st == TIEFSEE_OK)
        st = ts_comm_broadcast(r->comm, net->grad, net->n_reals * sizeof *net->grad, err);
    if (st == TIEFSEE_OK)
        st = exchange(r, s, r->told, err);
    if (st != TIEFSEE_OK)
        return st;
    for (size_t i = 0; i < n_passes(o); i++)
        add_told(s, sums, r->told + i * N_TOLD);
    r->head->cursor = r->pass_cursor[n_passes(o)];
    return TIEFSEE_OK;
}

tiefsee_status ts_gradients_compute(ts_run *r, ts_run_stats *s, tiefsee_error *err)
{
    const pass_sums sums = sums_of(r);

    s->n_tokens = sums.n.tokens;
    s->n_learned = sums.n.learned;
    if (r->head->options.n_parts)
        return compute_parts(r, s, &sums, err);
    ts_trunk_clear_gradients(&r->trunk);
    for (size_t i = 0; r->fill(r, i, &r->head->cursor); i++) {
        double told[N_TOLD];

        run_pass(r, &sums, told);
        add_told(s, &sums, told);
    }
    return TIEFSEE_OK;
}
