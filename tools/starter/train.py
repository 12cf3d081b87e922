"""Trains and exports the starter model: python tools/starter/train.py --out assets/tiefsee-mini.gguf

The same seed gives the same model on the same machine. --minutes caps the time (two cores); a cap that bites shortens the schedule.
"""

import argparse
import json
import math
import multiprocessing
import os
import random
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np
import torch
import torch.nn.functional as F
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from model import CONFIG, Model
from tasks import SPECIALS, dialogue

SEED = 20261124
PATTERNS = [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
            r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"
            r"\s*[\r\n]+|\s+(?!\S)|\s+"]


def make_tokenizer():
    """Byte-level BPE with DeepSeek-V3's pieces. Digits are split one by one while merges are learned, so that no merge has a digit."""
    splits = [pre_tokenizers.Split(Regex(p), "isolated") for p in PATTERNS]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True)] + splits + [byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    rng = random.Random(f"{SEED}:tokenizer")
    corpus = []
    for _ in range(20000):
        d = dialogue(rng, thinking=True)
        corpus += [d.question, d.trace, d.answer, d.system]
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=CONFIG["vocab_size"], special_tokens=SPECIALS, show_progress=False,
                                                              initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(splits + [byte_level])
    assert tokenizer.get_vocab_size() == CONFIG["vocab_size"]
    return tokenizer


def batches(tokenizer, step, dialogues, parts=6):
    """One step's dialogues, sorted by length into parts: (ids, mask of the positions whose next token is learned, those tokens)."""
    rng = random.Random(f"{SEED}:{step}")
    pairs = []
    for _ in range(dialogues):
        d = dialogue(rng)
        pairs.append([tokenizer.encode(text, add_special_tokens=False).ids for text in (d.prompt(), d.completion())])
    pairs.sort(key=lambda pair: len(pair[0]) + len(pair[1]))
    cuts = [round(dialogues * (1 - (1 - i / parts) ** 1.5)) for i in range(parts + 1)]  # fewer of the long ones to a part
    for start, end in zip(cuts, cuts[1:]):
        part = pairs[start:end]
        width = max(len(p) + len(c) for p, c in part)
        ids = torch.full((len(part), width), CONFIG["pad_token_id"])
        learned = torch.zeros(len(part), width, dtype=torch.bool)
        for row, (prompt, completion) in enumerate(part):
            ids[row, :len(prompt) + len(completion)] = torch.tensor(prompt + completion)
            learned[row, len(prompt):len(prompt) + len(completion)] = True
        yield ids[:, :-1], learned[:, 1:], ids[:, 1:][learned[:, 1:]]


def gradients(model, gates, tokenizer, step, dialogues, worker):
    """Computes one of the two workers' share of a step; returns the share of the mean loss and the experts' loads."""
    parts = list(batches(tokenizer, step, dialogues))
    count, work, total = sum(len(targets) for _, _, targets in parts), [0, 0], 0.0
    for ids, learned, targets in sorted(parts, key=lambda part: -part[0].numel()):
        turn = 0 if work[0] <= work[1] else 1
        work[turn] += ids.numel()
        if turn == worker:
            loss = F.cross_entropy(model(ids, keep=learned), targets, reduction="sum") / count
            loss.backward()
            total += loss.item()
    loads = torch.stack([gate.load.clone() for gate in gates])
    for gate in gates:
        gate.load.zero_()
    return total, loads


def second_worker(model, gates, tokenizer, dialogues, shared, pipe, near_end):
    """The other core: a process that shares the weights and leaves its gradients in shared memory."""
    near_end.close()  # so that recv() fails when the first process is gone
    torch.set_num_threads(1)
    while (step := pipe.recv()) is not None:
        total, loads = gradients(model, gates, tokenizer, step, dialogues, 1)
        for into, p in zip(shared, model.parameters()):
            into.copy_(p.grad) if p.grad is not None else into.zero_()
            p.grad = None
        pipe.send((total, loads, time.process_time()))


class Muon:
    """Momentum, made orthogonal by five Newton-Schulz steps; a 3-D parameter is a stack of matrices."""

    def __init__(self, parameters):
        self.parameters = list(parameters)
        self.momentum = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self, lr, decay=0.1):
        for p, m in zip(self.parameters, self.momentum):
            m.lerp_(p.grad, 0.05)
            x = p.grad.lerp(m, 0.95)
            tall = x.shape[-2] > x.shape[-1]
            x = x.mT if tall else x
            x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
            for _ in range(5):
                gram = x @ x.mT
                x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
            x = x.mT if tall else x
            p.mul_(1 - lr * decay).add_(x, alpha=-lr * max(1, x.shape[-2] / x.shape[-1]) ** 0.5)


