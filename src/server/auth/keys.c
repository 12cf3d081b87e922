/* keys.c - see keys.h.
 *
 * A key is written in Crockford's base 32 in lower case (no i, l, o, u), so that
 * a double click selects all of it and nothing is mistaken when read aloud.  The
 * secret has 256 random bits: one pass of BLAKE2b is enough, there is nothing to
 * guess, and the fixed keys below only keep the two uses apart.
 */
#include "server/auth/keys.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/utf8.h"

enum {
    PREFIX_LEN = 6,
    SECRET_BYTES = 32,
    SECRET_LEN = 52,
    CHECK_LEN = 6,
    BODY_LEN = PREFIX_LEN + TS_KEY_ID_LEN + SECRET_LEN
};

_Static_assert(BODY_LEN + CHECK_LEN == TS_KEY_TEXT_LEN, "the parts make up the key");

static const char prefix[] = "sk-ts-", alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* n characters of five bits each, from the first bits of bytes; bits behind the
 * last byte are zero. */
static void print_base32(char *out, size_t n, const uint8_t *bytes, size_t n_bytes)
{
    for (size_t i = 0; i < n; i++) {
        unsigned v = 0;
        for (size_t bit = 5 * i; bit < 5 * i + 5; bit++)
            v = v << 1 | (bit / 8 < n_bytes ? (unsigned)bytes[bit / 8] >> (7 - bit % 8) & 1 : 0);
        out[i] = alphabet[v];
    }
}

static void digest(uint8_t out[TS_KEY_HASH_LEN], const char *text, size_t n, const char *purpose)
{
    (void)crypto_generichash(out, TS_KEY_HASH_LEN, (const uint8_t *)text, n,
                             (const uint8_t *)purpose, strlen(purpose));
}

static void print_check(char out[CHECK_LEN], const char *body)
{
    uint8_t sum[TS_KEY_HASH_LEN];

    digest(sum, body, BODY_LEN, "tiefsee key checksum 1");
    print_base32(out, CHECK_LEN, sum, sizeof sum);
}

bool ts_key_parse(const char *text, size_t n, char public_id[TS_KEY_ID_LEN + 1],
                  uint8_t hash[TS_KEY_HASH_LEN])
{
    char check[CHECK_LEN];

    if (n != TS_KEY_TEXT_LEN || memcmp(text, prefix, PREFIX_LEN) != 0)
        return false;
    for (size_t i = PREFIX_LEN; i < n; i++)
        if (!memchr(alphabet, text[i], sizeof alphabet - 1))
            return false;
    print_check(check, text);
    if (memcmp(check, text + BODY_LEN, CHECK_LEN) != 0)
        return false;
    memcpy(public_id, text + PREFIX_LEN, TS_KEY_ID_LEN);
    public_id[TS_KEY_ID_LEN] = '\0';
    digest(hash, text, n, "tiefsee key hash 1");
    return true;
}

static void make_key(char text[TS_KEY_TEXT_LEN + 1], char public_id[TS_KEY_ID_LEN + 1],
                     uint8_t hash[TS_KEY_HASH_LEN])
{
    uint8_t id[TS_KEY_ID_LEN * 5 / 8], secret[SECRET_BYTES];

    randombytes_buf(id, sizeof id);
    randombytes_buf(secret, sizeof secret);
    memcpy(text, prefix, PREFIX_LEN);
    print_base32(text + PREFIX_LEN, TS_KEY_ID_LEN, id, sizeof id);
    print_base32(text + PREFIX_LEN + TS_KEY_ID_LEN, SECRET_LEN, secret, sizeof secret);
    print_check(text + BODY_LEN, text);
    text[TS_KEY_TEXT_LEN] = '\0';
    sodium_memzero(secret, sizeof secret);
    const bool is_well_formed = ts_key_parse(text, TS_KEY_TEXT_LEN, public_id, hash);
    assert(is_well_formed);
    (void)is_well_formed;
}

