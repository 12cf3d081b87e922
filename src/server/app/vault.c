/* vault.c - see vault.h. */
#include "server/app/vault.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_BYTES = 2 * TS_VAULT_KEY,
    SALT_AT = 8,
    NONCE_AT = 24,
    SEALED_BYTES = NONCE_AT + TS_VAULT_EXTRA + FILE_BYTES
};

static const char MAGIC[] = "TSVAULT2";

_Static_assert(SEALED_BYTES == 128, "as in vault.h");
_Static_assert(crypto_pwhash_SALTBYTES == NONCE_AT - SALT_AT, "salt");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == TS_VAULT_NONCE, "nonce");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == TS_VAULT_EXTRA - TS_VAULT_NONCE, "tag");

/* ---- boxes */

static void seal_into(const uint8_t *key, ts_str context, ts_str text, uint8_t *out)
{
    randombytes_buf(out, TS_VAULT_NONCE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        out + TS_VAULT_NONCE, NULL, (const uint8_t *)text.ptr, text.len,
        (const uint8_t *)context.ptr, context.len, NULL, out, key);
}

static bool unseal_into(const uint8_t *key, ts_str context, ts_str sealed, uint8_t *out)
{
    const uint8_t *bytes = (const uint8_t *)sealed.ptr;

    return sealed.len >= TS_VAULT_EXTRA &&
           crypto_aead_xchacha20poly1305_ietf_decrypt(
               out, NULL, NULL, bytes + TS_VAULT_NONCE, sealed.len - TS_VAULT_NONCE,
               (const uint8_t *)context.ptr, context.len, bytes, key) == 0;
}

/* ---- the key file */

/* In place: a copy beside it would leave the old master on the disk.  128 bytes lie in
 * one sector, so they are written whole or not at all. */
static tiefsee_status write_keys(const ts_vault *v, int fd, tiefsee_error *err)
{
    uint8_t plain[FILE_BYTES] = {0}, bytes[SEALED_BYTES];
    const size_t size = v->is_sealed ? SEALED_BYTES : FILE_BYTES;

    memcpy(plain, v->master, TS_VAULT_KEY);
    if (v->has_earlier)
        memcpy(plain + TS_VAULT_KEY, v->earlier, TS_VAULT_KEY);
    memcpy(bytes, v->is_sealed ? (const uint8_t *)MAGIC : plain, SALT_AT);
    if (v->is_sealed) {
        memcpy(bytes + SALT_AT, v->salt, sizeof v->salt);
        seal_into(v->outer, ts_str_of(MAGIC), (ts_str){(const char *)plain, sizeof plain},
                  bytes + NONCE_AT);
    } else
        memcpy(bytes, plain, sizeof plain);
    const ssize_t n = pwrite(fd, bytes, size, 0);
    const int e = n < 0 ? errno : ENOSPC;
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(plain, sizeof plain);
    if (n != (ssize_t)size)
        return ts_fail_errno(err, e, "%s", v->path);
    return fsync(fd) != 0 && errno != EINVAL ? ts_fail_errno(err, errno, "%s", v->path)
                                             : TIEFSEE_OK;
}

static void take_keys(ts_vault *v, const uint8_t plain[FILE_BYTES])
{
    memcpy(v->master, plain, TS_VAULT_KEY);
    memcpy(v->earlier, plain + TS_VAULT_KEY, TS_VAULT_KEY);
    v->has_earlier = !sodium_is_zero(v->earlier, TS_VAULT_KEY);
}

/* v->salt: what the file has, or will have. */
static tiefsee_status make_outer(ts_vault *v, ts_str secret, tiefsee_error *err)
{
    v->is_sealed = true;
    return crypto_pwhash(v->outer, sizeof v->outer, secret.ptr, secret.len, v->salt,
                         crypto_pwhash_OPSLIMIT_MODERATE, crypto_pwhash_MEMLIMIT_MODERATE,
                         crypto_pwhash_ALG_ARGON2ID13) == 0
               ? TIEFSEE_OK
               : ts_fail_nomem(err, crypto_pwhash_MEMLIMIT_MODERATE, "the key of a secret");
}

