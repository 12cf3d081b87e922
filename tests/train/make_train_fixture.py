"""Writes tests/train/fixtures/tiny.safetensors: what PyTorch says about the network of
tiny_trunk.h.  Run with torch and safetensors:

    python tests/train/make_train_fixture.py tests/train/fixtures/tiny.safetensors

Weights, tokens and the expected losses, gradients and weights behind three steps of
AdamW and of Muon are in the file, so the test needs neither Python nor this script.
Everything is computed by autograd in float64 from weights that are exact in float32.
"""

import math
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

C = dict(n_layers=2, d=24, V=29, d_ff=20, H=2, Q=10, R=7, nope=6, rope=4, value=5, E=4, k=2, shared=1, F=9, dense=1, groups=2,
         top_groups=1, scale=1.5, eps=1e-6, theta=10000.0)
BEGIN = [0, 5, 81, 151]
SCALES = dict(main=0.02, mtp=0.013, balance=0.4)
torch.manual_seed(20261124)
torch.set_default_dtype(torch.float64)


def exact(x):
    return x.float().double()


def make_weights():
    w = {}

    def matrix(name, n_in, *n_out, std=None):
        w[name] = exact(torch.randn(*n_out, n_in) * (std or 1 / math.sqrt(n_in)))

    def gain(name, d):
        w[name] = exact(0.5 + torch.rand(d))

    def block(i):
        b = f"blk.{i}."
        gain(b + "attn_norm.weight", C["d"])
        matrix(b + "attn_q_a.weight", C["d"], C["Q"])
        gain(b + "attn_q_a_norm.weight", C["Q"])
        matrix(b + "attn_q_b.weight", C["Q"], C["H"] * (C["nope"] + C["rope"]))
        matrix(b + "attn_kv_a_mqa.weight", C["d"], C["R"] + C["rope"])
        gain(b + "attn_kv_a_norm.weight", C["R"])
        matrix(b + "attn_kv_b.weight", C["R"], C["H"] * (C["nope"] + C["value"]))
        matrix(b + "attn_output.weight", C["H"] * C["value"], C["d"])
        gain(b + "ffn_norm.weight", C["d"])
        if i < C["dense"]:
            matrix(b + "ffn_gate.weight", C["d"], C["d_ff"])
            matrix(b + "ffn_up.weight", C["d"], C["d_ff"])
            matrix(b + "ffn_down.weight", C["d_ff"], C["d"])
            return
        matrix(b + "ffn_gate_inp.weight", C["d"], C["E"])
        w[b + "exp_probs_b.bias"] = exact(torch.rand(C["E"]) * 0.1)
        matrix(b + "ffn_gate_exps.weight", C["d"], C["E"], C["F"])
        matrix(b + "ffn_up_exps.weight", C["d"], C["E"], C["F"])
        matrix(b + "ffn_down_exps.weight", C["F"], C["E"], C["d"])
        matrix(b + "ffn_gate_shexp.weight", C["d"], C["F"])
        matrix(b + "ffn_up_shexp.weight", C["d"], C["F"])
        matrix(b + "ffn_down_shexp.weight", C["F"], C["d"])

    matrix("token_embd.weight", C["d"], C["V"], std=0.5)
    for i in range(C["n_layers"]):
        block(i)
    gain("output_norm.weight", C["d"])
    matrix("output.weight", C["d"], C["V"])
    m = f"blk.{C['n_layers']}."
    gain(m + "nextn.enorm.weight", C["d"])
    gain(m + "nextn.hnorm.weight", C["d"])
    matrix(m + "nextn.eh_proj.weight", 2 * C["d"], C["d"])
    block(C["n_layers"])
    gain(m + "nextn.shared_head_norm.weight", C["d"])
    return w


def norm(x, g, eps=C["eps"]):
    return F.rms_norm(x, (x.shape[-1],), g, eps)


def rotate(x, position):
    n = C["rope"] // 2
    frequency = (C["theta"] ** (-torch.arange(n).double() / n)).float()
    angle = (position.float()[:, None] * frequency).double()
    cos, sin = angle.cos().float().double(), angle.sin().float().double()
    if x.dim() == 3:
        cos, sin = cos[:, None], sin[:, None]
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


