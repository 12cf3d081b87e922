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

enum {
    MAGIC = 0x32475054,
    MASTER_LEN = 32,
    NONCE_AT = 40,
    OWNER_AT = 64,
    OWNER_LEN = 16,
    CHECK_AT = 80,
    CHECK_LEN = 16
};

_Static_assert(CHECK_AT + CHECK_LEN == TS_KVSEAL_HEADER, "the header is as in kvseal.h");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == OWNER_AT - NONCE_AT, "nonce");
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

static void put_u64(uint8_t *p, uint64_t v)
{
    put_u32(p, (uint32_t)v);
    put_u32(p + 4, (uint32_t)(v >> 32));
}

static uint64_t get_u64(const uint8_t *p)
{
    return (uint64_t)get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
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

static uint64_t hash_text(const ts_kvseal *k, char kind, ts_str user, ts_str topic)
{
    crypto_generichash_state h;
    const uint8_t before[2] = {(uint8_t)kind, (uint8_t)user.len};
    uint8_t hash[16];

    (void)crypto_generichash_init(&h, k->address_key, sizeof k->address_key, sizeof hash);
    (void)crypto_generichash_update(&h, before, sizeof before);
    (void)crypto_generichash_update(&h, (const uint8_t *)user.ptr, user.len);
    (void)crypto_generichash_update(&h, (const uint8_t *)topic.ptr, topic.len);
    (void)crypto_generichash_final(&h, hash, sizeof hash);
    return get_u64(hash) | 1; /* 0 is nobody and nothing */
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

ts_kvtags ts_kvseal_tags(const ts_kvseal *k, ts_str user, ts_str topic)
{
    ts_kvtags t = {hash_text(k, 'u', user, (ts_str){0}), 0};

    if (topic.len > 0)
        t.topic = hash_text(k, 't', user, topic);
    return t;
}

/* owner[16] with the mask off, or on: the same. */
static void mask_owner(const ts_kvseal *k, const uint8_t *header, uint8_t owner[OWNER_LEN])
{
    uint8_t mask[OWNER_LEN];

    (void)crypto_generichash(mask, sizeof mask, header + NONCE_AT, OWNER_AT - NONCE_AT,
                             k->address_key, sizeof k->address_key);
    for (size_t i = 0; i < OWNER_LEN; i++)
        owner[i] ^= mask[i];
}

/* Everything but the address. */
static void finish_header(const ts_kvseal *k, ts_kvtags tags, uint32_t n,
                          uint8_t header[TS_KVSEAL_HEADER])
{
    put_u32(header, MAGIC);
    put_u32(header + 4, n);
    randombytes_buf(header + NONCE_AT, OWNER_AT - NONCE_AT);
    put_u64(header + OWNER_AT, tags.user);
    put_u64(header + OWNER_AT + 8, tags.topic);
    mask_owner(k, header, header + OWNER_AT);
    print_check(k, header, CHECK_AT, header + CHECK_AT);
}

static void make_page_key(const ts_kvseal *k, const uint8_t *own, uint8_t key[32])
{
    if (own)
        (void)crypto_generichash(key, 32, own, TS_KVSTORE_KEY_LEN, k->page_key, sizeof k->page_key);
    else
        memcpy(key, k->page_key, 32);
}

void ts_kvseal_erased(const ts_kvseal *k, uint32_t n, uint8_t header[TS_KVSEAL_HEADER])
{
    memset(header, 0, TS_KVSEAL_HEADER);
    finish_header(k, (ts_kvtags){0}, n, header);
}

bool ts_kvseal_is_erased(const uint8_t address[TS_KVSEAL_ADDRESS])
{
    return sodium_is_zero(address, TS_KVSEAL_ADDRESS) != 0;
}

void ts_kvseal_seal(const ts_kvseal *k, const ts_kvstore_id *id, const uint8_t *own,
                    uint8_t *record, size_t n)
{
    uint8_t key[32];
    uint8_t associated[TS_KVSEAL_HEADER + 2 * TS_KVSTORE_KEY_LEN + TS_KVSTORE_MAX_USER];
    uint8_t *page = record + TS_KVSEAL_HEADER;

    assert(n <= TS_KVSTORE_MAX_PAGE);
    ts_kvseal_address(k, id, record + 8);
    finish_header(k, ts_kvseal_tags(k, id->user, id->topic), (uint32_t)n, record);
    make_page_key(k, own, key);
    const size_t n_associated = associate(id, record, associated);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
        page, page + n, NULL, page, n, associated, n_associated, NULL, record + NONCE_AT, key);
    sodium_memzero(key, sizeof key);
}

bool ts_kvseal_open_page(const ts_kvseal *k, const ts_kvstore_id *id, const uint8_t *own,
                         const uint8_t header[TS_KVSEAL_HEADER], uint8_t *page, size_t n,
                         const uint8_t tag[TS_KVSEAL_TAG])
{
    uint8_t associated[TS_KVSEAL_HEADER + 2 * TS_KVSTORE_KEY_LEN + TS_KVSTORE_MAX_USER];
    const size_t n_associated = associate(id, header, associated);
    uint8_t key[32];

    make_page_key(k, own, key);
    const bool is_good =
        crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
            page, NULL, page, n, tag, associated, n_associated, header + NONCE_AT, key) == 0;
    sodium_memzero(key, sizeof key);
    return is_good;
}

bool ts_kvseal_read_header(const ts_kvseal *k, const uint8_t header[TS_KVSEAL_HEADER],
                           uint8_t address[TS_KVSEAL_ADDRESS], ts_kvtags *tags, uint32_t *n)
{
    uint8_t check[CHECK_LEN], owner[OWNER_LEN];

    if (get_u32(header) != MAGIC || get_u32(header + 4) > TS_KVSTORE_MAX_PAGE)
        return false;
    print_check(k, header, CHECK_AT, check);
    if (sodium_memcmp(check, header + CHECK_AT, CHECK_LEN) != 0)
        return false;
    memcpy(address, header + 8, TS_KVSEAL_ADDRESS);
    memcpy(owner, header + OWNER_AT, sizeof owner);
    mask_owner(k, header, owner);
    *tags = (ts_kvtags){get_u64(owner), get_u64(owner + 8)};
    *n = get_u32(header + 4);
    return true;
}

void ts_kvseal_file_header(const ts_kvseal *k, uint64_t number,
                           uint8_t header[TS_KVSEAL_FILE_HEADER])
{
    memcpy(header, "TSKVSEG2", 8);
    put_u32(header + 8, (uint32_t)number);
    put_u32(header + 12, (uint32_t)(number >> 32));
    print_check(k, header, 16, header + 16);
}
