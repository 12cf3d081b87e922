/* books_json.c - keys and usage as JSON, and the words by which they are asked for: for
 * `tiefsee keys` and for the admin endpoints alike. */
#include <stdio.h>
#include <string.h>

#include "core/compiler.h"
#include "core/str.h"
#include "server/auth/usage.h"

enum { SECONDS_PER_DAY = 86400, MAX_DAYS = 36500 };

bool ts_expiry_parse(const char *text, int64_t now, int64_t *expires_at)
{
    const size_t n = strlen(text);
    char digits[16];
    int64_t day;
    uint64_t count;

    if (strcmp(text, "never") == 0) {
        *expires_at = 0;
        return true;
    }
    if (ts_usage_parse_day(text, &day)) {
        *expires_at = (day + 1) * SECONDS_PER_DAY;
        return true;
    }
    if (n < 2 || n > sizeof digits || text[n - 1] != 'd')
        return false;
    memcpy(digits, text, n - 1);
    digits[n - 1] = '\0';
    if (!ts_parse_u64(digits, 1, MAX_DAYS, &count))
        return false;
    *expires_at = now + (int64_t)count * SECONDS_PER_DAY;
    return true;
}

const char *ts_key_state(const ts_key *key, int64_t now)
{
    if (!key->is_enabled)
        return "disabled";
    return key->expires_at != 0 && key->expires_at <= now ? "expired" : "enabled";
}

void ts_usage_print_time(char out[24], int64_t unix_seconds)
{
    char day[11];
    const int64_t date = ts_usage_day(unix_seconds);
    const int64_t rest = unix_seconds - date * SECONDS_PER_DAY;

    ts_usage_print_day(day, date);
    (void)snprintf(out, 24, "%sT%02d:%02d:%02dZ", day, (int)(rest / 3600), (int)(rest / 60 % 60),
                   (int)(rest % 60));
}

static json_t *json_time(int64_t seconds)
{
    char text[24];

    if (seconds == 0)
        return json_null();
    ts_usage_print_time(text, seconds);
    return json_string(text);
}

static json_t *json_day(int64_t day)
{
    char text[11];

    if (day < 0)
        return json_null();
    ts_usage_print_day(text, day);
    return json_string(text);
}

static json_t *json_limit(uint64_t v)
{
    return v ? json_integer((json_int_t)v) : json_null();
}

json_t *ts_key_json(const ts_key *key, int64_t now)
{
    char scopes[TS_SCOPES_TEXT], shown[32];

    ts_scopes_print(scopes, key->scopes);
    (void)snprintf(shown, sizeof shown, "sk-ts-%s", key->public_id);
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o}}", "id",
        (json_int_t)key->id, "name", key->name, "prefix", shown, "scopes", scopes, "state",
        ts_key_state(key, now), "created_at", json_time(key->created_at), "expires_at",
        json_time(key->expires_at), "last_used", json_day(key->last_used_day), "limits",
        "concurrent", json_limit(key->limits.n_concurrent), "tokens_per_day",
        json_limit(key->limits.tokens_per_day), "requests_per_minute",
        json_limit(key->limits.requests_per_minute), "context", json_limit(key->limits.n_ctx));
}

json_t *ts_usage_json(const ts_usage_row *r)
{
    json_t *row = json_pack("{s:I, s:I, s:I, s:I, s:I}", "requests", (json_int_t)r->n_requests,
                            "prompt_tokens", (json_int_t)r->tokens.n_prompt, "cached_tokens",
                            (json_int_t)r->tokens.n_cached, "completion_tokens",
                            (json_int_t)r->tokens.n_completion, "reasoning_tokens",
                            (json_int_t)r->tokens.n_reasoning);

    if (row && r->day >= 0)
        (void)json_object_set_new(row, "day", json_day(r->day));
    if (row && r->key_id >= 0)
        (void)json_object_set_new(row, "key", json_string(r->key_id ? r->key : "local"));
    if (row && *r->model)
        (void)json_object_set_new(row, "model", json_string(r->model));
    return row;
}

bool ts_usage_parse_by(const char *text, ts_usage_query *q)
{
    if (strcmp(text, "total") == 0)
        return true;
    for (;;) {
        const size_t n = strcspn(text, ",");
        const ts_str word = {text, n};

        if (ts_str_is(word, "day"))
            q->by_day = true;
        else if (ts_str_is(word, "key"))
            q->by_key = true;
        else if (ts_str_is(word, "model"))
            q->by_model = true;
        else
            return false;
        if (!text[n])
            return true;
        text += n + 1;
    }
}
