# SPDX-License-Identifier: MIT
"""Random cases with odd shapes for make_fixtures.py --random, a check by hand."""

import random

import cases


def draw_rope(rng, d, families):
    kind = rng.choice(families)
    theta = rng.choice([10000, 10000.0, 500.0, 1000000.0])
    original = rng.choice([8, 13, 16, 24, 32])
    factor = rng.choice([2.0, 4, 7.5, 40])
    if kind == "none":
        return {"rope_theta": theta, "rope_scaling": None}
    if kind == "linear":
        return {"rope_theta": theta, "rope_scaling": {"type": "linear", "factor": factor}}
    if kind == "llama3":
        return {
            "rope_theta": theta,
            "rope_scaling": {**cases.LLAMA3, "original_max_position_embeddings": original},
        }
    scaling = cases.yarn(factor, original)
    if rng.random() < 0.5:
        scaling.update(beta_fast=rng.choice([32, 4, 2.5]), beta_slow=rng.choice([1, 0.5, 0.2]))
    if kind == "deepseek-yarn":
        m = rng.choice([0.707, 1.0, 0.5])
        scaling.update(mscale=m, mscale_all_dim=rng.choice([m, m, 1.0, 0.3]))
    elif rng.random() < 0.3:
        scaling["attention_factor"] = round(rng.uniform(0.8, 1.3), 3)
    return {"rope_theta": theta, "rope_scaling": scaling}


def draw_deepseek(rng, model_type):
    groups = rng.choice([1, 2, 3, 4])
    per_group = rng.choice([2, 3, 4])
    kept = rng.randint(1, groups)
    heads = rng.choice([1, 2, 3, 5])
    dr = rng.choice([6, 8, 10, 12])
    more = {
        "hidden_size": heads * rng.choice([12, 17, 20, 22]),
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "intermediate_size": rng.choice([33, 50, 64, 71]),
        "moe_intermediate_size": rng.choice([9, 14, 17, 24]),
        "kv_lora_rank": rng.choice([11, 16, 21, 32]),
        "q_lora_rank": rng.choice([None, 13, 18, 24]),
        "qk_nope_head_dim": rng.choice([7, 12, 16, 20]),
        "qk_rope_head_dim": dr,
        "v_head_dim": rng.choice([9, 12, 16, 24]),
        "n_group": groups,
        "topk_group": kept,
        "n_routed_experts": groups * per_group,
        "num_experts_per_tok": rng.randint(1, min(kept * per_group, 6)),
        "n_shared_experts": rng.choice([1, 2, 3]),
        "num_hidden_layers": rng.choice([1, 2, 3, 4]),
        "first_k_dense_replace": rng.choice([0, 1, 2]),
        "routed_scaling_factor": rng.choice([1.0, 2.5, 16.0]),
        "vocab_size": rng.choice([257, 283, 301]),
        **draw_rope(rng, dr, ["none", "deepseek-yarn", "deepseek-yarn"]),
    }
    more["first_k_dense_replace"] = min(more["first_k_dense_replace"], more["num_hidden_layers"])
    if model_type == "deepseek_v2":
        # transformers views pairs as complex numbers, which wants even strides.
        more.update({key: more[key] // 2 * 2 for key in ("kv_lora_rank", "qk_nope_head_dim")})
        if groups == 1:
            more["topk_method"] = "greedy"
    if model_type == "deepseek_v3":
        more["norm_topk_prob"] = rng.random() < 0.8
    return cases.deepseek_config(model_type, **more)


def draw_dense(rng, model_type):
    heads, per_kv = rng.choice([(2, 1), (3, 3), (4, 2), (6, 2), (6, 3), (5, 1)])
    d = rng.choice([6, 10, 16, 24])
    more = {
        "hidden_size": heads * d,
        "num_attention_heads": heads,
        "num_key_value_heads": heads // per_kv,
        "intermediate_size": rng.choice([31, 48, 77]),
        "num_hidden_layers": rng.choice([1, 2, 3]),
        "tie_word_embeddings": rng.random() < 0.4,
        "rms_norm_eps": rng.choice([1e-6, 1e-5]),
        "vocab_size": rng.choice([257, 283, 301]),
    }
    families = ["none", "yarn", "linear"]
    if model_type == "qwen3":
        more["head_dim"] = d = rng.choice([8, 14, 24, 32])
    if model_type == "llama":
        families = ["none", "llama3", "llama3", "linear"]
    return cases.dense_config(model_type, **more, **draw_rope(rng, d, families))


def gguf_can_say(cfg):
    scaling = cfg.get("rope_scaling") or {}
    return (
        scaling.get("mscale") == scaling.get("mscale_all_dim")
        and scaling.get("attention_factor") is None
    )


def draw_one(rng, i):
    family = rng.choice(
        ["deepseek_v2", "deepseek_v2", "deepseek_v3", "deepseek_v3", "qwen2", "qwen3", "llama"]
    )
    is_deepseek = family.startswith("deepseek")
    cfg = draw_deepseek(rng, family) if is_deepseek else draw_dense(rng, family)
    layout = rng.choice(["published", "transformers", "gguf"] + ["fused"] * is_deepseek)
    if layout == "gguf" and not gguf_can_say(cfg):
        layout = "published"
    options, shard_bytes = {}, rng.choice([0, 0, 60_000])
    if layout == "gguf":
        precision, shard_bytes = rng.choice(["f32", "f16", "bf16"]), 0
        if is_deepseek:
            options["mla"] = rng.choice(["old", "new"])
    else:
        precision = rng.choice(["f32", "bf16"] + ["fp8"] * (is_deepseek and layout == "published"))
    if precision == "fp8":
        cfg["quantization_config"] = cases.FP8_CONFIG
        cfg["hidden_size"] = cfg["num_attention_heads"] * (130 // cfg["num_attention_heads"] + 1)
    name = f"random{i:03d}-{family}-{layout}-{precision}"
    return cases.Case(
        name, cfg, precision, layout, rng.randint(9, 99), shard_bytes, options, must_show=False
    )


def draw(n, seed):
    rng = random.Random(seed)
    return [draw_one(rng, i) for i in range(n)]