void ts_key_wipe(char text[TS_KEY_TEXT_LEN + 1])
{
    sodium_memzero(text, TS_KEY_TEXT_LEN + 1);
}

/* ----------------------------------------------------------------- scopes */

static const struct {
    const char *name;
    unsigned bit;
} scope_names[] = {
    {"chat", TS_SCOPE_CHAT},
    {"admin", TS_SCOPE_ADMIN},
    {"metrics", TS_SCOPE_METRICS},
};

bool ts_scopes_parse(const char *text, unsigned *scopes)
{
    unsigned all = 0;

    for (;;) {
        const size_t n = strcspn(text, ",");
        unsigned bit = 0;
        for (size_t i = 0; i < TS_COUNT(scope_names); i++)
            if (ts_str_is((ts_str){text, n}, scope_names[i].name))
                bit = scope_names[i].bit;
        if (!bit)
            return false;
        all |= bit;
        if (text[n] == '\0')
            break;
        text += n + 1;
    }
    *scopes = all;
    return true;
}

void ts_scopes_print(char out[TS_SCOPES_TEXT], unsigned scopes)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < TS_COUNT(scope_names); i++)
        if (scopes & scope_names[i].bit)
            n += (size_t)snprintf(out + n, TS_SCOPES_TEXT - n, "%s%s", n ? "," : "",
                                  scope_names[i].name);
}

/* ------------------------------------------------------------------ checks */

/* A name is shown in lists, logs and pages: one line of UTF-8. */
static tiefsee_status check_name(const char *name, tiefsee_error *err)
{
    const size_t n = strlen(name);

    if (n == 0)
        return ts_fail(err, TIEFSEE_E_INVALID, "the name of the key is empty");
    if (n > TS_KEY_NAME_MAX)
        return ts_fail(err, TIEFSEE_E_INVALID, "the name of the key has %zu bytes (%d allowed)", n,
                       TS_KEY_NAME_MAX);
    for (size_t i = 0; i < n;) {
        uint32_t code = 0;
        const size_t len = ts_utf8_decode(name + i, n - i, &code);

        if (len == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
            return ts_fail(err, TIEFSEE_E_INVALID,
                           "the name of the key has a control character or is not UTF-8");
        i += len;
    }
    if (name[0] == ' ' || name[n - 1] == ' ')
        return ts_fail(err, TIEFSEE_E_INVALID, "the name of the key begins or ends with a blank");
    return TIEFSEE_OK;
}

static tiefsee_status check_limits(const ts_key_limits *l, tiefsee_error *err)
{
    const uint64_t all[] = {l->n_concurrent, l->tokens_per_day, l->requests_per_minute, l->n_ctx};

    for (size_t i = 0; i < TS_COUNT(all); i++)
        if (all[i] > TS_KEY_LIMIT_MAX)
            return ts_fail(err, TIEFSEE_E_INVALID, "a limit of %llu (at most %llu)",
                           (unsigned long long)all[i], (unsigned long long)TS_KEY_LIMIT_MAX);
    return TIEFSEE_OK;
}

/* ------------------------------------------------------------------- store */

#define COLUMNS                                                                        \
    "SELECT k.id, k.public_id, k.name, k.hash, k.scopes, k.is_enabled, k.created_at,"  \
    " k.expires_at, k.n_concurrent, k.tokens_per_day, k.requests_per_minute, k.n_ctx," \
    " coalesce((SELECT max(u.day) FROM token_usage u WHERE u.key_id = k.id), -1) FROM api_key k "

static void copy_text(char *out, size_t size, ts_str s)
{
    const size_t n = s.len < size ? s.len : size - 1;

    memcpy(out, s.ptr, n);
    out[n] = '\0';
}

static void read_key(ts_key *out, const ts_query *q)
{
    *out = (ts_key){
        .id = ts_query_get_i64(q, 0),
        .scopes = (unsigned)ts_query_get_i64(q, 4) & TS_SCOPE_ALL,
        .is_enabled = ts_query_get_i64(q, 5) != 0,
        .created_at = ts_query_get_i64(q, 6),
        .expires_at = ts_query_get_i64(q, 7),
        .limits = {.n_concurrent = ts_query_get_u64(q, 8),
                   .tokens_per_day = ts_query_get_u64(q, 9),
                   .requests_per_minute = ts_query_get_u64(q, 10),
                   .n_ctx = ts_query_get_u64(q, 11)},
        .last_used_day = ts_query_get_i64(q, 12),
    };
    copy_text(out->public_id, sizeof out->public_id, ts_query_get_str(q, 1));
    copy_text(out->name, sizeof out->name, ts_query_get_str(q, 2));
    const ts_str hash = ts_query_get_blob(q, 3);
    if (hash.len == sizeof out->hash)
        memcpy(out->hash, hash.ptr, sizeof out->hash);
    else
        out->is_enabled = false; /* a damaged row lets nobody in */
}

tiefsee_status ts_keys_list(ts_store *s, ts_key_visit *visit, void *ctx, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, COLUMNS "WHERE k.deleted_at = 0 ORDER BY k.id");
    bool goes_on = true;

    while (goes_on && ts_query_step(&q)) {
        ts_key key;
        read_key(&key, &q);
        goes_on = visit(ctx, &key);
    }
    return ts_query_end(&q, err);
}

