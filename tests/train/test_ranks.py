#!/usr/bin/env python3
"""Training on several ranks of Open MPI: the same bits, what is refused, what is lost.

    test_ranks.py PATH_OF_TIEFSEE"""
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

SKIPPED = 77
TIEFSEE = os.path.abspath(sys.argv[1])
WORK = pathlib.Path(tempfile.mkdtemp(prefix="tiefsee-ranks-"))
LIMIT_S = 300
DATA, OTHER = WORK / "pretrain-000.shard", WORK / "sft-000.shard"
# One machine, more ranks than processors, as root in a container as well.
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_plm": "isolated",
       "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
       "OMPI_MCA_btl": "vader,self", "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "OMPI_MCA_pml": "ob1"}
TINY = dict(architectures=["DeepseekV3ForCausalLM"], model_type="deepseek_v3", vocab_size=600, hidden_size=32,
            num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, q_lora_rank=None, kv_lora_rank=16,
            qk_nope_head_dim=16, qk_rope_head_dim=16, v_head_dim=16, intermediate_size=64, moe_intermediate_size=16,
            n_routed_experts=4, n_shared_experts=1, num_experts_per_tok=2, n_group=1, topk_group=1, norm_topk_prob=True,
            routed_scaling_factor=1.5, first_k_dense_replace=1, scoring_func="sigmoid", topk_method="noaux_tc",
            rms_norm_eps=1e-6, rope_theta=10000.0, max_position_embeddings=192, tie_word_embeddings=False,
            hidden_act="silu", attention_bias=False)


def environment():
    keep = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH")
    return {"HOME": str(WORK), "LANG": "C.UTF-8", **MPI, **{k: os.environ[k] for k in keep if k in os.environ}}


def train(out, *more, data=DATA, steps=4, threads=1):
    return [TIEFSEE, "train", "pretrain", "-d", str(data), "--config", str(WORK / "config.json"), "-o", str(out),
            "--mtp", "--batch", "1024", "--pass", "256", "-n", str(steps), "-t", str(threads), *map(str, more)]


def mpirun(n, command):
    return ["mpirun", "-np", str(n), *command]


def run(command):
    return subprocess.run(command, capture_output=True, timeout=LIMIT_S, env=environment(), stdin=subprocess.DEVNULL)


def checkpoint(path):
    return hashlib.sha256((path / "checkpoint.bin").read_bytes()).hexdigest()


def curve(path):
    """The log without what the clock says."""
    steps = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
    for step in steps:
        for key in ("seconds", "cpu_seconds", "gflops", "peak_gflops"):
            del step[key]
    return steps


