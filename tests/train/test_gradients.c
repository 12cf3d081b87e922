/* test_gradients.c - every layer's way back against central differences, in double.
 *
 * The layers are the trainer's own sources, compiled with TS_TRAIN_F64.  For each a
 * loss is made of its output with random weights; its derivative with respect to every
 * input number is compared with (L(x + e) - L(x - e)) / 2e.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tiny_trunk.h"

enum { MAX_REALS = 4096 };

static ts_rng rng;
static const ts_kernels *const none; /* double needs no kernels */

static void fill(real *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = 2 * ts_rng_unit(&rng) - 1;
}

typedef real loss_fn(void *ctx);

/* The difference that i makes, against what the layer says. */
static void compare(const char *what, size_t i, real *x, real said, loss_fn *loss, void *ctx,
                    real tolerance)
{
    const real step = 1e-5, kept = *x;

    *x = kept + step;
    const real up = loss(ctx);
    *x = kept - step;
    const real down = loss(ctx);
    *x = kept;
    const real found = (up - down) / (2 * step);
    if (fabs(found - said) > tolerance * (1 + fabs(found)))
        fail_msg("%s[%zu]: says %.12g, is %.12g", what, i, said, found);
}

static void compare_all(const char *what, real *x, const real *dx, size_t n, loss_fn *loss,
                        void *ctx)
{
    for (size_t i = 0; i < n; i++)
        compare(what, i, x + i, dx[i], loss, ctx, 1e-8);
}

static real weigh(const real *y, const real *w, size_t n)
{
    real sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += y[i] * w[i];
    return sum;
}

/* --------------------------------------------------------------- rmsnorm */

enum { N = 5, D = 13 };

static struct norm_case {
    real x[N * D], g[D], y[N * D], w[N * D], rstd[N], dx[N * D], dg[D];
} norm;

static real norm_loss(void *ctx)
{
    (void)ctx;
    ts_rmsnorm_forward(none, (ts_rows){norm.y, D}, norm.rstd, (ts_rows){norm.x, D}, norm.g, N, D,
                       1e-6);
    return weigh(norm.y, norm.w, N * D);
}

static void rmsnorm_goes_back(void **state)
{
    (void)state;
    fill(norm.x, N * D);
    fill(norm.g, D);
    fill(norm.w, N * D);
    (void)norm_loss(NULL);
    ts_rmsnorm_backward(none, (ts_rows){norm.dx, D}, (ts_rows){norm.w, D}, (ts_rows){norm.x, D},
                        norm.g, norm.rstd, N, D);
    ts_rmsnorm_backward_gain(norm.dg, (ts_rows){norm.w, D}, (ts_rows){norm.x, D}, norm.rstd, N, 0,
                             D);
    compare_all("x", norm.x, norm.dx, N * D, norm_loss, NULL);
    compare_all("g", norm.g, norm.dg, D, norm_loss, NULL);
}

/* ---------------------------------------------------------------- linear */

enum { IN = 19, OUT = 21, ROWS = 7 };

static struct linear_case {
    real w[IN * OUT], dw[IN * OUT], forward[2 * 32 * 32], backward[2 * 32 * 32];
    real x[ROWS * IN], dx[ROWS * IN], y[ROWS * OUT], weight[ROWS * OUT], scratch[65536];
    ts_weight view;
} lin;

static real linear_loss(void *ctx)
{
    (void)ctx;
    ts_weight_pack(&lin.view);
    ts_linear_forward(none, (ts_rows){lin.y, OUT}, false, (ts_rows){lin.x, IN}, &lin.view, ROWS);
    return weigh(lin.y, lin.weight, ROWS * OUT);
}

