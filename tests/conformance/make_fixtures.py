#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tiny models with random weights and their expected logits: tests/conformance/fixtures.

    make_fixtures.py                    remake every fixture (same bytes for the same versions and seed)
    make_fixtures.py CASE...            remake these cases only, and keep the manifest's other lines
    make_fixtures.py --random N DIR     N random cases with odd shapes into DIR, for a check by hand
    make_fixtures.py --list             names of the cases

A case is a folder: the model (config.json and *.safetensors, or model.gguf), ids.txt (one line of token ids) and logits.f32
(float32 little endian, [n_tokens, n_vocab]).  The logits come from transformers, run in float32 with eager attention, on the
weights *as read back from the files*.  The second judge (judge.py) computes the same in float64 from the equations; a case on
which the two differ by more than AGREE is refused.  So is one where a router decision or a top-1 hangs on rounding.

For every case the script also breaks the model on purpose (no YaRN, no groups, half-split rotation, ...) and prints how far
the logits move: a fixture on which a mistake does not show is no test of it.

Needs PyTorch, transformers, safetensors and gguf from PyPI; versions and format notes are in README.md.
"""

import argparse
import json
import math
import os
import random
import shutil
import sys
import tempfile
import zlib
from dataclasses import dataclass, field

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

import blocks
import gguf_files
import judge

HERE = os.path.dirname(os.path.abspath(__file__))
AGREE = 5e-5  # two judges: transformers in float32 against float64
ALLOWED = 2e-4  # what the product may differ by
ROUTE_MARGIN = 5e-5  # smallest gap between a chosen expert and the next one
TOP_MARGIN = 1e-3  # smallest gap between the two best logits
SHOWS = 0.1  # a mistake in the model must move some logit by this much
FP8_TILE = 128


@dataclass
class Case:
    name: str
    config: dict  # as published: rope_scaling and rope_theta at top level
    precision: str = "f32"  # f32 | bf16 | fp8, or for GGUF the name of a mix in gguf_files.MIXES
    layout: str = "published"  # published | transformers | fused | gguf
    n_tokens: int = 64
    shard_bytes: int = 0
    gguf: dict = field(default_factory=dict)  # options of gguf_files.write

    @property
    def is_gguf(self):
        return self.layout == "gguf"


# ---- configurations ----


def yarn(factor=4, original=16, **more):
    return {"type": "yarn", "factor": factor, "original_max_position_embeddings": original, **more}


def deepseek_config(model_type, **more):
    is_v3 = model_type == "deepseek_v3"
    cfg = {
        "architectures": ["DeepseekV3ForCausalLM" if is_v3 else "DeepseekV2ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "aux_loss_alpha": 0.001,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "ep_size": 1,
        "first_k_dense_replace": 1,
        "hidden_act": "silu",
        "hidden_size": 48,
        "initializer_range": 0.02,
        "intermediate_size": 72,
        "kv_lora_rank": 24,
        "max_position_embeddings": 128,
        "model_type": model_type,
        "moe_intermediate_size": 20,
        "moe_layer_freq": 1,
        "n_group": 4,
        "n_routed_experts": 12,
        "n_shared_experts": 1 if is_v3 else 2,
        "norm_topk_prob": is_v3,
        "num_attention_heads": 4,
        "num_experts_per_tok": 3,
        "num_hidden_layers": 3,
        "num_key_value_heads": 4,
        "pretraining_tp": 1,
        "q_lora_rank": 20,
        "qk_nope_head_dim": 16,
        "qk_rope_head_dim": 8,
        "rms_norm_eps": 1e-06,
        "rope_scaling": None,
        "rope_theta": 10000,
        "routed_scaling_factor": 2.5 if is_v3 else 16.0,
        "scoring_func": "sigmoid" if is_v3 else "softmax",
        "seq_aux": True,
        "tie_word_embeddings": False,
        "topk_group": 2,
        "topk_method": "noaux_tc" if is_v3 else "group_limited_greedy",
        "torch_dtype": "bfloat16",
        "transformers_version": "4.33.1",
        "use_cache": True,
        "v_head_dim": 12,
        "vocab_size": 256,
    }
    if is_v3:
        cfg["num_nextn_predict_layers"] = 0
    return {**cfg, **more}


LITE = {
    "q_lora_rank": None,
    "n_group": 1,
    "topk_group": 1,
    "topk_method": "greedy",
    "routed_scaling_factor": 1.0,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "v_head_dim": 16,
}


def dense_config(model_type, **more):
    cfg = {
        "architectures": [{"qwen2": "Qwen2", "qwen3": "Qwen3", "llama": "Llama"}[model_type] + "ForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": 48,
        "initializer_range": 0.02,
        "intermediate_size": 80,
        "max_position_embeddings": 128,
        "model_type": model_type,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-06,
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.44.0",
        "use_cache": True,
        "vocab_size": 259,
    }
    if model_type == "llama":
        cfg.update({"attention_bias": False, "mlp_bias": False, "pretraining_tp": 1, "rms_norm_eps": 1e-05})
    else:
        cfg.update({"max_window_layers": 2, "sliding_window": 4096, "use_sliding_window": False})
    if model_type == "qwen3":
        cfg.update({"attention_bias": False, "head_dim": 24})
    return {**cfg, **more}


def v2(**more):
    return deepseek_config("deepseek_v2", **more)


def v2lite(**more):
    return v2(**{**LITE, **more})


def v3(**more):
    return deepseek_config("deepseek_v3", **more)


LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
EQUAL = {"mscale": 1.0, "mscale_all_dim": 1.0, "beta_fast": 32, "beta_slow": 1}
LITE_YARN = {"mscale": 0.707, "mscale_all_dim": 0.707, "beta_fast": 32, "beta_slow": 1}


def all_cases():
    return [
        Case("v2lite-f32", v2lite(rope_scaling=yarn(**LITE_YARN)), n_tokens=72),
        Case("v2lite-plain-bf16", v2lite(num_hidden_layers=2), "bf16", n_tokens=48),
        # mscale != mscale_all_dim: cos and sin have an amplitude of 0.9, and the ramp covers several pairs.
        Case(
            "v2lite-mscale-hf5",
            v2lite(
                num_hidden_layers=2,
                qk_rope_head_dim=16,
                rope_theta=1000.0,
                rope_scaling=yarn(8.0, 12, mscale=0.4, mscale_all_dim=1.0, beta_fast=2, beta_slow=0.25),
            ),
            layout="transformers",
            n_tokens=90,
        ),
        Case("v2-f32", v2(num_hidden_layers=2, rope_scaling=yarn(**LITE_YARN)), n_tokens=72),
        Case("v2-plain-hf5", v2(num_hidden_layers=2), layout="transformers", n_tokens=48),
        Case("v3-f32", v3(rope_scaling=yarn(**EQUAL)), n_tokens=80),
        Case("v3-plain-hf5-bf16", v3(), "bf16", layout="transformers", n_tokens=48, shard_bytes=100_000),
        Case(
            "v3-mscale-fused",
            v3(
                num_hidden_layers=2,
                qk_rope_head_dim=16,
                rope_theta=500.0,
                rope_scaling=yarn(4.0, 24, mscale=1.0, mscale_all_dim=0.5, beta_fast=4, beta_slow=0.5),
            ),
            layout="fused",
            n_tokens=96,
        ),
        # No mscale at all: amplitude 0.1 ln 40 + 1, plain softmax scale.
        Case("v3-noq-bf16", v3(num_hidden_layers=2, q_lora_rank=None, rope_scaling=yarn(40, 16)), "bf16", n_tokens=64),
        Case("v3-noq-plain-bf16", v3(num_hidden_layers=2, q_lora_rank=None, n_group=1, topk_group=1), "bf16", n_tokens=40),
        Case("v3-fp8", fp8_config(), "fp8", n_tokens=64, shard_bytes=300_000),
        Case("qwen2-f32", dense_config("qwen2", rms_norm_eps=1e-5, rope_theta=1e6), n_tokens=64),
        Case("qwen2-tied-hf5", dense_config("qwen2", tie_word_embeddings=True), layout="transformers", n_tokens=48),
        Case("qwen2-yarn-bf16", dense_config("qwen2", rope_scaling=yarn(4.0, 16)), "bf16", n_tokens=64),
        Case("qwen3-f32", dense_config("qwen3", rope_theta=1000000), n_tokens=64),
        Case(
            "qwen3-yarn-hf5",
            dense_config(
                "qwen3",
                rope_theta=2000.0,
                rope_scaling={
                    "rope_type": "yarn",
                    "factor": 4.0,
                    "original_max_position_embeddings": 20,
                    "attention_factor": 0.8782488562869419,
                    "beta_fast": 3.0,
                    "beta_slow": 0.4,
                    "truncate": False,
                },
            ),
            layout="transformers",
            n_tokens=80,
        ),
        Case("llama3-f32", dense_config("llama", rope_theta=500000.0, rope_scaling=LLAMA3), n_tokens=100),
        Case(
            "llama3-hf5-bf16",
            dense_config("llama", rope_theta=2000.0, rope_scaling=LLAMA3),
            "bf16",
            layout="transformers",
            n_tokens=100,
        ),
        Case("llama-tied-bf16", dense_config("llama", tie_word_embeddings=True), "bf16", n_tokens=40),
        Case(
            "llama-linear-hf5",
            dense_config("llama", rope_scaling={"rope_type": "linear", "factor": 2.5}),
            layout="transformers",
            n_tokens=40,
        ),
    ] + gguf_cases()


def fp8_config():
    """Every linear layer has a partial tile at an edge of 128: 132 to 200."""
    return v3(
        hidden_size=136,
        intermediate_size=152,
        moe_intermediate_size=132,
        n_routed_experts=6,
        n_group=3,
        topk_group=2,
        num_experts_per_tok=3,
        num_hidden_layers=2,
        kv_lora_rank=136,
        q_lora_rank=144,
        qk_nope_head_dim=32,
        v_head_dim=40,
        qk_rope_head_dim=8,
        vocab_size=256,
        rope_scaling=yarn(**EQUAL),
        quantization_config={
            "activation_scheme": "dynamic",
            "fmt": "e4m3",
            "quant_method": "fp8",
            "weight_block_size": [FP8_TILE, FP8_TILE],
        },
    )


def gguf_cases():
    old, new = {"mla": "old"}, {"mla": "new"}
    lite_yarn, equal_yarn = yarn(**LITE_YARN), yarn(**EQUAL)
    wide = {"hidden_size": 256, "kv_lora_rank": 64, "q_lora_rank": 64, "qk_nope_head_dim": 32, "v_head_dim": 64}
    few = {"n_routed_experts": 4, "n_group": 2, "topk_group": 1, "num_experts_per_tok": 2, "num_hidden_layers": 2}

    def case(name, config, mix, n_tokens, options=None):
        return Case(name, config, mix, "gguf", n_tokens, gguf=options or {})

    return [
        # 2024's keys: no gating function, no weight norm, no groups.
        case("v2lite-gguf-old-f16", v2lite(rope_scaling=lite_yarn), "f16", 64, {"mla": "old", "old_keys": True}),
        case("v2-gguf-new-bf16", v2(num_hidden_layers=2, rope_scaling=lite_yarn), "bf16", 64, new),
        case("v3-gguf-old-f16", v3(num_hidden_layers=2, rope_scaling=equal_yarn), "f16", 64, old),
        case("v3-gguf-new-f32", v3(num_hidden_layers=2, rope_scaling=equal_yarn), "f32", 64, new),
        case(
            "v3-gguf-new-kmix",
            v3(**wide, **few, intermediate_size=256, moe_intermediate_size=256, rope_scaling=equal_yarn),
            "k-mix",
            48,
            new,
        ),
        case(
            "v3-gguf-old-mix32",
            v3(
                **few,
                hidden_size=96,
                kv_lora_rank=32,
                q_lora_rank=64,
                v_head_dim=24,
                intermediate_size=160,
                moe_intermediate_size=96,
                rope_scaling=equal_yarn,
            ),
            "block32-mix",
            64,
            old,
        ),
        case("qwen2-gguf-f16", dense_config("qwen2"), "f16", 48),
        case(
            "qwen2-gguf-tied-mix32",
            dense_config("qwen2", hidden_size=96, intermediate_size=160, tie_word_embeddings=True),
            "q4_0-mix",
            48,
        ),
        case("qwen3-gguf-yarn-bf16", dense_config("qwen3", rope_scaling=yarn(4.0, 16)), "bf16", 64),
        case(
            "qwen3-gguf-q4k",
            dense_config("qwen3", hidden_size=256, intermediate_size=256, num_hidden_layers=1, head_dim=64),
            "q4_k-mix",
            48,
        ),
        case("llama3-gguf-f32", dense_config("llama", rope_theta=500000.0, rope_scaling=LLAMA3), "f32", 100),
        case("llama-gguf-tied-q8", dense_config("llama", hidden_size=96, intermediate_size=160, tie_word_embeddings=True), "q8_0", 48),
    ]


# ---- weights ----


def seed_of(case, seed, attempt):
    return seed * 1_000_003 + zlib.crc32(case.name.encode()) + 7919 * attempt


def weight_shapes(cfg):
    """Published names -> (shape, standard deviation or None for a norm, mean)."""
    D, V, L = cfg["hidden_size"], cfg["vocab_size"], cfg["num_hidden_layers"]
    H = cfg["num_attention_heads"]
    is_deepseek = cfg["model_type"].startswith("deepseek")
    shapes = {}

    def linear(name, out, inp, gain=1.0):
        shapes[name + ".weight"] = ((out, inp), gain / math.sqrt(inp), 0.0)

    def norm(name, n):
        shapes[name + ".weight"] = ((n,), 0.1, 1.0)

    def mlp(name, width, gain=1.0):
        linear(name + ".gate_proj", width, D, 1.4)
        linear(name + ".up_proj", width, D, 1.2)
        linear(name + ".down_proj", D, width, gain)

    tied = cfg["tie_word_embeddings"]
    shapes["model.embed_tokens.weight"] = ((V, D), 2 / math.sqrt(D) if tied else 0.8, 0.0)
    norm("model.norm", D)
    if not tied:
        linear("lm_head", V, D, 2.0)
    for i in range(L):
        p = f"model.layers.{i}"
        norm(p + ".input_layernorm", D)
        norm(p + ".post_attention_layernorm", D)
        a = p + ".self_attn"
        if is_deepseek:
            dn, dr, dv = cfg["qk_nope_head_dim"], cfg["qk_rope_head_dim"], cfg["v_head_dim"]
            R, Rq = cfg["kv_lora_rank"], cfg["q_lora_rank"]
            if Rq is None:
                linear(a + ".q_proj", H * (dn + dr), D, 1.6)
            else:
                linear(a + ".q_a_proj", Rq, D)
                norm(a + ".q_a_layernorm", Rq)
                linear(a + ".q_b_proj", H * (dn + dr), Rq, 1.6)
            # The rotary part is to carry a good share of the score.
            linear(a + ".kv_a_proj_with_mqa", R + dr, D, 1.6)
            norm(a + ".kv_a_layernorm", R)
            linear(a + ".kv_b_proj", H * (dn + dv), R, 1.3)
            linear(a + ".o_proj", D, H * dv)
        else:
            KV, d = cfg["num_key_value_heads"], cfg.get("head_dim") or D // H
            for name, n in (("q", H), ("k", KV), ("v", KV)):
                linear(f"{a}.{name}_proj", n * d, D, 1.4)
                if cfg["model_type"] == "qwen2":
                    shapes[f"{a}.{name}_proj.bias"] = ((n * d,), 0.5, 0.0)
            if cfg["model_type"] == "qwen3":
                shapes[a + ".q_norm.weight"] = ((d,), 0.15, 1.4)
                shapes[a + ".k_norm.weight"] = ((d,), 0.15, 1.2)
            linear(a + ".o_proj", D, H * d)
        m = p + ".mlp"
        if not is_deepseek or i < cfg["first_k_dense_replace"]:
            mlp(m, cfg["intermediate_size"])
            continue
        E, Im = cfg["n_routed_experts"], cfg["moe_intermediate_size"]
        linear(m + ".gate", E, D, 1.3)
        if cfg["model_type"] == "deepseek_v3":
            # Mostly negative, so that sigmoid + bias of kept experts is often below 0.
            shapes[m + ".gate.e_score_correction_bias"] = ((E,), 0.25, -0.6)
        for e in range(E):
            mlp(f"{m}.experts.{e}", Im, 2.5 / cfg["routed_scaling_factor"] ** 0.5)
        mlp(m + ".shared_experts", Im * cfg["n_shared_experts"])
    return shapes


def make_weights(cfg, seed):
    g = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=g) * std + mean for name, (shape, std, mean) in weight_shapes(cfg).items()
    }


def make_ids(cfg, n, seed):
    """Random tokens, the first and the last of the vocabulary among them; a repeated stretch makes attention look back."""
    rng = random.Random(seed)
    V = cfg["vocab_size"]
    ids = [rng.randrange(V) for _ in range(n)]
    ids[1], ids[2] = V - 1, 0
    ids[n // 2 : n // 2 + 8] = ids[3:11]
    return ids[:n]


# ---- files: write ----


def is_quantised_by_fp8(name, tensor):
    return tensor.dim() == 2 and not any(s in name for s in ("embed_tokens", "lm_head", "mlp.gate.", "norm"))


def to_fp8(w):
    """(codes e4m3, multipliers per tile): w is about codes * multiplier."""
    rows, cols = (-(-n // FP8_TILE) for n in w.shape)
    codes = torch.empty(w.shape, dtype=torch.float8_e4m3fn)
    scale = torch.empty((rows, cols))
    for r in range(rows):
        for c in range(cols):
            tile = (slice(r * FP8_TILE, (r + 1) * FP8_TILE), slice(c * FP8_TILE, (c + 1) * FP8_TILE))
            scale[r, c] = w[tile].abs().max() / 448
            codes[tile] = (w[tile] / scale[r, c]).to(torch.float8_e4m3fn)
    return codes, scale


def from_fp8(codes, scale):
    wide = scale.repeat_interleave(FP8_TILE, 0)[: codes.shape[0]].repeat_interleave(FP8_TILE, 1)[:, : codes.shape[1]]
    return codes.to(torch.float32) * wide


def stored_tensors(case, weights):
    out = {}
    for name, w in weights.items():
        if case.precision == "fp8" and is_quantised_by_fp8(name, w):
            out[name], out[name + "_scale_inv"] = to_fp8(w)
        elif case.precision in ("bf16", "fp8") and not name.endswith("e_score_correction_bias"):
            out[name] = w.to(torch.bfloat16)
        else:
            out[name] = w
    return out


def save_tensors(path, tensors):
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata={"format": "pt"})


def save_shards(folder, tensors, shard_bytes):
    """In the manner of the published checkpoints: model-00001-of-0000N.safetensors and an index."""
    if not shard_bytes:
        save_tensors(os.path.join(folder, "model.safetensors"), tensors)
        return
    shards, size = [{}], 0
    for name, t in tensors.items():
        n = t.numel() * t.element_size()
        if shards[-1] and size + n > shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = t
        size += n
    weight_map, total = {}, 0
    for i, shard in enumerate(shards):
        file = f"model-{i + 1:05d}-of-{len(shards):06d}.safetensors"
        save_tensors(os.path.join(folder, file), shard)
        weight_map.update({name: file for name in shard})
        total += sum(t.numel() * t.element_size() for t in shard.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    write_json(os.path.join(folder, "model.safetensors.index.json"), index)


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def write_published(folder, case, weights):
    save_shards(folder, stored_tensors(case, weights), case.shard_bytes)
    write_json(os.path.join(folder, "config.json"), case.config)


# Fields of published configs that transformers 5 has no name for, and so does not write for a model that it made itself.
PUBLISHED_ONLY = {
    "aux_loss_alpha",
    "ep_size",
    "moe_layer_freq",
    "num_nextn_predict_layers",
    "scoring_func",
    "seq_aux",
    "torch_dtype",
}


def published_only(cfg):
    return PUBLISHED_ONLY | ({"topk_method"} if cfg["model_type"] == "deepseek_v3" else set())


def write_by_transformers(folder, case, weights):
    """What `save_pretrained` of the installed transformers writes, with per-expert or fused expert tensors."""
    model = load_model({k: v for k, v in case.config.items() if k not in published_only(case.config)}, weights)
    if case.precision == "bf16":
        model = model.to(torch.bfloat16)
    more = {"max_shard_size": case.shard_bytes} if case.shard_bytes else {}
    model.save_pretrained(folder, save_original_format=case.layout != "fused", **more)


# ---- files: read back ----


def read_safetensors(folder):
    """Every tensor of the folder under its published name, in float32."""
    raw = {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(".safetensors"):
            with safe_open(os.path.join(folder, file), "pt") as f:
                raw.update({name: f.get_tensor(name) for name in f.keys()})
    weights = {}
    for name, t in raw.items():
        if name.endswith("_scale_inv"):
            continue
        if name + "_scale_inv" in raw:
            weights[name] = from_fp8(t, raw[name + "_scale_inv"])
        elif name.endswith("experts.gate_up_proj"):
            p = name.removesuffix("gate_up_proj")
            for e, both in enumerate(t.to(torch.float32)):
                weights[f"{p}{e}.gate_proj.weight"], weights[f"{p}{e}.up_proj.weight"] = both.chunk(2, 0)
        elif name.endswith("experts.down_proj"):
            for e, w in enumerate(t.to(torch.float32)):
                weights[f"{name.removesuffix('down_proj')}{e}.down_proj.weight"] = w
        else:
            weights[name] = t.to(torch.float32)
    return weights


# ---- the first judge ----


def load_model(cfg, weights):
    """transformers' model with these weights, through a temporary folder, in float32."""
    plain = {k: v for k, v in cfg.items() if k != "quantization_config"}
    with tempfile.TemporaryDirectory() as folder:
        save_tensors(os.path.join(folder, "model.safetensors"), weights)
        write_json(os.path.join(folder, "config.json"), plain)
        return from_folder(folder)


