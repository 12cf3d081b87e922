#!/usr/bin/env python3
"""The HTTP layer alone, against clients that behave badly.

    test_http.py PATH_OF_PROBE

http_probe.c says what its paths do."""
import json
import os
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

PROBE = os.path.abspath(sys.argv[1])
LIMIT_S = 60
FOLDER = tempfile.mkdtemp(prefix="tiefsee-http-")


class Probe:
    """A running probe; its log (one JSON object a line) is in self.log afterwards."""

    def __init__(self, **options):
        self.errors = tempfile.NamedTemporaryFile("ab", dir=FOLDER)
        self.process = subprocess.Popen([PROBE, *(f"{k}={v}" for k, v in options.items())],
                                        stdout=subprocess.PIPE, stderr=self.errors)
        line = self.process.stdout.readline().split()
        self.port = int(line[1]) if line else None
        self.is_sanitized = len(line) > 2  # its memory says nothing
        self.log = []

    def connect(self, timeout=LIMIT_S):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def read_log(self):
        with open(self.errors.name) as f:
            text = f.read()
        self.log = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return text

    def stop(self, force=False):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            while force and self.process.poll() is None:  # two in one moment may count as one
                time.sleep(0.1)
                self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LIMIT_S)
        self.process.stdout.close()
        text = self.read_log()
        self.errors.close()
        return code, text

    def rss(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) * 1024


def request(method="GET", path="/quick", body=b"", version="HTTP/1.1", **headers):
    headers = {"Host": "localhost", **headers}
    if body and not any(k.lower() in ("content-length", "transfer_encoding") for k in headers):
        headers["Content-Length"] = len(body)
    head = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items() if v is not None)
    return f"{method} {path} {version}\r\n{head}\r\n".encode() + body


def read_answer(stream, head_only=False):
    """(status, headers, body) from a file object; None at its end."""
    line = stream.readline()
    if not line:
        return None
    status = int(line.split()[1])
    headers = {}
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, value = line.decode("latin-1").split(":", 1)
        headers[name.lower()] = value.strip()
    if status == 100:
        return read_answer(stream, head_only)
    if head_only or status in (204, 304):
        return status, headers, b""
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            line = stream.readline()
            if not line:
                return status, headers, None  # cut
            size = int(line, 16)
            piece = stream.read(size)
            if len(piece) < size:
                return status, headers, None
            stream.readline()
            if size == 0:
                return status, headers, body
            body += piece
    if "content-length" in headers:
        return status, headers, stream.read(int(headers["content-length"]))
    return status, headers, stream.read()


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not (result := what()):
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.02)
    return result


class Case(unittest.TestCase):
    options = {}

    def run(self, result=None):
        started = time.monotonic()
        super().run(result)
        if time.monotonic() - started > 1:
            print(f"{self.id()} {time.monotonic() - started:.1f} s", file=sys.stderr)

    @classmethod
    def setUpClass(cls):
        cls.probe = Probe(**cls.options)

    @classmethod
    def tearDownClass(cls):
        code, text = cls.probe.stop()
        if code != 0:
            raise AssertionError(f"probe ended with {code}:\n{text[-4000:]}")
        if "Sanitizer" in text:
            raise AssertionError(text[-8000:])

    def ask(self, data, **more):
        with self.probe.connect() as s, s.makefile("rb") as stream:
            s.sendall(data)
            return read_answer(stream, **more)

    def seen(self):
        return tuple(int(n) for n in self.ask(request(path="/seen"))[2].split())

    def assert_alive(self):
        self.assertEqual(self.ask(request())[2], b"quick\n")


