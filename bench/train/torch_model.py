"""tiefsee's presets in PyTorch, to compare speed: the layers of deepseek_v3.py with the presets' sizes, attention by
scaled_dot_product_attention, no latent for queries where the preset has none, and a cache of fixed size for generation."""
import pathlib
import struct

import torch
import torch.nn.functional as F
from torch import nn

import deepseek_v3 as v3

# width, layers, heads, latents of queries and keys, dense, experts, active: src/train/presets.c
PRESETS = {"r-1m": (128, 4, 4, 0, 32, 320, 8, 2, 48), "r-5m": (192, 6, 6, 0, 48, 512, 16, 2, 64),
           "r-10m": (224, 8, 7, 96, 64, 640, 24, 3, 64), "r-16m": (256, 8, 8, 96, 64, 768, 32, 4, 64)}


def config(preset, n_vocab):
    d, layers, heads, q, kv, dense, experts, active, expert = PRESETS[preset]
    return dict(v3.CONFIG, vocab_size=n_vocab, hidden_size=d, num_hidden_layers=layers, num_attention_heads=heads,
                num_key_value_heads=heads, q_lora_rank=q, kv_lora_rank=kv, intermediate_size=dense, moe_intermediate_size=expert,
                n_routed_experts=experts, num_experts_per_tok=active, n_group=1, topk_group=1, max_position_embeddings=512)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.nope, self.rope, self.v, self.rank = (c["num_attention_heads"], c["qk_nope_head_dim"], c["qk_rope_head_dim"],
                                                               c["v_head_dim"], c["kv_lora_rank"])
        d, eps, keys = c["hidden_size"], c["rms_norm_eps"], self.heads * (self.nope + self.rope)
        if c["q_lora_rank"]:
            self.q_proj = nn.Sequential(v3.linear(d, c["q_lora_rank"]), v3.RMSNorm(c["q_lora_rank"], eps),
                                        v3.linear(c["q_lora_rank"], keys))
        else:
            self.q_proj = v3.linear(d, keys)
        self.kv_a_proj_with_mqa, self.kv_a_layernorm = v3.linear(d, self.rank + self.rope), v3.RMSNorm(self.rank, eps)
        self.kv_b_proj = v3.linear(self.rank, self.heads * (self.nope + self.v))
        self.o_proj = v3.linear(self.heads * self.v, d, 0.2)

    def forward(self, x, cos, sin, cache):
        batch, length, _ = x.shape
        q = self.q_proj(x).view(batch, length, self.heads, -1).transpose(1, 2)
        latent, k_rope = self.kv_a_proj_with_mqa(x).split([self.rank, self.rope], -1)
        kv = self.kv_b_proj(self.kv_a_layernorm(latent)).view(batch, length, self.heads, -1).transpose(1, 2)
        q = torch.cat((q[..., :self.nope], v3.Attention.rotate(q[..., self.nope:], cos, sin)), -1)
        k_rope = v3.Attention.rotate(k_rope, cos, sin)[:, None].expand(-1, self.heads, -1, -1)
        k, v = torch.cat((kv[..., :self.nope], k_rope), -1), kv[..., self.nope:]
        if cache is not None:  # (keys, values, how many): as long as the longest answer
            past = cache[2]
            cache[0][:, :, past:past + length], cache[1][:, :, past:past + length] = k, v
            k, v = cache[0][:, :, :past + length], cache[1][:, :, :past + length]
        out = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
        return self.o_proj(out.transpose(1, 2).flatten(2))


class Gate(v3.Gate):
    def forward(self, x):
        c = self.c
        scores = F.linear(x, self.weight).sigmoid()
        picks = (scores.detach() + self.e_score_correction_bias).topk(c["num_experts_per_tok"], -1)[1]
        weights = scores.gather(1, picks)
        return picks, weights / (weights.sum(-1, keepdim=True) + 1e-20) * c["routed_scaling_factor"]


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(v3.Layer(dict(c, q_lora_rank=1), i) for i in range(c["num_hidden_layers"]))
        for layer in self.layers:
            layer.self_attn = Attention(c)
            if hasattr(layer.mlp, "gate"):
                layer.mlp.gate = Gate(c)
        self.norm = v3.RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        self.head = v3.linear(c["hidden_size"], c["vocab_size"], 0.2)
        nn.init.normal_(self.embed.weight, std=0.05)
        half = c["qk_rope_head_dim"] // 2
        angles = torch.outer(torch.arange(c["max_position_embeddings"]).double(),
                             c["rope_theta"] ** (-torch.arange(half).double() / half))
        self.register_buffer("cos", angles.cos().float())
        self.register_buffer("sin", angles.sin().float())

    def forward(self, ids, caches=None):
        """The last layer's output, normalised: (sequences, length, width)."""
        past, length = caches[0][2] if caches else 0, ids.shape[1]
        x = self.embed(ids)
        for i, layer in enumerate(self.layers):
            x = layer(x, self.cos[past:past + length], self.sin[past:past + length], caches[i] if caches else None)
        return self.norm(x)

    @torch.no_grad()
    def sample(self, ids, n_new):
        """n_new tokens behind each of some equally long prompts, at a temperature of 1; nobody stops early."""
        c, batch = self.c, len(ids)
        room = ids.shape[1] + n_new
        caches = [[torch.empty(batch, c["num_attention_heads"], room, c["qk_nope_head_dim"] + c["qk_rope_head_dim"]),
                   torch.empty(batch, c["num_attention_heads"], room, c["v_head_dim"]), 0] for _ in self.layers]
        out = []
        for _ in range(n_new):
            logits = self.head(self(ids, caches)[:, -1])
            for cache in caches:
                cache[2] += ids.shape[1]
            ids = torch.multinomial(logits.softmax(-1), 1)
            out.append(ids)
        return torch.cat(out, 1)


def read_shard(path):
    """Documents as (tokens, learned): src/train/shard.h."""
    data = pathlib.Path(path).read_bytes()
    magic, size, n_vocab, n_tokens, n_docs = struct.unpack_from("<8sIIQQ", data)
    assert magic == b"tsshard1" and size == 2
    begin = 64 + 8 * (n_docs + 1)
    offset = torch.frombuffer(bytearray(data[64:begin]), dtype=torch.int64)
    token = torch.frombuffer(bytearray(data[begin:begin + 2 * n_tokens]), dtype=torch.int16).long() & 0xffff
    bits = torch.frombuffer(bytearray(data[begin + 2 * n_tokens:]), dtype=torch.uint8)
    learned = (bits[torch.arange(n_tokens) // 8] >> (torch.arange(n_tokens) % 8) & 1).bool()
    spans = list(zip(offset[:-1].tolist(), offset[1:].tolist()))
    return [(token[a:b], learned[a:b]) for a, b in spans], n_vocab
