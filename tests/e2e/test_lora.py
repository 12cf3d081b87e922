#!/usr/bin/env python3
"""Fine-tuning from outside: a small random model learns an answer; its adapter is used.

    test_lora.py PATH_OF_TIEFSEE

With torch, transformers and peft beside it (no machine needs them) PEFT judges too."""
import array
import importlib.util
import json
import math
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

TIEFSEE = os.path.abspath(sys.argv[1])
WORK = pathlib.Path(tempfile.mkdtemp(prefix="tiefsee-lora-"))
LIMIT_S = 200  # sanitized builds on a busy machine included
ANSWER = "The sea is deep."
SIZE = ("--rank", 8, "--lr", 0.01)


def environment():
    env = {"HOME": str(WORK), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TIEFSEE_CPU"):
        if name in os.environ:
            env[name] = os.environ[name]
    return env


def run(*arguments):
    return subprocess.run([TIEFSEE, *map(str, arguments)], capture_output=True, timeout=LIMIT_S,
                          env=environment(), stdin=subprocess.DEVNULL)


def write_model(folder, kind, d=64, n_layers=2, heads=4, groups=2, ff=96):
    """A Hugging Face folder of random weights with the tokenizer of train tokenizer."""
    rng = random.Random(kind)
    folder.mkdir()
    shutil.copy(WORK / "tokenizer.json", folder)
    vocab = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    ids = {t["content"]: t["id"] for t in vocab["added_tokens"]}
    n_vocab = max([*vocab["model"]["vocab"].values(), *ids.values()]) + 1
    names = {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    dh = d // heads
    (folder / "config.json").write_text(json.dumps({
        "architectures": [kind.capitalize() + "ForCausalLM"], "model_type": kind, "hidden_size": d,
        "hidden_act": "silu", "intermediate_size": ff, "num_hidden_layers": n_layers,
        "num_attention_heads": heads, "num_key_value_heads": groups, "head_dim": dh,
        "vocab_size": n_vocab, "max_position_embeddings": 256, "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0, "tie_word_embeddings": kind == "qwen2", "torch_dtype": "float32",
        "attention_bias": False, "mlp_bias": False,
        "bos_token_id": ids[names["bos_token"]], "eos_token_id": ids[names["eos_token"]]}))
    shapes = {"model.embed_tokens.weight": (n_vocab, d), "model.norm.weight": (d,)}
    if kind != "qwen2":
        shapes["lm_head.weight"] = (n_vocab, d)
    for i in range(n_layers):
        at = f"model.layers.{i}."
        for part, rows in (("q", d), ("k", groups * dh), ("v", groups * dh)):
            shapes[at + f"self_attn.{part}_proj.weight"] = (rows, d)
            if kind == "qwen2":
                shapes[at + f"self_attn.{part}_proj.bias"] = (rows,)
        shapes[at + "self_attn.o_proj.weight"] = (d, d)
        for part in ("gate", "up"):
            shapes[at + f"mlp.{part}_proj.weight"] = (ff, d)
        shapes[at + "mlp.down_proj.weight"] = (d, ff)
        for part in ("input_layernorm", "post_attention_layernorm"):
            shapes[at + part + ".weight"] = (d,)
    header, data, at = {}, bytearray(), 0
    for name, shape in shapes.items():
        n = math.prod(shape)
        if name.endswith("norm.weight"):
            values = [0.5 + rng.random() for _ in range(n)]
        else:
            values = [rng.gauss(0, 1) / math.sqrt(d) for _ in range(n)]
        data += struct.pack(f"<{n}f", *values)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + 4 * n]}
        at += 4 * n
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_chats(path, n=24, bad=()):
    with open(path, "w", encoding="utf-8") as f:
        for i in range(n):
            if i in bad:
                f.write('{"messages": [{"role": "user", "content": "no answer"}]}\n')
                continue
            answer = {"role": "assistant", "content": ANSWER}
            if i % 3 == 0:
                answer["reasoning_content"] = "Let me think."
            f.write(json.dumps({"messages": [{"role": "user", "content": f"Question {i}?"}, answer]}) + "\n")