class Basics(Case):
    options = {"origin": "https://app.example"}

    def test_answers_and_tells_what_browsers_must_know(self):
        status, headers, body = self.ask(request())
        self.assertEqual((status, body), (200, b"quick\n"))
        self.assertRegex(headers["x-request-id"], "^req_[0-9a-f]{24}$")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["cache-control"], "no-store")
        self.assertEqual(headers["x-frame-options"], "DENY")
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        self.assertNotIn("access-control-allow-origin", headers)

    def test_head_is_get_without_a_body(self):
        with self.probe.connect() as s, s.makefile("rb") as stream:
            s.sendall(request("HEAD") + request())
            status, headers, _ = read_answer(stream, head_only=True)
            self.assertEqual((status, headers["content-length"]), (200, "6"))
            self.assertEqual(read_answer(stream)[2], b"quick\n")

    def test_errors_have_the_form_of_the_route(self):
        status, headers, body = self.ask(request("POST", "/braces/echo"))
        self.assertEqual((status, headers["content-type"]), (400, "application/braces"))
        self.assertEqual(body, b"{400 /braces/echo the body is empty}")
        self.assertEqual(self.ask(request(path="/braces/none"))[2],
                         b"{404 /braces/none there is nothing at /braces/none}")
        self.assertEqual(self.ask(request(path="/none"))[2], b"there is nothing at /none\n")

    def test_405_says_what_is_allowed(self):
        status, headers, _ = self.ask(request("DELETE", "/quick"))
        self.assertEqual((status, headers["allow"]), (405, "GET, HEAD"))

    def test_paths_are_decoded_and_judged(self):
        self.assertEqual(self.ask(request(path="/qu%69ck"))[0], 200)
        for path in ("/%00", "/%ff", "/%zz", "/../quick", "/quick/%2e%2e/quick", "/\xff"):
            with self.subTest(path=path):
                head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("latin-1")
                self.assertEqual(self.ask(head)[0], 400)

    def test_bodies_of_all_kinds_come_back(self):
        for body in (b"x", b"\x00\xff" * 1000, os.urandom(300_000)):
            self.assertEqual(self.ask(request("POST", "/echo", body))[2], body)
        chunks = b"".join(b"%x\r\n" % len(c) + c + b"\r\n" for c in (b"ab", b"c" * 5000, b"d"))
        data = request("POST", "/echo", Transfer_Encoding="chunked") + chunks + b"0\r\n\r\n"
        self.assertEqual(self.ask(data)[2], b"ab" + b"c" * 5000 + b"d")

    def test_says_continue_to_who_waits_for_it(self):
        with self.probe.connect() as s, s.makefile("rb") as stream:
            s.sendall(request("POST", "/echo", Content_Length=3, Expect="100-continue"))
            self.assertIn(b"100", stream.readline())
            stream.readline()
            s.sendall(b"abc")
            self.assertEqual(read_answer(stream)[2], b"abc")

    def test_streams_in_pieces(self):
        status, headers, body = self.ask(request(path="/stream?n=5&ms=5&size=7"))
        self.assertEqual((status, body), (200, b"\0" * 35))
        self.assertEqual(headers["content-type"], "text/event-stream")

    def test_streams_to_http_1_0_until_close(self):
        status, _, body = self.ask(request(path="/stream?n=5&ms=5&size=7", version="HTTP/1.0"))
        self.assertEqual((status, body), (200, b"\0" * 35))

    def test_a_piece_is_not_held_back(self):
        with self.probe.connect() as s, s.makefile("rb") as stream:
            s.sendall(request(path="/stream?n=2&ms=3000&size=7"))
            started = time.monotonic()
            while stream.readline().strip() != b"7":
                pass
            self.assertLess(time.monotonic() - started, 5.9)  # the second comes at 6 s

    def test_beats_while_nothing_comes(self):
        body = self.ask(request(path="/stream?n=1&ms=1500&size=1&beat=300"))[2]
        self.assertGreaterEqual(body.count(b": keep-alive\n\n"), 2)

    def test_half_an_answer_is_seen_as_half(self):
        answer = self.ask(request(path="/cut"))
        self.assertTrue(answer is None or answer[2] is None, answer)

    def test_pipelined_requests_are_answered_in_order(self):
        with self.probe.connect() as s, s.makefile("rb") as stream:
            s.sendall(request(path="/slow?ms=100") + request("POST", "/echo", b"two") +
                      request(path="/stream?n=2&ms=5&size=3") + request())
            answers = [read_answer(stream)[2] for _ in range(4)]
            self.assertEqual(answers, [b"slow\n", b"two", b"\0" * 6, b"quick\n"])

    def test_a_hundred_pipelined_requests(self):
        with self.probe.connect() as s, s.makefile("rb") as stream:
            s.sendall(request() * 100)
            for _ in range(100):
                self.assertEqual(read_answer(stream)[2], b"quick\n")

    def test_byte_by_byte(self):
        with self.probe.connect() as s, s.makefile("rb") as stream:
            for byte in request("POST", "/echo", b"slowly"):
                s.sendall(bytes([byte]))
                time.sleep(0.001)
            self.assertEqual(read_answer(stream)[2], b"slowly")

    def test_admission_comes_before_the_body(self):
        head = request("POST", "/echo", Content_Length=1000, Authorization="Bearer wrong",
                       Expect="100-continue")
        status, headers, body = self.ask(head)
        self.assertEqual((status, body), (401, b"wrong key\n"))
        self.assertEqual(self.ask(request("POST", "/echo", b"x" * 100_000,
                                          Authorization="Bearer wrong"))[0], 401)

    # ---- who may ask

    def test_host_must_be_ours(self):
        for host in ("localhost", "127.0.0.1:8642", "[::1]:1"):
            self.assertEqual(self.ask(request(Host=host))[0], 200)
        for host in ("evil.example", "localhost.evil.example", ""):
            self.assertEqual(self.ask(request(Host=host))[0], 403, host)
        self.assertEqual(self.ask(request(Host=None))[0], 400)
        twice = b"GET /quick HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n"
        self.assertEqual(self.ask(twice)[0], 400)

    def test_pages_of_others_are_refused(self):
        for origin in ("https://evil.example", "null", "http://app.example"):
            self.assertEqual(self.ask(request(Origin=origin))[0], 403)
        self.assertEqual(self.ask(request(Host="localhost:1", Origin="http://localhost:1"))[0], 200)

    def test_pages_by_name_get_cors(self):
        _, headers, _ = self.ask(request(Origin="https://app.example"))
        self.assertEqual(headers["access-control-allow-origin"], "https://app.example")
        self.assertEqual(headers["vary"], "Origin")
        status, headers, _ = self.ask(request(
            "OPTIONS", "/echo", Origin="https://app.example",
            Access_Control_Request_Method="POST", Access_Control_Request_Headers="x-api-key"))
        self.assertEqual(status, 204)
        self.assertEqual(headers["access-control-allow-methods"], "POST")
        self.assertEqual(headers["access-control-allow-headers"], "x-api-key")
        self.assertEqual(self.ask(request("OPTIONS", "/echo", Origin="https://evil.example",
                                          Access_Control_Request_Method="POST"))[0], 403)


