/* usage.c - see usage.h. */
#include "server/auth/usage.h"

#include <stdio.h>
#include <string.h>

enum { SECONDS_PER_DAY = 86400 };

int64_t ts_usage_day(int64_t unix_seconds)
{
    return unix_seconds / SECONDS_PER_DAY - (unix_seconds % SECONDS_PER_DAY < 0);
}

/* Days to a date of the Gregorian calendar and back: the algorithms of Howard
 * Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t doe = days - era * 146097; /* day of era */
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;

    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

void ts_usage_print_day(char out[11], int64_t day)
{
    char text[64];
    int64_t year;
    int month, day_of_month;

    civil_from_days(day, &year, &month, &day_of_month);
    (void)snprintf(text, sizeof text, "%04lld-%02d-%02d", (long long)year, month, day_of_month);
    text[10] = '\0';
    memcpy(out, text, 11);
}

bool ts_usage_parse_day(const char *text, int64_t *day)
{
    char part[3][5] = {{0}}, again[11];
    uint64_t v[3];

    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
        return false;
    memcpy(part[0], text, 4);
    memcpy(part[1], text + 5, 2);
    memcpy(part[2], text + 8, 2);
    if (!ts_parse_u64(part[0], 1970, 9999, &v[0]) || !ts_parse_u64(part[1], 1, 12, &v[1]) ||
        !ts_parse_u64(part[2], 1, 31, &v[2]))
        return false;
    const int64_t days = days_from_civil((int64_t)v[0], (int)v[1], (int)v[2]);
    ts_usage_print_day(again, days);
    if (strcmp(again, text) != 0)
        return false; /* 31 February */
    *day = days;
    return true;
}

tiefsee_status ts_usage_add(ts_store *s, int64_t key_id, int64_t day, const char *model,
                            const ts_usage_tokens *tokens, tiefsee_error *err)
{
    ts_query q = ts_query_begin(
        s, "INSERT INTO token_usage VALUES (?, ?, ?, 1, ?, ?, ?, ?)"
           " ON CONFLICT (key_id, day, model) DO UPDATE SET n_requests = n_requests + 1,"
           " n_prompt = n_prompt + excluded.n_prompt, n_cached = n_cached + excluded.n_cached,"
           " n_completion = n_completion + excluded.n_completion,"
           " n_reasoning = n_reasoning + excluded.n_reasoning");

    ts_query_i64(&q, key_id);
    ts_query_i64(&q, day);
    ts_query_str(&q, ts_str_of(model));
    ts_query_u64(&q, tokens->n_prompt);
    ts_query_u64(&q, tokens->n_cached);
    ts_query_u64(&q, tokens->n_completion);
    ts_query_u64(&q, tokens->n_reasoning);
    (void)ts_query_step(&q);
    return ts_query_end(&q, err);
}

/* Parameters: 1-3 by day, key, model; 4 key or -1; 5 model or NULL; 6, 7 days. */
static const char select_usage[] =
    "SELECT CASE ?1 WHEN 0 THEN -1 ELSE u.day END AS d,"
    " CASE ?2 WHEN 0 THEN -1 ELSE u.key_id END AS k,"
    " CASE ?3 WHEN 0 THEN '' ELSE u.model END AS m,"
    " CASE ?2 WHEN 0 THEN '' ELSE coalesce(max(a.name), '') END,"
    " sum(u.n_requests), sum(u.n_prompt), sum(u.n_cached), sum(u.n_completion),"
    " sum(u.n_reasoning)"
    " FROM token_usage u LEFT JOIN api_key a ON a.id = u.key_id"
    " WHERE (?4 < 0 OR u.key_id = ?4) AND (?5 IS NULL OR u.model = ?5)"
    " AND u.day >= ?6 AND u.day < ?7 GROUP BY d, k, m ORDER BY d, k, m";

tiefsee_status ts_usage_read(ts_store *s, const ts_usage_query *query, ts_usage_visit *visit,
                             void *ctx, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, select_usage);
    const bool is_bounded = query->n_days > 0;
    bool goes_on = true;

    ts_query_i64(&q, query->by_day);
    ts_query_i64(&q, query->by_key);
    ts_query_i64(&q, query->by_model);
    ts_query_i64(&q, query->key_id);
    if (query->model)
        ts_query_str(&q, ts_str_of(query->model));
    else
        ts_query_null(&q);
    ts_query_i64(&q, is_bounded ? query->first_day : INT64_MIN);
    ts_query_i64(&q, is_bounded ? query->first_day + query->n_days : INT64_MAX);
    while (goes_on && ts_query_step(&q)) {
        const ts_usage_row row = {
            .day = ts_query_get_i64(&q, 0),
            .key_id = ts_query_get_i64(&q, 1),
            .model = ts_query_get_str(&q, 2).ptr,
            .key = ts_query_get_str(&q, 3).ptr,
            .n_requests = ts_query_get_u64(&q, 4),
            .tokens = {.n_prompt = ts_query_get_u64(&q, 5),
                       .n_cached = ts_query_get_u64(&q, 6),
                       .n_completion = ts_query_get_u64(&q, 7),
                       .n_reasoning = ts_query_get_u64(&q, 8)},
        };
        goes_on = visit(ctx, &row);
    }
    return ts_query_end(&q, err);
}