tiefsee_status ts_keys_find(ts_store *s, const char *name_or_id, ts_key *out, tiefsee_error *err)
{
    const char *id =
        strncmp(name_or_id, prefix, PREFIX_LEN) == 0 ? name_or_id + PREFIX_LEN : name_or_id;
    bool is_there = false;
    ts_query q = ts_query_begin(s, COLUMNS "WHERE k.deleted_at = 0 AND (k.name = ? OR"
                                           " k.public_id = ?) ORDER BY k.name = ? DESC LIMIT 1");

    ts_query_str(&q, ts_str_of(name_or_id));
    ts_query_str(&q, ts_str_of(id));
    ts_query_str(&q, ts_str_of(name_or_id));
    if (ts_query_step(&q)) {
        read_key(out, &q);
        is_there = true;
    }
    const tiefsee_status st = ts_query_end(&q, err);
    if (st == TIEFSEE_OK && !is_there)
        return ts_fail(err, TIEFSEE_E_INVALID, "no key has the name or id '%.40s'", name_or_id);
    return st;
}

static tiefsee_status insert(ts_store *s, const ts_key *key, tiefsee_error *err)
{
    ts_query q = ts_query_begin(
        s, "INSERT INTO api_key (public_id, name, hash, scopes, created_at, expires_at,"
           " n_concurrent, tokens_per_day, requests_per_minute, n_ctx)"
           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    ts_query_str(&q, ts_str_of(key->public_id));
    ts_query_str(&q, ts_str_of(key->name));
    ts_query_blob(&q, key->hash, sizeof key->hash);
    ts_query_i64(&q, key->scopes);
    ts_query_i64(&q, key->created_at);
    ts_query_i64(&q, key->expires_at);
    ts_query_u64(&q, key->limits.n_concurrent);
    ts_query_u64(&q, key->limits.tokens_per_day);
    ts_query_u64(&q, key->limits.requests_per_minute);
    ts_query_u64(&q, key->limits.n_ctx);
    (void)ts_query_step(&q);
    const tiefsee_status st = ts_query_end(&q, err);
    if (st != TIEFSEE_OK && ts_store_is_duplicate(s))
        return ts_fail(err, TIEFSEE_E_INVALID, "there is a key named '%s' already", key->name);
    return st;
}

tiefsee_status ts_keys_add(ts_store *s, const ts_key_spec *spec, int64_t now, ts_key *out,
                           char text[TS_KEY_TEXT_LEN + 1], tiefsee_error *err)
{
    ts_key key = {.scopes = spec->scopes,
                  .is_enabled = true,
                  .created_at = now,
                  .expires_at = spec->expires_at,
                  .last_used_day = -1,
                  .limits = spec->limits};

    text[0] = '\0';
    tiefsee_status st = check_name(spec->name, err);
    if (st == TIEFSEE_OK)
        st = check_limits(&spec->limits, err);
    if (st != TIEFSEE_OK)
        return st;
    if (spec->scopes == 0 || (spec->scopes & ~(unsigned)TS_SCOPE_ALL))
        return ts_fail(err, TIEFSEE_E_INVALID, "scopes %#x are none that a key can have",
                       spec->scopes);
    if (spec->expires_at != 0 && spec->expires_at <= now)
        return ts_fail(err, TIEFSEE_E_INVALID, "the key would have expired before it is made");
    if (sodium_init() < 0)
        return ts_fail(err, TIEFSEE_E_IO, "no source of random numbers");

    copy_text(key.name, sizeof key.name, ts_str_of(spec->name));
    make_key(text, key.public_id, key.hash);
    st = insert(s, &key, err);
    if (st != TIEFSEE_OK) {
        ts_key_wipe(text);
        return st;
    }
    key.id = ts_store_last_id(s);
    *out = key;
    return TIEFSEE_OK;
}

/* For statements that change one key. */
static tiefsee_status end_change(ts_query *q, int64_t id, tiefsee_error *err)
{
    ts_store *s = q->store;

    (void)ts_query_step(q);
    const tiefsee_status st = ts_query_end(q, err);
    if (st == TIEFSEE_OK && ts_store_n_changed(s) != 1)
        return ts_fail(err, TIEFSEE_E_INVALID, "there is no key number %lld", (long long)id);
    return st;
}

tiefsee_status ts_keys_enable(ts_store *s, int64_t id, bool is_enabled, tiefsee_error *err)
{
    ts_query q =
        ts_query_begin(s, "UPDATE api_key SET is_enabled = ? WHERE id = ? AND deleted_at = 0");

    ts_query_i64(&q, is_enabled);
    ts_query_i64(&q, id);
    return end_change(&q, id, err);
}

tiefsee_status ts_keys_set_limits(ts_store *s, int64_t id, const ts_key_limits *limits,
                                  tiefsee_error *err)
{
    const tiefsee_status st = check_limits(limits, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_query q = ts_query_begin(
        s, "UPDATE api_key SET n_concurrent = ?, tokens_per_day = ?, requests_per_minute = ?,"
           " n_ctx = ? WHERE id = ? AND deleted_at = 0");

    ts_query_u64(&q, limits->n_concurrent);
    ts_query_u64(&q, limits->tokens_per_day);
    ts_query_u64(&q, limits->requests_per_minute);
    ts_query_u64(&q, limits->n_ctx);
    ts_query_i64(&q, id);
    return end_change(&q, id, err);
}

tiefsee_status ts_keys_set_expiry(ts_store *s, int64_t id, int64_t expires_at, tiefsee_error *err)
{
    ts_query q =
        ts_query_begin(s, "UPDATE api_key SET expires_at = ? WHERE id = ? AND deleted_at = 0");

    ts_query_i64(&q, expires_at < 0 ? 0 : expires_at);
    ts_query_i64(&q, id);
    return end_change(&q, id, err);
}

tiefsee_status ts_keys_delete(ts_store *s, int64_t id, int64_t now, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "UPDATE api_key SET deleted_at = ?, hash = NULL, is_enabled = 0"
                                   " WHERE id = ? AND deleted_at = 0");

    ts_query_i64(&q, now > 0 ? now : 1);
    ts_query_i64(&q, id);
    return end_change(&q, id, err);
}
