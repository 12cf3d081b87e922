# SPDX-License-Identifier: MIT
"""The cases: configurations of the tiny models, as their published config.json would say it."""

from dataclasses import dataclass, field

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
    must_show: bool = True  # refuse weights with which a mistake would not show

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
        "architectures": [
            {"qwen2": "Qwen2", "qwen3": "Qwen3", "llama": "Llama"}[model_type] + "ForCausalLM"
        ],
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
        cfg.update(
            {"attention_bias": False, "mlp_bias": False, "pretraining_tp": 1, "rms_norm_eps": 1e-05}
        )
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


FP8_CONFIG = {
    "activation_scheme": "dynamic",
    "fmt": "e4m3",
    "quant_method": "fp8",
    "weight_block_size": [FP8_TILE, FP8_TILE],
}
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
    return deepseek_cases() + dense_cases() + gguf_cases()


def deepseek_cases():
    return [
        Case("v2lite-f32", v2lite(rope_scaling=yarn(**LITE_YARN)), n_tokens=72),
        Case("v2lite-plain-bf16", v2lite(num_hidden_layers=2), "bf16", n_tokens=48),
        # mscale != mscale_all_dim: cos and sin have amplitude 0.9; the ramp covers several pairs.
        Case(
            "v2lite-mscale-hf5",
            v2lite(
                num_hidden_layers=2,
                qk_rope_head_dim=16,
                rope_theta=1000.0,
                rope_scaling=yarn(
                    8.0, 12, mscale=0.4, mscale_all_dim=1.0, beta_fast=2, beta_slow=0.25
                ),
            ),
            layout="transformers",
            n_tokens=90,
        ),
        Case("v2-f32", v2(num_hidden_layers=2, rope_scaling=yarn(**LITE_YARN)), n_tokens=72),
        Case("v2-plain-hf5", v2(num_hidden_layers=2), layout="transformers", n_tokens=48),
        Case("v3-f32", v3(rope_scaling=yarn(**EQUAL)), n_tokens=80),
        Case(
            "v3-plain-hf5-bf16",
            v3(),
            "bf16",
            layout="transformers",
            n_tokens=48,
            shard_bytes=100_000,
        ),
        Case(
            "v3-mscale-fused",
            v3(
                num_hidden_layers=2,
                qk_rope_head_dim=16,
                rope_theta=500.0,
                rope_scaling=yarn(
                    4.0, 24, mscale=1.0, mscale_all_dim=0.5, beta_fast=4, beta_slow=0.5
                ),
            ),
            layout="fused",
            n_tokens=96,
        ),
        # No mscale at all: amplitude 0.1 ln 40 + 1, plain softmax scale.
        Case(
            "v3-noq-bf16",
            v3(num_hidden_layers=2, q_lora_rank=None, rope_scaling=yarn(40, 16)),
            "bf16",
            n_tokens=64,
        ),
        Case(
            "v3-noq-plain-bf16",
            v3(num_hidden_layers=2, q_lora_rank=None, n_group=1, topk_group=1),
            "bf16",
            n_tokens=40,
        ),
        # A published checkpoint carries its MTP module as one layer more, to be left alone.
        Case(
            "v3-mtp-bf16",
            v3(
                hidden_size=32,
                n_routed_experts=8,
                moe_intermediate_size=16,
                intermediate_size=40,
                num_hidden_layers=2,
                num_nextn_predict_layers=1,
                rope_scaling=yarn(**EQUAL),
            ),
            "bf16",
            n_tokens=40,
        ),
        Case("v3-fp8", fp8_config(), "fp8", n_tokens=64, shard_bytes=300_000),
    ]


