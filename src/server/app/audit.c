/* audit.c - see audit.h. */
#include "server/app/audit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"

enum { CHECK = 32 };

static void add(crypto_generichash_state *h, ts_str text)
{
    const uint64_t n = text.len;

    (void)crypto_generichash_update(h, (const uint8_t *)&n, sizeof n);
    (void)crypto_generichash_update(h, (const uint8_t *)text.ptr, text.len);
}

/* key NULL: as before there was one. */
static void make_check(uint8_t out[CHECK], const uint8_t *key, const uint8_t before[CHECK],
                       int64_t time, const ts_str parts[4])
{
    crypto_generichash_state h;

    (void)crypto_generichash_init(&h, key, key ? TS_VAULT_KEY : 0, CHECK);
    (void)crypto_generichash_update(&h, before, CHECK);
    (void)crypto_generichash_update(&h, (const uint8_t *)&time, sizeof time);
    for (size_t i = 0; i < 4; i++)
        add(&h, parts[i]);
    (void)crypto_generichash_final(&h, out, CHECK);
}

/* ---- the key, and from which entry on it is used */

static void print_first(char out[96], const uint8_t *key, int64_t first)
{
    static const char purpose[] = "tiefsee audit from";
    crypto_generichash_state h;
    uint8_t mac[CHECK];
    char hex[2 * CHECK + 1];

    (void)crypto_generichash_init(&h, key, TS_VAULT_KEY, CHECK);
    (void)crypto_generichash_update(&h, (const uint8_t *)purpose, sizeof purpose);
    (void)crypto_generichash_update(&h, (const uint8_t *)&first, sizeof first);
    (void)crypto_generichash_final(&h, mac, CHECK);
    (void)snprintf(out, 96, "%lld %s", (long long)first,
                   sodium_bin2hex(hex, sizeof hex, mac, sizeof mac));
}

/* 1 if it is missing or nobody with the key wrote it: then all must be under the key. */
static tiefsee_status read_first(ts_app *app, tiefsee_error *err)
{
    ts_query q =
        ts_query_begin(app->store, "SELECT value FROM app_setting WHERE name = 'audit_from'");
    char wanted[96];

    app->audit_first = 1;
    if (ts_query_step(&q)) {
        const ts_str value = ts_query_get_str(&q, 0);
        const int64_t first = strtoll(value.ptr, NULL, 10);

        print_first(wanted, app->audit_key.master, first);
        if (ts_str_is(value, wanted))
            app->audit_first = first;
    }
    return ts_query_end(&q, err);
}

static tiefsee_status write_first(ts_app *app, tiefsee_error *err)
{
    ts_query q = ts_query_begin(app->store, "SELECT coalesce(max(seq), 0) + 1 FROM app_audit");
    char value[96];

    if (ts_query_step(&q))
        app->audit_first = ts_query_get_i64(&q, 0);
    const tiefsee_status st = ts_query_end(&q, err);
    if (st != TIEFSEE_OK)
        return st;
    print_first(value, app->audit_key.master, app->audit_first);
    ts_query w =
        ts_query_begin(app->store, "INSERT OR REPLACE INTO app_setting VALUES ('audit_from', ?)");
    ts_query_str(&w, ts_str_of(value));
    (void)ts_query_step(&w);
    return ts_query_end(&w, err);
}

tiefsee_status ts_audit_open(ts_app *app, tiefsee_error *err)
{
    char path[sizeof app->key_path + 8];

    (void)snprintf(path, sizeof path, "%s.audit", app->key_path);
    const bool is_new = access(path, F_OK) != 0;
    const tiefsee_status st = ts_vault_open(&app->audit_key, path, app->opt.secret, err);
    if (st != TIEFSEE_OK)
        return st;
    return is_new ? write_first(app, err) : read_first(app, err);
}

void ts_audit_close(ts_app *app)
{
    ts_vault_close(&app->audit_key);
}

static const uint8_t *key_of(const ts_app *app, int64_t seq)
{
    return seq >= app->audit_first ? app->audit_key.master : NULL;
}

/* ---- the anchor: up to which entry all are gone, and its check */

enum { ANCHOR_TEXT = 20 + 2 * (1 + 2 * CHECK) + 1 };

static void print_anchor(char out[ANCHOR_TEXT], const uint8_t *key, int64_t seq,
                         const uint8_t check[CHECK])
{
    static const char purpose[] = "tiefsee audit up to";
    crypto_generichash_state h;
    uint8_t mac[CHECK];
    char hex[2][2 * CHECK + 1];

    (void)crypto_generichash_init(&h, key, TS_VAULT_KEY, CHECK);
    (void)crypto_generichash_update(&h, (const uint8_t *)purpose, sizeof purpose);
    (void)crypto_generichash_update(&h, (const uint8_t *)&seq, sizeof seq);
    (void)crypto_generichash_update(&h, check, CHECK);
    (void)crypto_generichash_final(&h, mac, CHECK);
    (void)snprintf(out, ANCHOR_TEXT, "%lld %s %s", (long long)seq,
                   sodium_bin2hex(hex[0], sizeof hex[0], check, CHECK),
                   sodium_bin2hex(hex[1], sizeof hex[1], mac, CHECK));
}