def export(state, tokenizer, path):
    """Writes the weights as GGUF: matrices Q8_0, norms and router F32; names and keys as llama.cpp's deepseek2."""
    c, w = CONFIG, GGUFWriter(path, "deepseek2")
    w.add_name("Tiefsee mini")
    w.add_license("MIT")
    w.add_description("Adds, subtracts and converts units; V3 architecture in small, trained by tools/starter/train.py")
    w.add_file_type(7)
    w.add_quantization_version(2)
    w.add_custom_alignment(32)
    w.add_block_count(c["num_hidden_layers"])
    w.add_context_length(c["max_position_embeddings"])
    w.add_embedding_length(c["hidden_size"])
    w.add_feed_forward_length(c["intermediate_size"])
    w.add_leading_dense_block_count(c["first_k_dense_replace"])
    w.add_vocab_size(c["vocab_size"])
    w.add_head_count(c["num_attention_heads"])
    w.add_head_count_kv(1)
    w.add_q_lora_rank(c["q_lora_rank"])
    w.add_kv_lora_rank(c["kv_lora_rank"])
    w.add_key_length(c["kv_lora_rank"] + c["qk_rope_head_dim"])
    w.add_value_length(c["kv_lora_rank"])
    w.add_key_length_mla(c["qk_nope_head_dim"] + c["qk_rope_head_dim"])
    w.add_value_length_mla(c["v_head_dim"])
    w.add_layer_norm_rms_eps(c["rms_norm_eps"])
    w.add_rope_dimension_count(c["qk_rope_head_dim"])
    w.add_rope_freq_base(c["rope_theta"])
    w.add_expert_feed_forward_length(c["moe_intermediate_size"])
    w.add_expert_count(c["n_routed_experts"])
    w.add_expert_used_count(c["num_experts_per_tok"])
    w.add_expert_shared_count(c["n_shared_experts"])
    w.add_expert_group_count(c["n_group"])
    w.add_expert_group_used_count(c["topk_group"])
    w.add_expert_weights_scale(c["routed_scaling_factor"])
    w.add_expert_weights_norm(c["norm_topk_prob"])
    w.add_uint32("deepseek2.expert_gating_func", 2)
    w.add_string("tiefsee.encoding", "deepseek-v3.1")
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("deepseek-v3")
    tokens = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    w.add_token_list(tokens)
    w.add_token_types([3 if token in SPECIALS else 1 for token in tokens])
    w.add_token_merges([" ".join(pair) for pair in merges(tokenizer)])
    w.add_bos_token_id(c["bos_token_id"])
    w.add_eos_token_id(c["eos_token_id"])
    w.add_pad_token_id(c["pad_token_id"])
    w.add_add_bos_token(True)
    w.add_add_eos_token(False)

    def put(name, tensor):
        data = np.ascontiguousarray(tensor.float().numpy())
        if data.ndim < 2 or "ffn_gate_inp" in name:
            w.add_tensor(name, data)
        else:
            w.add_tensor(name, quantize(data, GGMLQuantizationType.Q8_0), raw_dtype=GGMLQuantizationType.Q8_0)

    put("token_embd.weight", state["model.embed_tokens.weight"])
    put("output_norm.weight", state["model.norm.weight"])
    put("output.weight", state["lm_head.weight"])
    for i in range(c["num_hidden_layers"]):
        source, target = f"model.layers.{i}.", f"blk.{i}."
        for old, new in PLAIN.items():
            if source + old + ".weight" in state:
                put(target + new + ".weight", state[source + old + ".weight"])
        kv_b = state[source + "self_attn.kv_b_proj.weight"].view(c["num_attention_heads"], -1, c["kv_lora_rank"])
        put(target + "attn_k_b.weight", kv_b[:, :c["qk_nope_head_dim"]].transpose(1, 2))
        put(target + "attn_v_b.weight", kv_b[:, c["qk_nope_head_dim"]:])
        if i >= c["first_k_dense_replace"]:
            gate, up = state[source + "mlp.experts.gate_up_proj"].chunk(2, 1)
            put(target + "ffn_gate_exps.weight", gate)
            put(target + "ffn_up_exps.weight", up)
            put(target + "ffn_down_exps.weight", state[source + "mlp.experts.down_proj"])
            put(target + "exp_probs_b.bias", state[source + "mlp.gate.e_score_correction_bias"])
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


