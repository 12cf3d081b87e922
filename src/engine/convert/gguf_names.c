/* gguf_names.c - see gguf_names.h.  Names: models.md, and what models/ binds. */
#include "engine/convert/gguf_names.h"

#include <stdio.h>
#include <string.h>

#include "core/compiler.h"

typedef struct name_pair {
    const char *hf, *gguf;
} name_pair;

static const name_pair of_model[] = {{"model.embed_tokens.weight", "token_embd.weight"},
                                     {"model.norm.weight", "output_norm.weight"},
                                     {"lm_head.weight", "output.weight"}};

/* Behind "model.layers.N." and "blk.N.". */
static const name_pair of_layer[] = {
    {"input_layernorm.weight", "attn_norm.weight"},
    {"post_attention_layernorm.weight", "ffn_norm.weight"},
    {"self_attn.q_proj.weight", "attn_q.weight"},
    {"self_attn.k_proj.weight", "attn_k.weight"},
    {"self_attn.v_proj.weight", "attn_v.weight"},
    {"self_attn.o_proj.weight", "attn_output.weight"},
    {"self_attn.q_proj.bias", "attn_q.bias"},
    {"self_attn.k_proj.bias", "attn_k.bias"},
    {"self_attn.v_proj.bias", "attn_v.bias"},
    {"self_attn.q_norm.weight", "attn_q_norm.weight"},
    {"self_attn.k_norm.weight", "attn_k_norm.weight"},
    {"self_attn.q_a_proj.weight", "attn_q_a.weight"},
    {"self_attn.q_a_layernorm.weight", "attn_q_a_norm.weight"},
    {"self_attn.q_b_proj.weight", "attn_q_b.weight"},
    {"self_attn.kv_a_proj_with_mqa.weight", "attn_kv_a_mqa.weight"},
    {"self_attn.kv_a_layernorm.weight", "attn_kv_a_norm.weight"},
    {"self_attn.kv_b_proj.weight", "attn_kv_b.weight"},
    {"mlp.gate_proj.weight", "ffn_gate.weight"},
    {"mlp.up_proj.weight", "ffn_up.weight"},
    {"mlp.down_proj.weight", "ffn_down.weight"},
    {"mlp.gate.weight", "ffn_gate_inp.weight"},
    {"mlp.gate.e_score_correction_bias", "exp_probs_b.bias"},
    {"mlp.shared_experts.gate_proj.weight", "ffn_gate_shexp.weight"},
    {"mlp.shared_experts.up_proj.weight", "ffn_up_shexp.weight"},
    {"mlp.shared_experts.down_proj.weight", "ffn_down_shexp.weight"}};

/* Behind "mlp.experts.E.". */
static const name_pair of_expert[] = {{"gate_proj.weight", "ffn_gate_exps.weight"},
                                      {"up_proj.weight", "ffn_up_exps.weight"},
                                      {"down_proj.weight", "ffn_down_exps.weight"}};

/* Behind "mlp.experts.": all experts in one tensor. */
static const name_pair of_stack[] = {{"down_proj", "ffn_down_exps.weight"},
                                     {"gate_up_proj", TS_GGUF_GATE_UP}};

static const char *look_up(const name_pair *pairs, size_t n, const char *hf)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(pairs[i].hf, hf) == 0)
            return pairs[i].gguf;
    return NULL;
}

bool ts_gguf_name_of(ts_str hf, char out[TS_GGUF_NAME], int *layer, int *expert)
{
    char name[160];
    int used = 0, n;

    *layer = -1;
    *expert = TS_NO_EXPERT;
    if (hf.len >= sizeof name)
        return false;
    memcpy(name, hf.ptr, hf.len);
    name[hf.len] = '\0';
    const char *found = look_up(of_model, TS_COUNT(of_model), name);
    if (found) {
        (void)snprintf(out, TS_GGUF_NAME, "%s", found);
        return true;
    }
    if (sscanf(name, "model.layers.%6d.%n", &n, &used) != 1 || used == 0 || n < 0)
        return false;
    const char *rest = name + used;
    *layer = n;
    used = 0;
    if (sscanf(rest, "mlp.experts.%6d.%n", &n, &used) == 1 && used > 0 && n >= 0) {
        *expert = n;
        found = look_up(of_expert, TS_COUNT(of_expert), rest + used);
    } else if (strncmp(rest, "mlp.experts.", 12) == 0)
        found = look_up(of_stack, TS_COUNT(of_stack), rest + 12);
    else
        found = look_up(of_layer, TS_COUNT(of_layer), rest);
    if (found)
        (void)snprintf(out, TS_GGUF_NAME, "blk.%d.%s", *layer, found);
    return found != NULL;
}