static tiefsee_status open_sealed(ts_vault *v, const uint8_t bytes[SEALED_BYTES], ts_str secret,
                                  tiefsee_error *err)
{
    uint8_t plain[FILE_BYTES];

    if (secret.len == 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%s is sealed by a secret: --key-secret is needed",
                       v->path);
    if (!v->is_sealed || memcmp(v->salt, bytes + SALT_AT, sizeof v->salt) != 0) {
        memcpy(v->salt, bytes + SALT_AT, sizeof v->salt);
        const tiefsee_status st = make_outer(v, secret, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    if (!unseal_into(v->outer, ts_str_of(MAGIC),
                     (ts_str){(const char *)bytes + NONCE_AT, SEALED_BYTES - NONCE_AT}, plain))
        return ts_fail(err, TIEFSEE_E_FORMAT, "%s does not open with this secret", v->path);
    take_keys(v, plain);
    sodium_memzero(plain, sizeof plain);
    return TIEFSEE_OK;
}

static tiefsee_status read_keys(ts_vault *v, int fd, ts_str secret, tiefsee_error *err)
{
    uint8_t bytes[SEALED_BYTES + 1];
    struct stat info;
    tiefsee_status st = TIEFSEE_OK;

    if (fstat(fd, &info) != 0)
        return ts_fail_errno(err, errno, "%s", v->path);
    if (!S_ISREG(info.st_mode))
        return ts_fail(err, TIEFSEE_E_FORMAT, "%s: not a file", v->path);
    if (info.st_mode & 077)
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "%s: mode %03o lets others read the key (600 is right)", v->path,
                       (unsigned)info.st_mode & 0777);
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0)
        return ts_fail_errno(err, errno, "%s", v->path);
    if (n == SEALED_BYTES && memcmp(bytes, MAGIC, SALT_AT) == 0)
        st = open_sealed(v, bytes, secret, err);
    else if (n == FILE_BYTES) {
        v->is_sealed = false; /* another program's, where ours would be sealed */
        take_keys(v, bytes);
    } else
        st = ts_fail(err, TIEFSEE_E_FORMAT, "%s: %lld bytes where a key has %d", v->path,
                     (long long)info.st_size, FILE_BYTES);
    sodium_memzero(bytes, sizeof bytes);
    return st;
}

