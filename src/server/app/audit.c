/* audit.c - see audit.h. */
#include "server/app/audit.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"

enum { CHECK = 32 };

static void add(crypto_generichash_state *h, ts_str text)
{
    const uint64_t n = text.len;

    (void)crypto_generichash_update(h, (const uint8_t *)&n, sizeof n);
    (void)crypto_generichash_update(h, (const uint8_t *)text.ptr, text.len);
}

static void make_check(uint8_t out[CHECK], const uint8_t before[CHECK], int64_t time,
                       const ts_str parts[4])
{
    crypto_generichash_state h;

    (void)crypto_generichash_init(&h, NULL, 0, CHECK);
    (void)crypto_generichash_update(&h, before, CHECK);
    (void)crypto_generichash_update(&h, (const uint8_t *)&time, sizeof time);
    for (size_t i = 0; i < 4; i++)
        add(&h, parts[i]);
    (void)crypto_generichash_final(&h, out, CHECK);
}

static tiefsee_status read_last(ts_store *s, uint8_t out[CHECK], tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "SELECT mac FROM app_audit ORDER BY seq DESC LIMIT 1");

    memset(out, 0, CHECK);
    if (ts_query_step(&q)) {
        const ts_str mac = ts_query_get_blob(&q, 0);
        if (mac.len == CHECK)
            memcpy(out, mac.ptr, CHECK);
    }
    return ts_query_end(&q, err);
}

static tiefsee_status insert(ts_store *s, const ts_str parts[4], tiefsee_error *err)
{
    uint8_t before[CHECK], check[CHECK];
    const int64_t now = ts_app_now();
    tiefsee_status st = read_last(s, before, err);

    if (st != TIEFSEE_OK)
        return st;
    make_check(check, before, now, parts);
    ts_query q = ts_query_begin(
        s, "INSERT INTO app_audit (time, actor, action, object, result, n_tokens, mac)"
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

    if (insert(app->store, parts, &err) != TIEFSEE_OK) {
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
        app->store, "SELECT time, actor, action, object, result, mac FROM app_audit ORDER BY seq");
    uint8_t before[CHECK] = {0}, check[CHECK];
    bool is_good = true;

    while (is_good && ts_query_step(&q)) {
        ts_str parts[4];
        const ts_str mac = ts_query_get_blob(&q, 5);

        for (int i = 0; i < 4; i++)
            parts[i] = ts_query_get_str(&q, i + 1);
        make_check(check, before, ts_query_get_i64(&q, 0), parts);
        is_good = mac.len == CHECK && memcmp(mac.ptr, check, CHECK) == 0;
        memcpy(before, check, CHECK);
    }
    return ts_query_end(&q, NULL) == TIEFSEE_OK && is_good;
}
