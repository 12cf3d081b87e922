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
LIMIT_S = 1500  # 50 seconds of one processor, on a machine that does much else
ENOUGH = 0.6
STAGES = ("tokenizer", "pretrain-data", "base", "anneal-data", "anneal", "sft-data", "sft", "grpo",
          "reject", "sft-2", "grpo-2", "export", "eval", "eval-direct")


def run(folder, *arguments):
    env = {"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run([TIEFSEE, *map(str, arguments)], capture_output=True, timeout=LIMIT_S,
                          env=env, stdin=subprocess.DEVNULL)


class Miniature(unittest.TestCase):
    def test_a_model_made_from_nothing_adds_numbers_that_it_has_never_seen(self):
        with tempfile.TemporaryDirectory(prefix="tiefsee-miniature-") as name:
            folder = pathlib.Path(name)
            done = run(folder, "train", "all", "--out", folder / "run", "--preset", "r-0m",
                       "--vocab", 512, "--batch", 1024, "--family", "addition", "--level", 1,
                       "--tokens", 1000000, "--anneal-tokens", 600000, "--sft-tokens", 100000,
                       "--grpo-steps", 4, "--reject-tokens", 20000, "--grpo2-steps", 2,
                       "--judge", 200, "--threads", 2)
            self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])
            self.assertEqual([s for s in STAGES if not (folder / "run" / (s + ".done")).exists()], [])
            scores = json.loads((folder / "run" / "eval.json").read_text())["task"]
            self.assertEqual(list(scores), ["addition"])
            score = scores["addition"]
            print("right:", score["accuracy"], "formed:", score["formed"], file=sys.stderr)
            self.assertEqual(score["n"], 200)
            self.assertGreaterEqual(score["accuracy"], ENOUGH)
            self.assertGreaterEqual(score["formed"], ENOUGH)


unittest.main(argv=sys.argv[:1])
