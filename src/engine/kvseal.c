/* kvseal.c - see kvseal.h. */
#include "engine/kvseal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAGIC = 0x31475054, MASTER_LEN = 32, NONCE_AT = 40, CHECK_AT = 64, CHECK_LEN = 16 };

_Static_assert(CHECK_AT + CHECK_LEN == TS_KVSEAL_HEADER, "the header is as in kvseal.h");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == CHECK_AT - NONCE_AT, "nonce");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == TS_KVSEAL_TAG, "tag");

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---------------------------------------------------------------- key file */

static tiefsee_status read_master(int fd, uint8_t master[MASTER_LEN], const char *path,
                                  tiefsee_error *err)
{
    uint8_t bytes[MASTER_LEN + 1];
    struct stat info;

    if (fstat(fd, &info) != 0)
        return ts_fail_errno(err, errno, "%s", path);
    if (!S_ISREG(info.st_mode))
        return ts_fail(err, TIEFSEE_E_FORMAT, "%s: not a file", path);
    if (info.st_mode & 077)
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "%s: mode %03o lets others read the key (600 is right)", path,
                       (unsigned)info.st_mode & 0777);
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0)
        return ts_fail_errno(err, errno, "%s", path);
    if (n != MASTER_LEN)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%s: %lld bytes where a key has %d", path,
                       (long long)info.st_size, MASTER_LEN);
    memcpy(master, bytes, MASTER_LEN);
    sodium_memzero(bytes, sizeof bytes);
    return TIEFSEE_OK;
}

/* Written beside it and linked: a key file is complete or not there, and the
 * first of two programs wins. */
static tiefsee_status make_master(const char *path, tiefsee_error *err)
{
    uint8_t master[MASTER_LEN];
    char beside[4096];
    int e = 0;

    const int len = snprintf(beside, sizeof beside, "%s.%ld.tmp", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof beside)
        return ts_fail_errno(err, ENAMETOOLONG, "%s", path);
    (void)unlink(beside);
    const int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ts_fail_errno(err, errno, "%s", path);
    randombytes_buf(master, sizeof master);
    const ssize_t n = write(fd, master, sizeof master);
    if (n != (ssize_t)sizeof master)
        e = n < 0 ? errno : ENOSPC;
    else if (fsync(fd) != 0 && errno != EINVAL)
        e = errno;
    sodium_memzero(master, sizeof master);
    if (close(fd) != 0 && e == 0)
        e = errno;
    if (e == 0 && link(beside, path) != 0 && errno != EEXIST)
        e = errno;
    (void)unlink(beside);
    return e ? ts_fail_errno(err, e, "%s", path) : TIEFSEE_OK;
}

