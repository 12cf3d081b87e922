/* test_round_weights.c - quantisation-aware training: the forward pass is that of the
 * exported file, and the gradient goes straight through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "core/file.h"
#include "counting_shard.h"
#include "formats/modelfile.h"
#include "support/scratch.h"
#include "tiefsee/tiefsee.h"
#include "tiny_trunk.h"
#include "train/export_gguf.h"
#include "train/round_weights.h"
#include "train/run.h"

static const char VOCAB_MODEL[] = "assets/tiefsee-mini.gguf";
enum { N_VOCAB = 2048, N_THREADS = 3 };
static const ts_trunk_scales scales = {0.02f, 0.013f, 0.4f};

static scratch folder;
static ts_modelfile *vocab_file;
static tiny_trunk net;
static tiny_batch batch;

/* Rows that are whole blocks of 32, but for the dense layer's: those become float16. */
static ts_config config(void)
{
    ts_config c = tiny_config();

    c.n_vocab = N_VOCAB;
    c.d_model = 64;
    c.d_ff = 48;
    c.d_nope = c.d_value = c.kv_lora_rank = c.q_lora_rank = c.d_expert = 32;
    c.d_rope = c.rope.n_dims = 16;
    c.d_head = 48;
    return c;
}

/* A network with the weights of `from`, or of its seed. */
static void open_net(tiny_trunk *t, bool is_rounded, const real *from)
{
    const ts_trunk_sizes sizes = {TINY_TOKENS, 76, N_THREADS};

    const ts_trunk like = {.net = {.config = config(), .has_mtp = true, .is_rounded = is_rounded}};

    tiny_open_like(t, like, sizes, ts_cpu_flags());
    if (from) {
        memcpy(t->trunk.net.value, from, t->trunk.net.n_reals * sizeof *from);
        ts_trunk_pack_weights(&t->trunk);
    }
}

static void round_net(tiny_trunk *t, ts_file_types types, int n_threads)
{
    tiefsee_error err;
    ts_rounding *r;
    ts_pool *pool;

    assert_int_equal(ts_rounding_new(&r, &t->trunk.net, types, n_threads, &err), TIEFSEE_OK);
    assert_int_equal(ts_pool_new(&pool, n_threads, &err), TIEFSEE_OK);
    ts_rounding_run(r, pool);
    ts_pool_free(pool);
    ts_rounding_free(r);
    ts_trunk_pack_weights(&t->trunk);
}

typedef struct comparison {
    double worst, largest;
    size_t n_rows;
} comparison;

static void compare_row(void *user, size_t i, const float *row)
{
    static float said[N_VOCAB];
    comparison *c = user;

    ts_trunk_logits(&net.trunk, batch.begin[1] + i, said);
    for (size_t v = 0; v < N_VOCAB; v++) {
        c->worst = fmax(c->worst, fabs((double)said[v] - (double)row[v]));
        c->largest = fmax(c->largest, fabs((double)said[v]));
    }
    c->n_rows++;
}