class Ranks(unittest.TestCase):
    def ok(self, command):
        done = run(command)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stderr.decode()

    def refused(self, command, *parts):
        done = run(command)
        error = done.stderr.decode()
        self.assertNotEqual(done.returncode, 0, error)
        said = [line for line in error.splitlines() if line.startswith("tiefsee: ")]
        self.assertEqual(len(said), 1, error)
        for part in parts:
            self.assertIn(part, said[0])

    def test_ranks_times_threads_have_the_same_curve_and_the_same_bits(self):
        made = []
        for ranks, threads in ((1, 4), (2, 2), (4, 1), (3, 1)):
            path = WORK / f"grid-{ranks}"
            self.ok(mpirun(ranks, train(path, threads=threads)))
            made.append((checkpoint(path), curve(path)))
        path = WORK / "grid-alone"
        self.ok(train(path, "--parts", 4))
        made.append((checkpoint(path), curve(path)))
        for other in made[1:]:
            self.assertEqual(other, made[0])
        self.assertEqual(len(made[0][1]), 4)
        tuned = []
        for name, ranks in (("sft-alone", 0), ("sft-ranks", 2)):
            command = ["sft" if word == "pretrain" else word
                       for word in train(WORK / name, "--from", path / "checkpoint.bin", "--parts", 4, data=OTHER)]
            self.ok(mpirun(ranks, command) if ranks else command)
            tuned.append((checkpoint(WORK / name), curve(WORK / name)))
        self.assertEqual(tuned[0], tuned[1])

    def test_alone_and_without_parts_passes_are_one_sum(self):
        self.ok(train(WORK / "chain"))
        self.ok(train(WORK / "no-parts", "--parts", 0))
        self.assertEqual(checkpoint(WORK / "chain"), checkpoint(WORK / "no-parts"))
        self.refused(mpirun(2, train(WORK / "chain", "--resume", steps=9)), "adds up its passes one after the other")

    def test_a_lost_rank_ends_all_and_the_run_goes_on_as_if_nothing_had_been(self):
        path, whole = WORK / "lost", WORK / "whole"
        command = train(path, "--save-every", 3, steps=100000)
        with subprocess.Popen(mpirun(2, command), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              env=environment()) as p:
            deadline = time.monotonic() + LIMIT_S
            while not (path / "checkpoint.bin").exists():
                self.assertIsNone(p.poll())
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            os.kill(self.ranks_of(p.pid)[1], signal.SIGKILL)
            error = p.communicate(timeout=LIMIT_S)[1].decode()
        self.assertNotEqual(p.returncode, 0)
        self.assertIn("another rank was lost, or mpirun was told to end; --resume goes on with the last checkpoint", error)
        self.assertIn("exited on signal 9", error)
        self.stop_at_step(mpirun(3, [*command, "--resume"]), path)
        lines = curve(path)
        again = train(whole, "--save-every", 3, "--parts", 4, steps=100000)
        self.stop_at_step(again, whole, len(lines))
        self.assertEqual(curve(whole)[:len(lines)], lines)

    def ranks_of(self, pid):
        """Processes of this program below mpirun, by their rank."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) != pid:
                    continue
                names = (entry / "environ").read_bytes().split(b"\0")
                rank = [n.split(b"=")[1] for n in names if n.startswith(b"OMPI_COMM_WORLD_RANK=")]
                found[int(rank[0])] = int(entry.name)
            except (OSError, IndexError, ValueError):
                continue
        return found

    def stop_at_step(self, command, path, at_least=0):
        """Lets it do a few steps, then asks it to stop with a checkpoint."""
        has_mpi = command[0] == "mpirun"
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment()) as p:
            n = 0
            for line in p.stderr:
                n = int(line.split()[1]) if line.startswith(b"step ") else n
                if n > max(at_least, 5):
                    break
            p.send_signal(signal.SIGUSR1 if has_mpi else signal.SIGINT)
            error = p.communicate(timeout=LIMIT_S)[1].decode()
        self.assertIn("stopped behind step", error)
        self.assertNotEqual(p.returncode, 0)

    def test_ranks_that_differ_are_refused(self):
        path = WORK / "different"
        one = train(path)
        self.refused(mpirun(1, one) + [":", *mpirun(1, train(path, steps=5))[1:]], "rank 1 has options other than rank 0's")
        self.refused(mpirun(1, one) + [":", *mpirun(1, train(path, data=OTHER))[1:]], "rank 1 has data other than rank 0's")
        self.refused(mpirun(1, one) + [":", *mpirun(1, train(path, data=WORK / "none"))[1:]], "rank 1: ", "none")
        copy = WORK / "program"
        copy.write_bytes(pathlib.Path(TIEFSEE).read_bytes() + b"\0")
        copy.chmod(0o755)
        self.refused(mpirun(1, one) + [":", *mpirun(1, [str(copy), *one[1:]])[1:]],
                     "rank 1 has a program other than rank 0's")
        self.assertFalse(path.exists())

    def test_what_ranks_cannot_do_is_said_once(self):
        self.refused(mpirun(2, train(WORK / "no", "--parts", 0)), "2 ranks, but this run adds up its passes")
        self.refused(mpirun(3, train(WORK / "no", "--parts", 2)), "3 ranks for a step of 2 parts")
        self.refused(train(WORK / "no", "--parts", 5), "5 parts of a step that has 4 passes")
        self.refused(["env", "PMI_SIZE=2", *train(WORK / "no")], "2 processes were started, of which Open MPI knows 1")
        self.refused(mpirun(1, [*train(WORK / "chain-there")]) + ["-o", "/proc/nothing/here"], "/proc/nothing/here")


def why_not():
    if not shutil.which("mpirun"):
        return "mpirun is not there (Debian: openmpi-bin)"
    done = run(mpirun(2, train(WORK / "probe", "--plan")))
    error = done.stderr.decode()
    if done.returncode and "built without Open MPI" in error:
        return "this program was built without Open MPI (Debian: libopenmpi-dev)"
    return None


def main():
    for command in (["tokenizer", "--out", WORK / "tokenizer.json", "--vocab", "600", "-n", "600"],
                    ["data", "--out", WORK, "-n", "20000", "--max-length", "192"],
                    ["data", "--out", WORK, "-n", "5000", "--max-length", "192", "--kind", "sft"]):
        done = run([TIEFSEE, "train", *map(str, command)])
        if done.returncode:
            sys.exit(done.stderr.decode())
    (WORK / "config.json").write_text(json.dumps(TINY))
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1], verbosity=2)


try:
    main()
finally:
    shutil.rmtree(WORK, ignore_errors=True)