def from_folder(folder):
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    return model.eval()


@torch.no_grad()
def run(model, ids):
    return model(torch.tensor([ids])).logits[0].to(torch.float32)


# ---- breaking the model on purpose ----


def mistakes(cfg):
    """Name -> config with one thing wrong; every mistake must move the logits of the cases that it concerns."""
    out, scaling = {}, cfg.get("rope_scaling")
    if scaling:
        out["no scaling"] = {**cfg, "rope_scaling": None}
        kind = scaling.get("rope_type", scaling.get("type"))
        if kind == "yarn":
            other = {"attention_factor": 1.0}
            if not scaling.get("mscale_all_dim") or judge.rope_frequencies(cfg, 8)[1] != 1.0:
                out["amplitude 1"] = {**cfg, "rope_scaling": {**scaling, **other}}
            if scaling.get("mscale_all_dim"):
                amplitude = judge.rope_frequencies(cfg, 8)[1]
                out["no mscale in softmax"] = {
                    **cfg,
                    "rope_scaling": {**scaling, "mscale_all_dim": None, "attention_factor": amplitude},
                }
            if scaling.get("beta_fast", 32) != 32:
                out["betas 32, 1"] = {**cfg, "rope_scaling": {**scaling, "beta_fast": 32, "beta_slow": 1}}
    if cfg["model_type"].startswith("deepseek"):
        out["half-split rope"] = {**cfg, "mistake": "half-split"}
        out["sigmoid/softmax"] = {**cfg, "scoring_func": "softmax" if cfg["scoring_func"] == "sigmoid" else "sigmoid"}
        if (cfg["n_group"] or 1) > 1:
            out["no groups"] = {**cfg, "n_group": 1, "topk_group": 1}
        if cfg["topk_method"] == "noaux_tc":
            out["no bias"] = {**cfg, "mistake": "no bias"}
            out["biased weights"] = {**cfg, "mistake": "biased weights"}
            out["no topk norm"] = {**cfg, "norm_topk_prob": False}
            if cfg["n_group"] > 1:
                out["mask with 0"] = {**cfg, "mistake": "mask with 0"}
    else:
        out["interleaved rope"] = {**cfg, "mistake": "interleaved"}
    return out