static void linear_goes_back(void **state)
{
    const ts_rows dy = {lin.weight, OUT}, x = {lin.x, IN};

    (void)state;
    assert_true(ts_linear_scratch_reals(IN) <= TS_COUNT(lin.scratch));
    lin.view = (ts_weight){lin.w, lin.dw, lin.forward, lin.backward, IN, OUT};
    fill(lin.w, IN * OUT);
    fill(lin.x, ROWS * IN);
    fill(lin.weight, ROWS * OUT);
    (void)linear_loss(NULL);
    ts_linear_backward(none, (ts_rows){lin.dx, IN}, false, dy, &lin.view, ROWS);
    /* In two parts, as threads do it. */
    ts_linear_backward_weight(none, &(ts_linear_grad){&lin.view, dy, x, ROWS, 0, 4}, lin.scratch);
    ts_linear_backward_weight(none, &(ts_linear_grad){&lin.view, dy, x, ROWS, 4, OUT}, lin.scratch);
    compare_all("x", lin.x, lin.dx, ROWS * IN, linear_loss, NULL);
    compare_all("w", lin.w, lin.dw, IN * OUT, linear_loss, NULL);
}

/* ---------------------------------------------------------------- rotary */

static struct rotary_case {
    real x[3 * 12], y[3 * 12], w[3 * 12], dx[3 * 12];
    float cosine[8], sine[8];
    uint32_t position[3];
    bool is_split;
} rot = {.cosine = {1, 1, 0.5f, 0.25f, -0.5f, 0.75f, 0.125f, 1},
         .sine = {0, 0, 0.75f, -0.5f, 0.25f, 0.5f, 1, -0.25f},
         .position = {1, 3, 2}};

static real rotary_loss(void *ctx)
{
    (void)ctx;
    memcpy(rot.y, rot.x, sizeof rot.y);
    ts_rotary_forward((ts_rows){rot.y + 2, 12}, 2, 6,
                      &(ts_rotary){rot.cosine, rot.sine, rot.position, 2, rot.is_split}, 3);
    return weigh(rot.y, rot.w, 36);
}

static void rotary_goes_back(void **state)
{
    (void)state;
    for (int split = 0; split < 2; split++) {
        rot.is_split = split;
        fill(rot.x, 36);
        fill(rot.w, 36);
        memcpy(rot.dx, rot.w, sizeof rot.dx);
        /* These "angles" are no rotations, so only the transpose of the forward map passes. */
        ts_rotary_backward((ts_rows){rot.dx + 2, 12}, 2, 6,
                           &(ts_rotary){rot.cosine, rot.sine, rot.position, 2, rot.is_split}, 3);
        compare_all("x", rot.x, rot.dx, 36, rotary_loss, NULL);
    }
}

/* ------------------------------------------------------------- attention */

enum { QUERIES = 70, NOPE = 5, ROPE = 4, VALUE = 3 };

static struct attend_case {
    real q[QUERIES * 9], k_nope[QUERIES * NOPE], k_rope[QUERIES * ROPE], v[QUERIES * VALUE];
    real o[QUERIES * VALUE], w[QUERIES * VALUE];
    real dq[QUERIES * 9], dk_nope[QUERIES * NOPE], dk_rope[QUERIES * ROPE], dv[QUERIES * VALUE];
    real scratch[40000];
    ts_attend a;
} att;

static real attend_loss(void *ctx)
{
    (void)ctx;
    ts_attend_forward(&att.a, att.scratch);
    return weigh(att.o, att.w, QUERIES * VALUE);
}

static void attention_goes_back(void **state)
{
    const ts_attend_grad g = {
        {att.dq, 9}, {att.dk_nope, NOPE}, {att.dk_rope, ROPE}, {att.dv, VALUE}, {att.w, VALUE}};

    (void)state;
    assert_true(ts_attend_scratch_reals(QUERIES, 9, VALUE) <= TS_COUNT(att.scratch));
    att.a = (ts_attend){none,
                        {att.q, 9},
                        {att.k_nope, NOPE},
                        {att.k_rope, ROPE},
                        {att.v, VALUE},
                        {att.o, VALUE},
                        QUERIES,
                        NOPE,
                        ROPE,
                        VALUE,
                        0.7};
    fill(att.q, TS_COUNT(att.q));
    fill(att.k_nope, TS_COUNT(att.k_nope));
    fill(att.k_rope, TS_COUNT(att.k_rope));
    fill(att.v, TS_COUNT(att.v));
    fill(att.w, TS_COUNT(att.w));
    ts_attend_backward(&att.a, &g, att.scratch);
    compare_all("q", att.q, att.dq, TS_COUNT(att.q), attend_loss, NULL);
    compare_all("k_nope", att.k_nope, att.dk_nope, TS_COUNT(att.k_nope), attend_loss, NULL);
    compare_all("k_rope", att.k_rope, att.dk_rope, TS_COUNT(att.k_rope), attend_loss, NULL);
    compare_all("v", att.v, att.dv, TS_COUNT(att.v), attend_loss, NULL);
}