class Answers(Case):
    options = {"body": 300_000, "bodies": 1_000_000, "answers": 200_000}

    def test_whole_ones_are_bounded_together(self):
        for _ in range(3):
            status, headers, body = self.ask(request("POST", "/echo", b"x" * 250_000))
            self.assertEqual((status, headers["retry-after"]), (503, "1"), body[:80])
            self.assertIn(b"answers", body)
            _, _, body = wait_for(lambda: (answer := self.ask(
                request("POST", "/echo", b"x" * 150_000)))[0] == 200 and answer)
            self.assertEqual(len(body), 150_000)


class Hostile(Case):
    options = {"body": 100_000, "bodies": 150_000, "output": 200_000}

    def test_long_targets_and_headers(self):
        self.assertEqual(self.ask(request(path="/" + "x" * 9000))[0], 414)
        self.assertEqual(self.ask(request(X="y" * 17000))[0], 431)
        self.assertEqual(self.ask(request(**{f"X{i}": i for i in range(120)}))[0], 431)
        for data in (request(path="/" + "x" * 100_000), request(X="y" * 100_000)):
            with self.subTest(n=len(data)):
                try:
                    self.assertIn(self.ask(data)[0], (414, 431))
                except ConnectionResetError:
                    pass  # more was sent than anybody reads

    def test_large_bodies(self):
        self.assertEqual(len(self.ask(request("POST", "/echo", b"x" * 100_000))[2]), 100_000)
        status, _, body = self.ask(request("POST", "/echo", b"x" * 100_001))
        self.assertEqual((status, body), (413, b"the body has 100001 bytes (100000 allowed)\n"))
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        data = request("POST", "/echo", Transfer_Encoding="chunked") + chunk * 8 + b"0\r\n\r\n"
        self.assertEqual(self.ask(data)[0], 413)
        self.assertEqual(self.ask(request("POST", "/echo", Content_Length=10**15))[0], 413)
        self.assert_alive()

    def test_many_bodies_at_once(self):
        with self.probe.connect() as a, a.makefile("rb") as stream:
            a.sendall(request("POST", "/echo", Content_Length=100_000) + b"x" * 90_000)
            wait_for(lambda: self.seen()[3] == 90_000)  # all is in, else this one may be refused
            status, headers, _ = self.ask(request("POST", "/echo", b"y" * 90_000))
            self.assertEqual(status, 503)
            self.assertEqual(headers["retry-after"], "1")
            a.sendall(b"x" * 10_000)
            self.assertEqual(len(read_answer(stream)[2]), 100_000)
        wait_for(lambda: self.ask(request("POST", "/echo", b"y" * 90_000))[0] == 200)

    def test_framing_that_smuggles(self):
        both = request("POST", "/echo", Content_Length=4, Transfer_Encoding="chunked") + b"0\r\n\r\n"
        self.assertEqual(self.ask(both)[0], 400)
        twice = (b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
                 b"Content-Length: 2\r\n\r\nab")
        self.assertEqual(self.ask(twice)[0], 400)
        for length in ("-1", "1x", "99999999999999999999999"):
            with self.subTest(length=length):
                self.assertIn(self.ask(request("POST", "/echo", Content_Length=length))[0],
                              (400, 413))
        self.assertEqual(self.ask(request("POST", "/echo", b"x", Transfer_Encoding="gzip",
                                          Content_Length=None))[0], 501)
        self.assertEqual(self.ask(request("POST", "/echo", b"x", Content_Encoding="gzip"))[0], 415)

    def test_what_is_not_http(self):
        for data in (b"\r\n\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9,
                     b"GET\r\n\r\n", b"\0" * 5000, b"GET /quick\r\n\r\n", b"\xff" * 100 + b"\r\n\r\n",
                     b"GET /quick HTTP/9.9\r\n\r\n", b"GET /quick HTTP/1.1\r\nHost\r\n\r\n",
                     b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                     b"\r\nzz\r\n"):
            with self.subTest(data=data[:30]), self.probe.connect() as s:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                try:
                    answer = s.makefile("rb").read()
                except ConnectionResetError:
                    answer = b""
                self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1."), answer[:80])
                self.assertNotIn(b" 200 ", answer[:20] if b"GET /quick" not in data else b"")
        self.assert_alive()

    def test_a_request_and_a_closed_half_is_answered(self):
        for path, want in (("/quick", b"quick\n"), ("/slow?ms=1", b"slow\n")):
            with self.probe.connect() as s:
                s.sendall(request(path=path, Connection="close"))
                s.shutdown(socket.SHUT_WR)
                self.assertEqual(read_answer(s.makefile("rb"))[2], want)

    def test_headers_that_are_no_text(self):
        data = request().replace(b"\r\n\r\n", b"\r\nX: \xff\xfe\x80\r\nA\xff: 1\r\n\r\n")
        self.assertIn(self.ask(data)[0], (200, 400))
        self.assert_alive()

    def gone(self, data, rude):
        s = self.probe.connect()
        s.sendall(data)
        time.sleep(0.03)
        if rude:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()

    def test_clients_that_leave_in_every_phase(self):
        whole = request("POST", "/echo", b"x" * 5000)
        for rude in (False, True):
            for n in (0, 1, 10, 30, len(whole) - 5000, len(whole) - 1):
                self.gone(whole[:n], rude)
            self.gone(request(), rude)
        wait_for(lambda: self.seen()[2] == 0)
        self.assert_alive()

    def test_the_answerer_hears_that_its_client_left(self):
        for path in ("/slow?ms=60000", "/stream?n=1&ms=60000", "/stream?n=1000000&ms=2&size=9"):
            for rude in (False, True):
                with self.subTest(path=path, rude=rude):
                    before = self.seen()
                    self.gone(request(path=path), rude)
                    wait_for(lambda: self.seen()[0] > before[0], seconds=40)  # not at its end
        wait_for(lambda: self.seen()[2] == 0)

    def test_a_slow_reader_loses_its_stream_and_nobody_waits(self):
        with self.probe.connect() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(request(path="/stream?n=100000&ms=1&size=10000"))
            wait_for(lambda: self.probe.read_log() and any(
                e.get("route") == "/stream" and e.get("cut") and e["total_ms"] < 60000
                for e in self.probe.log), seconds=80)  # read at ease it takes 100 s
        self.assert_alive()

    def test_a_reader_that_takes_its_time_gets_everything(self):
        with self.probe.connect() as s, s.makefile("rb") as stream:
            s.sendall(request(path="/stream?n=50&ms=5&size=3000"))
            time.sleep(0.5)
            self.assertEqual(len(read_answer(stream)[2]), 150_000)

    def test_the_log_has_no_content(self):
        self.ask(request("POST", "/echo?secret=1", b"secret", Authorization="Bearer secret"))
        self.assertNotIn("secret", self.probe.read_log())
        self.assertTrue(any(e.get("route") == "/echo" for e in self.probe.log))