def attention(w, b, u, position, doc):
    T, H, d_nope = len(u), C["H"], C["nope"]
    q = F.linear(norm(F.linear(u, w[b + "attn_q_a.weight"]), w[b + "attn_q_a_norm.weight"]), w[b + "attn_q_b.weight"]).view(T, H, -1)
    latent, k_rope = F.linear(u, w[b + "attn_kv_a_mqa.weight"]).split([C["R"], C["rope"]], -1)
    kv = F.linear(norm(latent, w[b + "attn_kv_a_norm.weight"]), w[b + "attn_kv_b.weight"]).view(T, H, -1)
    q = torch.cat((q[..., :d_nope], rotate(q[..., d_nope:], position)), -1)
    k = torch.cat((kv[..., :d_nope], rotate(k_rope, position)[:, None].expand(-1, H, -1)), -1)
    seen = (doc[:, None] == doc[None]) & (torch.arange(T)[:, None] >= torch.arange(T)[None])
    scores = torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(d_nope + C["rope"])
    p = scores.masked_fill(~seen, -math.inf).softmax(-1)
    o = torch.einsum("hqk,khd->qhd", p, kv[..., d_nope:]).flatten(1)
    return F.linear(o, w[b + "attn_output.weight"])


def mlp(u, gate, up, down):
    return F.linear(F.silu(F.linear(u, gate)) * F.linear(u, up), down)


def experts(w, b, u, doc, routing):
    s = F.linear(u, w[b + "ffn_gate_inp.weight"]).sigmoid()
    if b not in routing:
        biased = (s + w[b + "exp_probs_b.bias"]).detach().view(len(u), C["groups"], -1)
        best = biased.topk(2, -1)[0].sum(-1).topk(C["top_groups"], -1)[1]
        kept = torch.zeros(len(u), C["groups"], dtype=torch.bool).scatter_(1, best, True)
        routing[b] = biased.masked_fill(~kept[..., None], -math.inf).flatten(1).topk(C["k"], -1)[1]
    picks = routing[b]
    weights = s.gather(1, picks)
    weights = weights / (weights.sum(-1, keepdim=True) + 1e-20) * C["scale"]
    everyone = torch.stack([mlp(u, w[b + "ffn_gate_exps.weight"][e], w[b + "ffn_up_exps.weight"][e], w[b + "ffn_down_exps.weight"][e])
                            for e in range(C["E"])], 1)
    y = (everyone.gather(1, picks[..., None].expand(-1, -1, C["d"])) * weights[..., None]).sum(1)
    balance = 0
    for i in range(len(BEGIN) - 1):
        own = doc == i
        f = F.one_hot(picks[own], C["E"]).sum((0, 1)) * C["E"] / (C["k"] * own.sum())
        balance = balance + (f * (s[own] / s[own].sum(-1, keepdim=True)).mean(0)).sum()
    return y + mlp(u, *(w[b + f"ffn_{n}_shexp.weight"] for n in ("gate", "up", "down"))), balance


def layer(w, i, h, position, doc, routing):
    b = f"blk.{i}."
    h = h + attention(w, b, norm(h, w[b + "attn_norm.weight"]), position, doc)
    u = norm(h, w[b + "ffn_norm.weight"])
    if i < C["dense"]:
        return h + mlp(u, *(w[b + f"ffn_{n}.weight"] for n in ("gate", "up", "down"))), 0
    y, balance = experts(w, b, u, doc, routing)
    return h + y, balance


def network(w, token, routing):
    position = torch.cat([torch.arange(e - b) for b, e in zip(BEGIN, BEGIN[1:])])
    doc = torch.cat([torch.full((e - b,), i) for i, (b, e) in enumerate(zip(BEGIN, BEGIN[1:]))])
    rows, ahead, follow = [], [], torch.zeros_like(token)
    for b, e in zip(BEGIN, BEGIN[1:]):
        follow[b:e - 1] = token[b + 1:e]
        rows += [i for i in range(b, e - 1) if (i + 1) % 3 != 0]
        ahead += [i for i in range(b, e - 2) if (i + 2) % 3 != 0]
    balance = 0
    h = w["token_embd.weight"][token]
    for i in range(C["n_layers"]):
        h, more = layer(w, i, h, position, doc, routing)
        balance = balance + more
    h = norm(h, w["output_norm.weight"])
    rows, ahead = torch.tensor(rows), torch.tensor(ahead)
    logits = F.linear(h, w["output.weight"])
    main = F.cross_entropy(logits[rows], token[rows + 1], reduction="sum")
    m = f"blk.{C['n_layers']}."
    joined = torch.cat((norm(w["token_embd.weight"][follow], w[m + "nextn.enorm.weight"]), norm(h, w[m + "nextn.hnorm.weight"])), -1)
    g, more = layer(w, C["n_layers"], F.linear(joined, w[m + "nextn.eh_proj.weight"]), position, doc, routing)
    g = norm(g, w[m + "nextn.shared_head_norm.weight"])
    mtp = F.cross_entropy(F.linear(g, w["output.weight"])[ahead], token[ahead + 2], reduction="sum")
    return main, mtp, SCALES["balance"] * (balance + more), logits


