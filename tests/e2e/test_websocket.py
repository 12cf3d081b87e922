#!/usr/bin/env python3
"""WebSockets of the HTTP layer, against clients that behave badly.

    test_websocket.py PATH_OF_PROBE

http_probe.c says what a message does."""
import os
import shutil
import ssl
import struct
import subprocess
import sys
import unittest

import test_http
from ws import BINARY, CLOSE, PING, PONG, TEXT, Ws

PATH = "/ws"


class Sockets(test_http.Case):
    options = {"body": 100_000, "bodies": 300_000, "output": 1_000_000}

    def open(self, path=PATH, **more):
        return Ws(self.probe.port, path, **more)

    def seen(self):
        return [int(n) for n in self.ask(test_http.request(path="/seen"))[2].split()]

    def ask(self, data):
        with self.probe.connect() as s, s.makefile("rb") as stream:
            s.sendall(data)
            return test_http.read_answer(stream)

    def test_opens_as_the_standard_says(self):
        with self.open(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==") as ws:
            self.assertEqual(ws.status, 101)
            self.assertEqual(ws.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            self.assertEqual(ws.headers["upgrade"].lower(), "websocket")
            self.assertEqual(ws.headers["connection"].lower(), "upgrade")
            self.assertEqual(ws.ask("hello"), "hello")

    def test_opens_only_what_asks_for_it_well(self):
        for status, more in ((426, {"Upgrade": "h2c"}), (426, {"Upgrade": None}),
                             (426, {"Connection": "keep-alive"}),
                             (426, {"Sec_WebSocket_Version": "8"}),
                             (400, {"Sec_WebSocket_Key": "short"}),
                             (400, {"Sec_WebSocket_Key": "*" * 24}),
                             (400, {"Sec_WebSocket_Key": None}),
                             (403, {"Origin": "https://evil.example"}),
                             (403, {"Host": "evil.example"}), (401, {"Authorization": "Bearer wrong"}),
                             (404, {"path": "/nothing"})):
            path = more.pop("path", PATH)
            with self.open(path, **more) as ws:
                self.assertEqual(ws.status, status, more)
        with self.open(Origin="http://localhost") as ws:
            self.assertEqual(ws.status, 101)
        self.assertEqual(self.ask(test_http.request(path=PATH))[0], 426)

    def test_answers_one_after_the_other(self):
        with self.open() as ws:
            for i in range(3):
                ws.send(TEXT, f"slow?ms={50 - 10 * i}" if i < 2 else "last")
            self.assertEqual([ws.text() for _ in range(3)], ["slow", "slow", "last"])

    def test_takes_what_came_with_the_handshake(self):
        with self.open(more=Ws.frame(TEXT, "a") + Ws.frame(TEXT, "b")) as ws:
            self.assertEqual([ws.text(), ws.text()], ["a", "b"])

    def test_lines_of_an_answer_are_messages(self):
        with self.open() as ws:
            ws.send(TEXT, "stream?n=20&ms=1&size=70000")
            for _ in range(20):
                self.assertEqual(len(ws.text()), 65535)
            self.assertEqual(ws.ask("still here"), "still here")

    def test_a_message_may_come_in_pieces(self):
        with self.open() as ws:
            for at, byte in enumerate(b"piece"):
                ws.send(TEXT if at == 0 else 0, bytes([byte]), fin=at == 4)
                if at == 2:
                    ws.send(PING, b"between")
                    self.assertEqual(ws.read(), (PONG, b"between"))
            self.assertEqual(ws.text(), "piece")
            for size in (0, 1, 125, 126, 127, 65535, 65536, 100_000):
                text = "\u00e4" * (size // 2) + "x" * (size % 2)
                if size == 0:
                    ws.send(TEXT, b"")
                    continue  # answered by nothing
                self.assertEqual(ws.ask(text), text)
            for byte in Ws.frame(TEXT, "byte by byte"):
                ws.sock.sendall(bytes([byte]))
            self.assertEqual(ws.text(), "byte by byte")

    def test_pings_are_answered_while_a_message_is(self):
        with self.open() as ws:
            ws.send(TEXT, "slow?ms=60000")
            ws.send(PING, b"there?")
            self.assertEqual(ws.read(), (PONG, b"there?"))
            ws.send(CLOSE, struct.pack("!H", 1000))
            self.assertEqual(ws.close_code(), 1000)

    def test_what_breaks_the_rules_is_closed_with_its_code(self):
        text = Ws.frame(TEXT, "x", fin=False)
        for code, frames in ((1002, Ws.frame(TEXT, "x", mask=b"")), (1002, Ws.frame(TEXT, rsv=4)),
                             (1002, Ws.frame(3)), (1002, Ws.frame(11)), (1002, Ws.frame(0, "x")),
                             (1002, text + Ws.frame(TEXT, "y")),
                             (1002, Ws.frame(PING, fin=False)), (1002, Ws.frame(PING, "x" * 126)),
                             (1002, Ws.frame(CLOSE, b"\x03")), (1002, Ws.frame(CLOSE, b"\x03\xed")),
                             (1002, Ws.frame(CLOSE, b"\x03\xe8\xff")),
                             (1002, b"\x81\xff" + b"\xff" * 8 + b"mask"),
                             (1003, Ws.frame(BINARY, b"x")), (1007, Ws.frame(TEXT, b"\xc3")),
                             (1007, text + Ws.frame(0, b"\xed\xa0\x80")),
                             (1009, Ws.frame(TEXT, b"x" * 100_001)),
                             (1009, text + Ws.frame(0, b"x" * 100_000)),
                             (1005, Ws.frame(CLOSE)), (3000, Ws.frame(CLOSE, b"\x0b\xb8bye"))):
            with self.open() as ws:
                self.assertEqual(ws.ask("before"), "before")
                ws.sock.sendall(frames)
                self.assertEqual(ws.close_code() or 1005, code, frames[:20])
        with self.open() as ws:
            self.assertEqual(ws.ask("others go on"), "others go on")

    def test_all_messages_together_are_bounded(self):
        sockets = [self.open() for _ in range(4)]
        try:
            for ws in sockets[:3]:
                ws.send(TEXT, b"x" * 90_000, fin=False)
                ws.send(PING)
                self.assertEqual(ws.read()[0], PONG)
            sockets[3].send(TEXT, b"x" * 90_000)
            self.assertEqual(sockets[3].close_code(), 1009)
            sockets[0].send(0, b"!")
            self.assertEqual(len(sockets[0].text()), 90_001)
        finally:
            for ws in sockets:
                ws.__exit__()

    def test_errors_are_messages_and_the_connection_goes_on(self):
        with self.open() as ws:
            self.assertEqual(ws.ask("fail"), "{400 /ws as asked}")
            self.assertEqual([ws.ask("count") for _ in range(3)], ["1", "2", "3"])
        with self.open() as ws:
            self.assertEqual(ws.ask("count"), "1")

    def test_who_leaves_ends_what_was_asked(self):
        gone = self.seen()[0]
        for leave in ("close", "cut", "half"):
            ws = self.open()
            ws.send(TEXT, "stream?n=100000&ms=5&size=100")
            ws.text()
            if leave == "close":
                ws.send(CLOSE, b"")
                ws.close_code()
            elif leave == "half":
                ws.sock.shutdown(1)
                while ws.read():
                    pass
            ws.__exit__()
            gone += 1
            test_http.wait_for(lambda: self.seen()[0] == gone and self.seen()[2] == 0)

    def test_who_does_not_read_is_cut_and_disturbs_nobody(self):
        with self.open() as ws:
            ws.send(TEXT, "stream?n=100000&ms=0&size=65536")
            with self.open() as other:
                self.assertEqual(other.ask("mine"), "mine")
            test_http.wait_for(lambda: self.seen()[2] == 0)
            with self.open() as other:
                self.assertEqual(other.ask("mine"), "mine")

    def test_many_at_once(self):
        sockets = [self.open() for _ in range(50)]
        for i, ws in enumerate(sockets):
            ws.send(TEXT, f"stream?n=5&ms=2&size={i + 2}")
        for i, ws in enumerate(sockets):
            for _ in range(5):
                self.assertEqual(len(ws.text()), i + 1)
            ws.send(CLOSE, b"")
            ws.close_code()
            ws.__exit__()


class Answers(test_http.Case):
    options = {"body": 300_000, "bodies": 1_000_000, "answers": 200_000}

    def test_what_finds_no_room_is_an_error_and_the_connection_goes_on(self):
        with Ws(self.probe.port, PATH) as ws:
            for size in (250_000, 150_000, 250_000):  # no room as a whole; in the frames
                self.assertIn("{503 /ws too many", ws.ask("x" * size))
                self.assertEqual(ws.ask("y" * 50_000), "y" * 50_000)


class Times(test_http.Case):
    options = {"seconds": 4}

    def test_the_silent_are_asked_and_the_dead_are_closed(self):
        with Ws(self.probe.port, PATH) as quiet, Ws(self.probe.port, PATH) as alive:
            for _ in range(5):
                opcode, payload = alive.read()
                self.assertEqual(opcode, PING)
                alive.send(PONG, payload)
            self.assertEqual(alive.ask("here"), "here")
            while got := quiet.read():
                self.assertEqual(got[0], PING)

    def test_who_waits_for_an_answer_is_not_dead(self):
        with Ws(self.probe.port, PATH) as ws:
            ws.send(TEXT, "slow?ms=4000")
            ws.send(TEXT, "then")  # behind it nothing is read, no pong either: none is sent
            got = []
            while len(got) < 2:
                opcode, payload = ws.read()
                got += [payload] if opcode != PING else []
            self.assertEqual(got, [b"slow", b"then"])

    def test_a_message_that_comes_too_slowly_is_closed(self):
        with Ws(self.probe.port, PATH) as ws:
            ws.send(TEXT, "x", fin=False)
            while (got := ws.read()) and got[0] == PING:
                ws.send(PONG, got[1])
            self.assertEqual((got[0], got[1][:2]), (CLOSE, struct.pack("!H", 1008)))

    def test_heartbeats_are_pings(self):
        with Ws(self.probe.port, PATH) as ws:
            ws.send(TEXT, "stream?n=1&ms=1500&size=2&beat=100")
            self.assertEqual(ws.read()[0], PING)
            self.assertEqual(len(ws.text()), 1)


class Life(test_http.Case):
    options = {"life": 1}

    def test_an_old_one_is_told_and_closed(self):
        with Ws(self.probe.port, PATH) as ws:
            self.assertIn("too old", ws.text())
            self.assertEqual(ws.close_code(), 1000)

    def test_an_answer_is_given_to_its_end(self):
        with Ws(self.probe.port, PATH) as ws:
            ws.send(TEXT, "stream?n=3&ms=800&size=2")
            self.assertEqual([len(ws.text()) for _ in range(3)], [1, 1, 1])
            self.assertIn("too old", ws.text())


class Ends(unittest.TestCase):
    def test_drains(self):
        probe = test_http.Probe()
        idle, busy = Ws(probe.port, PATH), Ws(probe.port, PATH)
        self.assertEqual(idle.ask("x"), "x")
        busy.send(TEXT, "stream?n=3&ms=300&size=2")
        busy.text()
        probe.process.terminate()
        self.assertEqual(idle.close_code(), 1001)
        self.assertEqual([len(busy.text()) for _ in range(2)], [1, 1])
        self.assertEqual(busy.close_code(), 1001)
        code, text = probe.stop()
        self.assertEqual(code, 0, text)

    def test_is_cut_when_the_server_must_stop(self):
        probe = test_http.Probe()
        with Ws(probe.port, PATH) as ws:
            ws.send(TEXT, "slow?ms=60000")
            ws.send(TEXT, "waits")
            ws.send(TEXT, "x", fin=False)
            code, text = probe.stop(force=True)
            self.assertEqual(code, 0, text)
            self.assertEqual(ws.close_code(), 1001)

    @unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificate")
    def test_tls(self):
        cert, key = (os.path.join(test_http.FOLDER, n) for n in ("ws-cert.pem", "ws-key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                        "-out", cert], check=True, capture_output=True, timeout=60)
        probe = test_http.Probe(cert=cert, key=key)
        context = ssl.create_default_context(cafile=cert)

        def wrap(s):
            return context.wrap_socket(s, server_hostname="localhost")
        with Ws(probe.port, PATH, wrap, more=Ws.frame(TEXT, "early")) as ws:
            self.assertEqual(ws.text(), "early")
            text = "t" * 20_000  # libmicrohttpd 0.9.75 hands on four bytes at a time
            self.assertEqual(ws.ask(text), text)
            ws.send(TEXT, "stream?n=20&ms=1&size=1000")
            for _ in range(20):
                self.assertEqual(len(ws.text()), 999)
            ws.send(CLOSE, b"")
            self.assertIn(ws.close_code(), (0, None))
        left = Ws(probe.port, PATH, wrap)
        left.send(TEXT, "stream?n=100000&ms=5&size=100")
        left.text()
        left.__exit__()

        def n_gone():
            with wrap(probe.connect()) as s, s.makefile("rb") as stream:
                s.sendall(test_http.request(path="/seen"))
                return test_http.read_answer(stream)[2]
        test_http.wait_for(lambda: n_gone().startswith(b"1 "))
        stays = Ws(probe.port, PATH, wrap)
        self.assertEqual(stays.ask("x"), "x")
        code, text = probe.stop()
        self.assertEqual(code, 0, text)
        stays.__exit__()


if __name__ == "__main__":
    result = unittest.main(argv=sys.argv[:1], exit=False).result
    shutil.rmtree(test_http.FOLDER, ignore_errors=True)
    sys.exit(not result.wasSuccessful())
