#!/usr/bin/env python3
"""Model files in other types: what is written says what was read.

    test_quantize.py PATH_OF_TIEFSEE

Each conformance fixture becomes a GGUF file of float32 weights, whose logits must be
those of the fixture; other types are held to looser bounds on the trained model."""
import array
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

TIEFSEE = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "conformance" / "fixtures"
MINI = ROOT / "assets" / "tiefsee-mini.gguf"
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="tiefsee-quantize-"))
LIMIT_S = 300

# YaRN with an amplitude or without rounding of its range: the format has no key for it.
UNSPEAKABLE = {"qwen3-yarn-hf5", "v2lite-mscale-hf5", "v3-mscale-fused", "v3-noq-bf16"}


def run(*arguments, stdin=b""):
    return subprocess.run([TIEFSEE, *map(str, arguments)], input=stdin, capture_output=True,
                          timeout=LIMIT_S, env={**os.environ, "HOME": str(FOLDER)})


def logits(model):
    ids, out = FOLDER / "ids.txt", FOLDER / "out.f32"
    ids.write_text(" ".join(str(i * 7 % 50 + 1) for i in range(24)))
    result = run("logits", model, "--tokens", ids, "--out", out, "--precise")
    assert result.returncode == 0, result.stderr
    values = array.array("f")
    values.frombytes(out.read_bytes())
    return values


def difference(a, b):
    assert len(a) == len(b) > 0
    return max(abs(x - y) for x, y in zip(a, b))


def fused_experts(name):
    folder = FOLDER / name
    shutil.copytree(FIXTURES / "v3-mscale-fused", folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    rope = config.get("rope_parameters") or config["rope_scaling"]
    rope["mscale"] = rope["mscale_all_dim"] = 1.0
    path.write_text(json.dumps(config))
    return folder


def model_in(folder):
    return next(iter(sorted(folder.glob("*.gguf"))), folder)


class Fixtures(unittest.TestCase):
    def same(self, model, bound):
        copy = FOLDER / "copy.gguf"
        result = run("quantize", model, copy, "--type", "f32")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLess(difference(logits(model), logits(copy)), bound)

    def test_float32_weights_say_the_same(self):
        names = [f for f in sorted(FIXTURES.iterdir())
                 if f.is_dir() and f.name != "quant_blocks" and f.name not in UNSPEAKABLE]
        self.assertGreater(len(names), 25)
        for folder in names:
            with self.subTest(folder.name):
                # Keys and values apart are added up in another order than together.
                self.same(model_in(folder), 1e-6 if "gguf" in folder.name else 1e-4)

    def test_fused_experts_come_apart(self):
        self.same(fused_experts("fused"), 1e-4)

    def test_an_expert_beside_fused_ones_is_refused(self):
        folder = fused_experts("both")
        path = folder / "model.safetensors"
        file = path.read_bytes()
        (n,) = struct.unpack_from("<Q", file)
        table, data = json.loads(file[8:8 + n]), file[8 + n:]
        name = next(k for k in table if k.endswith("mlp.experts.down_proj"))
        begin, end = table[name]["data_offsets"]
        n_experts, *shape = table[name]["shape"]
        one = data[begin:begin + (end - begin) // n_experts]
        table[name.replace("down_proj", f"{n_experts - 1}.down_proj.weight")] = {
            "dtype": table[name]["dtype"], "shape": shape,
            "data_offsets": [len(data), len(data) + len(one)]}
        text = json.dumps(table).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + data + one)
        result = run("quantize", folder, FOLDER / "refused.gguf", "--type", "f32")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertRegex(result.stderr.decode(), r"^tiefsee: .*all of them in one\n$")

    def test_rows_that_are_no_whole_heads_are_refused(self):
        folder = FOLDER / "crooked"
        shutil.copytree(FIXTURES / "llama3-f32", folder)
        path = folder / "config.json"
        config = json.loads(path.read_text())
        config["head_dim"] = 10
        path.write_text(json.dumps(config))
        result = run("quantize", folder, FOLDER / "crooked.gguf", "--type", "f32")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertRegex(result.stderr.decode(), r"^tiefsee: .*heads of 10\n$")

    def test_the_old_alignment_stays_behind(self):
        # The copy's tensors lie 32 bytes apart, whatever the old file's did.
        model, copy = ROOT / "tests" / "fuzz" / "corpus" / "gguf" / "llama_v2", FOLDER / "copy.gguf"
        self.assertIn(b"general.alignment", model.read_bytes())
        result = run("quantize", model, copy, "--type", "f32")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn(b"general.alignment", copy.read_bytes())

    def test_what_the_format_cannot_say_is_refused(self):
        for name in sorted(UNSPEAKABLE):
            out = FOLDER / "refused.gguf"
            result = run("quantize", FIXTURES / name, out, "--type", "f32")
            self.assertEqual(result.returncode, 1, name)
            self.assertRegex(result.stderr.decode(), r"^tiefsee: .*rotary scaling\n$")
            self.assertFalse(out.exists())


class Types(unittest.TestCase):
    def test_every_type_answers(self):
        for kind in ("q8_0", "q6_k", "q5_0", "q4_0", "iq4_nl", "mxfp4", "f16", "bf16"):
            out = FOLDER / f"{kind}.gguf"
            result = run("quantize", MINI, out, "--type", kind)
            self.assertEqual(result.returncode, 0, result.stderr)
            answer = run("run", out, "-p", "12+30", "--temp", "0", "-n", "200")
            self.assertEqual(answer.returncode, 0, answer.stderr)
            if kind in ("q8_0", "f16", "bf16"):
                self.assertIn(b"42", answer.stdout)

    def test_threads_change_no_byte(self):
        files = []
        for n in (1, 3):
            path = FOLDER / f"threads{n}.gguf"
            self.assertEqual(run("quantize", MINI, path, "--type", "q4_0", "-t", n).returncode, 0)
            files.append(path.read_bytes())
        self.assertEqual(*files)

    def test_mistakes_are_one_line_and_leave_the_old_file(self):
        old = FOLDER / "old.gguf"
        old.write_text("old")
        for arguments, code, part in (((MINI, old, "--type", "q9"), 1, "q4_k"),
                                      (("/no/such", old), 3, "/no/such"),
                                      ((MINI, "/no/such/folder/x.gguf"), 1, "/no/such/folder"),
                                      ((MINI,), 2, "OUT")):
            result = run("quantize", *arguments)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertRegex(result.stderr.decode(), r"^tiefsee: .*\n$")
            self.assertIn(part, result.stderr.decode())
        self.assertEqual(old.read_text(), "old")
        self.assertEqual([p.name for p in FOLDER.glob("*.tmp")], [])


if __name__ == "__main__":
    try:
        unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