def gradients(w, token, routing):
    w = {k: v.clone().requires_grad_(not k.endswith("bias")) for k, v in w.items()}
    main, mtp, balance, logits = network(w, token, routing)
    (SCALES["main"] * main + SCALES["mtp"] * mtp + balance).backward()
    return {k: v.grad for k, v in w.items() if v.grad is not None}, torch.stack((main, mtp, balance)).detach(), logits.detach()


def grpo(w, token, low=0.2, high=0.28, kl=0.05):
    """Clipped ratios and the k3 estimate of the divergence, as TRL and the papers write them;
    weights that answered and reference are noise around the log probabilities of today."""
    rows = torch.tensor([i for b, e in zip(BEGIN, BEGIN[1:]) for i in range(b, e - 1) if (i + 1) % 3 != 0])
    w = {k: v.clone().requires_grad_(not k.endswith("bias")) for k, v in w.items()}
    now = network(w, token, {})[3].log_softmax(-1)[rows].gather(1, token[rows + 1][:, None])[:, 0]
    old, reference = (exact(now.detach() + 0.4 * torch.randn(len(rows))) for _ in range(2))
    advantage = exact(torch.randn(len(rows)) / len(rows))
    kl = exact(torch.tensor(kl / len(rows)))
    ratio, away = (now - old).exp(), reference - now
    loss = -torch.min(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage) + kl * (away.exp() - away - 1)
    loss.sum().backward()
    clipped = torch.where(advantage > 0, ratio > 1 + high, ratio < 1 - low).sum()
    out = {"clip.loss": loss.sum().detach(), "clip.old": old, "clip.reference": reference, "clip.advantage": advantage,
           "clip.kl": kl, "clip.clipped": clipped.double()}
    names = ("token_embd.weight", "output.weight", "output_norm.weight", "blk.0.attn_q_a.weight", "blk.1.ffn_gate_inp.weight")
    return out | {"clip.g." + k: w[k].grad for k in names}


def is_matrix(name):
    return not any(part in name for part in ("norm", "token_embd", "output.weight", "ffn_gate_inp")) or "attn_output" in name


def orthogonal(x):
    """As torch.optim.Muon, which does this in bfloat16."""
    flip = x.shape[-2] > x.shape[-1]
    x = x.mT if flip else x
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.mT if flip else x


def train(w, token, muon, lr=0.003, momentum=0.95, decay=0.1, beta=(0.9, 0.98), eps=1e-10, clip=1.0):
    w = {k: v.clone() for k, v in w.items()}
    rates = {k: lr * (2 / 3 if k == "output.weight" else 1 / 3 if "ffn_gate_inp" in k else 1) for k in w}
    moments = {k: torch.zeros_like(v) for k, v in w.items()}
    adamw = [torch.optim.AdamW([w[k]], lr=rates[k], betas=beta, eps=eps, weight_decay=decay if is_matrix(k) else 0)
             for k in w if not k.endswith("bias") and not (muon and is_matrix(k))]
    norms = []
    for _ in range(3):
        g, _, _ = gradients(w, token, {})
        norms.append(math.sqrt(sum((v ** 2).sum() for v in g.values())))
        g = {k: v * min(1, clip / norms[-1]) for k, v in g.items()}
        for k in g:
            w[k].grad = g[k]
            if muon and is_matrix(k):
                moments[k].lerp_(g[k], 1 - momentum)
                update = orthogonal(g[k].lerp(moments[k], momentum))
                w[k] = w[k] * (1 - lr * decay) - lr * 0.2 * math.sqrt(max(w[k].shape[-2:])) * update
        for optimizer in adamw:
            optimizer.step()
    return w, torch.tensor(norms)


def main():
    w = make_weights()
    token = torch.randint(C["V"], (BEGIN[-1],))
    g, losses, logits = gradients(w, token, {})
    out = {"w." + k: v for k, v in w.items()}
    out |= {"g." + k: v for k, v in g.items()}
    out |= {"losses": losses, "logits": logits[:20]}
    for name, muon in (("adamw", False), ("muon", True)):
        after, norms = train(w, token, muon)
        out |= {f"{name}.{k}": v for k, v in after.items() if not k.endswith("bias")}
        out[name + "_norms"] = norms
    out |= grpo(w, token)
    out = {k: v.float().reshape(v.shape or (1,)).contiguous() for k, v in out.items()}
    save_file({**out, "tokens": token.to(torch.int32)}, sys.argv[1])
    print(losses, sum(v.numel() for v in w.values()), "weights")


main()
