# SPDX-License-Identifier: MIT
"""GGUF files of the fixtures: written with the `gguf` package, read back with it too.

The weights that the judges get are the file's own bytes, dequantised by the package, so a lossy
type costs no accuracy in the comparison.  Where the package cannot quantise (K- and IQ-types)
`blocks.py` makes random blocks instead.

A mix is a list of (substring of the tensor's name, type); the first that fits the name and whose
block fits the row wins. One-dimensional tensors, the router and the selection bias are always F32,
as every converter writes them.
"""

import os

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Q

import blocks
import judge

MIXES = {
    "f32": [("", "F32")],
    "f16": [("", "F16")],
    "bf16": [("", "BF16")],
    "q8_0": [("", "Q8_0")],
    # Every K-type and IQ4_XS where a row is 256 wide, Q8_0 and IQ4_NL where it is not.
    "k-mix": [
        ("attn_output", "Q4_K"),
        ("token_embd", "Q3_K"),
        ("output.", "Q6_K"),
        ("ffn_gate_exps", "Q2_K"),
        ("ffn_up_exps", "IQ4_XS"),
        ("ffn_down_exps", "Q3_K"),
        ("ffn_gate_shexp", "Q4_K"),
        ("ffn_up_shexp", "Q5_K"),
        ("ffn_down_shexp", "Q6_K"),
        ("ffn_gate.", "Q4_K"),
        ("ffn_up", "Q2_K"),
        ("ffn_down", "Q5_K"),
        ("attn_q_a", "Q5_K"),
        ("attn_kv_a", "Q6_K"),
        ("attn_k_b", "Q8_0"),
        ("attn_v_b", "IQ4_NL"),
        ("attn_q_b", "Q5_0"),
    ],
    # The types with blocks of 32, experts in MXFP4.
    "block32-mix": [
        ("attn_output", "IQ4_NL"),
        ("token_embd", "Q4_0"),
        ("output.", "Q8_0"),
        ("ffn_gate_exps", "MXFP4"),
        ("ffn_up_exps", "MXFP4"),
        ("ffn_down_exps", "MXFP4"),
        ("ffn_gate_shexp", "Q4_1"),
        ("ffn_up_shexp", "Q5_1"),
        ("ffn_down_shexp", "IQ4_NL"),
        ("ffn_gate.", "Q5_0"),
        ("ffn_up", "Q4_1"),
        ("ffn_down", "Q5_1"),
        ("attn_q_a", "Q4_0"),
        ("attn_q_b", "Q5_1"),
        ("attn_kv_a", "Q5_0"),
        ("attn_kv_b", "Q4_1"),
    ],
    # As the usual "medium" files of dense models: Q4_K with Q6_K for v and down.
    "q4_k-mix": [
        ("attn_output", "Q4_K"),
        ("attn_v", "Q6_K"),
        ("ffn_down", "Q6_K"),
        ("output.", "Q6_K"),
        ("", "Q4_K"),
    ],
    "q4_0-mix": [
        ("attn_q", "Q4_0"),
        ("attn_k", "Q4_1"),
        ("attn_v", "Q5_1"),
        ("attn_output", "Q5_0"),
        ("ffn_gate", "IQ4_NL"),
        ("ffn_up", "MXFP4"),
        ("ffn_down", "Q4_0"),
        ("", "Q8_0"),
    ],
}

ARCH = {
    "deepseek_v2": "deepseek2",
    "deepseek_v3": "deepseek2",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "llama": "llama",
}

DEEPSEEK_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.q_a_proj": "attn_q_a",
    "self_attn.q_a_layernorm": "attn_q_a_norm",
    "self_attn.q_b_proj": "attn_q_b",
    "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa",
    "self_attn.kv_a_layernorm": "attn_kv_a_norm",
    "self_attn.kv_b_proj": "attn_kv_b",
    "mlp.gate": "ffn_gate_inp",
    "mlp.shared_experts.gate_proj": "ffn_gate_shexp",
    "mlp.shared_experts.up_proj": "ffn_up_shexp",
    "mlp.shared_experts.down_proj": "ffn_down_shexp",
}
COMMON_NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
TOP_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


# ---- tensors: published names -> GGUF names, and back ----


def permute(w, heads):
    """Half-split to interleaved rows, per head: new 2i is old i, new 2i + 1 is old i + d/2."""
    return (
        w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)
    )


def unpermute(w, heads):
    return (
        w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)
    )


def plain_names(cfg):
    """(published name, GGUF name) of the tensors that are stored as they are."""
    names = {**COMMON_NAMES, **(DEEPSEEK_NAMES if "kv_lora_rank" in cfg else {})}
    for hf, gg in TOP_NAMES.items():
        yield hf + ".weight", gg + ".weight"
    for i in range(cfg["num_hidden_layers"]):
        for hf, gg in names.items():
            for end in (".weight", ".bias"):
                yield f"model.layers.{i}.{hf}{end}", f"blk.{i}.{gg}{end}"
        yield f"model.layers.{i}.mlp.gate.e_score_correction_bias", f"blk.{i}.exp_probs_b.bias"


