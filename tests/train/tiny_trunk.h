/* tiny_trunk.h - a network of DeepSeek-V3's shape that a test can walk through number
 * by number, and a batch of three documents for it.  Compiled into each test, because
 * some of them compute in double. */
#ifndef TS_TESTS_TINY_TRUNK_H
#define TS_TESTS_TINY_TRUNK_H

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/cpu.h"
#include "core/rng.h"
#include "train/trunk.h"

static inline ts_config tiny_config(void)
{
    return (ts_config){
        .arch = TS_ARCH_DEEPSEEK_V3,
        .n_layers = 2,
        .d_model = 24,
        .n_vocab = 29,
        .n_ctx = 128,
        .d_ff = 20,
        .rms_eps = 1e-6,
        .rope = {.kind = TS_ROPE_PLAIN, .is_interleaved = true, .n_dims = 4, .theta = 10000},
        .n_heads = 2,
        .n_kv_heads = 1,
        .d_head = 10,
        .q_lora_rank = 10,
        .kv_lora_rank = 7,
        .d_nope = 6,
        .d_rope = 4,
        .d_value = 5,
        .n_experts = 4,
        .n_active = 2,
        .n_shared = 1,
        .d_expert = 9,
        .n_dense_layers = 1,
        .moe_layer_freq = 1,
        .n_groups = 2,
        .n_top_groups = 1,
        .norm_topk = true,
        .route_scale = 1.5,
        .bos = 0,
        .eos = 1,
    };
}

typedef struct tiny_trunk {
    ts_trunk trunk;
    void *state, *work;
    uint64_t state_bytes, work_bytes;
} tiny_trunk;

/* Weights of unit scale, so that every path through the network matters.  like: what a
 * caller sets of a trunk. */
static inline void tiny_open_like(tiny_trunk *t, ts_trunk like, ts_trunk_sizes sizes,
                                  unsigned cpu_flags)
{
    ts_carve state = {0}, work = {0};
    ts_trunk *x = &t->trunk;
    ts_rng r;

    *t = (tiny_trunk){.trunk = like};
    ts_trunk_carve(x, sizes, &state, &work);
    t->state_bytes = state.used;
    t->work_bytes = work.used;
    t->state = ts_alloc_zero(state.used, 1);
    t->work = ts_alloc_zero(work.used, 1);
    state = (ts_carve){t->state, 0};
    work = (ts_carve){t->work, 0};
    ts_kernels_select(&x->team.kernels, cpu_flags);
    if (ts_pool_new(&x->team.pool, sizes.n_threads, NULL) != TIEFSEE_OK || !t->work || !t->state)
        abort();
    ts_trunk_carve(x, sizes, &state, &work);
    ts_trunk_prepare(x);
    ts_network_init(&x->net, 7);
    ts_rng_seed(&r, 8);
    for (size_t i = 0; i < x->net.n_params; i++) {
        const ts_param *p = &x->net.param[i];
        for (size_t j = 0; j < ts_param_reals(p); j++) {
            real *v = &x->net.value[p->offset + j];
            *v = p->kind == TS_PARAM_GAIN ? (real)(0.5 + ts_rng_unit(&r)) : *v * 2;
        }
    }
    for (size_t i = 0; i < x->net.n_biases; i++)
        x->net.bias[i] = (float)ts_rng_unit(&r) * 0.1f;
    ts_trunk_pack_weights(x);
    ts_trunk_clear_gradients(x);
}

static inline void tiny_open(tiny_trunk *t, ts_config c, bool has_mtp, ts_trunk_sizes sizes,
                             unsigned cpu_flags)
{
    tiny_open_like(t, (ts_trunk){.net = {.config = c, .has_mtp = has_mtp}}, sizes, cpu_flags);
}

static inline void tiny_close(tiny_trunk *t)
{
    ts_pool_free(t->trunk.team.pool);
    ts_free(t->state);
    ts_free(t->work);
}

enum { TINY_TOKENS = 151, TINY_DOCS = 3 };

typedef struct tiny_batch {
    ts_train_batch b;
    uint32_t token[TINY_TOKENS], position[TINY_TOKENS], next[TINY_TOKENS];
    uint32_t row[TINY_TOKENS], target[TINY_TOKENS];
    uint32_t ahead_row[TINY_TOKENS], ahead_target[TINY_TOKENS];
    uint32_t begin[TINY_DOCS + 1];
} tiny_batch;

/* Two tokens of three are learned. */
static inline void tiny_fill(tiny_batch *t, uint64_t seed, uint32_t n_vocab)
{
    static const uint32_t begin[TINY_DOCS + 1] = {0, 5, 81, TINY_TOKENS};
    ts_rng r;

    memcpy(t->begin, begin, sizeof begin);
    t->b = (ts_train_batch){.pack = {TINY_TOKENS, TINY_DOCS, t->token, t->position, t->begin},
                            .next = t->next,
                            .row = t->row,
                            .target = t->target,
                            .ahead_row = t->ahead_row,
                            .ahead_target = t->ahead_target};
    ts_rng_seed(&r, seed);
    for (size_t i = 0; i < TINY_TOKENS; i++)
        t->token[i] = (uint32_t)ts_rng_below(&r, n_vocab);
    for (size_t d = 0; d < TINY_DOCS; d++)
        for (uint32_t i = begin[d]; i < begin[d + 1]; i++) {
            t->position[i] = i - begin[d];
            t->next[i] = i + 1 < begin[d + 1] ? t->token[i + 1] : 0;
            if (i + 1 < begin[d + 1] && (i + 1) % 3 != 0) {
                t->row[t->b.n_learned] = i;
                t->target[t->b.n_learned++] = t->token[i + 1];
            }
            if (i + 2 < begin[d + 1] && (i + 2) % 3 != 0) {
                t->ahead_row[t->b.n_ahead] = i;
                t->ahead_target[t->b.n_ahead++] = t->token[i + 2];
            }
        }
}

#endif
