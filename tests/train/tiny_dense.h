/* tiny_dense.h - a small model of tests/conformance/fixtures beside the adapter and the
 * conversations of tests/train/fixtures/lora-NAME.  Compiled into each test, because some
 * of them compute in double. */
#ifndef TS_TESTS_TINY_DENSE_H
#define TS_TESTS_TINY_DENSE_H

#include "core/alloc.h"
#include "core/cpu.h"
#include "support/lora_fixture.h"
#include "train/lora/dense_net.h"

typedef struct tiny_dense {
    lora_fixture fixture;
    ts_modelfile *file;
    ts_net *net;
    ts_dense_net dense;
    void *state, *work;
    uint32_t token[128], position[128], begin[8], row[128], target[128];
    ts_train_batch batch;
} tiny_dense;

static inline void tiny_dense_batch(tiny_dense *t)
{
    size_t n, n_docs;
    const int32_t *tokens = lora_fixture_data(&t->fixture, "tokens", &n);
    const int32_t *learned = lora_fixture_data(&t->fixture, "learned", NULL);
    const int32_t *lengths = lora_fixture_data(&t->fixture, "lengths", &n_docs);
    ts_train_batch *b = &t->batch;

    *b = (ts_train_batch){.pack = {.n = n,
                                   .n_docs = n_docs,
                                   .token = t->token,
                                   .position = t->position,
                                   .begin = t->begin},
                          .row = t->row,
                          .target = t->target};
    assert_true(n <= 128 && n_docs < 8);
    t->begin[0] = 0;
    for (size_t d = 0; d < n_docs; d++)
        t->begin[d + 1] = t->begin[d] + (uint32_t)lengths[d];
    for (size_t d = 0; d < n_docs; d++)
        for (uint32_t i = t->begin[d]; i < t->begin[d + 1]; i++) {
            t->token[i] = (uint32_t)tokens[i];
            t->position[i] = i - t->begin[d];
            if (i > t->begin[d] && learned[i]) {
                t->row[b->n_learned] = i - 1;
                t->target[b->n_learned++] = (uint32_t)tokens[i];
            }
        }
}

/* The adapter's numbers where they are learned. */
static inline void tiny_dense_take(tiny_dense *t, const ts_adapter *a)
{
    for (size_t i = 0; i < a->n_layers * TS_N_TARGETS; i++) {
        const ts_low_rank_weight *w = &t->dense.layer[i / TS_N_TARGETS].low[i % TS_N_TARGETS];
        const float *A = a->pair[i].A.data, *B = a->pair[i].B.data;

        assert_true(!A == !w->A.w);
        for (size_t k = 0; A && k < w->A.n_in * w->A.n_out; k++)
            w->A.w[k] = (real)A[k];
        for (size_t k = 0; A && k < w->B.n_in * w->B.n_out; k++)
            w->B.w[k] = (real)B[k];
    }
    ts_dense_net_pack(&t->dense);
}

static inline void tiny_dense_open(tiny_dense *t, const char *name, int n_threads)
{
    ts_carve state = {0}, work = {0};
    ts_dense_sizes sizes = {.max_tokens = 128, .longest_doc = 64, .n_threads = n_threads};
    tiefsee_error err;
    ts_adapter a;

    *t = (tiny_dense){0};
    lora_fixture_open(&t->fixture, name);
    if (ts_adapter_open(&a, t->fixture.adapter, &err) != TIEFSEE_OK ||
        ts_modelfile_open(&t->file, t->fixture.base, &err) != TIEFSEE_OK ||
        ts_net_open(&t->net, t->file, &err) != TIEFSEE_OK ||
        ts_dense_check(t->net, &err) != TIEFSEE_OK ||
        ts_pool_new(&t->dense.team.pool, n_threads, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    sizes.rank = a.rank;
    sizes.scale = (real)(a.alpha / (double)a.rank);
    for (size_t i = 0; i < TS_N_TARGETS; i++)
        sizes.targets |= a.pair[i].A.data ? 1u << i : 0;
    ts_kernels_select(&t->dense.team.kernels, ts_cpu_flags());
    t->dense.net = t->net;
    ts_dense_net_carve(&t->dense, sizes, &state, &work);
    t->state = ts_alloc_zero(state.used, 1);
    t->work = ts_alloc_zero(work.used, 1);
    assert_true(t->state && t->work);
    ts_dense_net_carve(&t->dense, sizes, &(ts_carve){t->state, 0}, &(ts_carve){t->work, 0});
    ts_dense_net_prepare(&t->dense);
    tiny_dense_take(t, &a);
    tiny_dense_batch(t);
    ts_adapter_close(&a);
}

static inline void tiny_dense_close(tiny_dense *t)
{
    ts_pool_free(t->dense.team.pool);
    ts_free(t->state);
    ts_free(t->work);
    ts_net_close(t->net);
    ts_modelfile_close(t->file);
    lora_fixture_close(&t->fixture);
}

#endif