def sensitivity(cfg, weights, ids, right):
    return {
        name: float((judge.forward(wrong, weights, ids)[0] - right).abs().max())
        for name, wrong in mistakes(cfg).items()
    }


# ---- one case ----


class Unlucky(Exception):
    """These weights make a poor fixture; take other ones."""


def write_model(folder, case, weights):
    if case.is_gguf:
        gguf_files.write(os.path.join(folder, "model.gguf"), case.config, weights, case.precision, **case.gguf)
    elif case.layout == "published":
        write_published(folder, case, weights)
    else:
        write_by_transformers(folder, case, weights)


def read_model(folder, case):
    if case.is_gguf:
        return gguf_files.read(os.path.join(folder, "model.gguf"), case.config)
    return read_safetensors(folder)


def make_once(folder, case, seed):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    ids = make_ids(case.config, case.n_tokens, seed)
    write_model(folder, case, make_weights(case.config, seed))
    weights = read_model(folder, case)

    logits = run(load_model(case.config, weights), ids)
    second, margin = judge.forward(case.config, weights, ids)
    if margin < ROUTE_MARGIN:
        raise Unlucky(f"a router decision hangs on {margin:.1e}")
    best = second.topk(2, -1).values
    if (gap := float((best[:, 0] - best[:, 1]).min())) < TOP_MARGIN:
        raise Unlucky(f"a top-1 hangs on {gap:.1e}")
    differ = float((logits - second).abs().max())
    assert differ <= AGREE, f"{case.name}: the judges differ by {differ:.2e}"
    if not case.is_gguf and case.precision != "fp8":
        direct = run(from_folder(folder), ids)
        assert torch.equal(direct, logits), f"{case.name}: transformers reads its folder differently"

    moved = sensitivity(case.config, weights, ids, second)
    if hidden := [name for name, d in moved.items() if d < SHOWS]:
        raise Unlucky(f"these mistakes would not show: {', '.join(hidden)}")

    with open(os.path.join(folder, "ids.txt"), "w") as f:
        f.write(" ".join(map(str, ids)) + "\n")
    logits.numpy().astype("<f4").tofile(os.path.join(folder, "logits.f32"))
    report(folder, case, second, differ, margin, moved)