/* No anchor: nothing is gone, seq 0 and a check of zeros.  False: nobody with the key
 * wrote it. */
static bool read_anchor(ts_app *app, int64_t *seq, uint8_t check[CHECK])
{
    ts_query q =
        ts_query_begin(app->store, "SELECT value FROM app_setting WHERE name = 'audit_anchor'");
    char wanted[ANCHOR_TEXT];
    bool is_good = true;

    *seq = 0;
    memset(check, 0, CHECK);
    if (ts_query_step(&q)) {
        const ts_str value = ts_query_get_str(&q, 0);
        const char *hex = strchr(value.ptr, ' ');
        size_t n = 0;

        *seq = strtoll(value.ptr, NULL, 10);
        is_good = hex && strlen(hex + 1) > 2 * CHECK &&
                  sodium_hex2bin(check, CHECK, hex + 1, 2 * CHECK, NULL, &n, NULL) == 0 &&
                  n == CHECK;
        print_anchor(wanted, app->audit_key.master, *seq, check);
        is_good = is_good && ts_str_is(value, wanted);
    }
    return ts_query_end(&q, NULL) == TIEFSEE_OK && is_good;
}

/* ---- writing */

static tiefsee_status read_last(ts_app *app, uint8_t out[CHECK], tiefsee_error *err)
{
    ts_query q = ts_query_begin(app->store, "SELECT mac FROM app_audit ORDER BY seq DESC LIMIT 1");
    int64_t seq;

    if (ts_query_step(&q)) {
        const ts_str mac = ts_query_get_blob(&q, 0);
        memset(out, 0, CHECK);
        if (mac.len == CHECK)
            memcpy(out, mac.ptr, CHECK);
    } else
        (void)read_anchor(app, &seq, out);
    return ts_query_end(&q, err);
}

/* Since the key is there, all that is written is under it. */
static tiefsee_status insert(ts_app *app, const ts_str parts[4], tiefsee_error *err)
{
    uint8_t before[CHECK], check[CHECK];
    const int64_t now = ts_app_now();
    tiefsee_status st = read_last(app, before, err);

    if (st != TIEFSEE_OK)
        return st;
    make_check(check, app->audit_key.master, before, now, parts);
    ts_query q = ts_query_begin(
        app->store, "INSERT INTO app_audit (time, actor, action, object, result, n_tokens, mac)"
                    " VALUES (?, ?, ?, ?, ?, 0, ?)");
    ts_query_i64(&q, now);
    for (size_t i = 0; i < 4; i++)
        ts_query_str(&q, parts[i]);
    ts_query_blob(&q, check, sizeof check);
    (void)ts_query_step(&q);
    return ts_query_end(&q, err);
}

void ts_audit(ts_app *app, const char *actor, const char *action, const char *object,
              const char *result)
{
    const ts_str parts[4] = {ts_str_of(actor), ts_str_of(action), ts_str_of(object),
                             ts_str_of(result)};
    tiefsee_error err = {0};

    if (insert(app, parts, &err) != TIEFSEE_OK) {
        const ts_log_field why = TS_LOG_TEXT("why", err.message);
        ts_log(TS_LOG_ERROR, "audit", &why, 1);
    }
}

static json_t *text_at(const ts_query *q, int column)
{
    const ts_str text = ts_query_get_str(q, column);

    return json_stringn(text.ptr, text.len);
}

json_t *ts_audit_read(ts_app *app, const char *who, int64_t before, size_t limit,
                      tiefsee_error *err)
{
    json_t *list = json_array();
    ts_query q = ts_query_begin(
        app->store, "SELECT seq, time, actor, action, object, result, n_tokens FROM app_audit"
                    " WHERE (? = 0 OR seq < ?) AND (? = '' OR actor = ? OR object = ?)"
                    " ORDER BY seq DESC LIMIT ?");

    ts_query_i64(&q, before);
    ts_query_i64(&q, before);
    for (int i = 0; i < 3; i++)
        ts_query_str(&q, ts_str_of(who));
    ts_query_u64(&q, limit);
    while (ts_query_step(&q))
        (void)json_array_append_new(
            list,
            json_pack("{s:I,s:I,s:o,s:o,s:o,s:o,s:I}", "seq", (json_int_t)ts_query_get_i64(&q, 0),
                      "time", (json_int_t)ts_query_get_i64(&q, 1), "actor", text_at(&q, 2),
                      "action", text_at(&q, 3), "object", text_at(&q, 4), "result", text_at(&q, 5),
                      "n_tokens", (json_int_t)ts_query_get_i64(&q, 6)));
    if (ts_query_end(&q, err) == TIEFSEE_OK)
        return list;
    json_decref(list);
    return NULL;
}

