"""Judges an exported starter model: against transformers' DeepseekV3ForCausalLM, and by its greedy answers to held-out questions.

python tools/starter/check.py assets/tiefsee-mini.gguf --hf --questions tests/conformance/starter/questions.jsonl
python tools/starter/check.py assets/tiefsee-mini.gguf --fixtures tests/conformance/starter      writes the held-out files
python tools/starter/check.py assets/tiefsee-mini.gguf --ask "what is 12 plus 30"
"""

import argparse
import collections
import json
import os
import random

import torch
import torch.nn.functional as F
from gguf import GGUFReader
from gguf.quants import dequantize
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from model import CONFIG, Model
from tasks import ASSISTANT, BOS, END_THINK, SPECIALS, THINK, USER, Dialogue, arithmetic, conversion, dialogue
from train import PATTERNS, PLAIN


def load(path):
    """Weights (dequantised, under their Hugging Face names) and tokenizer, both from nothing but the GGUF file."""
    reader = GGUFReader(path)
    raw = {t.name: torch.from_numpy(dequantize(t.data, t.tensor_type).copy()).float() for t in reader.tensors}
    state = {"model.embed_tokens.weight": raw["token_embd.weight"], "model.norm.weight": raw["output_norm.weight"],
             "lm_head.weight": raw["output.weight"]}
    for i in range(CONFIG["num_hidden_layers"]):
        source, target = f"blk.{i}.", f"model.layers.{i}."
        for new, old in PLAIN.items():
            if source + old + ".weight" in raw:
                state[target + new + ".weight"] = raw[source + old + ".weight"]
        kv_b = torch.cat((raw[source + "attn_k_b.weight"].transpose(1, 2), raw[source + "attn_v_b.weight"]), 1)
        state[target + "self_attn.kv_b_proj.weight"] = kv_b.flatten(0, 1)
        if source + "ffn_gate_exps.weight" in raw:
            state[target + "mlp.experts.gate_up_proj"] = torch.cat((raw[source + "ffn_gate_exps.weight"], raw[source + "ffn_up_exps.weight"]), 1)
            state[target + "mlp.experts.down_proj"] = raw[source + "ffn_down_exps.weight"]
            state[target + "mlp.gate.e_score_correction_bias"] = raw[source + "exp_probs_b.bias"]
    field = {name: reader.fields["tokenizer.ggml." + name].contents() for name in ("tokens", "token_type", "merges")}
    vocab = {token: i for i, token in enumerate(field["tokens"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[tuple(merge.split(" ")) for merge in field["merges"]]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(p), "isolated") for p in PATTERNS]
                                                      + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token, kind in zip(field["tokens"], field["token_type"]) if kind == 3])
    return state, tokenizer


def round_activations(model):
    """Rounds every linear layer's input to int8 in blocks of 32, as an engine with integer dot products does."""
    def rounded(x):
        blocks = x.unflatten(-1, (-1, 32))
        scale = blocks.abs().amax(-1, keepdim=True).clamp(min=1e-12) / 127
        return ((blocks / scale).round() * scale).flatten(-2)

    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(lambda _, inputs: (rounded(inputs[0]),))


def against_transformers(state, tokenizer):
    from transformers import DeepseekV3Config, DeepseekV3ForCausalLM
    keys = {k: v for k, v in CONFIG.items() if k != "rope_theta"}
    config = DeepseekV3Config(**keys, rope_parameters={"rope_type": "default", "rope_theta": CONFIG["rope_theta"]},
                              attn_implementation="eager")
    theirs, ours = DeepseekV3ForCausalLM(config).eval(), Model().eval()
    missing = theirs.load_state_dict(state, strict=False)
    assert not missing.unexpected_keys and not missing.missing_keys, missing
    ours.load_state_dict(state)
    rng, worst, tokens, same = random.Random("check"), 0.0, 0, 0
    with torch.no_grad():
        for _ in range(40):
            d = dialogue(rng)
            ids = torch.tensor([tokenizer.encode(d.prompt() + d.completion(), add_special_tokens=False).ids])
            a, b = theirs(ids).logits, ours(ids)
            worst = max(worst, (a - b).abs().max().item())
            same, tokens = same + (a.argmax(-1) == b.argmax(-1)).sum().item(), tokens + ids.numel()
    print(f"transformers: max abs logit difference {worst:.2e}, same top-1 {same}/{tokens}")


def answers(model, tokenizer, dialogues):
    """Greedy completions, equally long prompts together."""
    groups, out = collections.defaultdict(list), [None] * len(dialogues)
    for i, d in enumerate(dialogues):
        ids = tokenizer.encode(d.prompt(), add_special_tokens=False).ids
        groups[len(ids)].append((i, ids))
    for group in groups.values():
        for (i, _), row in zip(group, model.generate(torch.tensor([ids for _, ids in group]), limit=220)):
            text = tokenizer.decode(row, skip_special_tokens=False)
            out[i] = text.partition(END_THINK)[::2] if dialogues[i].thinking else ("", text)
    return out


