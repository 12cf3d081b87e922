/* adapter.h - low-rank adapters (LoRA, arXiv:2106.09685) as Hugging Face PEFT keeps them.
 *
 *     FOLDER/adapter_config.json          rank, alpha, which matrices
 *     FOLDER/adapter_model.safetensors    base_model.model.model.layers.N.MODULE.lora_A.weight
 *                                         (r, n_in), and ...lora_B.weight (n_out, r)
 *
 * A matrix W of the base becomes W + scale B A.  Only matrices of the attention and of
 * the feed-forward part of dense models have names here; whatever else a folder asks for
 * (other methods, biases, whole modules) is refused, never left out.
 */
#ifndef TS_FORMATS_ADAPTER_H
#define TS_FORMATS_ADAPTER_H

#include "core/arena.h"
#include "core/file.h"
#include "core/tensor.h"

enum { TS_MAX_RANK = 1024, TS_ADAPTER_BASE_LEN = 16 };

typedef enum ts_target {
    TS_TARGET_Q,
    TS_TARGET_K,
    TS_TARGET_V,
    TS_TARGET_O,
    TS_TARGET_GATE,
    TS_TARGET_UP,
    TS_TARGET_DOWN,
    TS_N_TARGETS
} ts_target;

extern const char *const ts_target_names[TS_N_TARGETS];   /* "q_proj", ... */
extern const char *const ts_target_modules[TS_N_TARGETS]; /* "self_attn.q_proj", ... */

typedef struct ts_adapter_pair {
    ts_tensor A, B; /* f32, f16 or bf16, not aligned; A.data NULL: this matrix has none */
} ts_adapter_pair;

typedef struct ts_adapter {
    size_t n_layers;       /* the highest layer that has one, plus one */
    ts_adapter_pair *pair; /* (n_layers, TS_N_TARGETS) */
    size_t rank;
    double alpha;
    float scale; /* alpha / r, or alpha / sqrt(r) where the config says rslora */
    /* The base as ts_net_base() says it, where the file has it: 16 hexadecimal digits. */
    char base[TS_ADAPTER_BASE_LEN + 1];
    ts_str bytes; /* of the tensors' file */
    ts_map map;
    ts_arena *arena;
} ts_adapter;

/* Errors name the file, the key or the tensor. */
tiefsee_status ts_adapter_open(ts_adapter *out, const char *folder,
                               tiefsee_error *err) TS_MUST_CHECK;
void ts_adapter_close(ts_adapter *a); /* a zeroed one is allowed */

/* The same from memory that outlives out; closed the same way. */
tiefsee_status ts_adapter_parse(ts_adapter *out, ts_str config, ts_str tensors,
                                tiefsee_error *err) TS_MUST_CHECK;

/* What is to be written: pair[] holds f32 data, the rest as above; base may be empty.
 * model: what the config calls the base.  Both files replace what is there. */
tiefsee_status ts_adapter_write(const ts_adapter *a, const char *folder, const char *model,
                                tiefsee_error *err) TS_MUST_CHECK;

#endif
