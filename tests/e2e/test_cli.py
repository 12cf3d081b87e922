#!/usr/bin/env python3
"""The program from outside: exit codes, one-line errors, pipes, JSON, signals.

    test_cli.py PATH_OF_TIEFSEE

Runs with an empty home, so that nothing of the user's is read or written."""
import json
import os
import re
import pathlib
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

TIEFSEE = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]
MINI = ROOT / "assets" / "tiefsee-mini.gguf"
FIXTURES = ROOT / "tests" / "conformance" / "fixtures"
HOME = tempfile.mkdtemp(prefix="tiefsee-e2e-")
LIMIT_S = 120  # sanitized builds on a busy machine included


def environment(**more):
    env = {"HOME": HOME, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TIEFSEE_CPU"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update(more)
    return env


def run(*arguments, stdin=b"", env=None, **more):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return subprocess.run([TIEFSEE, *map(str, arguments)], input=stdin, capture_output=True,
                          timeout=LIMIT_S, env=env or environment(), **more)


class Case(unittest.TestCase):
    def assert_error(self, result, code, *parts):
        """One line `tiefsee: ...` on stderr, nothing on stdout."""
        error = result.stderr.decode()
        self.assertEqual(result.returncode, code, error)
        self.assertEqual(result.stdout, b"")
        self.assertTrue(error.startswith("tiefsee: "), error)
        self.assertEqual(error.count("\n"), 1, error)
        for part in parts:
            self.assertIn(part, error)

    def assert_ok(self, result):
        self.assertEqual(result.returncode, 0, result.stderr.decode())
        return result.stdout.decode()


class Usage(Case):
    def test_prove_offline_finds_every_way_out_refused(self):
        r = run("prove-offline")
        if b"could not be installed" in r.stderr:
            self.skipTest(r.stderr.decode())
        self.assertEqual(r.returncode, 0, r)
        text = r.stdout.decode()
        ways, files = text.split("answer who calls")
        self.assertEqual(ways.count("refused"), len(ways.splitlines()))
        self.assertGreaterEqual(ways.count("refused"), 14)
        self.assertIn("make a process               refused", ways)
        self.assertIn("a call that nobody knows     refused: Operation not permitted", ways)
        self.assertIn("what is on its list, and nothing else\n", files)
        self.assertIn("works", files.splitlines()[0])
        self.assertIn("0 packets of this process left this machine\n", files)
        if "no Landlock" not in files:
            self.assertRegex(files, r"\n[34] files of others tried, 0 open\n")
            self.assertEqual(files.count("refused"), int(re.search(r"(\d) files", files).group(1)))

    def test_help_is_on_stdout_and_names_every_command(self):
        text = self.assert_ok(run("help"))
        for command in ("chat", "run", "inspect", "tokenize", "logits", "bench", "conform", "doctor"):
            self.assertIn(f"  {command} ", text)
            options = self.assert_ok(run(command, "--help"))
            self.assertIn(f"usage: tiefsee {command}", options)
            self.assertEqual(options, self.assert_ok(run("help", command)))
            self.assertLessEqual(max(map(len, options.splitlines())), 79)

    def test_every_option_of_the_help_is_in_the_man_page(self):
        man = self.assert_ok(run("help", "--man")).replace("\\-", "-")
        for command in ("chat", "run", "inspect", "tokenize", "logits", "bench", "doctor"):
            for word in self.assert_ok(run(command, "--help")).split():
                if word.startswith("--") and word.strip(",.") not in ("--help",):
                    self.assertIn(word.strip(",."), man)

    def test_no_command_shows_the_help_and_is_a_usage_error(self):
        result = run()
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"usage: tiefsee COMMAND", result.stdout)

    def test_version_is_one_line(self):
        for words in (("version",), ("--version",)):
            self.assertRegex(self.assert_ok(run(*words)), r"^tiefsee \d+\.\d+\.\d+\n$")

    def test_mistyped_commands_and_options_are_guessed(self):
        self.assert_error(run("caht"), 2, "did you mean chat")
        self.assert_error(run("frobnicate"), 2, "tiefsee help")
        self.assert_error(run("run", "--tepm", "1"), 2, "did you mean --temp")
        self.assert_error(run("inspect", "--frob"), 2, "unknown option '--frob'")

    def test_values_out_of_range_are_refused_with_the_range(self):
        self.assert_error(run("run", "--temp", "11"), 2, "--temp '11'", "from 0 to 10")
        self.assert_error(run("run", "-c", "0"), 2, "--ctx '0'")
        self.assert_error(run("run", "-n", "many"), 2, "'many'")
        self.assert_error(run("run", "--logprobs", "21", "--json"), 2, "20")
        self.assert_error(run("run", "--logprobs", "2", "-p", "x"), 2, "--json")
        self.assert_error(run("logits"), 2, "--tokens", "--out")
        self.assert_error(run("inspect", "a", "b"), 2, "too many arguments")

    def test_stages_say_what_they_need(self):
        taught = ("train", "distill", "--data", "a", "--out", "b", "--from", "c")
        self.assert_error(run(*taught), 2, "--tokenizer is needed")
        self.assert_error(run(*taught, "--tokenizer", "d"), 2, "--teacher is needed")
        self.assert_error(run("train", "bake"), 2, "unknown stage 'bake'")
        self.assert_error(run("train", "pretrain"), 2, "--data and --out")