def permuted_heads(cfg, name):
    """Number of heads if a llama file stores the rows of this tensor permuted, else 0."""
    if cfg["model_type"] != "llama":
        return 0
    if ".q_proj." in name:
        return cfg["num_attention_heads"]
    return cfg["num_key_value_heads"] if ".k_proj." in name else 0


def to_gguf(cfg, weights, mla):
    """mla: "old" keeps attn_kv_b, "new" splits it into attn_k_b (transposed per head) and
    attn_v_b, "both" stores all three."""
    w = {name: t.numpy() for name, t in weights.items()}
    out = {}
    for hf, gg in plain_names(cfg):
        if hf in w:
            heads = permuted_heads(cfg, hf)
            out[gg] = permute(w[hf], heads) if heads else w[hf]
    for i in range(cfg["num_hidden_layers"]):
        p = f"model.layers.{i}."
        for part in ("gate", "up", "down"):
            names = [
                f"{p}mlp.experts.{e}.{part}_proj.weight"
                for e in range(cfg.get("n_routed_experts", 0))
            ]
            if names and names[0] in w:
                out[f"blk.{i}.ffn_{part}_exps.weight"] = np.stack([w[n] for n in names])
        if mla in ("new", "both"):
            dn, dv, R, H = (
                cfg[k]
                for k in ("qk_nope_head_dim", "v_head_dim", "kv_lora_rank", "num_attention_heads")
            )
            kv = out[f"blk.{i}.attn_kv_b.weight"].reshape(H, dn + dv, R)
            k, v = np.ascontiguousarray(kv[:, :dn].swapaxes(1, 2)), np.ascontiguousarray(kv[:, dn:])
            if mla == "new":
                del out[f"blk.{i}.attn_kv_b.weight"]
            else:
                k, v = k.reshape(H * R, dn), v.reshape(H * dv, R)
            out[f"blk.{i}.attn_k_b.weight"], out[f"blk.{i}.attn_v_b.weight"] = k, v
    return out


def from_gguf(cfg, tensors):
    w = {}
    for hf, gg in plain_names(cfg):
        if gg in tensors:
            heads = permuted_heads(cfg, hf)
            w[hf] = unpermute(tensors[gg], heads) if heads else tensors[gg]
    for i in range(cfg["num_hidden_layers"]):
        p = f"model.layers.{i}."
        for part in ("gate", "up", "down"):
            for e, x in enumerate(tensors.get(f"blk.{i}.ffn_{part}_exps.weight", ())):
                w[f"{p}mlp.experts.{e}.{part}_proj.weight"] = x
        if (k := tensors.get(f"blk.{i}.attn_k_b.weight")) is not None:
            H, R = cfg["num_attention_heads"], cfg["kv_lora_rank"]
            k, v = k.reshape(H, R, -1), tensors[f"blk.{i}.attn_v_b.weight"].reshape(H, -1, R)
            kv = np.concatenate((k.swapaxes(1, 2), v), axis=1)
            w[p + "self_attn.kv_b_proj.weight"] = kv.reshape(-1, kv.shape[-1])
    return {
        name: torch.from_numpy(np.array(x, dtype=np.float32, order="C")) for name, x in w.items()
    }


# ---- metadata ----


def add_rope(out, cfg, old):
    scaling = cfg.get("rope_scaling") or {}
    kind = scaling.get("rope_type", scaling.get("type"))
    out.add_rope_freq_base(float(cfg["rope_theta"]))
    if kind == "linear":
        out.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        out.add_rope_scaling_factor(float(scaling["factor"]))
    if kind == "yarn":
        # No attn_factor key: its meaning differs between programs (README).
        assert scaling.get("attention_factor") is None
        out.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        out.add_rope_scaling_factor(float(scaling["factor"]))
        out.add_rope_scaling_orig_ctx_len(scaling["original_max_position_embeddings"])
        if scaling.get("mscale_all_dim"):
            assert scaling["mscale"] == scaling["mscale_all_dim"], "GGUF cannot say so"
            out.add_rope_scaling_yarn_log_mul(0.1 * scaling["mscale_all_dim"])
        if not old and (scaling.get("beta_fast") or 32) != 32:
            out.add_rope_scaling_yarn_beta_fast(float(scaling["beta_fast"]))
            out.add_rope_scaling_yarn_beta_slow(float(scaling["beta_slow"]))


def add_common(out, cfg):
    out.add_name("tiefsee conformance")
    out.add_quantization_version(gguf.GGML_QUANT_VERSION)
    if not cfg["model_type"].startswith(
        "qwen"
    ):  # as converters do: Qwen files have the tokenizer's list only
        out.add_vocab_size(cfg["vocab_size"])
    out.add_block_count(cfg["num_hidden_layers"])
    out.add_context_length(cfg["max_position_embeddings"])
    out.add_embedding_length(cfg["hidden_size"])
    out.add_feed_forward_length(cfg["intermediate_size"])
    out.add_head_count(cfg["num_attention_heads"])
    out.add_layer_norm_rms_eps(cfg["rms_norm_eps"])