def logits(model, *options):
    ids, out = WORK / "ids.txt", WORK / "out.f32"
    ids.write_text(" ".join(str(i * 7 % 50 + 1) for i in range(24)))
    result = run("logits", model, "--tokens", ids, "--out", out, "--precise", *options)
    assert result.returncode == 0, result.stderr
    values = array.array("f")
    values.frombytes(out.read_bytes())
    return values


def distance(a, b):
    assert len(a) == len(b) > 0
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b)) / sum(y * y for y in b))


def available_gib():
    lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / (1 << 20)


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "log.jsonl"}


def setUpModule():
    result = run("train", "tokenizer", "--out", WORK / "tokenizer.json", "--vocab", 600, "-n", 600)
    assert result.returncode == 0, result.stderr
    write_model(WORK / "qwen2", "qwen2")
    write_model(WORK / "llama", "llama")
    write_chats(WORK / "chats.jsonl")


class Lora(unittest.TestCase):
    def assert_ok(self, result):
        self.assertEqual(result.returncode, 0, result.stderr.decode())
        return result.stdout.decode()

    def assert_says(self, result, code, *parts):
        error = result.stderr.decode()
        self.assertEqual(result.returncode, code, error)
        for part in parts:
            self.assertIn(part, error)

    def train(self, model, out, *options, words=("train", "lora")):
        return run(*words, model, "--data", WORK / "chats.jsonl", "--out", WORK / out, *SIZE, *options)

    def test_the_answer_is_learned_and_the_adapter_gives_it(self):
        self.assert_says(self.train(WORK / "qwen2", "learned", "--steps", 100, "--save-every", 50,
                                    "--held-out", 10), 0,
                         "2 held out", "this machine can give", "step 0  held-out loss", "step 100  held-out loss")
        log = [json.loads(line) for line in (WORK / "learned" / "log.jsonl").read_text().splitlines()]
        self.assertEqual([line["step"] for line in log], list(range(1, 101)))
        self.assertLess(log[-1]["loss"], 0.2 * log[0]["loss"])
        self.assertLess(log[-1]["held_out"], 0.3 * log[0]["loss"])
        question = ("-p", "Question 3?", "--temp", "0", "-n", "30", "--no-think")
        self.assertNotIn(ANSWER, self.assert_ok(run("run", WORK / "qwen2", *question)))
        self.assertIn(ANSWER, self.assert_ok(run("run", WORK / "qwen2", *question, "--lora", WORK / "learned")))
        # Quantised, the base keeps its types and the adapter fits.
        q8 = WORK / "qwen2-q8.gguf"
        self.assert_ok(run("quantize", WORK / "qwen2", q8, "--type", "q8_0"))
        self.assertIn(ANSWER, self.assert_ok(run("run", q8, *question, "--lora", WORK / "learned")))
        self.assert_says(run("run", WORK / "llama", *question, "--lora", WORK / "learned"), 3,
                         "made for another base model")

    def test_a_killed_run_ends_with_the_same_bits(self):
        options = ("--steps", 12, "--save-every", 4)
        self.assert_says(self.train(WORK / "qwen2", "whole", *options), 0)
        process = subprocess.Popen(
            [TIEFSEE, "train", "lora", WORK / "qwen2", "--data", WORK / "chats.jsonl", "--out", WORK / "cut",
             *map(str, (*SIZE, *options))], env=environment(), stderr=subprocess.DEVNULL)
        give_up = time.monotonic() + LIMIT_S
        while not (WORK / "cut" / "checkpoint.bin").exists() and process.poll() is None and time.monotonic() < give_up:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assert_says(self.train(WORK / "qwen2", "cut", *options, "--resume", "--threads", 3), 0)
        self.assertTrue(files(WORK / "whole") == files(WORK / "cut"))  # no diff of binary files
        self.assert_says(self.train(WORK / "qwen2", "cut"), 1, "is there already")
        self.assert_says(self.train(WORK / "llama", "cut", "--resume"), 1, "another model")

    def test_a_gguf_file_of_llama_gives_the_published_order(self):
        gguf = WORK / "llama.gguf"
        self.assert_ok(run("quantize", WORK / "llama", gguf, "--type", "f32"))
        for model, out in ((WORK / "llama", "of-folder"), (gguf, "of-gguf")):
            self.assert_says(self.train(model, out, "--steps", 6, "--lora", words=("train", "sft")), 0)
        plain = logits(WORK / "llama")
        adapted = logits(WORK / "llama", "--lora", WORK / "of-folder")
        self.assertGreater(distance(adapted, plain), 0.1)
        self.assertLess(distance(logits(gguf, "--lora", WORK / "of-folder"), adapted), 1e-4)
        self.assertLess(distance(logits(WORK / "llama", "--lora", WORK / "of-gguf"),
                                 logits(gguf, "--lora", WORK / "of-gguf")), 1e-4)

    def test_an_adapter_becomes_a_part_of_the_file(self):
        for kind in ("qwen2", "llama"):
            folder, gguf, adapter = WORK / kind, WORK / (kind + "-plain.gguf"), WORK / ("part-" + kind)
            self.assert_says(self.train(folder, adapter.name, "--steps", 6), 0)
            self.assert_ok(run("quantize", folder, gguf, "--type", "f32"))
            expected = logits(folder, "--lora", adapter)
            self.assertGreater(distance(logits(folder), expected), 0.05)
            for base in (folder, gguf):
                for type_name, limit in (("f32", 1e-5), ("q8_0", 0.05)):
                    merged = WORK / "merged.gguf"
                    self.assert_ok(run("quantize", base, merged, "--type", type_name, "--lora", adapter))
                    self.assertLess(distance(logits(merged), expected), limit, (kind, base, type_name))
        self.assert_says(run("quantize", WORK / "llama", WORK / "no.gguf", "--lora", WORK / "part-qwen2"), 3,
                         "made for another base model")
        self.assertFalse((WORK / "no.gguf").exists())

    def test_bad_lines_have_a_number(self):
        write_chats(WORK / "bad.jsonl", bad=(1, 5))
        arguments = ("train", "lora", WORK / "qwen2", "--data", WORK / "bad.jsonl", "--out", WORK / "bad")
        self.assert_says(run(*arguments), 1, "bad.jsonl: line 2: the last message is no answer")
        self.assert_says(run(*arguments, "--skip-bad", "--plan"), 0, "22 conversations", "2 bad lines")
        self.assertFalse((WORK / "bad").exists())

    def test_what_does_not_fit_is_refused_with_the_arithmetic(self):
        if available_gib() < 50:  # the sum is about 65 GiB; a larger machine would just do it
            self.assert_says(self.train(WORK / "qwen2", "large", "--rank", 1024, "--pass", 1 << 20), 1,
                             "MiB of activations and scratch = ", "this machine can give")
        # A rank beyond every width of the model is odd, but no harm.
        self.assert_says(self.train(WORK / "qwen2", "wide", "--rank", 200, "--steps", 1), 0)
        self.assert_says(self.train(WORK / "qwen2", "none", "--targets", "q_proj,lm_head"), 2, "q_proj,lm_head")
        self.assert_says(self.train(WORK / "qwen2", "none", "--max-length", 3), 1, "answers too long for 3 tokens")

    @unittest.skipUnless(importlib.util.find_spec("peft"), "PEFT is not installed")
    def test_peft_says_the_same(self):
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM
        for kind in ("qwen2", "llama"):
            self.assert_says(self.train(WORK / kind, "judged-" + kind, "--steps", 6), 0)
            base = AutoModelForCausalLM.from_pretrained(WORK / kind, dtype=torch.float32)
            model = PeftModel.from_pretrained(base, WORK / ("judged-" + kind))
            with torch.no_grad():
                theirs = model(torch.tensor([[i * 7 % 50 + 1 for i in range(24)]])).logits.flatten().tolist()
            ours = logits(WORK / kind, "--lora", WORK / ("judged-" + kind))
            self.assertLess(distance(ours, theirs), 1e-4)
            self.assertGreater(distance(logits(WORK / kind), theirs), 0.05)


def tearDownModule():
    shutil.rmtree(WORK, ignore_errors=True)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
