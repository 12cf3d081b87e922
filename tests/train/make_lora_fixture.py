"""Writes tests/train/fixtures/lora-*: what PEFT and PyTorch say about adapters on the
small models of tests/conformance/fixtures.  Run with torch, transformers, peft and
safetensors:

    python tests/train/make_lora_fixture.py tests

Each folder is an adapter as PEFT saves it, and expected.safetensors: the tokens of two
conversations, which of them are learned, and from autograd in float64 the logits of the
first one, the sum of the losses and its gradients.  The tests need neither Python nor this
script.
"""

import os
import sys

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

MODELS = ["qwen2-f32", "qwen3-f32", "llama3-f32"]
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LENGTHS = [19, 41]
SCALE = 0.1  # of one token's loss


def exact(x):
    return x.float().double()


def make(tests, name):
    torch.manual_seed(20261125)
    base = AutoModelForCausalLM.from_pretrained(f"{tests}/conformance/fixtures/{name}", dtype=torch.float64,
                                                attn_implementation="eager")
    # Llama's adapter leaves some matrices out.
    targets = ALL if name != "llama3-f32" else ["q_proj", "k_proj", "down_proj"]
    model = get_peft_model(base, LoraConfig(r=3, lora_alpha=5, target_modules=targets, task_type="CAUSAL_LM"))
    parts = {n: p for n, p in model.named_parameters() if "lora_" in n}
    with torch.no_grad():
        for p in parts.values():
            p.copy_(exact(torch.randn_like(p) * 0.15))
    n_vocab = base.config.vocab_size
    tokens = torch.randint(0, n_vocab, (sum(LENGTHS),))
    learned = (torch.rand(sum(LENGTHS)) < 0.6).int()
    loss, logits, at = 0, [], 0
    for n in LENGTHS:
        doc = tokens[at:at + n]
        learned[at] = 0
        out = model(input_ids=doc[None]).logits[0]
        logits.append(out)
        for i in range(1, n):
            if learned[at + i]:
                loss = loss - F.log_softmax(out[i - 1], -1)[doc[i]]
        at += n
    (SCALE * loss).backward()
    folder = f"{tests}/train/fixtures/lora-{name.split('-')[0]}"
    os.makedirs(folder, exist_ok=True)
    out = {"tokens": tokens.int(), "lengths": torch.tensor(LENGTHS).int(), "learned": learned,
           "logits": logits[0].detach().float(), "loss": loss.detach().reshape(1).float()}
    for n, p in parts.items():
        out["grad." + n.replace(".default", "")] = p.grad.float()
    model = model.float()
    model.save_pretrained(folder)
    os.remove(f"{folder}/README.md")
    save_file(out, f"{folder}/expected.safetensors")
    print(name, loss.item())


for m in MODELS:
    make(sys.argv[1], m)