/* The second document through the engine, from a file of these types. */
static comparison compare_with_file(ts_file_types types, bool precise)
{
    const ts_export_options opt = {.name = "x", .type = types.type, .experts = types.experts};
    const tiefsee_model_options model_opt = {
        .size = sizeof model_opt, .precise = precise, .n_threads = 1};
    const tiefsee_session_options session_opt = {.size = sizeof session_opt, .n_ctx = 100};
    const char *path = scratch_path(&folder, "rounded.gguf");
    const size_t n = batch.begin[2] - batch.begin[1];
    tiefsee_token token[TINY_TOKENS];
    tiefsee_error err = {0};
    tiefsee_session *s;
    tiefsee_model *m;
    comparison c = {0};

    if (ts_export_network(&net.trunk.net, ts_modelfile_vocab(vocab_file), &opt, path, &err) !=
            TIEFSEE_OK ||
        tiefsee_model_open(&m, path, &model_opt, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    assert_int_equal(tiefsee_session_open(&s, m, &session_opt, &err), TIEFSEE_OK);
    for (size_t i = 0; i < n; i++)
        token[i] = (tiefsee_token)batch.token[batch.begin[1] + i];
    assert_int_equal(tiefsee_session_feed_all(s, token, n, compare_row, &c, &err), TIEFSEE_OK);
    assert_int_equal(c.n_rows, n);
    tiefsee_session_close(s);
    tiefsee_model_close(m);
    print_message("%s, experts %s%s: largest difference %.2e of logits up to %.1f\n",
                  ts_dtype_of(types.type).name, ts_dtype_of(types.experts).name,
                  precise ? "" : ", rounded activations", c.worst, c.largest);
    return c;
}

static void the_forward_pass_is_that_of_the_file(void **state)
{
    static const ts_file_types all[] = {
        {TS_Q8_0, TS_Q4_0}, {TS_F16, TS_MXFP4}, {TS_Q5_1, TS_IQ4_NL}, {TS_F32, TS_Q8_0}};

    (void)state;
    for (size_t i = 0; i < TS_COUNT(all); i++) {
        open_net(&net, true, NULL);
        round_net(&net, all[i], N_THREADS);
        ts_trunk_forward(&net.trunk, &batch.b);
        const comparison c = compare_with_file(all[i], true);
        assert_true(c.worst < 2e-4);
        if (i == 0) {
            const comparison fast = compare_with_file(all[i], false);
            assert_true(fast.worst < 0.05 * fast.largest);
        }
        tiny_close(&net);
    }
}

static void it_is_not_that_of_the_float_weights(void **state)
{
    const ts_file_types types = {TS_Q8_0, TS_Q4_0};

    (void)state;
    open_net(&net, false, NULL);
    ts_trunk_forward(&net.trunk, &batch.b);
    assert_true(compare_with_file(types, true).worst > 1e-2);
    tiny_close(&net);
}

/* The gradient is, bit for bit, that of a network whose weights are the rounded ones; and
 * the float weights are where they were. */
static void the_gradient_goes_straight_through(void **state)
{
    static tiny_trunk plain;
    real *before;

    (void)state;
    open_net(&net, true, NULL);
    const size_t bytes = net.trunk.net.n_reals * sizeof *before;
    before = ts_alloc(bytes);
    assert_non_null(before);
    memcpy(before, net.trunk.net.value, bytes);
    round_net(&net, (ts_file_types){TS_Q8_0, TS_Q4_0}, N_THREADS);
    open_net(&plain, false, net.trunk.net.used);
    assert_memory_equal(before, net.trunk.net.value, bytes);
    assert_memory_not_equal(before, net.trunk.net.used, bytes);
    tiny_trunk *const both[] = {&net, &plain};
    for (size_t i = 0; i < 2; i++) {
        ts_trunk_forward(&both[i]->trunk, &batch.b);
        (void)ts_trunk_backward(&both[i]->trunk, &batch.b, scales);
    }
    assert_memory_equal(net.trunk.net.grad, plain.trunk.net.grad, bytes);
    ts_free(before);
    tiny_close(&net);
    tiny_close(&plain);
}

static void threads_change_nothing_and_what_is_in_no_file_stays(void **state)
{
    static tiny_trunk other;

    (void)state;
    open_net(&net, true, NULL);
    round_net(&net, (ts_file_types){TS_Q8_0, TS_Q4_0}, N_THREADS);
    open_net(&other, true, NULL);
    round_net(&other, (ts_file_types){TS_Q8_0, TS_Q4_0}, 1);
    const size_t bytes = net.trunk.net.n_reals * sizeof(real);
    assert_memory_equal(net.trunk.net.used, other.trunk.net.used, bytes);
    /* What no file has: the layer of the MTP head. */
    const ts_param *p = ts_network_find(&net.trunk.net, "nextn.eh_proj.weight");
    p = p ? p : ts_network_find(&net.trunk.net, "blk.2.nextn.eh_proj.weight");
    assert_non_null(p);
    assert_memory_equal(net.trunk.net.used + p->offset, net.trunk.net.value + p->offset,
                        ts_param_reals(p) * sizeof(real));
    tiny_close(&other);
    tiny_close(&net);
}

static void a_weight_that_is_no_number_stays_one(void **state)
{
    (void)state;
    open_net(&net, true, NULL);
    net.trunk.net.value[70] = NAN;
    round_net(&net, (ts_file_types){TS_Q8_0, TS_Q4_0}, 1);
    assert_true(isnan(net.trunk.net.used[70]));
    tiny_close(&net);
}

/* ------------------------------------------------------------------- runs */

static char shard[512];

static ts_run_options options(void)
{
    ts_config c = config();
    ts_run_options o;

    c.n_vocab = 29;
    ts_run_defaults(&o, &c, 4);
    o.batch_tokens = 384;
    o.micro_tokens = 192;
    o.round_type = TS_Q8_0;
    o.round_experts = TS_Q4_0;
    return o;
}

typedef struct watch {
    double first, last;
    uint64_t stop_at;
} watch;

static bool on_step(void *user, const ts_run_stats *s)
{
    watch *w = user;

    w->first = s->step == 1 ? s->loss : w->first;
    w->last = s->loss;
    return s->step != w->stop_at;
}

static watch go(const char *name, const ts_run_options *o, int n_threads, uint64_t stop_at)
{
    const char *shards[] = {shard};
    const ts_run_files files = {
        .folder = name, .shards = shards, .n_shards = 1, .n_threads = n_threads};
    watch w = {.stop_at = stop_at};
    tiefsee_error err = {0};
    ts_run *r;

    if ((o ? ts_run_new(&r, o, &files, &err) : ts_run_resume(&r, &files, &err)) != TIEFSEE_OK ||
        ts_run_go(r, on_step, &w, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_run_close(r);
    return w;
}

static ts_buf checkpoint_in(const char *path)
{
    char name[600];
    tiefsee_error err;
    ts_buf b;

    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", path);
    assert_int_equal(ts_file_read(&b, name, 1 << 24, &err), TIEFSEE_OK);
    return b;
}

static void a_run_with_rounded_weights_resumes_with_the_same_bits(void **state)
{
    ts_run_options o = options();
    char whole[512], parts[512];

    (void)state;
    (void)snprintf(whole, sizeof whole, "%s", scratch_path(&folder, "whole"));
    (void)snprintf(parts, sizeof parts, "%s", scratch_path(&folder, "parts"));
    const watch rounded = go(whole, &o, 1, 0);
    (void)go(parts, &o, 3, 2);
    (void)go(parts, NULL, 2, 0);
    ts_buf a = checkpoint_in(whole), b = checkpoint_in(parts);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.ptr, b.ptr, a.len);
    ts_buf_free(&a);
    ts_buf_free(&b);

    o.round_type = o.round_experts = TS_F32;
    const watch plain = go(scratch_path(&folder, "plain"), &o, 1, 0);
    assert_true(rounded.first != plain.first);
    assert_true(fabs(rounded.first - plain.first) < 0.1);
}

static int open_files(void **state)
{
    tiefsee_error err;

    (void)state;
    scratch_make(&folder);
    (void)snprintf(shard, sizeof shard, "%s", scratch_path(&folder, "a.shard"));
    write_counting_shard(shard, 1, 60);
    tiny_fill(&batch, 3, N_VOCAB);
    return ts_modelfile_open(&vocab_file, VOCAB_MODEL, &err) != TIEFSEE_OK;
}

static int close_files(void **state)
{
    (void)state;
    ts_modelfile_close(vocab_file);
    scratch_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forward_pass_is_that_of_the_file),
        cmocka_unit_test(it_is_not_that_of_the_float_weights),
        cmocka_unit_test(the_gradient_goes_straight_through),
        cmocka_unit_test(threads_change_nothing_and_what_is_in_no_file_stays),
        cmocka_unit_test(a_weight_that_is_no_number_stays_one),
        cmocka_unit_test(a_run_with_rounded_weights_resumes_with_the_same_bits),
    };
    return cmocka_run_group_tests(tests, open_files, close_files);
}