static int open_key_file(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static void derive(uint8_t out[32], uint64_t which, const uint8_t master[MASTER_LEN])
{
    (void)crypto_kdf_derive_from_key(out, 32, which, "tskvpage", master);
}

tiefsee_status ts_kvseal_open(ts_kvseal *out, const char *key_file, tiefsee_error *err)
{
    uint8_t master[MASTER_LEN];

    *out = (ts_kvseal){0};
    if (sodium_init() < 0)
        return ts_fail(err, TIEFSEE_E_IO, "no source of random numbers");
    int fd = open_key_file(key_file);
    if (fd < 0 && errno == ENOENT) {
        const tiefsee_status st = make_master(key_file, err);
        if (st != TIEFSEE_OK)
            return st;
        fd = open_key_file(key_file);
    }
    if (fd < 0)
        return ts_fail_errno(err, errno, "%s", key_file);
    const tiefsee_status st = read_master(fd, master, key_file, err);
    (void)close(fd);
    if (st != TIEFSEE_OK)
        return st;
    derive(out->page_key, 1, master);
    derive(out->address_key, 2, master);
    derive(out->check_key, 3, master);
    sodium_memzero(master, sizeof master);
    return TIEFSEE_OK;
}

void ts_kvseal_wipe(ts_kvseal *k)
{
    sodium_memzero(k, sizeof *k);
}

/* ----------------------------------------------------------------- sealing */

void ts_kvseal_address(const ts_kvseal *k, const ts_kvstore_id *id,
                       uint8_t address[TS_KVSEAL_ADDRESS])
{
    crypto_generichash_state h;

    /* Two parts of fixed length, then the rest: no two ids give the same bytes. */
    (void)crypto_generichash_init(&h, k->address_key, sizeof k->address_key, TS_KVSEAL_ADDRESS);
    (void)crypto_generichash_update(&h, id->key, TS_KVSTORE_KEY_LEN);
    (void)crypto_generichash_update(&h, id->model, TS_KVSTORE_KEY_LEN);
    (void)crypto_generichash_update(&h, (const uint8_t *)id->user.ptr, id->user.len);
    (void)crypto_generichash_final(&h, address, TS_KVSEAL_ADDRESS);
}

static void print_check(const ts_kvseal *k, const uint8_t *bytes, size_t n,
                        uint8_t check[CHECK_LEN])
{
    (void)crypto_generichash(check, CHECK_LEN, bytes, n, k->check_key, sizeof k->check_key);
}

/* What the tag covers beside the page; returns its length. */
static size_t
associate(const ts_kvstore_id *id, const uint8_t *header,
          uint8_t out[TS_KVSEAL_HEADER + 2 * TS_KVSTORE_KEY_LEN + TS_KVSTORE_MAX_USER])
{
    size_t n = 0;

    assert(id->user.len <= TS_KVSTORE_MAX_USER);
    memcpy(out, header, TS_KVSEAL_HEADER);
    n += TS_KVSEAL_HEADER;
    memcpy(out + n, id->key, TS_KVSTORE_KEY_LEN);
    n += TS_KVSTORE_KEY_LEN;
    memcpy(out + n, id->model, TS_KVSTORE_KEY_LEN);
    n += TS_KVSTORE_KEY_LEN;
    if (id->user.len > 0)
        memcpy(out + n, id->user.ptr, id->user.len);
    return n + id->user.len;
}

void ts_kvseal_seal(const ts_kvseal *k, const ts_kvstore_id *id, uint8_t *record, size_t n)
{
    uint8_t associated[TS_KVSEAL_HEADER + 2 * TS_KVSTORE_KEY_LEN + TS_KVSTORE_MAX_USER];
    uint8_t *page = record + TS_KVSEAL_HEADER;

    assert(n <= TS_KVSTORE_MAX_PAGE);
    put_u32(record, MAGIC);
    put_u32(record + 4, (uint32_t)n);
    ts_kvseal_address(k, id, record + 8);
    randombytes_buf(record + NONCE_AT, CHECK_AT - NONCE_AT);
    print_check(k, record, CHECK_AT, record + CHECK_AT);
    const size_t n_associated = associate(id, record, associated);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(page, page + n, NULL, page, n,
                                                              associated, n_associated, NULL,
                                                              record + NONCE_AT, k->page_key);
}

bool ts_kvseal_open_page(const ts_kvseal *k, const ts_kvstore_id *id,
                         const uint8_t header[TS_KVSEAL_HEADER], uint8_t *page, size_t n,
                         const uint8_t tag[TS_KVSEAL_TAG])
{
    uint8_t associated[TS_KVSEAL_HEADER + 2 * TS_KVSTORE_KEY_LEN + TS_KVSTORE_MAX_USER];
    const size_t n_associated = associate(id, header, associated);

    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(page, NULL, page, n, tag, associated,
                                                               n_associated, header + NONCE_AT,
                                                               k->page_key) == 0;
}

bool ts_kvseal_read_header(const ts_kvseal *k, const uint8_t header[TS_KVSEAL_HEADER],
                           uint8_t address[TS_KVSEAL_ADDRESS], uint32_t *n)
{
    uint8_t check[CHECK_LEN];

    if (get_u32(header) != MAGIC || get_u32(header + 4) > TS_KVSTORE_MAX_PAGE)
        return false;
    print_check(k, header, CHECK_AT, check);
    if (sodium_memcmp(check, header + CHECK_AT, CHECK_LEN) != 0)
        return false;
    memcpy(address, header + 8, TS_KVSEAL_ADDRESS);
    *n = get_u32(header + 4);
    return true;
}

void ts_kvseal_file_header(const ts_kvseal *k, uint64_t number,
                           uint8_t header[TS_KVSEAL_FILE_HEADER])
{
    memcpy(header, "TSKVSEG1", 8);
    put_u32(header + 8, (uint32_t)number);
    put_u32(header + 12, (uint32_t)(number >> 32));
    print_check(k, header, 16, header + 16);
}