def right(question, answer):
    """The answer must end in the expected value, as a word of its own."""
    return answer == question["a"] or answer.endswith(" " + question["a"])


def ask_held_out(model, tokenizer, path):
    questions = [json.loads(line) for line in open(path, encoding="utf-8")]
    for thinking in (True, False):
        score, wrong = collections.defaultdict(list), []
        got = answers(model, tokenizer, [Dialogue(q["q"], "", thinking=thinking) for q in questions])
        for q, (trace, answer) in zip(questions, got):
            score[q["kind"], q["lang"]].append(right(q, answer))
            if not right(q, answer):
                wrong.append((q["q"], q["a"], trace, answer))
        for key in sorted(score):
            print(f"thinking {'on ' if thinking else 'off'} {' '.join(key):12} {sum(score[key])}/{len(score[key])}")
        for item in wrong[:8] if thinking else wrong[:3]:
            print("  wrong:", item)


def perplexity(model, tokenizer, path):
    total, tokens = 0.0, 0
    with torch.no_grad():
        for line in open(path, encoding="utf-8"):
            ids = torch.tensor(tokenizer.encode(line.rstrip("\n"), add_special_tokens=False).ids)
            total += F.cross_entropy(model(ids[None])[0, :-1], ids[1:], reduction="sum").item()
            tokens += len(ids) - 1
    print(f"held-out text: {tokens} tokens, mean loss {total / tokens:.4f}, perplexity {torch.tensor(total / tokens).exp():.4f}")


def write_fixtures(folder, tokenizer_file):
    """Held-out questions and dialogues; their operand pairs and amounts are in no training dialogue (tasks.held_out)."""
    os.makedirs(folder, exist_ok=True)
    rng, seen, lines = random.Random("questions"), set(), []
    for kind, make, count in (("add", "+", 100), ("sub", "-", 100), ("convert", None, 30)):
        for lang in ("en", "de"):
            left = count
            while left:
                d = arithmetic(rng, lang, make, (2, 2), heldout=True) if make else conversion(rng, lang, heldout=True)
                if d.question in seen or "\n" in d.question:
                    continue
                seen.add(d.question)
                left -= 1
                lines.append(dict(q=d.question, a=d.answer.split(" = ")[1], kind=kind, lang=lang))
    with open(os.path.join(folder, "questions.jsonl"), "w", encoding="utf-8") as out:
        out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    rng, texts = random.Random("held out text"), []
    while len(texts) < 400:
        lang, which = rng.choice(["en", "de"]), rng.random()
        if which < 0.65:
            d = arithmetic(rng, lang, digits=(2, 2), heldout=True)
        elif which < 0.85:
            d = conversion(rng, lang, heldout=True)
        else:
            d = dialogue(rng)
            if d.kind not in ("chat", "other"):
                continue
        text = d.prompt() + d.completion()
        if "\n" not in text:
            texts.append(text)
    with open(os.path.join(folder, "heldout.txt"), "w", encoding="utf-8") as out:
        out.writelines(text + "\n" for text in texts)
    if tokenizer_file:
        Tokenizer.from_file(tokenizer_file).save(os.path.join(folder, "tokenizer.json"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--hf", action="store_true", help="compare with transformers")
    parser.add_argument("--questions")
    parser.add_argument("--text", help="perplexity of this file, one dialogue a line")
    parser.add_argument("--int8", action="store_true", help="round activations as an integer engine does")
    parser.add_argument("--fixtures", metavar="FOLDER", help="write the held-out files")
    parser.add_argument("--tokenizer", help="tokenizer.json of the training run, to keep beside them")
    parser.add_argument("--ask", nargs="*", default=[])
    parser.add_argument("--tensors", action="store_true")
    args = parser.parse_args()
    if args.tensors:
        for t in GGUFReader(args.model).tensors:
            print(f"{t.name:28} {t.tensor_type.name:5} {{{', '.join(map(str, t.shape))}}}")
    if args.fixtures:
        write_fixtures(args.fixtures, args.tokenizer)
    state, tokenizer = load(args.model)
    if args.hf:
        against_transformers(state, tokenizer)
    model = Model().eval()
    model.load_state_dict(state)
    if args.int8:
        round_activations(model)
    if args.questions:
        ask_held_out(model, tokenizer, args.questions)
    if args.text:
        perplexity(model, tokenizer, args.text)
    for question in args.ask:
        for thinking in (True, False):
            (trace, answer), = answers(model, tokenizer, [Dialogue(question, "", thinking=thinking)])
            print(f"> {question}\n  {'[' + trace + '] ' if thinking else ''}{answer}")


if __name__ == "__main__":
    main()