/* A store that outlives a power cut without its key file is lost. */
static tiefsee_status sync_folder(const ts_vault *v, tiefsee_error *err)
{
    char folder[sizeof v->path];
    const char *slash = strrchr(v->path, '/');
    const size_t n = slash ? (size_t)(slash - v->path) : 0;

    (void)snprintf(folder, sizeof folder, "%.*s", (int)n, v->path);
    const int fd = open(!slash ? "." : n ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ts_fail_errno(err, errno, "%s", v->path);
    const bool is_good = fsync(fd) == 0 || errno == EINVAL || errno == EROFS;
    const int e = errno;
    (void)close(fd);
    return is_good ? TIEFSEE_OK : ts_fail_errno(err, e, "%s", v->path);
}

static tiefsee_status make_new_outer(ts_vault *v, ts_str secret, tiefsee_error *err)
{
    randombytes_buf(v->salt, sizeof v->salt);
    return make_outer(v, secret, err);
}

/* Written beside it and linked: a key file is complete or not there, and the first of
 * two programs wins.  With a secret it is never there without its seal. */
static tiefsee_status make_keys(ts_vault *v, ts_str secret, tiefsee_error *err)
{
    char beside[600];

    tiefsee_status st = secret.len > 0 ? make_new_outer(v, secret, err) : TIEFSEE_OK;
    if (st != TIEFSEE_OK)
        return st;
    (void)snprintf(beside, sizeof beside, "%s.%ld.tmp", v->path, (long)getpid());
    (void)unlink(beside);
    const int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ts_fail_errno(err, errno, "%s", v->path);
    randombytes_buf(v->master, TS_VAULT_KEY);
    st = write_keys(v, fd, err);
    if (close(fd) != 0 && st == TIEFSEE_OK)
        st = ts_fail_errno(err, errno, "%s", v->path);
    if (st == TIEFSEE_OK && link(beside, v->path) != 0 && errno != EEXIST)
        st = ts_fail_errno(err, errno, "%s", v->path);
    (void)unlink(beside);
    return st == TIEFSEE_OK ? sync_folder(v, err) : st;
}

static int open_file(const ts_vault *v, int how)
{
    return open(v->path, how | O_CLOEXEC | O_NONBLOCK);
}

static tiefsee_status rewrite(const ts_vault *v, tiefsee_error *err)
{
    const int fd = open_file(v, O_WRONLY);

    if (fd < 0)
        return ts_fail_errno(err, errno, "%s", v->path);
    const tiefsee_status st = write_keys(v, fd, err);
    (void)close(fd);
    return st;
}

static tiefsee_status open_keys(ts_vault *v, ts_str secret, tiefsee_error *err)
{
    int fd = open_file(v, O_RDONLY);

    if (fd < 0 && errno == ENOENT) {
        const tiefsee_status st = make_keys(v, secret, err);
        if (st != TIEFSEE_OK)
            return st;
        fd = open_file(v, O_RDONLY);
    }
    if (fd < 0)
        return ts_fail_errno(err, errno, "%s", v->path);
    const tiefsee_status st = read_keys(v, fd, secret, err);
    (void)close(fd);
    return st;
}

tiefsee_status ts_vault_open(ts_vault *out, const char *path, ts_str secret, tiefsee_error *err)
{
    *out = (ts_vault){0};
    if (sodium_init() < 0)
        return ts_fail(err, TIEFSEE_E_IO, "no source of random numbers");
    if (strlen(path) >= sizeof out->path)
        return ts_fail_errno(err, ENAMETOOLONG, "%s", path);
    memcpy(out->path, path, strlen(path) + 1);
    tiefsee_status st = open_keys(out, secret, err);
    if (st != TIEFSEE_OK || secret.len == 0 || out->is_sealed)
        return st;
    st = make_new_outer(out, secret, err);
    return st == TIEFSEE_OK ? rewrite(out, err) : st;
}

void ts_vault_close(ts_vault *v)
{
    sodium_memzero(v, sizeof *v);
}

tiefsee_status ts_vault_begin_turn(ts_vault *v, tiefsee_error *err)
{
    ts_vault turned = *v;

    assert(!v->has_earlier);
    memcpy(turned.earlier, v->master, TS_VAULT_KEY);
    turned.has_earlier = true;
    randombytes_buf(turned.master, TS_VAULT_KEY);
    const tiefsee_status st = rewrite(&turned, err);
    if (st == TIEFSEE_OK)
        *v = turned;
    sodium_memzero(&turned, sizeof turned);
    return st;
}

tiefsee_status ts_vault_end_turn(ts_vault *v, tiefsee_error *err)
{
    v->has_earlier = false;
    const tiefsee_status st = rewrite(v, err);
    if (st == TIEFSEE_OK)
        sodium_memzero(v->earlier, TS_VAULT_KEY);
    else
        v->has_earlier = true;
    return st;
}

/* ---- sealing */

/* Room for n bytes behind an emptied buffer. */
static bool make_room(ts_buf *out, size_t n)
{
    static const char zeros[512];

    ts_buf_clear(out);
    while (out->len < n) {
        const size_t step = n - out->len < sizeof zeros ? n - out->len : sizeof zeros;

        if (!ts_buf_append(out, zeros, step))
            return false;
    }
    return true;
}

bool ts_seal(const uint8_t key[TS_VAULT_KEY], ts_str context, ts_str text, ts_buf *out)
{
    if (!make_room(out, text.len + TS_VAULT_EXTRA))
        return false;
    seal_into(key, context, text, (uint8_t *)out->ptr);
    return true;
}

bool ts_unseal(const uint8_t key[TS_VAULT_KEY], ts_str context, ts_str sealed, ts_buf *out)
{
    ts_buf_clear(out);
    if (sealed.len < TS_VAULT_EXTRA || !make_room(out, sealed.len - TS_VAULT_EXTRA + 1))
        return false;
    out->len--;
    if (!unseal_into(key, context, sealed, (uint8_t *)out->ptr)) {
        ts_buf_clear(out);
        return false;
    }
    out->ptr[out->len] = '\0';
    return true;
}

void ts_vault_make_key(uint8_t key[TS_VAULT_KEY])
{
    randombytes_buf(key, TS_VAULT_KEY);
}

void ts_vault_wrap(const ts_vault *v, ts_str user, const uint8_t key[TS_VAULT_KEY],
                   uint8_t wrapped[TS_VAULT_WRAPPED])
{
    seal_into(v->master, user, (ts_str){(const char *)key, TS_VAULT_KEY}, wrapped);
}

bool ts_vault_unwrap(const ts_vault *v, ts_str user, ts_str wrapped, uint8_t key[TS_VAULT_KEY])
{
    return wrapped.len == TS_VAULT_WRAPPED &&
           (unseal_into(v->master, user, wrapped, key) ||
            (v->has_earlier && unseal_into(v->earlier, user, wrapped, key)));
}
