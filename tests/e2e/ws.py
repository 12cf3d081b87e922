"""A WebSocket of a few lines, that can also do what no client should (RFC 6455)."""
import base64
import os
import socket
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def hello(path, key, **headers):
    headers = {"Host": "localhost", "Upgrade": "websocket", "Connection": "keep-alive, Upgrade",
               "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": key, **headers}
    lines = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items() if v is not None)
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


class Ws:
    def __init__(self, port, path, wrap=None, timeout=60, more=b"", **headers):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wrap:
            self.sock = wrap(self.sock)
        self.stream = self.sock.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(hello(path, headers.pop("Sec_WebSocket_Key", key), **headers) + more)
        self.status = int(self.stream.readline().split()[1])
        self.headers = {}
        while (line := self.stream.readline()) not in (b"\r\n", b""):
            name, value = line.decode().split(":", 1)
            self.headers[name.lower()] = value.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.sock.close()

    @staticmethod
    def frame(opcode, payload=b"", fin=True, mask=b"\x12\x34\x56\x78", rsv=0):
        if isinstance(payload, str):
            payload = payload.encode()
        n = len(payload)
        head = struct.pack("!B", (fin << 7) | (rsv << 4) | opcode)
        bit = 0x80 if mask else 0
        if n < 126:
            head += struct.pack("!B", bit | n)
        elif n < 1 << 16:
            head += struct.pack("!BH", bit | 126, n)
        else:
            head += struct.pack("!BQ", bit | 127, n)
        if mask:
            long = (mask * (n // 4 + 1))[:n]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(long, "big")).to_bytes(
                n, "big")
        return head + (mask or b"") + payload

    def send(self, opcode, payload=b"", **more):
        self.sock.sendall(self.frame(opcode, payload, **more))

    def read(self):
        """(opcode, payload); None at the end."""
        try:
            head = self.stream.read(2)
        except ConnectionResetError:
            return None
        if len(head) < 2:
            return None
        assert head[0] & 0xf0 == 0x80 and not head[1] & 0x80, head
        n = head[1]
        if n >= 126:
            n = int.from_bytes(self.stream.read(2 if n == 126 else 8), "big")
        return head[0] & 0x0f, self.stream.read(n)

    def text(self):
        """The next message; pings on the way are answered."""
        while (got := self.read()) and got[0] == PING:
            self.send(PONG, got[1])
        assert got and got[0] == TEXT, got
        return got[1].decode()

    def ask(self, text):
        self.send(TEXT, text)
        return self.text()

    def close_code(self):
        """Of the close frame that comes, perhaps behind others; then the end."""
        while (got := self.read()) and got[0] != CLOSE:
            pass
        code = int.from_bytes(got[1][:2], "big") if got else None
        assert self.read() is None
        return code