bool ts_audit_is_intact(ts_app *app)
{
    ts_query q = ts_query_begin(
        app->store, "SELECT time, actor, action, object, result, mac, seq FROM app_audit"
                    " ORDER BY seq");
    uint8_t before[CHECK], check[CHECK];
    int64_t seq;
    bool is_good = read_anchor(app, &seq, before);

    while (is_good && ts_query_step(&q)) {
        ts_str parts[4];
        const ts_str mac = ts_query_get_blob(&q, 5);

        for (int i = 0; i < 4; i++)
            parts[i] = ts_query_get_str(&q, i + 1);
        make_check(check, key_of(app, ts_query_get_i64(&q, 6)), before, ts_query_get_i64(&q, 0),
                   parts);
        is_good = mac.len == CHECK && sodium_memcmp(mac.ptr, check, CHECK) == 0;
        memcpy(before, check, CHECK);
    }
    return ts_query_end(&q, NULL) == TIEFSEE_OK && is_good;
}

/* ---- removing */

/* The last entry that is to go; 0: none. */
static int64_t find_last_old(ts_app *app, int64_t oldest, int64_t n_most)
{
    ts_query q = ts_query_begin(
        app->store, "SELECT max(coalesce((SELECT min(seq) FROM app_audit WHERE time >= ?) - 1,"
                    " (SELECT max(seq) FROM app_audit)), (SELECT max(seq) FROM app_audit) - ?),"
                    " (SELECT min(seq) FROM app_audit)");
    int64_t last = 0;

    ts_query_i64(&q, oldest);
    ts_query_i64(&q, n_most);
    if (ts_query_step(&q) && ts_query_get_i64(&q, 0) >= ts_query_get_i64(&q, 1))
        last = ts_query_get_i64(&q, 0);
    return ts_query_end(&q, NULL) == TIEFSEE_OK ? last : 0;
}

static tiefsee_status read_check(ts_store *s, int64_t seq, uint8_t out[CHECK], tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "SELECT mac FROM app_audit WHERE seq = ?");
    bool is_there = false;

    ts_query_i64(&q, seq);
    if (ts_query_step(&q)) {
        const ts_str mac = ts_query_get_blob(&q, 0);
        is_there = mac.len == CHECK;
        if (is_there)
            memcpy(out, mac.ptr, CHECK);
    }
    const tiefsee_status st = ts_query_end(&q, err);
    return st != TIEFSEE_OK || is_there
               ? st
               : ts_fail(err, TIEFSEE_E_FORMAT, "entry %lld of the audit log is not there",
                         (long long)seq);
}

static tiefsee_status move_anchor(ts_app *app, int64_t seq, tiefsee_error *err)
{
    uint8_t check[CHECK];
    char value[ANCHOR_TEXT];

    tiefsee_status st = read_check(app->store, seq, check, err);
    if (st != TIEFSEE_OK)
        return st;
    print_anchor(value, app->audit_key.master, seq, check);
    ts_query w =
        ts_query_begin(app->store, "INSERT OR REPLACE INTO app_setting VALUES ('audit_anchor', ?)");
    ts_query_str(&w, ts_str_of(value));
    (void)ts_query_step(&w);
    st = ts_query_end(&w, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_query q = ts_query_begin(app->store, "DELETE FROM app_audit WHERE seq <= ?");
    ts_query_i64(&q, seq);
    (void)ts_query_step(&q);
    return ts_query_end(&q, err);
}

tiefsee_status ts_audit_prune(ts_app *app, int64_t oldest, int64_t n_most, tiefsee_error *err)
{
    const int64_t last = find_last_old(app, oldest, n_most);

    if (last <= 0)
        return TIEFSEE_OK;
    /* What was tampered with is not tidied away. */
    if (!ts_audit_is_intact(app))
        return ts_fail(err, TIEFSEE_E_FORMAT, "the audit log does not verify; nothing is removed");
    tiefsee_status st = ts_store_begin(app->store, err);
    if (st != TIEFSEE_OK)
        return st;
    st = ts_store_end(app->store, move_anchor(app, last, err), err);
    if (st == TIEFSEE_OK)
        ts_audit(app, "server", "audit_retention", "", "ok");
    return st;
}

bool ts_audit_is_long(ts_app *app)
{
    ts_query q = ts_query_begin(app->store, "SELECT max(seq) - min(seq) FROM app_audit");
    const bool is_long =
        ts_query_step(&q) && ts_query_get_i64(&q, 0) > TS_AUDIT_MAX + TS_AUDIT_MAX / 10;

    return ts_query_end(&q, NULL) == TIEFSEE_OK && is_long;
}