/* ---------------------------------------------------------------- swiglu */

static struct swiglu_case {
    real g[300], u[300], y[300], w[300], dg[300], du[300];
} glu;

static real swiglu_loss(void *ctx)
{
    (void)ctx;
    ts_swiglu_forward(none, glu.y, glu.g, glu.u, 300);
    return weigh(glu.y, glu.w, 300);
}

static void swiglu_goes_back(void **state)
{
    (void)state;
    fill(glu.g, 300);
    fill(glu.u, 300);
    fill(glu.w, 300);
    ts_swiglu_backward(none, glu.dg, glu.du, glu.w, glu.g, glu.u, 300);
    compare_all("g", glu.g, glu.dg, 300, swiglu_loss, NULL);
    compare_all("u", glu.u, glu.du, 300, swiglu_loss, NULL);
}

/* ------------------------------------------------------------------ gate */

enum { TOKENS = 6, EXPERTS = 8, ACTIVE = 3 };

static struct gate_case {
    real z[TOKENS * EXPERTS], score[TOKENS * EXPERTS], weight[TOKENS * ACTIVE];
    real w[TOKENS * ACTIVE], dz[TOKENS * EXPERTS], scratch[2 * EXPERTS], alpha;
    int32_t id[TOKENS * ACTIVE];
    float floats[64], bias[EXPERTS];
    ts_gate g;
} gate;

/* The choice is the first one's: it has no derivative. */
static real gate_loss(void *ctx)
{
    (void)ctx;
    memcpy(gate.score, gate.z, sizeof gate.score);
    ts_gate_forward(none, &gate.g, 0, TOKENS, true, gate.floats);
    return weigh(gate.weight, gate.w, TOKENS * ACTIVE) +
           ts_gate_balance(&gate.g, NULL, gate.alpha, 0, 4, gate.scratch) +
           ts_gate_balance(&gate.g, NULL, gate.alpha, 4, TOKENS, gate.scratch);
}

static void check_gate(bool normalise, real alpha)
{
    fill(gate.z, TS_COUNT(gate.z));
    fill(gate.w, TS_COUNT(gate.w));
    gate.alpha = alpha;
    gate.g = (ts_gate){.n_experts = EXPERTS,
                       .n_active = ACTIVE,
                       .n_groups = 4,
                       .n_top_groups = 2,
                       .normalise = normalise,
                       .scale = 1.5f,
                       .bias = gate.bias,
                       .score = gate.score,
                       .id = gate.id,
                       .weight = gate.weight};
    assert_true(ts_gate_scratch_floats(&gate.g) <= TS_COUNT(gate.floats));
    memcpy(gate.score, gate.z, sizeof gate.score);
    ts_gate_forward(none, &gate.g, 0, TOKENS, false, gate.floats);
    ts_gate_backward(&gate.g, gate.dz, gate.w, 0, TOKENS);
    (void)ts_gate_balance(&gate.g, gate.dz, alpha, 0, 4, gate.scratch);
    (void)ts_gate_balance(&gate.g, gate.dz, alpha, 4, TOKENS, gate.scratch);
    compare_all("z", gate.z, gate.dz, TS_COUNT(gate.z), gate_loss, NULL);
}

static void the_router_goes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXPERTS; i++)
        gate.bias[i] = (float)ts_rng_unit(&rng);
    check_gate(true, 0);
    check_gate(false, 0);
    check_gate(true, 0.3);
}

static void the_bias_moves_towards_the_mean(void **state)
{
    static const uint64_t load[4] = {10, 30, 20, 20};
    float bias[4] = {0, 0, 0.5f, -0.5f};

    (void)state;
    ts_gate_update_bias(bias, load, 4, 0.125f);
    assert_true(bias[0] == 0.125f && bias[1] == -0.125f && bias[2] == 0.5f && bias[3] == -0.5f);
}

/* --------------------------------------------------- cross entropy, table */

static real logits[40], kept[40];

