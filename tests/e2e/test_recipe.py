#!/usr/bin/env python3
"""The recipe from outside: tokenizer, data, a few steps, export; and eval of what is there.

    test_recipe.py PATH_OF_TIEFSEE"""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

TIEFSEE = os.path.abspath(sys.argv[1])
WORK = pathlib.Path(tempfile.mkdtemp(prefix="tiefsee-recipe-"))
LIMIT_S = 200  # sanitized builds on a busy machine included


def environment():
    env = {"HOME": str(WORK), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TIEFSEE_CPU"):
        if name in os.environ:
            env[name] = os.environ[name]
    return env


def run(*arguments):
    return subprocess.run([TIEFSEE, *map(str, arguments)], capture_output=True, timeout=LIMIT_S,
                          env=environment(), stdin=subprocess.DEVNULL)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Case(unittest.TestCase):
    def assert_ok(self, result):
        self.assertEqual(result.returncode, 0, result.stderr.decode())
        return result.stdout.decode()

    def assert_error(self, result, code, *parts):
        error = result.stderr.decode()
        self.assertEqual(result.returncode, code, error)
        self.assertEqual(result.stdout, b"")
        self.assertEqual(error.count("\n"), 1, error)
        for part in ("tiefsee: ", *parts):
            self.assertIn(part, error)

    def folder(self, name):
        path = WORK / name
        path.mkdir()
        self.assert_ok(run("train", "tokenizer", "--out", path / "tokenizer.json", "--vocab", 600,
                           "-n", 600))
        return path


class Recipe(Case):
    def test_the_same_options_give_the_same_files(self):
        made = []
        for name in ("first", "second"):
            path = self.folder(name)
            self.assert_ok(run("train", "data", "--out", path, "-n", 20000, "--shard-tokens", 9000))
            self.assert_ok(run("train", "data", "--out", path, "-n", 5000, "--kind", "sft", "--jsonl"))
            made.append({p.name: digest(p) for p in path.iterdir()})
        self.assertEqual(made[0], made[1])
        self.assertEqual(sorted(made[0]), ["pretrain-000.shard", "pretrain-001.shard",
                                           "pretrain-002.shard", "sft.jsonl", "tokenizer.json"])

    def test_what_is_written_as_json_can_be_read(self):
        path = self.folder("json")
        self.assert_ok(run("train", "data", "--out", path, "-n", 50000, "--kind", "sft", "--jsonl",
                           "--max-length", 1024))
        lines = [json.loads(line) for line in (path / "sft.jsonl").read_text("utf-8").splitlines()]
        with_tools = [line for line in lines if line["family"] == "tools"]
        self.assertTrue(with_tools)
        self.assertTrue(all(line["tools"][0]["function"]["name"] for line in with_tools))
        self.assertTrue(all(line["messages"][-1]["role"] == "assistant" for line in lines))
        self.assertEqual({line["lang"] for line in lines}, {"en", "de", "zh"})
        self.assert_ok(run("train", "data", "--out", path, "-n", 1, "--chat", path / "sft.jsonl"))
        self.assertTrue((path / "pretrain-000.shard").exists())

    def test_a_bad_line_is_named_or_left_out(self):
        path = self.folder("bad")
        good = b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'
        (path / "chat.jsonl").write_bytes(good + b"{\n" + good)
        (path / "text.txt").write_bytes(b"abc\n\xff\n")
        out = ("train", "data", "--out", path, "-n", 1)
        self.assert_error(run(*out, "--chat", path / "chat.jsonl"), 1, "chat.jsonl: line 2: ")
        self.assert_error(run(*out, "--text", path / "text.txt"), 1, "text.txt: line 2: not UTF-8")
        done = run(*out, "--chat", path / "chat.jsonl", "--text", path / "text.txt", "--skip-bad")
        self.assert_ok(done)
        self.assertIn("2 conversations, 1 left out", done.stderr.decode())
        (path / "long.txt").write_bytes(b"7" * 70000 + b"\nabc\n")
        done = run(*out, "--text", path / "long.txt")
        self.assert_ok(done)
        self.assertIn("1 too long", done.stderr.decode())

    def test_a_model_comes_out_and_is_judged(self):
        path = self.folder("model")
        self.assert_ok(run("train", "data", "--out", path, "-n", 20000, "--max-length", 192))
        self.assert_ok(run("train", "pretrain", "-d", path / "pretrain-000.shard", "-o", path / "run",
                           "--preset", "r-1m", "-n", 2, "--batch", 512, "--pass", 512, "-t", 1))
        again = run("train", "pretrain", "--resume", "-o", path / "run")  # it knows its data
        self.assert_ok(again)
        self.assertIn("going on behind step 2", again.stderr.decode())
        self.assert_error(run("train", "pretrain", "--resume", "-o", path / "no"), 2, "--data and --out")
        self.assert_ok(run("train", "export", path / "run" / "checkpoint.bin", "--tokenizer",
                           path / "tokenizer.json", "--out", path / "mini.gguf"))
        out = json.loads(self.assert_ok(run("eval", path / "mini.gguf", "addition", "-n", 4, "--json",
                                            "--tokens", 8)))
        self.assertEqual(out["task"]["addition"]["n"], 4)
        self.assertEqual(out["task"]["addition"]["accuracy"], 0)
        out = json.loads(self.assert_ok(run("eval", path / "mini.gguf", "addition,units", "-n", 3, "--json",
                                            "--tokens", 8, "--lang", "de")))
        self.assertEqual({name: task["lang"] for name, task in out["task"].items()},
                         {name: {"de": {"n": 3, "correct": 0, "accuracy": 0}} for name in ("addition", "units")})

    def test_fine_tuning_with_tools_has_a_longer_context(self):
        path = self.folder("tools")
        self.assert_ok(run("train", "data", "--out", path, "-n", 20000, "--max-length", 192))
        self.assert_ok(run("train", "data", "--out", path, "-n", 20000, "--max-length", 1024, "--kind", "sft",
                           "--family", "tools", "--family", "dialogue", "--family", "smalltalk"))
        common = ("--preset", "r-1m", "-n", 1, "-t", 1)
        self.assert_ok(run("train", "pretrain", "-d", path / "pretrain-000.shard", "-o", path / "base", *common,
                           "--batch", 512, "--pass", 512))
        sft = ("train", "sft", "-d", path / "sft-000.shard", "--from", path / "base" / "checkpoint.bin",
               "-o", path / "sft", *common, "--batch", 1024, "--pass", 1024)
        refused = run(*sft)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("the model a context of 512", refused.stderr.decode())
        self.assert_ok(run(*sft, "--ctx", 1024))
        self.assert_ok(run("train", "export", path / "sft", "--tokenizer", path / "tokenizer.json",
                           "--out", path / "mini.gguf"))
        out = json.loads(self.assert_ok(run("inspect", path / "mini.gguf", "--json")))
        self.assertIn("1024", json.dumps(out))
        for task in ("tools", "dialogue", "smalltalk"):
            out = json.loads(self.assert_ok(run("eval", path / "mini.gguf", task, "-n", 3, "--json", "--tokens", 8)))
            self.assertEqual(out["task"][task]["n"], 3)
        self.assert_error(run("train", "grpo", "-d", "a", "-o", "b", "--from", path / "sft" / "checkpoint.bin",
                              "--tokenizer", path / "tokenizer.json", "--family", "tools"), 1, "no such family")

    def test_a_student_is_taught_with_rounded_weights(self):
        path = self.folder("taught")
        tokenizer = ("--tokenizer", path / "tokenizer.json")
        self.assert_ok(run("train", "data", "--out", path, "-n", 20000, "--max-length", 192))
        common = ("-d", path / "pretrain-000.shard", "-n", 1, "--batch", 1024, "--pass", 1024, "-t", 1)
        for name in ("r-1m", "d-5m"):
            self.assert_ok(run("train", "pretrain", *common, "-o", path / name, "--preset", name))
        done = run("train", "distill", *common, *tokenizer, "-o", path / "student",
                   "--from", path / "r-1m" / "checkpoint.bin",
                   "--teacher", path / "d-5m" / "checkpoint.bin", "--problems", 2, "--answers", 2,
                   "--max-answer", 4, "--qat", "--experts", "q4_0", "--average", 0.9)
        self.assert_ok(done)
        self.assertIn("reward 0.000", done.stderr.decode())
        for name, *extra in (("rounded",), ("averaged", "--averaged"), ("asked", "--type", "f32")):
            self.assert_ok(run("train", "export", path / "student", *tokenizer, "--out",
                               path / (name + ".gguf"), *extra))
        self.assertNotEqual(digest(path / "rounded.gguf"), digest(path / "averaged.gguf"))
        self.assertLess((path / "rounded.gguf").stat().st_size,
                        (path / "asked.gguf").stat().st_size / 3)
        self.assert_error(run("train", "export", path / "r-1m", *tokenizer, "--averaged", "--out",
                              path / "no.gguf"), 1, "no average of its weights")
        self.assert_ok(run("eval", path / "averaged.gguf", "addition", "-n", 2, "--tokens", 4))

    def test_ctrl_c_in_training_ends_it_with_130_and_it_goes_on(self):
        path = self.folder("stopped")
        self.assert_ok(run("train", "data", "--out", path, "-n", 20000, "--max-length", 192))
        train = [TIEFSEE, "train", "pretrain", "-d", path / "pretrain-000.shard", "-o", path / "run",
                 "--preset", "r-1m", "--batch", "512", "--pass", "512", "-t", "1"]
        with subprocess.Popen([*train, "-n", "1000000"], stderr=subprocess.PIPE,
                              env=environment()) as p:
            while b"steps: " not in p.stderr.readline():
                pass
            while not (path / "run" / "log.jsonl").exists() or \
                    not (path / "run" / "log.jsonl").stat().st_size:
                self.assertIsNone(p.poll())
                time.sleep(0.02)
            p.send_signal(signal.SIGINT)
            error = p.communicate(timeout=LIMIT_S)[1].decode()
            self.assertEqual(p.returncode, 130, error)
        self.assertIn("--resume goes on", error)
        self.assertTrue((path / "run" / "checkpoint.bin").exists())

    def test_a_report_names_bad_lines_and_what_is_no_run(self):
        path = WORK / "report"
        (path / "base").mkdir(parents=True)
        self.assert_error(run("train", "report", path), 1, "neither a log.jsonl of a stage nor an eval.json")
        (path / "base" / "log.jsonl").write_text('{"step":1,"loss":1,"seconds":1,"tokens":9}\nx\n')
        done = run("train", "report", path, "--out", path / "page.html")
        self.assert_ok(done)
        self.assertEqual(done.stderr.decode(),
                         f"tiefsee: {path}/base/log.jsonl:2: an object expected; left out\n")
        self.assertIn("<h2>base</h2>", (path / "page.html").read_text("utf-8"))
        (path / "reject.json").write_text('{"families": {"<dates": [{"problems": 3, "answers": 9, "kept": 2, "tokens": 70}, '
                                          '{"problems": 1, "answers": 8, "kept": 1, "tokens": 30}, 7], "odd": 5}}')
        self.assert_ok(run("train", "report", path, "--out", path / "page.html"))
        self.assertIn("<td>&lt;dates</td><td>4</td><td>17</td><td>75.0 %</td><td>100</td>",
                      (path / "page.html").read_text("utf-8"))
        steps = "".join('{"step":%d,"loss":%g,"reward":0.5,"seconds":1,"tokens":9}\n' % (i, 2 / i)
                        for i in range(1, 2000))
        (path / "base" / "log.jsonl").write_text(steps)
        (path / "eval.json").write_text('{"task": {"<units": {"n": 9, "accuracy": 0.25}}, "thinking": true}')
        self.assert_ok(run("train", "report", path, "--out", path / "page.html", "--svg", path / "svg"))
        self.assertEqual(sorted(p.name for p in (path / "svg").iterdir()), ["accuracy.svg", "base.svg"])
        for picture in (path / "svg").iterdir():
            self.assertTrue(xml.etree.ElementTree.parse(picture).getroot().tag.endswith("svg"))
            self.assertLess(picture.stat().st_size, 30000)
        self.assertIn("25.0 %", (path / "svg" / "accuracy.svg").read_text("utf-8"))
        (path / "eval.json").unlink()
        (path / "reject.json").write_text("{")
        self.assertIn("reject.json", run("train", "report", path, "--out", path / "page.html").stderr.decode())

    def test_all_of_it_in_one_command_that_goes_on(self):
        path = WORK / "all"
        command = ("train", "all", "--out", path, "--preset", "r-1m", "--vocab", 600, "--tokens", 16384,
                   "--anneal-tokens", 8192, "--sft-tokens", 8192, "--grpo-steps", 0, "--reject-tokens", 2000, "--grpo2-steps", 0, "--judge", 1)
        first = run(*command)
        self.assert_ok(first)
        self.assertNotIn("(done)", first.stderr.decode())
        scores = json.loads((path / "eval.json").read_text())["task"]
        self.assertEqual(len(scores), 19)
        asked = json.loads((path / "reject.json").read_text())
        self.assertTrue(asked["done"])
        self.assertEqual(sum(level["problems"] for family in asked["families"].values()
                             for level in family), 21)
        page = (path / "report.html").read_text("utf-8")
        for part in ("<h2>base</h2>", "<h2>anneal</h2>", "<h2>sft</h2>", "eval-direct", "pretrain-data", "core-hours",
                     "<h2>rejection sampling</h2>"):
            self.assertIn(part, page)
        for foreign in ("http:", "https:", "<script", "<link", "@import", "url("):
            self.assertNotIn(foreign, page)
        before = digest(path / "base" / "checkpoint.bin")
        again = run(*command, "--threads", 1)
        self.assert_ok(again)
        self.assertEqual(again.stderr.decode().count("(done)"), 12)
        (path / "base.done").unlink()  # as if it had been killed behind its last step
        self.assert_ok(run(*command))
        self.assertEqual(digest(path / "base" / "checkpoint.bin"), before)
        changed = run(*command, "--vocab", 700, "--plan").stderr.decode()
        self.assertEqual(changed.count("(done)"), 0)
        plan = run(*command[:6], "--plan").stderr.decode()
        self.assertIn(f"{path}/grpo-2/best.bin", plan.splitlines()[-3])
        self.assertIn(f"--from {path}/sft-2/checkpoint.bin", plan)
        self.assertIn(f"train reject {path}/grpo/best.bin", plan)
        plan = run(*command[:6], "--teacher", "big.bin", "--plan").stderr.decode()
        self.assertIn(f"train distill --teacher big.bin --data {path}/sft-000.shard "
                      f"--from {path}/sft-2/checkpoint.bin", plan)
        self.assertIn(f"--from {path}/distill/checkpoint.bin --tokenizer {path}/tokenizer.json "
                      f"--out {path}/grpo-2", plan)
        self.assertIn("train tokenizer", plan.splitlines()[0])
        self.assertIn("--tools", plan.splitlines()[0])
        plan = run(*command[:6], "--tokens", 32000100, "--plan").stderr.decode()
        self.assertIn("--tokens 32000100 --shard-tokens 16000050\n", plan)
        self.assertIn("pretrain-001.shard", plan)
        self.assertIn("base --steps 7 --decay 0 ", run(*command[:6], "--steps", 7, "--plan").stderr.decode())
        plan = run(*command[:6], "--anneal-tokens", 0, "--plan").stderr.decode()
        self.assertNotIn("anneal", plan)
        self.assertIn(f"--from {path}/base/checkpoint.bin", plan)
        fewer = command[:-10] + ("--sft-tokens", 9000, *command[-8:])
        changed = run(*fewer)
        self.assert_ok(changed)
        self.assertEqual(changed.stderr.decode().count("(done)"), 5)  # up to anneal
        self.assertEqual(digest(path / "base" / "checkpoint.bin"), before)
        self.assertTrue((path / "sft" / "checkpoint.old.bin").exists())


class Eval(Case):
    def test_json_has_the_promised_shape_and_comes_again(self):
        command = ("eval", "addition", "-n", 6, "--tokens", 64, "--json")
        out, again = (json.loads(self.assert_ok(run(*command))) for _ in range(2))
        score = out["task"]["addition"]
        self.assertEqual(score["n"], 6)
        self.assertAlmostEqual(score["accuracy"], score["correct"] / 6, places=5)
        del score["seconds"], again["task"]["addition"]["seconds"]
        self.assertEqual(out, again)

    def test_questions_of_a_file_and_perplexity(self):
        questions, text = WORK / "q.jsonl", WORK / "text.txt"
        questions.write_text('{"question": "12+30", "answer": "so #### 42"}\n')
        text.write_text("12+30=42\n")
        out = json.loads(self.assert_ok(run("eval", questions, "--json")))
        self.assertEqual(out["task"]["lines"]["n"], 1)
        self.assertRegex(self.assert_ok(run("eval", text)), r"perplexity [0-9.]+ \(\d+ tokens")

    def test_what_is_no_task_is_a_usage_error(self):
        self.assert_error(run("eval", "additoin"), 2, "did you mean addition?")
        self.assert_error(run("eval", "addition", "--level", 9), 2, "addition has 8 levels")
        self.assert_error(run("eval", "/no/model.gguf", "addition"), 3, "/no/model.gguf")

    def test_ctrl_c_ends_it_with_130(self):
        with subprocess.Popen([TIEFSEE, "eval", "multiplication", "--level", "5", "--no-think",
                               "-n", "1000000", "--wrong", "1000000"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as p:
            self.assertTrue(p.stderr.readline())  # an answer was judged
            p.send_signal(signal.SIGINT)
            p.communicate(timeout=LIMIT_S)
            self.assertEqual(p.returncode, 130)


def tearDownModule():
    shutil.rmtree(WORK, ignore_errors=True)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
