#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tiny models with random weights and their expected logits: tests/conformance/fixtures.

    make_fixtures.py                    remake every fixture (same versions and seed: same bytes)
    make_fixtures.py CASE...            remake these cases only, and keep the manifest's other lines
    make_fixtures.py --random N DIR     N random cases with odd shapes into DIR, for a check by hand
    make_fixtures.py --list             names of the cases

A case is a folder: the model (config.json and *.safetensors, or model.gguf), ids.txt (one line of
token ids) and logits.f32 (float32 little endian, [n_tokens, n_vocab]).  The logits come from
transformers, run in float32 with eager attention, on the weights *as read back from the files*.
The second judge (judge.py) computes the same in float64 from the equations; a case on which the two
differ by more than AGREE is refused.  So is one where a router decision or a top-1 hangs on
rounding.

For every case the script also breaks the model on purpose (no YaRN, no groups, half-split rotation,
...) and prints how far the logits move: a fixture on which a mistake does not show is no test of
it.

Needs PyTorch, transformers, safetensors and gguf from PyPI; versions and format notes are in
README.md.
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

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

import blocks
import cases
import gguf_files
import judge

HERE = os.path.dirname(os.path.abspath(__file__))
AGREE = 5e-5  # two judges: transformers in float32 against float64
ALLOWED = 2e-4  # what the product may differ by
ROUTE_MARGIN = 5e-5  # smallest gap between a chosen expert (or group) and the next one
TOP_MARGIN = 1e-3  # smallest gap between the two best logits
SHOWS = 0.1  # a mistake in the model must move some logit by this much


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
    for i in range(L, L + cfg.get("num_nextn_predict_layers", 0)):
        p = f"model.layers.{i}"
        for name in ("enorm", "hnorm", "shared_head.norm"):
            norm(f"{p}.{name}", D)
        linear(p + ".eh_proj", D, 2 * D)
        # The published file repeats these two; other values here would show if somebody read them.
        shapes[p + ".embed_tokens.weight"] = shapes["model.embed_tokens.weight"]
        shapes[p + ".shared_head.head.weight"] = shapes["lm_head.weight"]
    for i in range(L + cfg.get("num_nextn_predict_layers", 0)):
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
        name: torch.randn(shape, generator=g) * std + mean
        for name, (shape, std, mean) in weight_shapes(cfg).items()
    }