class Full(Case):
    options = {"connections": 20}

    def test_too_many_connections(self):
        idle = [self.probe.connect() for _ in range(20)]
        status, headers, _ = self.ask(request())
        self.assertEqual((status, headers["retry-after"], headers["connection"]),
                         (503, "1", "close"))
        for s in idle:
            s.close()
        wait_for(lambda: self.ask(request())[0] == 200)


class Slow(Case):
    options = {"seconds": 2}

    def closed(self, s):
        try:
            return s.makefile("rb").read()
        except ConnectionResetError:
            return b""

    def test_slow_senders_get_408(self):
        for path, kind in (("/echo", b"text/plain"), ("/braces/echo", b"application/braces")):
            with self.probe.connect() as s:
                s.sendall(request("POST", path, Content_Length=10) + b"x")
                answer = self.closed(s)
                self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer)
                self.assertIn(kind, answer)
        with self.probe.connect() as s:
            s.sendall(b"GET /quick HTTP/1.1\r\nHost: ")
            self.assertTrue(self.closed(s).startswith(b"HTTP/1.1 408 "))

    def test_a_byte_now_and_then_does_not_help(self):
        with self.probe.connect() as s:
            s.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n")
            with self.assertRaises(OSError):
                for _ in range(99):  # all hundred would be an answer
                    s.sendall(b"x")
                    time.sleep(0.1)

    def test_who_asks_nothing_is_closed(self):
        with self.probe.connect() as s:
            self.assertEqual(self.closed(s), b"")
        with self.probe.connect() as s, s.makefile("rb") as stream:
            s.sendall(request())
            self.assertEqual(read_answer(stream)[0], 200)
            self.assertEqual(stream.read(), b"")

    def test_a_waiting_answer_has_all_the_time(self):
        self.assertEqual(self.ask(request(path="/slow?ms=4000"))[2], b"slow\n")

