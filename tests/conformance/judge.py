# SPDX-License-Identifier: MIT
"""The second judge: DeepSeek-V2, DeepSeek-V3, Qwen2, Qwen3 and Llama forward passes from their
equations.

Written from the papers' formulas in plain PyTorch, without transformers, so that the two can be
compared.  Everything is float64 and naive (no cache, no absorption, no fused experts).  Weights are
a dict of published tensor names, `[out, in]`.  The config is the published one: `rope_scaling` and
`rope_theta` at top level.

    D  hidden size      H  heads      R  kv_lora_rank      E  routed experts, k chosen per token
    dn content part of a head    dr rotary part      dv value part

`forward` also returns the smallest routing margin it met: how far the last chosen expert (or group)
was from the first one left out.  A fixture with a margin near the rounding error of float32 would
test luck, so the script refuses it.

cfg["mistake"], set by the script only, makes one known mistake on purpose, to see whether a fixture
would show it.
"""

import math

import torch

LATENT_EPS = 1e-6  # of the two norms inside MLA, whatever rms_norm_eps says


def yarn_amplitude(factor, mscale):
    """g(s, m) = 0.1 m ln s + 1 for s > 1."""
    return 1.0 if factor <= 1 else 0.1 * mscale * math.log(factor) + 1.0


def rope_frequencies(cfg, d):
    """Returns (frequency per pair (d/2), amplitude of cos and sin)."""
    theta = cfg["rope_theta"]
    scaling = cfg.get("rope_scaling") or {"type": "default"}
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    freq = [theta ** (-2.0 * i / d) for i in range(d // 2)]
    if kind == "default":
        return freq, 1.0
    s = scaling["factor"]
    if kind == "linear":
        return [f / s for f in freq], 1.0
    L0 = scaling["original_max_position_embeddings"]
    if kind == "llama3":
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]

        def stretch(f):
            w = 2 * math.pi / f
            t = (L0 / w - low) / (high - low)
            return f / s if t < 0 else f if t > 1 else (1 - t) * f / s + t * f

        return [stretch(f) for f in freq], 1.0
    assert kind == "yarn", kind

    def corr(rotations):
        return d * math.log(L0 / (2 * math.pi * rotations)) / (2 * math.log(theta))

    lo, hi = corr(scaling.get("beta_fast") or 32), corr(scaling.get("beta_slow") or 1)
    if scaling.get("truncate", True):
        lo, hi = math.floor(lo), math.ceil(hi)
    lo, hi = max(lo, 0), min(hi, d - 1)
    if lo == hi:
        hi += 0.001
    for i in range(d // 2):
        ramp = min(max((i - lo) / (hi - lo), 0.0), 1.0)
        freq[i] = freq[i] * (1 - ramp) + freq[i] / s * ramp
    amplitude = scaling.get("attention_factor")
    if amplitude is None:
        m, all_dim = scaling.get("mscale"), scaling.get("mscale_all_dim")
        # A zero counts as absent, as in the published code.
        if m and all_dim:
            amplitude = yarn_amplitude(s, m) / yarn_amplitude(s, all_dim)
        else:
            amplitude = yarn_amplitude(s, 1.0)
    return freq, amplitude


def rope_tables(cfg, d, n):
    """(cos, sin), each (n, d/2)."""
    freq, amplitude = rope_frequencies(cfg, d)
    angle = (
        torch.arange(n, dtype=torch.float64)[:, None]
        * torch.tensor(freq, dtype=torch.float64)[None, :]
    )
    return angle.cos() * amplitude, angle.sin() * amplitude


def rotate(cfg, x, tables, interleaved):
    """x (n, heads, d): rotates pairs (2i, 2i+1) or, half-split, (i, i + d/2)."""
    if cfg.get("mistake") in ("half-split", "interleaved"):
        interleaved = not interleaved
    cos, sin = (t[:, None, :] for t in tables)
    if interleaved:
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


def rms_norm(x, w, eps):
    return w * x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps)


def swiglu(w, prefix, x):
    gate = torch.nn.functional.silu(x @ w[prefix + "gate_proj.weight"].T)
    return (gate * (x @ w[prefix + "up_proj.weight"].T)) @ w[prefix + "down_proj.weight"].T


def attend(q, k, v, scale):
    """q, k (n, H, d), v (n, H, dv) -> (n, H, dv), causal."""
    n = q.shape[0]
    scores = torch.einsum("thd,shd->hts", q, k) * scale
    scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -math.inf)
    return torch.einsum("hts,shd->thd", scores.softmax(-1), v)


def mla(cfg, w, p, h):
    """Multi-head latent attention, expanded form."""
    n, H = h.shape[0], cfg["num_attention_heads"]
    dn, dr, dv, R = (
        cfg["qk_nope_head_dim"],
        cfg["qk_rope_head_dim"],
        cfg["v_head_dim"],
        cfg["kv_lora_rank"],
    )
    if cfg["q_lora_rank"] is None:
        q = h @ w[p + "q_proj.weight"].T
    else:
        cQ = rms_norm(h @ w[p + "q_a_proj.weight"].T, w[p + "q_a_layernorm.weight"], LATENT_EPS)
        q = cQ @ w[p + "q_b_proj.weight"].T
    q = q.view(n, H, dn + dr)
    u = h @ w[p + "kv_a_proj_with_mqa.weight"].T
    cKV = rms_norm(u[:, :R], w[p + "kv_a_layernorm.weight"], LATENT_EPS)
    tables = rope_tables(cfg, dr, n)
    qR = rotate(cfg, q[..., dn:], tables, interleaved=True)
    kR = rotate(cfg, u[:, None, R:], tables, interleaved=True)
    kv = (cKV @ w[p + "kv_b_proj.weight"].T).view(n, H, dn + dv)
    q = torch.cat((q[..., :dn], qR), -1)
    k = torch.cat((kv[..., :dn], kR.expand(n, H, dr)), -1)

    scale = (dn + dr) ** -0.5
    scaling = cfg.get("rope_scaling") or {}
    if scaling.get("rope_type", scaling.get("type", "default")) != "default" and scaling.get(
        "mscale_all_dim"
    ):
        scale *= yarn_amplitude(scaling["factor"], scaling["mscale_all_dim"]) ** 2
    o = attend(q, k, kv[..., dn:], scale)
    return o.reshape(n, H * dv) @ w[p + "o_proj.weight"].T