def report(folder, case, logits, differ, margin, moved):
    print(f"{case.name:22s} judges {differ:.1e}  std {float(logits.std()):.2f}  route margin {margin:.1e}")
    if case.is_gguf:
        print("    " + " ".join(gguf_files.types_used(os.path.join(folder, "model.gguf"))))
    print("    " + ", ".join(f"{k} {v:.2g}" for k, v in moved.items()))


def make(root, case, seed):
    """Tries seeds until the weights make a good fixture; returns the manifest's line."""
    folder = os.path.join(root, case.name)
    for attempt in range(60):
        try:
            make_once(folder, case, seed_of(case, seed, attempt))
            break
        except Unlucky as why:
            if attempt % 10 == 9:
                print(f"{case.name}: {attempt + 1} tries, last: {why}")
    else:
        sys.exit(f"{case.name}: no good weights in 60 tries")
    for file in os.listdir(folder):
        os.chmod(os.path.join(folder, file), 0o644)
        size = os.path.getsize(os.path.join(folder, file))
        assert size < 1_000_000, f"{case.name}/{file} is too large: {size}"
    path = f"{case.name}/model.gguf" if case.is_gguf else case.name
    return f"{case.name} {path} {case.config['model_type']} {case.precision} {case.n_tokens} {case.config['vocab_size']} {ALLOWED:g}"


