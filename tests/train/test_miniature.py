#!/usr/bin/env python3
"""The whole recipe in small: every stage of `train all` on sums of numbers below 100, and a
model that must then be right about sums that it has never seen.

    test_miniature.py PATH_OF_TIEFSEE

The same options give the same weights on one kind of processor only, so what is asked for is
far below what training reaches (100 %) and far above what guessing does (1 %)."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TIEFSEE = os.path.abspath(sys.argv[1])
LIMIT_S = 1500  # 50 and 25 seconds of one processor, on a machine that does much else
SUMS = ("--family", "addition", "--level", 1)
ENOUGH = 0.6
STAGES = ("tokenizer", "pretrain-data", "base", "anneal-data", "anneal", "sft-data", "sft", "grpo",
          "reject", "sft-2", "grpo-2", "export", "eval", "eval-direct")


def run(folder, *arguments):
    env = {"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run([TIEFSEE, *map(str, arguments)], capture_output=True, timeout=LIMIT_S,
                          env=env, stdin=subprocess.DEVNULL)


class Miniature(unittest.TestCase):
    """One run; what it made is looked at in turn."""

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="tiefsee-miniature-")
        cls.folder = pathlib.Path(cls.place.name)
        cls.done = run(cls.folder, "train", "all", "--out", cls.folder / "run", "--preset", "r-0m",
                       "--vocab", 512, "--batch", 1024, *SUMS, "--tokens", 800000,
                       "--anneal-tokens", 800000, "--sft-tokens", 100000, "--grpo-steps", 4,
                       "--reject-tokens", 20000, "--grpo2-steps", 2, "--judge", 200,
                       "--threads", 2)

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def assert_ok(self, done):
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])

    def test_a_model_made_from_nothing_adds_numbers_that_it_has_never_seen(self):
        self.assert_ok(self.done)
        path = self.folder / "run"
        self.assertEqual([s for s in STAGES if not (path / (s + ".done")).exists()], [])
        scores = json.loads((path / "eval.json").read_text())["task"]
        self.assertEqual(list(scores), ["addition"])
        score = scores["addition"]
        print("right:", score["accuracy"], "formed:", score["formed"], file=sys.stderr)
        self.assertEqual(score["n"], 200)
        self.assertGreaterEqual(score["accuracy"], ENOUGH)
        self.assertGreaterEqual(score["formed"], ENOUGH)

    def test_rewards_alone_make_a_pretrained_model_better_at_problems_it_has_never_seen(self):
        self.assert_ok(self.done)
        path = self.folder / "run"
        self.assert_ok(run(self.folder, "train", "grpo", "--from", path / "base" / "checkpoint.bin",
                           "--data", path / "pretrain-000.shard", "--tokenizer",
                           path / "tokenizer.json", *SUMS, "--max-answer", 64, "--anchor", 0,
                           "--lr", 3e-4, "--steps", 40, "--valid", 60, "--valid-every", 20, "--valid-drop", 1,
                           "--batch", 1024, "--pass", 1024, "--out", self.folder / "zero"))
        steps = [json.loads(line) for line in
                 (self.folder / "zero" / "log.jsonl").read_text().splitlines()]
        seen = [step["sampled"] for step in steps if "sampled" in step]
        print("sampled answers that are right:", seen, file=sys.stderr)
        self.assertEqual(len(seen), 3)
        self.assertGreaterEqual(seen[-1], min(seen[0] + 0.1, 0.9))


unittest.main(argv=sys.argv[:1])