PLAIN = {"input_layernorm": "attn_norm", "self_attn.q_a_proj": "attn_q_a", "self_attn.q_a_layernorm": "attn_q_a_norm",
         "self_attn.q_b_proj": "attn_q_b", "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa", "self_attn.kv_a_layernorm": "attn_kv_a_norm",
         "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down", "mlp.gate": "ffn_gate_inp", "mlp.shared_experts.gate_proj": "ffn_gate_shexp",
         "mlp.shared_experts.up_proj": "ffn_up_shexp", "mlp.shared_experts.down_proj": "ffn_down_shexp"}


def merges(tokenizer):
    pairs = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in pairs]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="assets/tiefsee-mini.gguf")
    parser.add_argument("--minutes", type=float, default=40, help="training time at most, in CPU minutes / 2")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--dialogues", type=int, default=64, help="per step")
    parser.add_argument("--lr", type=float, default=0.02, help="of Muon; AdamW has 0.15 of it")
    parser.add_argument("--work", default="build/starter", help="folder of the checkpoint")
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    checkpoint = os.path.join(args.work, "checkpoint.pt")
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    tokenizer_file = os.path.join(args.work, "tokenizer.json")
    if args.resume:
        tokenizer = Tokenizer.from_file(tokenizer_file)
    else:
        tokenizer = make_tokenizer()
        tokenizer.save(tokenizer_file)
    model = Model()
    named = dict(model.named_parameters())
    hidden = [p for n, p in named.items() if p.ndim >= 2 and "layers" in n and ".gate.weight" not in n]
    rest = [p for p in named.values() if all(p is not h for h in hidden)]
    muon, adam = Muon(hidden), torch.optim.AdamW(rest, betas=(0.9, 0.98), weight_decay=0.0)
    gates = [layer.mlp.gate for layer in model.model.layers if hasattr(layer.mlp, "gate")]
    average = {n: t.clone() for n, t in model.state_dict().items()}
    step, used = 0, 0.0
    if args.resume:
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        adam.load_state_dict(saved["adam"])
        muon.momentum, average, step, used = saved["muon"], saved["average"], saved["step"], saved["used"]
    print(f"{sum(p.numel() for p in named.values())} parameters", flush=True)
    model.share_memory()
    shared = [torch.zeros_like(p).share_memory_() for p in named.values()]
    pipe, far_end = multiprocessing.Pipe()
    worker = multiprocessing.Process(target=second_worker, daemon=True,
                                     args=(model, gates, tokenizer, args.dialogues, shared, far_end, pipe))
    worker.start()
    before, wall = time.process_time() - used, time.time()
    running = float("nan")
    while step < args.steps and used < args.minutes * 120:
        progress = max(step / args.steps, used / (args.minutes * 120))
        scale = min(1, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        pipe.send(step)
        total, loads = gradients(model, gates, tokenizer, step, args.dialogues, 0)
        more, more_loads, worker_time = pipe.recv()
        total, loads = total + more, loads + more_loads
        for p, other in zip(named.values(), shared):
            p.grad = other.clone() if p.grad is None else p.grad.add_(other)
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        for group in adam.param_groups:
            group["lr"] = args.lr * 0.15 * scale
        adam.step()
        muon.step(args.lr * scale)
        model.zero_grad(set_to_none=True)
        for gate, load in zip(gates, loads):  # balancing without a loss: raise the bias of experts that got too little
            gate.e_score_correction_bias += 0.002 * scale * torch.sign(load.mean() - load)
        worst = (loads.amax(1) / loads.mean(1)).max()
        keep = min(0.995, 1 - 1 / (step + 1))
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                average[name].lerp_(tensor, 1 - keep)
        step += 1
        used = time.process_time() + worker_time - before
        running = total if running != running else running + 0.05 * (total - running)
        if step % 50 == 0:
            print(f"step {step} loss {running:.4f} lr {args.lr * scale:.4f} worst load {worst:.2f} "
                  f"cpu {used / 60:.1f} min wall {(time.time() - wall) / 60:.1f} min", flush=True)
        if step % 100 == 0 or step == args.steps:
            torch.save(dict(model=model.state_dict(), adam=adam.state_dict(), muon=muon.momentum, average=average, step=step, used=used),
                       checkpoint + ".new")
            os.replace(checkpoint + ".new", checkpoint)
    print(f"done: {step} steps, {used / 60:.1f} CPU minutes, loss {running:.4f}", flush=True)
    pipe.send(None)
    worker.join()
    export(average, tokenizer, args.out)


if __name__ == "__main__":
    main()
