/* config.h - the numbers that define a model, whichever file they came from.
 *
 * Filled from GGUF metadata (gguf_config.c) or from a Hugging Face config.json
 * (hf_config.c).  Every field that the architecture needs is required: a file
 * that lacks one is refused with the key's name, never completed by a guess.
 * Every size is checked against a limit before anybody multiplies with it.
 */
#ifndef TS_FORMATS_CONFIG_H
#define TS_FORMATS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ts_arch {
    TS_ARCH_NONE = 0,
    TS_ARCH_DEEPSEEK_V2, /* softmax routing */
    TS_ARCH_DEEPSEEK_V3, /* sigmoid routing with a selection bias */
    TS_ARCH_QWEN2,
    TS_ARCH_QWEN3,
    TS_ARCH_LLAMA
} ts_arch;

typedef enum ts_rope_kind {
    TS_ROPE_PLAIN = 0,
    TS_ROPE_LINEAR, /* every frequency divided by factor */
    TS_ROPE_YARN,
    TS_ROPE_LLAMA3,
    TS_ROPE_DIVISORS /* GGUF rope_freqs: one divisor per pair */
} ts_rope_kind;

typedef struct ts_rope_config {
    ts_rope_kind kind;
    bool is_interleaved; /* pairs (2i, 2i+1); else (i, i + n/2) */
    uint32_t n_dims;     /* rotated dimensions */
    double theta;
    double factor;
    double original_context;
    double beta_fast, beta_slow;              /* YaRN */
    double mscale, mscale_all_dim;            /* YaRN, DeepSeek; 0: absent */
    double attention_factor;                  /* YaRN, others: amplitude; 0: absent */
    bool no_truncate;                         /* YaRN: keep the correction range fractional */
    double low_freq_factor, high_freq_factor; /* Llama 3 */
} ts_rope_config;

/* Bounds that every config is held to. */
enum {
    TS_MAX_LAYERS = 1024,
    TS_MAX_WIDTH = 1 << 17, /* any hidden, intermediate or projection width */
    TS_MAX_HEADS = 1024,
    TS_MAX_HEAD_DIM = 4096,
    TS_MAX_EXPERTS = 4096,
    TS_MAX_ACTIVE = 64, /* experts per token */
    TS_MAX_VOCAB = 1 << 21,
    TS_MAX_CONTEXT = 1 << 26
};

typedef struct ts_config {
    ts_arch arch;
    uint32_t n_layers, d_model, n_vocab, n_ctx;
    uint32_t d_ff; /* dense feed-forward width */
    double rms_eps;
    bool has_tied_head; /* no output matrix: the embedding is used */
    ts_rope_config rope;

    uint32_t n_heads, n_kv_heads, d_head; /* plain attention */

    /* Multi-head latent attention (V2 report, section 2.1). */
    uint32_t q_lora_rank; /* 0: queries are not compressed */
    uint32_t kv_lora_rank, d_nope, d_rope, d_value;

    /* DeepSeekMoE. */
    uint32_t n_experts, n_active, n_shared, d_expert;
    uint32_t n_dense_layers;         /* the first layers are dense */
    uint32_t moe_layer_freq;         /* of the others, every such layer has experts */
    uint32_t n_groups, n_top_groups; /* 1, 1: no group limit */
    bool norm_topk;                  /* chosen weights are divided by their sum */
    double route_scale;

    int32_t bos, eos; /* as the config says; -1: absent.  The tokenizer's own win. */
} ts_config;

#endif