class Models(Case):
    def test_a_missing_model_is_exit_3_in_every_command(self):
        for command in ("chat", "run", "inspect", "tokenize", "bench"):
            self.assert_error(run(command, "/no/such/model.gguf", stdin="x"), 3, "/no/such/model.gguf")
            self.assert_error(run(command, "nameless", stdin="x"), 3, "nameless",
                              ".local/share/tiefsee/models")

    def test_a_folder_without_a_model_is_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assert_error(run("inspect", folder), 3, folder)

    def test_a_file_that_may_not_be_read_is_exit_3(self):
        if os.getuid() == 0:
            self.skipTest("root may read everything")
        with tempfile.NamedTemporaryFile() as f:
            os.chmod(f.name, 0)
            self.assert_error(run("inspect", f.name), 3, f.name, "ermission")

    def test_damaged_files_are_one_line(self):
        good = MINI.read_bytes()
        damaged = {
            "empty": b"", "text": b"hello, world\n" * 100, "half": good[:len(good) // 2],
            "header": good[:20], "version": good[:4] + struct.pack("<I", 99) + good[8:],
            "count": good[:8] + struct.pack("<Q", 1 << 60) + good[16:],
        }
        with tempfile.TemporaryDirectory() as folder:
            for name, content in damaged.items():
                path = os.path.join(folder, name + ".gguf")
                pathlib.Path(path).write_bytes(content)
                started = time.monotonic()
                result = run("inspect", path)
                self.assertIn(result.returncode, (1, 3), name)
                self.assert_error(result, result.returncode, name + ".gguf")
                self.assertLess(time.monotonic() - started, 60, name)

    def test_names_are_found_in_the_model_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(MINI, os.path.join(folder, "small.gguf"))
            env = environment(TIEFSEE_MODELS=folder)
            for name in ("small", "small.gguf"):
                self.assert_ok(run("inspect", name, env=env))
            self.assert_error(run("inspect", "other", env=env), 3, folder)

    def test_a_file_that_is_cut_while_it_is_used_is_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "cut.gguf")
            shutil.copy(MINI, path)
            chat = subprocess.Popen([TIEFSEE, "chat", path], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    env=environment())
            maps = pathlib.Path(f"/proc/{chat.pid}/maps")
            while path not in maps.read_text() and chat.poll() is None:
                time.sleep(0.01)
            os.truncate(path, 40000)  # it waits for the question
            stderr = chat.communicate(b"7+8\n", timeout=LIMIT_S)[1]
        # While it opens, the zeros behind the new end can also be a damaged file.
        self.assertIn(chat.returncode, (1, 3))
        self.assertRegex(stderr.decode(), r"^tiefsee: .*\n$")

    def test_inspect_json_has_the_plan_and_the_tensors(self):
        facts = json.loads(self.assert_ok(run("inspect", MINI, "--json", "-t", "-c", "512")))
        for key in ("name", "architecture", "parameters", "layers", "vocabulary", "context", "plan",
                    "tensors", "weight_types", "has_tokenizer", "encoding", "runs"):
            self.assertIn(key, facts)
        self.assertEqual(facts["plan"]["context"], 512)
        self.assertGreater(facts["plan"]["kv_bytes"], 0)
        self.assertGreater(len(facts["tensors"]), 10)
        self.assertTrue(facts["has_tokenizer"])
        text = self.assert_ok(run("inspect", MINI, "--tensors", "--metadata"))
        self.assertIn("token_embd.weight", text)
        self.assertIn("general.architecture", text)

    def test_a_bigger_context_takes_more(self):
        sizes = [json.loads(self.assert_ok(run("inspect", MINI, "--json", "-c", n)))["plan"]["kv_bytes"]
                 for n in (128, 1024)]
        self.assertLess(sizes[0], sizes[1])


