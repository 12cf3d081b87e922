#!/usr/bin/env python3
"""`tiefsee serve` with the embedded model: start, refusals, keys, health, end.

    test_serve.py PATH_OF_TIEFSEE"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

TIEFSEE = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]
MINI = ROOT / "assets" / "tiefsee-mini.gguf"
HOME = tempfile.mkdtemp(prefix="tiefsee-serve-")
LIMIT_S = 60


def environment():
    env = {"HOME": HOME, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "TIEFSEE_CPU"):
        if name in os.environ:
            env[name] = os.environ[name]
    return env


def run(*arguments):
    return subprocess.run([TIEFSEE, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=LIMIT_S, env=environment())


class Server:
    def __init__(self, *arguments, port=0):
        if port is not None:
            arguments = (*arguments, "--port", port)
        self.errors = tempfile.NamedTemporaryFile("ab", dir=HOME, delete=False)
        self.started = time.monotonic()
        self.process = subprocess.Popen([TIEFSEE, "serve", "--log-json", *map(str, arguments)],
                                        stdin=subprocess.DEVNULL, stderr=self.errors,
                                        env=environment())
        while not re.search("tiefsee: serving.*\n", text := self.read_log()):  # a whole line
            if self.process.poll() is not None or time.monotonic() > self.started + LIMIT_S:
                raise AssertionError("no server:\n" + text)
            time.sleep(0.01)
        self.ready_s = time.monotonic() - self.started
        self.line = next(line for line in text.splitlines() if line.startswith("tiefsee: serving"))
        match = re.search(r"https?://\S+:(\d+)/v1", self.line)
        self.port = int(match.group(1)) if match else None

    def read_log(self):
        return pathlib.Path(self.errors.name).read_text()

    def ask(self, path, method="GET", connection=None, **headers):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        c.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = c.getresponse()
        body = answer.read()
        if not connection:
            c.close()
        return answer.status, body

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(LIMIT_S)
        self.errors.close()
        return code, self.read_log()


class Case(unittest.TestCase):
    def serve(self, *arguments, **more):
        server = Server(*arguments, **more)
        self.addCleanup(lambda: server.process.poll() is None and server.process.kill())
        return server

    def assert_refused(self, code, part, *arguments):
        result = run("serve", *arguments)
        text = result.stderr.decode()
        self.assertEqual(result.returncode, code, text)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertTrue(text.startswith("tiefsee: "), text)
        self.assertIn(part, text)

    def assert_ended(self, server, number=signal.SIGTERM):
        code, text = server.stop(number)
        self.assertEqual(code, 0, text)
        self.assertNotIn("Sanitizer", text)
        return text


class Serve(Case):
    def test_serves_health_metrics_and_a_page(self):
        server = self.serve(f"one={MINI}", MINI, "--alias", "deepseek-chat=one")
        self.assertIn("serving one, tiefsee-mini at http://127.0.0.1:", server.line)
        self.assertLess(server.ready_s, 30)
        self.assertEqual(server.ask("/health"), (200, b'{"status": "ok", "models": 2, "loaded": 2}\n'))
        status, body = server.ask("/health?deep=1")
        self.assertEqual((status, json.loads(body)["status"]), (200, "ok"))
        self.assertIn(b"Tiefsee", server.ask("/")[1])
        server.ask("/nothing")
        wanted = 'tiefsee_requests_total{route="none",code="404"} 1\n'
        end = time.monotonic() + 10
        while wanted not in (text := server.ask("/metrics")[1].decode()):
            self.assertLess(time.monotonic(), end)
        self.assertIn('tiefsee_generated_tokens_total{model="one"} 1\n', text)
        self.assertIn('tiefsee_jobs_total{model="tiefsee-mini"} 0\n', text)
        self.assertIn('tiefsee_requests_total{route="/health",code="200"} 2\n', text)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{.*\})? [-+0-9.einfNa]+)$')
        self.assertEqual(server.ask("/health", Host="evil.example")[0], 403)
        log = self.assert_ended(server)
        self.assertTrue(any(json.loads(line).get("status") == 404 for line in log.splitlines()
                            if line.startswith("{")))

    def test_refuses_to_be_reached_by_accident(self):
        self.assert_refused(1, "--tls-cert and --tls-key", "--host", "0.0.0.0", "--port", 0)
        self.assert_refused(1, "--tls-cert and --tls-key", "--host", "::", "--port", 0)
        self.assert_refused(2, "belong together", "--tls-cert", "x")
        self.assert_refused(1, "TLS: ", "--tls-cert", "/none", "--tls-key", "/none")
        server = self.serve("--host", "0.0.0.0", "--insecure-listen")
        self.assertEqual(server.ask("/health", Host="box.example")[0], 200)
        self.assert_ended(server)

    def test_says_what_is_wrong(self):
        self.assert_refused(3, "no model 'none'", "none")
        self.assert_refused(1, "no model 'x' is served", "--alias", "new=x", "--port", 0)
        self.assert_refused(1, "--alias takes NEW=NAME", "--alias", "new", "--port", 0)
        self.assert_refused(1, "two models are called 'a'", f"a={MINI}", f"a={MINI}")
        self.assert_refused(2, "--no-tcp needs --unix", "--no-tcp")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            self.assert_refused(1, "Address already in use", "--port", s.getsockname()[1])

    def test_wants_keys(self):
        db = os.path.join(HOME, "keys.db")
        made = run("keys", "add", "someone", "--scopes", "chat,metrics", "--db", db)
        key = re.search(r"sk-ts-\w+", made.stdout.decode()).group()
        server = self.serve("--require-key", "--db", db)
        self.assertEqual(server.ask("/health")[0], 200)  # a balancer has no key
        self.assertEqual(server.ask("/metrics")[0], 401)
        self.assertEqual(server.ask("/metrics", Authorization="Bearer sk-ts-wrong")[0], 401)
        self.assertEqual(server.ask("/metrics", Authorization="Bearer " + key)[0], 200)
        self.assertEqual(server.ask("/metrics", x_api_key=key)[0], 200)
        self.assertEqual(run("keys", "disable", "someone", "--db", db).returncode, 0)
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while server.ask("/metrics", x_api_key=key)[0] != 401:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        log = self.assert_ended(server)
        self.assertIn('"event": "reloaded"', log)
        self.assertNotIn(key, log)

    def test_a_unix_socket_alone(self):
        path = os.path.join(HOME, "s")
        server = self.serve("--unix", path, "--no-tcp", port=None)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(b"GET /health?deep=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertIn(b'"ok"', s.makefile("rb").read())
        self.assert_ended(server)
        self.assertFalse(os.path.exists(path))

    @unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificate")
    def test_tls(self):
        cert, key = os.path.join(HOME, "cert.pem"), os.path.join(HOME, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                        "-out", cert], check=True, capture_output=True, timeout=LIMIT_S)
        server = self.serve("--tls-cert", cert, "--tls-key", key)
        self.assertIn("https://", server.line)
        context = ssl.create_default_context(cafile=cert)
        c = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=LIMIT_S)
        for _ in range(2):
            self.assertEqual(server.ask("/health?deep=1", connection=c)[0], 200)
        c.close()
        self.assert_ended(server)

    def test_interrupt_and_kill(self):
        self.assert_ended(self.serve(), signal.SIGINT)
        server = self.serve()
        server.ask("/health?deep=1")
        server.process.kill()
        server.process.wait(LIMIT_S)
        server = self.serve(port=server.port)
        print(f"ready {server.ready_s:.2f} s after kill -9", file=sys.stderr)
        self.assertEqual(server.ask("/health?deep=1")[0], 200)
        self.assert_ended(server)


if __name__ == "__main__":
    try:
        unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=1)
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