static real xent_loss(void *ctx)
{
    (void)ctx;
    memcpy(kept, logits, sizeof kept);
    return 0.25 * ts_xent(none, kept, 40, 11, 0.25);
}

static void cross_entropy_goes_back(void **state)
{
    real d[40];

    (void)state;
    fill(logits, 40);
    memcpy(d, logits, sizeof d);
    (void)ts_xent(none, d, 40, 11, 0.25);
    compare_all("z", logits, d, 40, xent_loss, NULL);
}

static void cross_entropy_stays_finite_where_the_target_has_no_chance(void **state)
{
    real z[3] = {0, 2000, -3};

    (void)state;
    assert_true(fabs(ts_xent(none, z, 3, 0, 1) - 2000) < 1e-9);
}

static struct clip_case {
    real student[40], z[40];
    ts_clip_row row;
    ts_clip_told told;
} clip;

static real clip_loss(void *ctx)
{
    (void)ctx;
    memcpy(clip.z, clip.student, sizeof clip.z);
    return ts_clip(none, clip.z, 40, 11, &clip.row, &clip.told);
}

/* Inside and outside of both bounds, with either advantage and none. */
static void the_loss_of_older_answers_goes_back(void **state)
{
    static const ts_clip_bounds bounds = {0.2, 0.28, 0.3};
    static const real ratios[] = {0.5, 0.9, 1.2, 2}, advantages[] = {-0.7, 0, 0.4};
    real d[40], log_p;
    size_t n_clipped = 0;

    (void)state;
    fill(clip.student, 40);
    memcpy(clip.z, clip.student, sizeof clip.z);
    log_p = -ts_xent(none, clip.z, 40, 11, 1);
    for (size_t i = 0; i < 12; i++) {
        clip.row =
            (ts_clip_row){&bounds, advantages[i / 4], log_p - log(ratios[i % 4]), log_p + 0.6};
        (void)clip_loss(NULL);
        memcpy(d, clip.z, sizeof d);
        n_clipped += clip.told.is_clipped;
        assert_true(fabs(clip.told.divergence - (exp(0.6) - 0.6 - 1)) < 1e-12);
        compare_all("z", clip.student, d, 40, clip_loss, NULL);
    }
    assert_int_equal(n_clipped, 2);
}

static struct kl_case {
    real student[40], teacher[40], z[40], w[40], ratio[40];
} kl;

static real kl_loss(void *ctx)
{
    (void)ctx;
    memcpy(kl.z, kl.student, sizeof kl.z);
    memcpy(kl.w, kl.teacher, sizeof kl.w);
    return 0.25 * ts_kl(none, kl.z, kl.w, kl.ratio, 40, 0.25);
}

static void the_divergence_goes_back(void **state)
{
    real d[40], sum = 0;

    (void)state;
    fill(kl.student, 40);
    fill(kl.teacher, 40);
    assert_true(kl_loss(NULL) > 0);
    memcpy(d, kl.z, sizeof d);
    compare_all("z", kl.student, d, 40, kl_loss, NULL);
    for (size_t i = 0; i < 40; i++)
        sum += d[i]; /* what all logits have in common changes nothing */
    assert_true(fabs(sum) < 1e-15);
    memcpy(kl.teacher, kl.student, sizeof kl.teacher);
    for (size_t i = 0; i < 40; i++)
        kl.teacher[i] += 3;
    assert_true(fabs(kl_loss(NULL)) < 1e-14);
}

/* KL((1/2, 1/2) || (1, e^-2000)) is 1000 - log 2. */
static void the_divergence_stays_finite_where_the_teacher_sees_no_chance(void **state)
{
    real z[2] = {5, 5}, w[2] = {7, -1993}, ratio[2];

    (void)state;
    assert_true(fabs(ts_kl(none, z, w, ratio, 2, 1) - (1000 - log(2))) < 1e-9);
}

static void the_embedding_adds_up_equal_tokens(void **state)
{
    static const uint32_t token[3] = {2, 0, 2};
    real dy[6] = {1, 2, 4, 8, 16, 32}, table[6] = {0};

    (void)state;
    ts_embed_backward(table, (ts_rows){dy, 2}, token, 3, 2, 0, 1);
    ts_embed_backward(table, (ts_rows){dy, 2}, token, 3, 2, 1, 2);
    static const real want[6] = {4, 8, 0, 0, 17, 34};
    assert_memory_equal(table, want, sizeof want);
}