class Tokens(Case):
    def test_any_bytes_come_back(self):
        for data in (b"", b"hello", "Größe 你好 🌊\n".encode(), bytes(range(256)), b"\xff\xfe\xc3",
                     b"a\0b", b" \t\r\n" * 50):
            ids = self.assert_ok(run("tokenize", MINI, stdin=data))
            self.assertEqual(ids.count("\n"), 1)
            back = run("tokenize", MINI, "--decode", stdin=ids)
            self.assert_ok(back) if data.isascii() else self.assertEqual(back.returncode, 0)
            self.assertEqual(back.stdout, data)

    def test_a_question_becomes_the_prompt_of_the_chat_format(self):
        ids = self.assert_ok(run("tokenize", MINI, "--chat", "--system", "s", stdin="<｜User｜>1+1"))
        text = run("tokenize", MINI, "--decode", stdin=ids).stdout.decode()
        self.assertEqual(text, "<｜begin▁of▁sentence｜>s<｜User｜><｜User｜>1+1<｜Assistant｜><think>")
        role = self.assert_ok(run("tokenize", MINI, "--special", stdin="<｜User｜>")).strip()
        self.assertEqual(ids.split().count(role), 1)

    def test_user_text_is_no_special_token_unless_asked(self):
        plain = self.assert_ok(run("tokenize", MINI, stdin="<think>")).split()
        special = self.assert_ok(run("tokenize", MINI, "--special", stdin="<think>")).split()
        self.assertGreater(len(plain), 1)
        self.assertEqual(len(special), 1)

    def test_ids_that_are_none_are_refused(self):
        self.assert_error(run("tokenize", MINI, "--decode", stdin="1 x 2"), 1, "'x'")
        self.assert_error(run("tokenize", MINI, "--decode", stdin="99999999"), 1, "99999999")
        self.assert_error(run("tokenize", MINI, "--decode", stdin="-1"), 1, "'-1'")

    def test_count(self):
        ids = self.assert_ok(run("tokenize", MINI, stdin="12+30")).split()
        self.assertEqual(self.assert_ok(run("tokenize", MINI, "--count", stdin="12+30")),
                         f"{len(ids)}\n")


