/* optimizer.c - see optimizer.h. */
#include "train/optimizer.h"

#include <string.h>

/* Reals of one piece of a norm, and of AdamW's work. */
enum { PIECE = 4096 };

static const double PI = 3.14159265358979323846;

double ts_schedule_at(const ts_schedule *s, uint64_t step)
{
    const double done = (double)step, all = (double)(s->n_steps ? s->n_steps : 1);

    if (step < s->n_warmup)
        return (done + 1) / (double)s->n_warmup;
    if (s->kind == TS_SCHEDULE_COSINE) {
        const double left = all - (double)s->n_warmup;
        double x = left > 0 ? (done - (double)s->n_warmup) / left : 1;
        x = x > 1 ? 1 : x;
        return s->floor + (1 - s->floor) * 0.5 * (1 + cos(PI * x));
    }
    const double begin = all * (1 - s->decay);
    if (done < begin || s->decay <= 0)
        return 1;
    const double x = done < all ? (done - begin) / (all - begin) : 1;
    return 1 - (1 - s->floor) * x;
}

ts_optimizer_options ts_optimizer_defaults(double lr)
{
    return (ts_optimizer_options){
        .has_muon = true,
        .lr = lr,
        .lr_embedding = lr,
        .lr_head = lr * 2 / 3,
        .lr_router = lr / 3,
        .lr_gain = lr,
        .momentum = 0.95,
        .beta1 = 0.9,
        .beta2 = 0.98,
        .eps = 1e-10,
        .decay = 0.1,
        .clip = 1,
    };
}

void ts_optimizer_carve(ts_optimizer *o, const ts_network *n, int n_threads, ts_carve *state,
                        ts_carve *work)
{
    o->n_pieces = (n->n_reals + PIECE - 1) / PIECE;
    o->scratch_reals = ts_muon_scratch_reals(n->max_short, n->max_long);
    o->m = ts_carve_take(state, n->n_reals, sizeof(real));
    o->v = ts_carve_take(state, n->n_reals, sizeof(real));
    o->average = o->keeps_average ? ts_carve_take(state, n->n_reals, sizeof(real)) : NULL;
    o->partial = ts_carve_take(work, o->n_pieces, sizeof *o->partial);
    o->matrix = ts_carve_take(work, n->n_matrices, sizeof *o->matrix);
    o->scratch = ts_carve_take(work, (uint64_t)n_threads * o->scratch_reals, sizeof(real));
}

void ts_optimizer_prepare(ts_optimizer *o, const ts_network *n)
{
    size_t count = 0;

    memset(o->m, 0, n->n_reals * sizeof *o->m);
    memset(o->v, 0, n->n_reals * sizeof *o->v);
    for (size_t i = 0; i < n->n_params; i++)
        for (size_t j = 0; n->param[i].kind == TS_PARAM_MATRIX && j < n->param[i].n_mats; j++) {
            ts_param *p = &o->matrix[count++];
            *p = n->param[i];
            p->offset += j * p->n_in * p->n_out;
            p->n_mats = 1;
        }
}

typedef struct step_loop {
    ts_optimizer *o;
    const ts_network *n;
    ts_team *team;
    const ts_param *p;
    ts_adamw adamw;
    ts_muon muon;
    real fresh; /* averages: the share of the new weights */
} step_loop;

static void add_squares(void *ctx, size_t begin, size_t end, int thread)
{
    const step_loop *l = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const size_t at = i * PIECE, left = l->n->n_reals - at;
        const real *g = l->n->grad + at;
        l->o->partial[i] =
            (double)ts_real_dot(&l->team->kernels, g, g, left < PIECE ? left : PIECE);
    }
}

double ts_optimizer_norm(ts_optimizer *o, const ts_network *n, ts_team *team)
{
    step_loop l = {.o = o, .n = n, .team = team};
    double sum = 0;

    ts_pool_loop(team->pool, o->n_pieces, 16, add_squares, &l);
    for (size_t i = 0; i < o->n_pieces; i++)
        sum += o->partial[i];
    return sqrt(sum);
}

static void run_adamw(void *ctx, size_t begin, size_t end, int thread)
{
    const step_loop *l = ctx;
    const size_t at = l->p->offset + begin;

    (void)thread;
    ts_adamw_step(&l->adamw, l->n->value + at, l->n->grad + at, l->o->m + at, l->o->v + at,
                  end - begin);
}

static void run_muon(void *ctx, size_t begin, size_t end, int thread)
{
    const step_loop *l = ctx;
    real *scratch = l->o->scratch + (size_t)thread * l->o->scratch_reals;

    for (size_t i = begin; i < end; i++) {
        const ts_param *p = &l->o->matrix[i];
        ts_muon_step(&l->team->kernels, &l->muon, l->n->value + p->offset, l->n->grad + p->offset,
                     l->o->m + p->offset, p->n_in, p->n_out, scratch);
    }
}

static double rate_of(const ts_optimizer_options *o, ts_param_kind kind)
{
    switch (kind) {
    case TS_PARAM_EMBEDDING: return o->lr_embedding;
    case TS_PARAM_HEAD: return o->lr_head;
    case TS_PARAM_ROUTER: return o->lr_router;
    case TS_PARAM_GAIN: return o->lr_gain;
    default: return o->lr;
    }
}

void ts_optimizer_step(ts_optimizer *o, ts_network *n, ts_team *team, uint64_t step, double rate,
                       double norm)
{
    const ts_optimizer_options *opt = &o->options;
    const double clip = opt->clip > 0 && norm > opt->clip ? opt->clip / norm : 1;
    step_loop l = {.o = o, .n = n, .team = team};

    l.muon = (ts_muon){(real)(opt->lr * rate), (real)opt->momentum, (real)opt->decay, (real)clip};
    if (opt->has_muon)
        ts_pool_loop(team->pool, n->n_matrices, 1, run_muon, &l);
    for (size_t i = 0; i < n->n_params; i++) {
        const bool is_matrix = n->param[i].kind == TS_PARAM_MATRIX;

        if (is_matrix && opt->has_muon)
            continue;
        l.p = &n->param[i];
        l.adamw = (ts_adamw){
            .lr = (real)(rate_of(opt, l.p->kind) * rate),
            .beta1 = (real)opt->beta1,
            .beta2 = (real)opt->beta2,
            .eps = (real)opt->eps,
            .decay = is_matrix ? (real)opt->decay : 0,
            .correct1 = (real)(1 - pow(opt->beta1, (double)step)),
            .correct2 = (real)(1 - pow(opt->beta2, (double)step)),
            .grad_scale = (real)clip,
        };
        ts_pool_loop(team->pool, ts_param_reals(l.p), PIECE, run_adamw, &l);
    }
}

static void run_average(void *ctx, size_t begin, size_t end, int thread)
{
    const step_loop *l = ctx;
    const real *w = l->n->value;
    real *a = l->o->average;

    (void)thread;
    for (size_t i = begin; i < end; i++)
        a[i] += l->fresh * (w[i] - a[i]);
}

void ts_optimizer_average(ts_optimizer *o, const ts_network *n, ts_team *team, uint64_t step,
                          double decay)
{
    const double young = (1 + (double)step) / (10 + (double)step);
    step_loop l = {.o = o, .n = n, .fresh = (real)(1 - (young < decay ? young : decay))};

    ts_pool_loop(team->pool, n->n_reals, PIECE, run_average, &l);
}
