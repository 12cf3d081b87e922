"""Users with sessions, put into the store of a server that does not run: as the server would
make them, but for the passwords, which take a second each.  Nobody can log in as they."""
import ctypes
import ctypes.util
import hashlib
import os
import secrets
import sqlite3
import time

ROLES = {"reader": 0, "member": 1, "admin": 2}
NONCE, TAG = 24, 16


def sodium():
    lib = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
    assert lib.sodium_init() >= 0
    return lib


def wrap(lib, master, user_id, key):
    """As app/vault.c: nonce, then XChaCha20-Poly1305 bound to the user's id."""
    nonce, out = secrets.token_bytes(NONCE), ctypes.create_string_buffer(len(key) + TAG)
    lib.crypto_aead_xchacha20poly1305_ietf_encrypt(
        out, None, key, ctypes.c_ulonglong(len(key)), user_id.encode(),
        ctypes.c_ulonglong(len(user_id)), None, nonce, master)
    return nonce + out.raw


def users(db, wanted, tokens_per_day=0):
    """wanted: {name: role}; {name: (id, cookie)}.  The server has made db and its key."""
    lib, found, now = sodium(), {}, int(time.time() * 1000)
    with open(db + ".key", "rb") as f:
        master = f.read(32)
    base = sqlite3.connect(db)
    with base:
        for name, role in wanted.items():
            user_id, token = secrets.token_urlsafe(12), secrets.token_urlsafe(32)
            key_id = base.execute(
                "INSERT INTO api_key (public_id, name, hash, scopes, created_at, tokens_per_day)"
                " VALUES (?, ?, ?, 1, ?, ?)",
                (secrets.token_hex(4), "account-" + user_id, secrets.token_bytes(32), now // 1000,
                 tokens_per_day)).lastrowid
            n = base.execute(
                "INSERT INTO app_user (id, name, role, password, wrapped, key_id, created)"
                " VALUES (?, ?, ?, '!', ?, ?, ?)",
                (user_id, name, ROLES[role], wrap(lib, master, user_id, secrets.token_bytes(32)),
                 key_id, now)).lastrowid
            base.execute("INSERT INTO app_session VALUES (?, ?, ?, ?, ?)",
                         (hashlib.blake2b(token.encode(), digest_size=32).digest(),
                          "session-of-" + name, n, now, now))
            found[name] = (user_id, "tiefsee_session=" + token)
    base.close()
    return found


def copy(db, to):
    for end in ("", ".key", ".key.audit"):
        with open(db + end, "rb") as f, open(os.open(to + end, os.O_WRONLY | os.O_CREAT, 0o600),
                                             "wb") as g:
            g.write(f.read())