class Many(Case):
    def test_a_thousand_idle_connections(self):
        n = 1000
        before = self.probe.rss()
        idle = []
        for i in range(n):
            s = self.probe.connect()
            s.sendall(request())
            idle.append(s)
        for s in idle:
            with s.makefile("rb") as stream:
                self.assertEqual(read_answer(stream)[2], b"quick\n")
        grown = self.probe.rss() - before
        print(f"1000 idle connections: {grown / 1e6:.1f} MB", file=sys.stderr)
        if not self.probe.is_sanitized:
            self.assertLess(grown, 100e6)
        self.assert_alive()
        for s in idle:
            s.close()

    def test_many_streams_at_once(self):
        n = 100
        clients = [self.probe.connect() for _ in range(n)]
        for i, s in enumerate(clients):
            s.sendall(request(path=f"/stream?n=20&ms=10&size={i + 1}"))
        for i, s in enumerate(clients):
            if i % 5 == 0:
                s.close()
        for i, s in enumerate(clients):
            if i % 5:
                with s.makefile("rb") as stream:
                    self.assertEqual(len(read_answer(stream)[2]), 20 * (i + 1))
                s.close()
        wait_for(lambda: self.seen()[2] == 0)


class Ends(unittest.TestCase):
    def test_drains(self):
        probe = Probe()
        with probe.connect() as busy, probe.connect() as idle:
            busy.sendall(request(path="/stream?n=40&ms=100&size=5"))
            idle.sendall(request())
            waiting = idle.makefile("rb")
            self.assertEqual(read_answer(waiting)[0], 200)
            probe.process.send_signal(signal.SIGTERM)

            def is_closed():
                try:
                    probe.connect().close()
                except OSError:
                    return True

            wait_for(is_closed)
            idle.sendall(request())
            self.assertEqual(read_answer(waiting)[0], 503)
            with busy.makefile("rb") as stream:
                self.assertEqual(len(read_answer(stream)[2]), 200)
            waiting.close()
        code, text = probe.stop()
        self.assertEqual(code, 0, text)

    def test_a_second_signal_ends_at_once(self):
        probe = Probe()
        clients = []
        for path in ("/stream?n=30&ms=100", "/slow?ms=3000", "/stream?n=1&ms=2000"):
            clients.append(probe.connect())
            clients[-1].sendall(request(path=path))
        clients.append(probe.connect())
        clients[-1].sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx")
        time.sleep(0.3)
        code, text = probe.stop(force=True)
        self.assertEqual(code, 0, text)
        self.assertNotIn("Sanitizer", text)
        for s in clients:
            s.close()

    def test_a_taken_port_is_told(self):
        with socket.socket(socket.AF_UNIX) as s:
            path = os.path.join(FOLDER, "taken")
            s.bind(path)
            s.listen()
            result = subprocess.run([PROBE, f"unix={path}"], capture_output=True, timeout=LIMIT_S)
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"Address already in use", result.stderr)
            self.assertTrue(os.path.exists(path))


