#!/usr/bin/env python3
"""The chat at a terminal: typed keys in, screen out.

    test_chat.py PATH_OF_TIEFSEE"""
import os
import pty
import re
import select
import shutil
import stat
import sys
import tempfile
import time
import unittest

TIEFSEE = os.path.abspath(sys.argv[1])
LIMIT_S = 120
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A chat on a pseudo terminal."""

    def __init__(self, *arguments, home, **env):
        self.seen = b""
        self.code = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {"HOME": home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                           "TERM": "xterm", **env}
            for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
                if name in os.environ:
                    environment[name] = os.environ[name]
            os.execve(TIEFSEE, [TIEFSEE, "chat", *arguments], environment)

    def read_until(self, pattern, limit_s=LIMIT_S):
        """Wait for pattern in what has not been waited for yet; returns what came before it."""
        deadline = time.monotonic() + limit_s
        while True:
            match = re.search(pattern, self.seen)
            if match:
                before, self.seen = self.seen[:match.start()], self.seen[match.end():]
                return before
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], max(left, 0))[0]:
                raise AssertionError(f"{pattern!r} never came; the screen has {self.seen!r}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"the program ended before {pattern!r}: {self.seen!r}")
            self.seen += data

    def prompt(self):
        """Wait until it is our turn."""
        return self.read_until(rb"\x1b\[\?2004h.*?> ?(\x1b\[0m)? ?")

    def type(self, text):
        os.write(self.fd, text if isinstance(text, bytes) else text.encode())

    def wait(self):
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self.fd, 65536)
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                self.code = os.waitstatus_to_exitcode(status)
                return self.code
        raise AssertionError("the program does not end")

    def close(self):
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


class Chat(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="tiefsee-chat-")

    def tearDown(self):
        shutil.rmtree(self.home, ignore_errors=True)

    def open(self, *arguments, **env):
        terminal = Terminal(*arguments, home=self.home, **env)
        self.addCleanup(terminal.close)
        self.introduction = terminal.prompt()
        return terminal

    def test_introduces_the_model_and_leaves_with_ctrl_d(self):
        t = self.open()
        self.assertIn(b"parameters", self.introduction)
        self.assertIn(b"/help", self.introduction)
        t.type("\x04")
        self.assertEqual(t.wait(), 0)

    def test_answers_and_thinks_dimmed(self):
        t = self.open()
        t.type("12+30\r")
        screen = t.prompt()
        self.assertIn(b"\x1b[2m", screen)
        self.assertIn(b"42", ESCAPES.sub(b"", screen))
        t.type("/bye\r")
        self.assertEqual(t.wait(), 0)

    def test_commands_explain_themselves(self):
        t = self.open()
        t.type("/help\r")
        screen = t.prompt()
        for word in (b"/think", b"/nothink", b"/set", b"/show", b"/save", b"/load", b"/clear",
                     b"/bye"):
            self.assertIn(word, screen)
        t.type("/frobnicate\r")
        self.assertIn(b"/help lists them", t.prompt())
        t.type("/set temp 99\r")
        self.assertIn(b"cannot be '99'", t.prompt())
        t.type("/set top_k 40\r")
        self.assertIn(b"(top_k: 40)", t.prompt())
        t.type("/show\r")
        self.assertIn(b"top_k      40", t.prompt())

    def test_nothink_answers_at_once_and_timings_are_shown(self):
        t = self.open()
        t.type("/nothink\r")
        t.prompt()
        t.type("/set timings\r")
        t.prompt()
        t.type("12+30\r")
        screen = t.prompt()
        self.assertIn(b"tokens/s", screen)

    def test_ctrl_c_stops_the_answer_and_not_the_program(self):
        t = self.open()
        for _ in range(20):  # a small model can be done before the key is there
            t.type("count for me: 999 + 999 + 999\r")
            t.read_until(rb"\x1b\[2m")  # it thinks
            t.type("\x03")
            if b"(stopped" in t.prompt():
                break
            t.prompt()  # the key gave up an empty line
        else:
            self.fail("no answer was stopped")
        t.type("/show\r")
        self.assertIn(b"context", t.prompt())
        t.type("\x04")
        self.assertEqual(t.wait(), 0)

    def test_ctrl_c_gives_a_line_up_and_twice_says_how_to_leave(self):
        t = self.open()
        t.type("half a line")
        t.read_until(b"half a line")
        t.type("\x03")
        t.prompt()
        t.type("\x03")
        self.assertNotIn(b"Ctrl-D", t.prompt())
        t.type("\x03")
        self.assertIn(b"Ctrl-D", t.prompt())
        t.type("\x04")
        self.assertEqual(t.wait(), 0)

    def test_a_paste_of_lines_is_one_message(self):
        t = self.open()
        t.type("\x1b[200~1 + 1\nand\n2 + 2\x1b[201~")
        t.read_until(rb"\[paste 1: 3 lines\]")
        t.type("\r")
        t.prompt()
        t.type("/show\r")
        self.assertIn(b"2 messages", t.prompt())

    def test_wide_characters_are_edited_whole(self):
        t = self.open()
        t.type("/set system 你好Größe")
        t.read_until("Größe".encode())
        t.type("\x7f\x7f\r")  # two characters back
        self.assertIn("system: 你好Grö".encode() + b")", ESCAPES.sub(b"", t.prompt()))

    def test_history_is_kept_for_the_user_alone(self):
        t = self.open()
        t.type("/set seed 11\r")
        t.prompt()
        t.type("\x04")
        t.wait()
        path = os.path.join(self.home, ".local", "state", "tiefsee", "history")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700)
        t = self.open()
        t.type("\x1b[A")
        t.read_until(b"/set seed 11")

    def test_no_history_keeps_nothing(self):
        t = self.open("--no-history")
        t.type("/set seed 11\r")
        t.prompt()
        t.type("\x04")
        t.wait()
        self.assertFalse(os.path.exists(os.path.join(self.home, ".local", "state", "tiefsee",
                                                     "history")))

    def test_a_conversation_is_saved_and_loaded(self):
        path = os.path.join(self.home, "talk.json")
        t = self.open()
        t.type("12+30\r")
        t.prompt()
        t.type(f"/save {path}\r")
        self.assertIn(b"2 messages saved", t.prompt())
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        t.type("/clear\r")
        t.prompt()
        t.type(f"/load {path}\r")
        self.assertIn(b"2 messages from", t.prompt())
        t.type("/load /no/such/file\r")
        self.assertIn(b"tiefsee: /no/such/file", t.prompt())

    def test_a_full_context_is_said(self):
        t = self.open("-c", "48")
        t.type("12+30\r")
        screen = ESCAPES.sub(b"", t.prompt())
        if b"context of 48 tokens is full" not in screen:
            t.type("and now a much longer question with many, many words about 12 + 30 please\r")
            screen = ESCAPES.sub(b"", t.prompt())
        self.assertRegex(screen, rb"context (of 48|only 48)|context, only 48|48")
        self.assertRegex(screen, rb"full|context only 48")

    def test_no_color_has_no_escapes_in_answers(self):
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            t = Terminal(home=self.home, **env)
            self.addCleanup(t.close)
            t.read_until(rb"> ")
            t.type("12+30\r")
            screen = t.read_until(rb"42[^\n]*\n")
            self.assertNotIn(b"\x1b[2m", screen)
            self.assertNotIn(b"\x1b[1m", screen)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