def top(score, k):
    """Indices of the k largest, and the margin to the one after them."""
    order = score.sort(descending=True, stable=True)
    margin = math.inf
    if k < score.numel() and order.values[k] > -math.inf:
        margin = float(order.values[k - 1] - order.values[k])
    return order.indices[:k], margin


def route(cfg, logits, bias):
    """One token: (chosen experts, their weights, margin)."""
    E, k = cfg["n_routed_experts"], cfg["num_experts_per_tok"]
    method, groups = cfg["topk_method"], cfg["n_group"] or 1
    mistake = cfg.get("mistake")
    s = logits.sigmoid() if cfg["scoring_func"] == "sigmoid" else logits.softmax(-1)
    chosen_by, margin = s if bias is None or mistake == "no bias" else s + bias, math.inf
    if method != "greedy":
        grouped = chosen_by.view(groups, E // groups)
        best = (
            grouped.amax(-1)
            if method == "group_limited_greedy"
            else grouped.topk(2, -1).values.sum(-1)
        )
        kept, margin = top(best, cfg["topk_group"])
        keep = torch.zeros(groups, 1, dtype=torch.bool)
        keep[kept] = True
        chosen_by = grouped.masked_fill(
            ~keep, 0.0 if mistake == "mask with 0" else -math.inf
        ).flatten()
    chosen, m = top(chosen_by, k)
    g = (chosen_by if mistake == "biased weights" else s)[chosen]
    if cfg["norm_topk_prob"]:  # also for k = 1, as in DeepSeek's inference code and in transformers
        g = g / (g.sum() + 1e-20)
    return chosen, g * cfg["routed_scaling_factor"], min(margin, m)


def moe(cfg, w, p, h):
    bias = w.get(p + "gate.e_score_correction_bias")
    logits = h @ w[p + "gate.weight"].T
    out, margin = torch.zeros_like(h), math.inf
    for t in range(h.shape[0]):
        chosen, g, m = route(cfg, logits[t], bias)
        margin = min(margin, m)
        for e, weight in zip(chosen.tolist(), g):
            out[t] += weight * swiglu(w, f"{p}experts.{e}.", h[t : t + 1])[0]
    if cfg.get("n_shared_experts"):
        out += swiglu(w, p + "shared_experts.", h)
    return out, margin


def gqa(cfg, w, p, h):
    """Grouped-query attention of Qwen2 (biases), Qwen3 (norms on q and k) and Llama."""
    n, H, KV = h.shape[0], cfg["num_attention_heads"], cfg["num_key_value_heads"]
    d = cfg.get("head_dim") or cfg["hidden_size"] // H

    def project(name, heads):
        y = h @ w[f"{p}{name}_proj.weight"].T
        if f"{p}{name}_proj.bias" in w:
            y = y + w[f"{p}{name}_proj.bias"]
        y = y.view(n, heads, d)
        return (
            rms_norm(y, w[f"{p}{name}_norm.weight"], cfg["rms_norm_eps"])
            if f"{p}{name}_norm.weight" in w
            else y
        )

    tables = rope_tables(cfg, d, n)
    q = rotate(cfg, project("q", H), tables, interleaved=False)
    k = rotate(cfg, project("k", KV), tables, interleaved=False).repeat_interleave(H // KV, 1)
    v = project("v", KV).repeat_interleave(H // KV, 1)
    y = attend(q, k, v, d**-0.5).reshape(n, H * d) @ w[p + "o_proj.weight"].T
    return y + w[p + "o_proj.bias"] if p + "o_proj.bias" in w else y


@torch.no_grad()
def forward(cfg, weights, ids):
    """ids: list of n tokens -> (float64 logits (n, V), smallest routing margin)."""
    w = {name: t.to(torch.float64) for name, t in weights.items()}
    is_deepseek = cfg["model_type"].startswith("deepseek")
    eps, margin = cfg["rms_norm_eps"], math.inf
    x = w["model.embed_tokens.weight"][torch.tensor(ids)]
    for i in range(cfg["num_hidden_layers"]):
        p = f"model.layers.{i}."
        h = rms_norm(x, w[p + "input_layernorm.weight"], eps)
        x = x + (mla if is_deepseek else gqa)(cfg, w, p + "self_attn.", h)
        h = rms_norm(x, w[p + "post_attention_layernorm.weight"], eps)
        if (
            is_deepseek
            and i >= cfg["first_k_dense_replace"]
            and i % cfg.get("moe_layer_freq", 1) == 0
        ):
            y, m = moe(cfg, w, p + "mlp.", h)
            x, margin = x + y, min(margin, m)
        else:
            x = x + swiglu(w, p + "mlp.", h)
    x = rms_norm(x, w["model.norm.weight"], eps)
    head = "model.embed_tokens.weight" if cfg.get("tie_word_embeddings") else "lm_head.weight"
    return x @ w[head].T, margin