class Sockets(unittest.TestCase):
    def test_unix_socket(self):
        path = os.path.join(FOLDER, "socket")
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        probe = Probe(unix=path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        for data, want in ((request(), b"quick\n"), (request("POST", "/echo", b"hi"), b"hi"),
                           (request(path="/stream?n=3&ms=5&size=4"), b"\0" * 12)):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(LIMIT_S)
                s.connect(path)
                s.sendall(data)
                self.assertEqual(read_answer(s.makefile("rb"))[2], want)
        code, text = probe.stop()
        self.assertEqual(code, 0, text)
        self.assertIn('"peer": "unix"', text)
        self.assertFalse(os.path.exists(path))

    @unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificate")
    def test_tls(self):
        cert, key = os.path.join(FOLDER, "cert.pem"), os.path.join(FOLDER, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                        "-out", cert], check=True, capture_output=True, timeout=LIMIT_S)
        probe = Probe(cert=cert, key=key, seconds=10)
        context = ssl.create_default_context(cafile=cert)
        with context.wrap_socket(probe.connect(), server_hostname="localhost") as s:
            self.assertIn(s.version(), ("TLSv1.2", "TLSv1.3"))
            with s.makefile("rb") as stream:
                s.sendall(request() + request(path="/stream?n=5&ms=20&size=9"))
                self.assertEqual(read_answer(stream)[2], b"quick\n")
                self.assertEqual(read_answer(stream)[2], b"\0" * 45)
                body = os.urandom(400_000)
                s.sendall(request("POST", "/echo", body))  # one thread: an SSL object is not shared
                self.assertEqual(read_answer(stream)[2], body)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with probe.connect() as s, self.assertRaises((ssl.SSLError, OSError)):
            old.wrap_socket(s)
        with probe.connect() as plain:
            plain.sendall(request())
            try:
                self.assertNotIn(b"quick", plain.makefile("rb").read())
            except ConnectionResetError:
                pass
        with context.wrap_socket(probe.connect(), server_hostname="localhost") as s:
            s.sendall(request(path="/slow?ms=60000"))
        with context.wrap_socket(probe.connect(), server_hostname="localhost") as s:
            with s.makefile("rb") as stream:
                s.sendall(request(path="/seen"))
                read_answer(stream)
                wait_for(lambda: s.sendall(request(path="/seen")) or
                         read_answer(stream)[2].startswith(b"1 "))
        code, text = probe.stop()
        self.assertEqual(code, 0, text)

    def test_a_bad_certificate_is_told(self):
        bad = os.path.join(FOLDER, "bad.pem")
        with open(bad, "w") as f:
            f.write("no certificate")
        result = subprocess.run([PROBE, f"cert={bad}", f"key={bad}"], capture_output=True,
                                timeout=LIMIT_S)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"certificate and key", result.stderr)


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    try:
        unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=1)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