class Logits(Case):
    FIXTURE = FIXTURES / "llama3-f32"  # a folder without a tokenizer

    def test_one_row_for_every_token_without_a_tokenizer(self):
        ids = (self.FIXTURE / "ids.txt").read_text().split()[:5]
        with tempfile.TemporaryDirectory() as folder:
            tokens, out = os.path.join(folder, "ids"), os.path.join(folder, "logits")
            pathlib.Path(tokens).write_text(" ".join(ids))
            self.assert_ok(run("logits", self.FIXTURE, "--tokens", tokens, "--out", out))
            n_vocab = json.loads((self.FIXTURE / "config.json").read_text())["vocab_size"]
            self.assertEqual(os.path.getsize(out), len(ids) * n_vocab * 4)
            self.assertEqual(os.listdir(folder).sort(), ["ids", "logits"].sort())

    def test_failures_leave_no_file(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens, out = os.path.join(folder, "ids"), os.path.join(folder, "logits")
            for text, part in (("", "ids"), ("1 2 oops", "'oops'"), ("1 99999999", "99999999")):
                pathlib.Path(tokens).write_text(text)
                self.assert_error(run("logits", self.FIXTURE, "--tokens", tokens, "--out", out), 1,
                                  part)
                self.assertEqual(os.listdir(folder), ["ids"])
            self.assert_error(run("logits", self.FIXTURE, "--tokens", "/no/ids", "--out", out), 1,
                              "/no/ids")
            self.assert_error(run("logits", self.FIXTURE, "--tokens", tokens, "--out", "/no/x/y"), 1)


class Answers(Case):
    def test_stdout_is_the_answer_and_nothing_else(self):
        result = run("run", "-p", "12+30")
        answer = self.assert_ok(result)
        self.assertTrue(answer.endswith("\n"))
        self.assertNotIn("think", answer)
        self.assertNotIn("\033", answer)
        self.assertNotIn(b"\033", result.stderr)
        self.assertEqual(answer, self.assert_ok(run("run", stdin="12+30\n")))
        self.assertEqual(answer, self.assert_ok(run("chat", stdin="12+30\n")))
        self.assertEqual(answer, self.assert_ok(run("run", MINI, "-p", "12+30")))

    def test_json_has_the_promised_shape(self):
        out = json.loads(self.assert_ok(run("run", "-p", "12+30", "--json", "--logprobs", "3")))
        self.assertEqual(set(out), {"reasoning", "content", "finish_reason", "usage", "timings",
                                    "logprobs"})
        self.assertEqual(out["finish_reason"], "stop")
        self.assertTrue(out["reasoning"])
        usage = out["usage"]
        self.assertEqual(usage["prompt_tokens"] + usage["completion_tokens"], usage["total_tokens"])
        self.assertGreater(usage["completion_tokens"], usage["reasoning_tokens"])
        self.assertLessEqual(len(out["logprobs"]), usage["completion_tokens"])
        self.assertTrue(all(len(entry["top"]) == 3 for entry in out["logprobs"]))
        self.assertTrue(all(entry["logprob"] <= 0 for entry in out["logprobs"]))
        plain = self.assert_ok(run("run", "-p", "12+30"))
        self.assertEqual(out["content"].rstrip("\n"), plain.rstrip("\n"))

    def test_no_think_answers_at_once(self):
        out = json.loads(self.assert_ok(run("run", "-p", "12+30", "--json", "--no-think")))
        self.assertEqual(out["reasoning"], "")
        self.assertTrue(out["content"])

    def test_hidden_thinking_is_not_printed(self):
        result = run("run", "-p", "12+30", "--hide-thinking")
        self.assertEqual(result.stderr, b"")
        self.assert_ok(result)

    def test_the_same_question_has_the_same_answer(self):
        answers = {run("run", "-p", "47 - 8", "--temp", "1", "-s", "7").stdout for _ in range(3)}
        self.assertEqual(len(answers), 1)

    def test_the_number_of_threads_changes_nothing(self):
        answers = {run("run", "-p", "5 km in m?", "-t", n).stdout for n in (1, 2, 4)}
        self.assertEqual(len(answers), 1)

    def test_stop_ends_the_answer_before_the_text(self):
        out = json.loads(self.assert_ok(run("run", "-p", "12+30", "--json", "--no-think")))
        content = out["content"]
        self.assertGreaterEqual(len(content), 2)
        last = content[len(content) // 2]
        cut = json.loads(self.assert_ok(run("run", "-p", "12+30", "--json", "--no-think",
                                            "--stop", last)))
        self.assertEqual(cut["content"], content[:content.index(last)])

    def test_a_limit_of_tokens_is_said(self):
        out = json.loads(self.assert_ok(run("run", "-p", "12+30", "--json", "-n", "3")))
        self.assertEqual(out["finish_reason"], "length")
        self.assertEqual(out["usage"]["completion_tokens"], 3)
        self.assertIn(b"3 tokens", run("run", "-p", "12+30", "-n", "3").stderr)

    def test_a_prompt_longer_than_the_context_is_an_error_with_both_numbers(self):
        result = run("run", "-c", "32", stdin="1+1 " * 100)
        self.assert_error(result, 1, "32", "tokens")
        self.assertRegex(result.stderr.decode(), r"\d{3,} tokens")

    def test_stdin_is_the_document_behind_the_prompt(self):
        both = json.loads(self.assert_ok(run("run", "-p", "12", "--json", stdin="+30")))
        one = json.loads(self.assert_ok(run("run", "--json", stdin="12\n\n+30\n\n")))
        self.assertEqual(both["usage"], one["usage"])
        self.assertEqual(both["content"], one["content"])

    def test_no_question_is_a_usage_error(self):
        self.assert_error(run("run"), 2, "-p")
        self.assert_error(run("run", stdin="\n\n"), 2, "-p")
        self.assert_error(run("chat"), 1, "empty")

    def test_any_bytes_are_a_question(self):
        for data in (b"\xff\xfe 1+1", b"\xc3", "1+1 🌊".encode()):
            self.assertEqual(run("run", "-n", "4", stdin=data).returncode, 0)
        self.assert_error(run("run", stdin=b"a\0b"), 1, "zero byte")

    def test_a_full_disk_is_an_error(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full here")
        with open("/dev/full", "wb") as full:
            result = subprocess.run([TIEFSEE, "run", "-p", "12+30"], stdin=subprocess.DEVNULL,
                                    stdout=full, stderr=subprocess.PIPE, timeout=LIMIT_S,
                                    env=environment())
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"writing to stdout", result.stderr)

    def test_ctrl_c_ends_run_with_130(self):
        process = subprocess.Popen([TIEFSEE, "run", "-p", "12+30", "--stop", "never"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment())
        process.stderr.read(1)  # the first thought: it is at work
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)
        # It may just have been done.
        self.assertIn(process.returncode, (0, 130))

    def test_kernel_levels_give_the_same_answer(self):
        answers = {run("run", "-p", "12+30", env=environment(TIEFSEE_CPU=level)).stdout
                   for level in ("ref", "avx2", "")}
        self.assertEqual(len(answers), 1)
        self.assert_error(run("run", "-p", "x", env=environment(TIEFSEE_CPU="mmx")), 1, "mmx")


class Bench(Case):
    def test_json_has_the_promised_shape(self):
        out = json.loads(self.assert_ok(run("bench", "-p", "8", "-n", "4", "-r", "1", "--json")))
        for phase, keys in (("prefill", ("tokens", "tokens_per_s", "share_of_limit")),
                            ("decode", ("depth", "tokens_per_s", "share_of_limit")),
                            ("limits", ("bus_gb_per_s", "int8_gops"))):
            for key in keys:
                self.assertGreaterEqual(out[phase][key], 0)
        for key in ("threads", "kernels", "peak_rss_bytes"):
            self.assertIn(key, out)

    def test_lists_are_measured_in_every_combination(self):
        with tempfile.TemporaryDirectory() as folder:
            picture = os.path.join(folder, "speed.svg")
            out = json.loads(self.assert_ok(run(
                "bench", "-p", "8,4", "-d", "70", "--sequences", "1,3", "-n", "2", "-r", "1",
                "--profile", "--json", "--svg", picture)))
            points = [(p["phase"], p["tokens"], p["depth"], p["sequences"]) for p in out["points"]]
            self.assertEqual(points, [("prefill", n, 70, 1) for n in (4, 8)] +
                             [("decode", 2, 70, s) for s in (1, 3)])
            self.assertEqual(out["prefill"]["tokens"], 4)
            ops = {op["op"]: op for op in out["profile"]["decode"]["ops"]}
            self.assertEqual(ops["gather_rows"]["calls"], 2 * 2)  # points, tokens
            self.assertEqual(ops["attention"]["calls"] % (2 * 2), 0)  # as often in every layer
            self.assertLess(sum(op["seconds"] for op in out["profile"]["decode"]["ops"]),
                            out["profile"]["decode"]["seconds"])
            with open(picture) as f:
                root = xml.etree.ElementTree.fromstring(f.read())
            self.assertTrue(root.tag.endswith("svg"))
        for bad in ("8,", "", "x", "1,,2", "-1"):
            self.assert_error(run("bench", f"--prompt={bad}"), 2, "prompt")
        self.assert_error(run("bench", "--sequences", "17"), 2, "sequences")

    def test_a_phase_that_did_not_run_is_not_there(self):
        out = json.loads(self.assert_ok(run("bench", "-p", "0", "-n", "2", "-r", "1", "--json")))
        self.assertNotIn("prefill", out)
        self.assertIn("decode", out)


class Doctor(Case):
    def test_json_lists_what_was_checked(self):
        out = json.loads(self.assert_ok(run("doctor", "--json")))
        names = [check["name"] for check in out["checks"]]
        for name in ("processor", "kernels", "cores", "memory", "models", "port", "self-test", "limits"):
            self.assertIn(name, names)
        self.assertTrue(out["is_well"])

    def test_a_taken_port_is_a_hint(self):
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", 8642))
            except OSError:
                pass  # somebody else has it: as good
            self.assertRegex(self.assert_ok(run("doctor")), r"hint +port")


def tearDownModule():
    shutil.rmtree(HOME, ignore_errors=True)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
