"""DeepSeek-V3 in small, for training on a CPU: MLA, one leading dense layer, shared and routed experts, bias routing in groups.

Parameter names are those of Hugging Face's DeepseekV3ForCausalLM, so state_dict() loads there unchanged.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

CONFIG = dict(vocab_size=1536, hidden_size=192, num_hidden_layers=4, num_attention_heads=6, num_key_value_heads=6, q_lora_rank=96,
              kv_lora_rank=64, qk_nope_head_dim=32, qk_rope_head_dim=16, v_head_dim=32, intermediate_size=384, moe_intermediate_size=64,
              n_routed_experts=8, n_shared_experts=1, num_experts_per_tok=2, n_group=4, topk_group=2, norm_topk_prob=True,
              routed_scaling_factor=1.5, first_k_dense_replace=1, rms_norm_eps=1e-6, rope_theta=10000.0, rope_interleave=True,
              max_position_embeddings=1024, tie_word_embeddings=False, hidden_act="silu", attention_bias=False,
              bos_token_id=0, eos_token_id=1, pad_token_id=2)


def linear(n_in, n_out, gain=1.0):
    layer = nn.Linear(n_in, n_out, bias=False)
    nn.init.normal_(layer.weight, std=0.5 * gain / math.sqrt(n_in))
    return layer


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.nope, self.rope, self.v, self.rank = (c["num_attention_heads"], c["qk_nope_head_dim"], c["qk_rope_head_dim"],
                                                               c["v_head_dim"], c["kv_lora_rank"])
        d, eps = c["hidden_size"], c["rms_norm_eps"]
        self.q_a_proj, self.q_a_layernorm = linear(d, c["q_lora_rank"]), RMSNorm(c["q_lora_rank"], eps)
        self.q_b_proj = linear(c["q_lora_rank"], self.heads * (self.nope + self.rope))
        self.kv_a_proj_with_mqa, self.kv_a_layernorm = linear(d, self.rank + self.rope), RMSNorm(self.rank, eps)
        self.kv_b_proj = linear(self.rank, self.heads * (self.nope + self.v))
        self.o_proj = linear(self.heads * self.v, d, 0.2)

    @staticmethod
    def rotate(x, cos, sin):  # interleaved pairs
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)

    def forward(self, x, cos, sin, mask, cache):
        batch, length, _ = x.shape
        q = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x))).view(batch, length, self.heads, -1).transpose(1, 2)
        latent, k_rope = self.kv_a_proj_with_mqa(x).split([self.rank, self.rope], -1)
        kv = self.kv_b_proj(self.kv_a_layernorm(latent)).view(batch, length, self.heads, -1).transpose(1, 2)
        q = torch.cat((q[..., :self.nope], self.rotate(q[..., self.nope:], cos, sin)), -1)
        k_rope = self.rotate(k_rope, cos, sin)[:, None].expand(-1, self.heads, -1, -1)
        k, v = torch.cat((kv[..., :self.nope], k_rope), -1), kv[..., self.nope:]
        if cache is not None:
            if self in cache:
                k, v = torch.cat((cache[self][0], k), 2), torch.cat((cache[self][1], v), 2)
            cache[self] = k, v
        scores = q @ k.transpose(-1, -2) / math.sqrt(self.nope + self.rope) + mask
        return self.o_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


class MLP(nn.Module):
    def __init__(self, d, inner):
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = linear(d, inner), linear(d, inner), linear(inner, d, 0.2)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Gate(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.weight = nn.Parameter(torch.randn(c["n_routed_experts"], c["hidden_size"]) * 0.02)
        self.register_buffer("e_score_correction_bias", torch.zeros(c["n_routed_experts"]))
        self.load = torch.zeros(c["n_routed_experts"])

    def forward(self, x):
        c = self.c
        scores = F.linear(x, self.weight).sigmoid()
        with torch.no_grad():
            biased = (scores + self.e_score_correction_bias).view(len(x), c["n_group"], -1)
            groups = biased.topk(2, -1)[0].sum(-1).topk(c["topk_group"], -1)[1]
            kept = torch.zeros(len(x), c["n_group"], dtype=torch.bool).scatter_(1, groups, True)
            picks = biased.masked_fill(~kept[..., None], -math.inf).flatten(1).topk(c["num_experts_per_tok"], -1)[1]
        weights = scores.gather(1, picks)
        return picks, weights / (weights.sum(-1, keepdim=True) + 1e-20) * c["routed_scaling_factor"]


class Experts(nn.Module):
    def __init__(self, c):
        super().__init__()
        n, d, inner = c["n_routed_experts"], c["hidden_size"], c["moe_intermediate_size"]
        self.gate_up_proj = nn.Parameter(torch.randn(n, 2 * inner, d) * 0.5 / math.sqrt(d))
        self.down_proj = nn.Parameter(torch.randn(n, d, inner) * 0.1 / math.sqrt(inner))


class MoE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate, self.experts = Gate(c), Experts(c)
        self.shared_experts = MLP(c["hidden_size"], c["moe_intermediate_size"] * c["n_shared_experts"])

    def forward(self, x):
        flat = x.flatten(0, 1)
        picks, weights = self.gate(flat)
        slots = picks.flatten()
        order = slots.argsort(stable=True)
        load = torch.bincount(slots, minlength=len(self.experts.down_proj))
        if self.training:
            self.gate.load += load
        rows = flat.index_select(0, order // picks.shape[1]).split(load.tolist())
        outs = []
        for rows_e, w_in, w_out in zip(rows, self.experts.gate_up_proj, self.experts.down_proj):
            gate, up = F.linear(rows_e, w_in).chunk(2, -1)
            outs.append(F.linear(F.silu(gate) * up, w_out))
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order))
        routed = torch.cat(outs).index_select(0, back).view(len(flat), picks.shape[1], -1)
        return ((routed * weights[..., None]).sum(1) + self.shared_experts(flat)).view_as(x)


class Layer(nn.Module):
    def __init__(self, c, index):
        super().__init__()
        d, eps = c["hidden_size"], c["rms_norm_eps"]
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(d, eps), RMSNorm(d, eps)
        self.self_attn = Attention(c)
        self.mlp = MLP(d, c["intermediate_size"]) if index < c["first_k_dense_replace"] else MoE(c)

    def forward(self, x, *args):
        x = x + self.self_attn(self.input_layernorm(x), *args)
        return x + self.mlp(self.post_attention_layernorm(x))


class Model(nn.Module):
    def __init__(self, c=CONFIG):
        super().__init__()
        self.c = c
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.model.layers = nn.ModuleList(Layer(c, i) for i in range(c["num_hidden_layers"]))
        self.model.norm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        self.lm_head = linear(c["hidden_size"], c["vocab_size"], 0.2)
        nn.init.normal_(self.model.embed_tokens.weight, std=0.05)
        half = c["qk_rope_head_dim"] // 2
        angles = torch.outer(torch.arange(c["max_position_embeddings"]).double(), c["rope_theta"] ** (-torch.arange(half).double() / half))
        self.cos, self.sin = angles.cos().float(), angles.sin().float()

    def forward(self, ids, keep=None, cache=None):
        """Logits of every position, or of the positions where keep (a mask) is true."""
        past = cache.get("length", 0) if cache is not None else 0
        length = ids.shape[1]
        mask = torch.full((length, past + length), -math.inf).triu(past + 1)
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x, self.cos[past:past + length], self.sin[past:past + length], mask, cache)
        if cache is not None:
            cache["length"] = past + length
        return self.lm_head(self.model.norm(x if keep is None else x[keep]))

    @torch.no_grad()
    def generate(self, ids, limit=200, eos=1):
        """Greedy continuations of equally long prompts, as lists without the end token."""
        cache, out, done = {}, [], torch.zeros(len(ids), dtype=torch.bool)
        while not done.all() and len(out) < limit:
            ids = self(ids, cache=cache)[:, -1].argmax(-1, keepdim=True)
            done |= ids[:, 0] == eos
            out.append(ids)
        rows = torch.cat(out, 1).tolist()
        return [row[:row.index(eos)] if eos in row else row for row in rows]