MANIFEST_HEAD = """# Made by make_fixtures.py; do not edit.
# case model-path(relative to this file) family precision n_tokens n_vocab max_abs_diff_allowed
"""


def write_manifest(root, lines, order):
    path = os.path.join(root, "manifest.txt")
    have = {}
    if os.path.exists(path):
        with open(path) as f:
            have = {line.split()[0]: line.rstrip("\n") for line in f if line.strip() and not line.startswith("#")}
    have.update({line.split()[0]: line for line in lines})
    with open(path, "w") as f:
        f.write(MANIFEST_HEAD)
        f.writelines(have[name] + "\n" for name in order if name in have)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default=os.path.join(HERE, "fixtures"))
    parser.add_argument("--random", nargs=2, metavar=("N", "DIR"))
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    cases, root = all_cases(), args.out
    if args.list:
        print("\n".join(c.name for c in cases))
        return
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, seed {args.seed}")
    if args.random:
        import random_cases

        root = args.random[1]
        cases = random_cases.draw(int(args.random[0]), args.seed)
    order = [c.name for c in cases]
    if unknown := set(args.cases) - set(order):
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    os.makedirs(root, exist_ok=True)
    if not args.random and not args.cases:
        blocks.write_quant_blocks(os.path.join(root, "quant_blocks"), args.seed)
    lines = [make(root, c, args.seed) for c in cases if not args.cases or c.name in args.cases]
    write_manifest(root, lines, order)


if __name__ == "__main__":
    main()