def dense_cases():
    return [
        Case("qwen2-f32", dense_config("qwen2", rms_norm_eps=1e-5, rope_theta=1e6), n_tokens=64),
        Case(
            "qwen2-tied-hf5",
            dense_config("qwen2", tie_word_embeddings=True),
            layout="transformers",
            n_tokens=48,
        ),
        Case(
            "qwen2-yarn-bf16",
            dense_config("qwen2", rope_scaling=yarn(4.0, 16)),
            "bf16",
            n_tokens=64,
        ),
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
        Case(
            "llama3-f32",
            dense_config("llama", rope_theta=500000.0, rope_scaling=LLAMA3),
            n_tokens=100,
        ),
        Case(
            "llama3-hf5-bf16",
            dense_config("llama", rope_theta=2000.0, rope_scaling=LLAMA3),
            "bf16",
            layout="transformers",
            n_tokens=100,
        ),
        Case(
            "llama-tied-bf16", dense_config("llama", tie_word_embeddings=True), "bf16", n_tokens=40
        ),
        Case(
            "llama-linear-hf5-bf16",
            dense_config("llama", rope_scaling={"rope_type": "linear", "factor": 2.5}),
            "bf16",
            layout="transformers",
            n_tokens=40,
        ),
    ]


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
        quantization_config=FP8_CONFIG,
    )


def gguf_cases():
    old, new = {"mla": "old"}, {"mla": "new"}
    lite_yarn, equal_yarn = yarn(**LITE_YARN), yarn(**EQUAL)
    wide = {
        "hidden_size": 256,
        "kv_lora_rank": 64,
        "q_lora_rank": 64,
        "qk_nope_head_dim": 32,
        "v_head_dim": 64,
    }
    few = {
        "n_routed_experts": 4,
        "n_group": 2,
        "topk_group": 1,
        "num_experts_per_tok": 2,
        "num_hidden_layers": 2,
    }

    def case(name, config, mix, n_tokens, options=None):
        return Case(name, config, mix, "gguf", n_tokens, gguf=options or {})

    return [
        # 2024's keys: no gating function, no weight norm, no groups.
        case(
            "v2lite-gguf-old-f16",
            v2lite(rope_scaling=lite_yarn),
            "f16",
            64,
            {"mla": "old", "old_keys": True},
        ),
        # ik_llama.cpp's: attn_kv_b and, as plain matrices, attn_k_b and attn_v_b.
        case(
            "v2lite-gguf-both-bf16",
            v2lite(num_hidden_layers=2, rope_scaling=lite_yarn),
            "bf16",
            48,
            {"mla": "both"},
        ),
        case("v2-gguf-new-bf16", v2(num_hidden_layers=2, rope_scaling=lite_yarn), "bf16", 64, new),
        case("v3-gguf-old-f16", v3(num_hidden_layers=2, rope_scaling=equal_yarn), "f16", 64, old),
        case("v3-gguf-new-f32", v3(num_hidden_layers=2, rope_scaling=equal_yarn), "f32", 64, new),
        case(
            "v3-gguf-new-kmix",
            v3(
                **wide,
                **few,
                intermediate_size=256,
                moe_intermediate_size=256,
                rope_scaling=equal_yarn,
            ),
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
        case("qwen2-gguf-split-f16", dense_config("qwen2"), "f16", 48, {"per_shard": 10}),
        case(
            "qwen2-gguf-tied-mix32",
            dense_config("qwen2", hidden_size=96, intermediate_size=160, tie_word_embeddings=True),
            "q4_0-mix",
            48,
        ),
        case("qwen3-gguf-yarn-bf16", dense_config("qwen3", rope_scaling=yarn(4.0, 16)), "bf16", 64),
        case(
            "qwen3-gguf-q4k",
            dense_config(
                "qwen3", hidden_size=256, intermediate_size=256, num_hidden_layers=1, head_dim=64
            ),
            "q4_k-mix",
            48,
        ),
        case(
            "llama3-gguf-f32",
            dense_config("llama", rope_theta=500000.0, rope_scaling=LLAMA3),
            "f32",
            100,
        ),
        case(
            "llama-gguf-tied-q8",
            dense_config("llama", hidden_size=96, intermediate_size=160, tie_word_embeddings=True),
            "q8_0",
            48,
        ),
    ]