/* ------------------------------------------------------- a whole network */

static tiny_trunk net;
static tiny_batch batch;
static const ts_trunk_scales scales = {0.02, 0.013, 0.4};

static real network_loss(void *ctx)
{
    (void)ctx;
    ts_trunk_pack_weights(&net.trunk);
    ts_trunk_forward(&net.trunk, &batch.b);
    const ts_trunk_loss l = ts_trunk_backward(&net.trunk, &batch.b, scales);
    return scales.main * l.main + scales.mtp * l.mtp + l.balance;
}

/* teacher: NULL, or who teaches it. */
static void check_network(ts_config c, bool has_mtp, tiny_trunk *teacher)
{
    const ts_trunk_sizes sizes = {TINY_TOKENS, 76, 2};
    static real said[20000];
    size_t n_checked = 0;

    tiny_open_like(&net,
                   (ts_trunk){.net = {.config = c, .has_mtp = has_mtp},
                              .has_teacher = teacher != NULL,
                              .teacher = teacher ? &teacher->trunk : NULL},
                   sizes, 0);
    batch = (tiny_batch){0};
    tiny_fill(&batch, 3, c.n_vocab);
    batch.b.is_taught = teacher != NULL;
    (void)network_loss(NULL);
    assert_true(net.trunk.net.n_reals <= TS_COUNT(said));
    memcpy(said, net.trunk.net.grad, net.trunk.net.n_reals * sizeof *said);
    net.trunk.keeps_routing = true;
    for (size_t i = 0; i < net.trunk.net.n_params; i++) {
        const ts_param *p = &net.trunk.net.param[i];

        for (size_t j = 0; j < 3; j++, n_checked++) {
            const size_t at = p->offset + (size_t)ts_rng_below(&rng, ts_param_reals(p));
            compare(p->name, at - p->offset, net.trunk.net.value + at, said[at], network_loss, NULL,
                    1e-7);
        }
    }
    assert_true(n_checked > 60);
    tiny_close(&net);
}

static void a_network_with_experts_and_mtp_goes_back(void **state)
{
    (void)state;
    check_network(tiny_config(), true, NULL);
}

static void a_network_without_compressed_queries_shared_experts_and_groups_goes_back(void **state)
{
    ts_config c = tiny_config();

    (void)state;
    c.q_lora_rank = 0;
    c.n_shared = 0;
    c.n_groups = c.n_top_groups = 1;
    c.norm_topk = false;
    check_network(c, false, NULL);
}

/* By a teacher of other sizes. */
static void a_network_that_is_taught_goes_back(void **state)
{
    static tiny_trunk teacher;
    ts_config c = tiny_config();

    (void)state;
    c.d_model = 32;
    c.n_layers = 1;
    tiny_open(&teacher, c, false, (ts_trunk_sizes){TINY_TOKENS, 76, 2}, 0);
    check_network(tiny_config(), true, &teacher);
    tiny_close(&teacher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rmsnorm_goes_back),
        cmocka_unit_test(linear_goes_back),
        cmocka_unit_test(rotary_goes_back),
        cmocka_unit_test(attention_goes_back),
        cmocka_unit_test(swiglu_goes_back),
        cmocka_unit_test(the_router_goes_back),
        cmocka_unit_test(the_bias_moves_towards_the_mean),
        cmocka_unit_test(cross_entropy_goes_back),
        cmocka_unit_test(cross_entropy_stays_finite_where_the_target_has_no_chance),
        cmocka_unit_test(the_loss_of_older_answers_goes_back),
        cmocka_unit_test(the_divergence_goes_back),
        cmocka_unit_test(the_divergence_stays_finite_where_the_teacher_sees_no_chance),
        cmocka_unit_test(the_embedding_adds_up_equal_tokens),
        cmocka_unit_test(a_network_with_experts_and_mtp_goes_back),
        cmocka_unit_test(a_network_without_compressed_queries_shared_experts_and_groups_goes_back),
        cmocka_unit_test(a_network_that_is_taught_goes_back),
    };
    ts_rng_seed(&rng, 42);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