def make_ids(cfg, n, seed):
    """Random tokens with the vocabulary's first and last among them, and a repeated stretch."""
    rng = random.Random(seed)
    V = cfg["vocab_size"]
    ids = [rng.randrange(V) for _ in range(n)]
    ids[1], ids[2] = V - 1, 0
    ids[n // 2 : n // 2 + 8] = ids[3:11]
    return ids[:n]


# ---- files: write ----


def is_quantised_by_fp8(name, tensor):
    return tensor.dim() == 2 and not any(
        s in name for s in ("embed_tokens", "lm_head", "mlp.gate.", "norm")
    )


def to_fp8(w):
    """(codes e4m3, multipliers per tile): w is about codes * multiplier."""
    rows, cols = (-(-n // cases.FP8_TILE) for n in w.shape)
    codes = torch.empty(w.shape, dtype=torch.float8_e4m3fn)
    scale = torch.empty((rows, cols))
    for r in range(rows):
        for c in range(cols):
            tile = (
                slice(r * cases.FP8_TILE, (r + 1) * cases.FP8_TILE),
                slice(c * cases.FP8_TILE, (c + 1) * cases.FP8_TILE),
            )
            scale[r, c] = w[tile].abs().max() / 448
            codes[tile] = (w[tile] / scale[r, c]).to(torch.float8_e4m3fn)
    return codes, scale


def from_fp8(codes, scale):
    wide = scale.repeat_interleave(cases.FP8_TILE, 0)[: codes.shape[0]].repeat_interleave(
        cases.FP8_TILE, 1
    )[:, : codes.shape[1]]
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


# Published fields that transformers 5 has no name for: it does not write them for its own models.
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
    """What `save_pretrained` of the installed transformers writes; experts one by one or fused."""
    model = load_model(
        {k: v for k, v in case.config.items() if k not in published_only(case.config)}, weights
    )
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
                weights[f"{p}{e}.gate_proj.weight"], weights[f"{p}{e}.up_proj.weight"] = both.chunk(
                    2, 0
                )
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
        folder,
        dtype=torch.float32,
        attn_implementation="eager",
        experts_implementation="eager",  # the default, grouped_mm, wants rows of 16 bytes
        output_loading_info=True,
    )
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    return model.eval()


@torch.no_grad()
def run(model, ids):
    return model(torch.tensor([ids])).logits[0].to(torch.float32)


# ---- breaking the model on purpose ----


def mistakes(cfg):
    """Name -> config with one thing wrong.  Each must move the logits of the cases it concerns."""
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
                    "rope_scaling": {
                        **scaling,
                        "mscale_all_dim": None,
                        "attention_factor": amplitude,
                    },
                }
            if scaling.get("beta_fast", 32) != 32:
                out["betas 32, 1"] = {
                    **cfg,
                    "rope_scaling": {**scaling, "beta_fast": 32, "beta_slow": 1},
                }
    if cfg["model_type"].startswith("deepseek"):
        out["half-split rope"] = {**cfg, "mistake": "half-split"}
        out["sigmoid/softmax"] = {
            **cfg,
            "scoring_func": "softmax" if cfg["scoring_func"] == "sigmoid" else "sigmoid",
        }
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
        gguf_files.write(
            os.path.join(folder, "model.gguf"), case.config, weights, case.precision, **case.gguf
        )
    elif case.layout == "published":
        write_published(folder, case, weights)
    else:
        write_by_transformers(folder, case, weights)


def read_model(folder, case):
    if case.is_gguf:
        return gguf_files.read(folder, case.config)
    return read_safetensors(folder)


def without_mtp(cfg, weights):
    first = cfg["num_hidden_layers"]
    extra = tuple(
        f"model.layers.{first + i}." for i in range(cfg.get("num_nextn_predict_layers", 0))
    )
    return (
        {name: w for name, w in weights.items() if not name.startswith(extra)} if extra else weights
    )


def make_once(folder, case, seed):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    ids = make_ids(case.config, case.n_tokens, seed)
    write_model(folder, case, make_weights(case.config, seed))
    weights = read_model(folder, case)

    weights = without_mtp(case.config, weights)
    logits = run(load_model(case.config, weights), ids)
    second, margin = judge.forward(case.config, weights, ids)
    if margin < ROUTE_MARGIN:
        raise Unlucky(f"a router decision hangs on {margin:.1e}")
    best = second.topk(2, -1).values
    if (gap := float((best[:, 0] - best[:, 1]).min())) < TOP_MARGIN:
        raise Unlucky(f"a top-1 hangs on {gap:.1e}")
    differ = float((logits - second).abs().max())
    assert differ < 20 * AGREE, f"{case.name}: the judges differ by {differ:.2e}"
    if differ > AGREE:
        raise Unlucky(f"rounding is amplified to {differ:.1e}")
    if (
        not case.is_gguf
        and case.precision != "fp8"
        and not case.config.get("num_nextn_predict_layers")
    ):
        direct = run(from_folder(folder), ids)
        assert torch.equal(direct, logits), (
            f"{case.name}: transformers reads its folder differently"
        )

    moved = sensitivity(case.config, weights, ids, second)
    if case.must_show and (hidden := [name for name, d in moved.items() if d < SHOWS]):
        raise Unlucky(f"these mistakes would not show: {', '.join(hidden)}")

    with open(os.path.join(folder, "ids.txt"), "w") as f:
        f.write(" ".join(map(str, ids)) + "\n")
    logits.numpy().astype("<f4").tofile(os.path.join(folder, "logits.f32"))
    report(folder, case, second, differ, margin, moved)


def report(folder, case, logits, differ, margin, moved):
    std = float(logits.std())
    print(f"{case.name:22s} judges {differ:.1e}  std {std:.2f}  route margin {margin:.1e}")
    if case.is_gguf:
        print("    " + " ".join(gguf_files.types_used(folder)))
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
        assert size < 1_000_000 or not case.must_show, f"{case.name}/{file} is too large: {size}"
    path = os.path.relpath(gguf_files.files(folder)[0], root) if case.is_gguf else case.name
    family, V = case.config["model_type"], case.config["vocab_size"]
    return f"{case.name} {path} {family} {case.precision} {case.n_tokens} {V} {ALLOWED:g}"


MANIFEST_HEAD = """# Made by make_fixtures.py; do not edit.
# case model-path(relative to this file) family precision n_tokens n_vocab max_abs_diff_allowed
"""


def write_manifest(root, lines, order):
    path = os.path.join(root, "manifest.txt")
    have = {}
    if os.path.exists(path):
        with open(path) as f:
            have = {
                line.split()[0]: line.rstrip("\n")
                for line in f
                if line.strip() and not line.startswith("#")
            }
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
    todo, root = cases.all_cases(), args.out
    if args.list:
        print("\n".join(c.name for c in todo))
        return
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, seed {args.seed}")
    if args.random:
        import random_cases

        root = args.random[1]
        todo = random_cases.draw(int(args.random[0]), args.seed)
    order = [c.name for c in todo]
    if unknown := set(args.cases) - set(order):
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    os.makedirs(root, exist_ok=True)
    if not args.random and not args.cases:
        for stale in set(os.listdir(root)) - set(order) - {"manifest.txt"}:
            shutil.rmtree(os.path.join(root, stale))
        blocks.write_quant_blocks(os.path.join(root, "quant_blocks"), args.seed)
    lines = [make(root, c, args.seed) for c in todo if not args.cases or c.name in args.cases]
    write_manifest(root, lines, order)


if __name__ == "__main__":
    main()