def add_dense(out, cfg):
    d = cfg.get("head_dim") or cfg["hidden_size"] // cfg["num_attention_heads"]
    out.add_head_count_kv(cfg["num_key_value_heads"])
    if cfg.get("head_dim"):
        out.add_key_length(d)
        out.add_value_length(d)
    if cfg["model_type"] == "llama":
        out.add_rope_dimension_count(d)


def add_deepseek(out, cfg, mla, old_keys):
    dn, dr, dv, R = (
        cfg["qk_nope_head_dim"],
        cfg["qk_rope_head_dim"],
        cfg["v_head_dim"],
        cfg["kv_lora_rank"],
    )
    if mla == "new":
        out.add_head_count_kv(1)
        out.add_key_length(R + dr)
        out.add_value_length(R)
        out.add_key_length_mla(dn + dr)
        out.add_value_length_mla(dv)
    else:
        out.add_head_count_kv(cfg["num_attention_heads"])
        out.add_key_length(dn + dr)
        out.add_value_length(dv)
    if cfg["q_lora_rank"] is not None:
        out.add_q_lora_rank(cfg["q_lora_rank"])
    out.add_kv_lora_rank(R)
    out.add_rope_dimension_count(dr)
    out.add_leading_dense_block_count(cfg["first_k_dense_replace"])
    out.add_expert_count(cfg["n_routed_experts"])
    out.add_expert_used_count(cfg["num_experts_per_tok"])
    out.add_expert_shared_count(cfg["n_shared_experts"])
    out.add_expert_feed_forward_length(cfg["moe_intermediate_size"])
    out.add_expert_weights_scale(float(cfg["routed_scaling_factor"]))
    if old_keys:
        return  # as V2 files of 2024: no gating function, no norm, no groups
    out.add_expert_weights_norm(cfg["norm_topk_prob"])
    sigmoid = cfg["scoring_func"] == "sigmoid"
    out.add_expert_gating_func(
        gguf.ExpertGatingFuncType.SIGMOID if sigmoid else gguf.ExpertGatingFuncType.SOFTMAX
    )
    if (cfg["n_group"] or 1) > 1:
        out.add_expert_group_count(cfg["n_group"])
        out.add_expert_group_used_count(cfg["topk_group"])


def llama3_divisors(cfg):
    """rope_freqs.weight: what each frequency is divided by."""
    d = cfg.get("head_dim") or cfg["hidden_size"] // cfg["num_attention_heads"]
    plain, _ = judge.rope_frequencies({**cfg, "rope_scaling": None}, d)
    scaled, _ = judge.rope_frequencies(cfg, d)
    return np.array([p / s for p, s in zip(plain, scaled)], dtype=np.float32)


# ---- files ----


def type_of(mix, name, shape):
    if len(shape) == 1 or "ffn_gate_inp" in name or "exp_probs_b" in name:
        return Q.F32
    for part, kind in MIXES[mix]:
        if part in name and shape[-1] % gguf.GGML_QUANT_SIZES[Q[kind]][0] == 0:
            return Q[kind]
    return Q.F16


def write(path, cfg, weights, mix, mla=None, old_keys=False, per_shard=0):
    """per_shard: tensors per file of a split model, model-00001-of-0000N.gguf; 0 makes one file."""
    rng = np.random.default_rng(len(weights) + cfg["hidden_size"])
    out = gguf.GGUFWriter(path, ARCH[cfg["model_type"]], split_max_tensors=per_shard)
    add_common(out, cfg)
    add_rope(out, cfg, old_keys)
    if mla:
        add_deepseek(out, cfg, mla, old_keys)
    else:
        add_dense(out, cfg)
    if (cfg.get("rope_scaling") or {}).get("rope_type") == "llama3":
        out.add_tensor("rope_freqs.weight", llama3_divisors(cfg))
    for name, w in to_gguf(cfg, weights, mla).items():
        kind = type_of(mix, name, w.shape)
        if kind in (Q.F32, Q.F16):
            out.add_tensor(
                name, np.ascontiguousarray(w.astype(np.float32 if kind == Q.F32 else np.float16))
            )
        else:
            out.add_tensor(name, blocks.quantise(w, kind, rng), raw_dtype=kind)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def files(folder):
    return sorted(
        os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".gguf")
    )


def read(folder, cfg):
    """The weights under their published names, dequantised by the package."""
    tensors = {}
    for path in files(folder):
        for t in gguf.GGUFReader(path).tensors:
            shape = tuple(int(n) for n in reversed(t.shape))
            tensors[t.name] = gguf.quants.dequantize(np.array(t.data), t.tensor_type).reshape(shape)
    return from_gguf(cfg, tensors)


def types_used(folder):
    return sorted(
        {t.tensor_type.name for path in files(folder) for t in gguf.GGUFReader(path).tensors}
    )
