/* usage.h - the books: tokens per key, UTC day and model, in the store. */
#ifndef TS_SERVER_USAGE_H
#define TS_SERVER_USAGE_H

#include "core/error.h"
#include "server/auth/keys.h"
#include "server/store/store.h"

enum { TS_USAGE_MODEL_MAX = 127 }; /* bytes of a model's name; longer ones are cut */

typedef struct ts_usage_tokens {
    uint64_t n_prompt;     /* all of the prompt, cached or not */
    uint64_t n_cached;     /* the part of n_prompt that was found in the cache */
    uint64_t n_completion; /* thinking included */
    uint64_t n_reasoning;  /* the part of n_completion that was thinking */
} ts_usage_tokens;

typedef struct ts_usage_row {
    int64_t key_id, day; /* -1 where rows were added up over it */
    const char *key;     /* the key's name, also when it is deleted; "" for no key */
    const char *model;   /* "" where rows were added up over it */
    uint64_t n_requests;
    ts_usage_tokens tokens;
} ts_usage_row;

/* What to add up.  The strings of a row live until visit returns. */
typedef struct ts_usage_query {
    int64_t key_id;            /* -1: every key; 0: requests without a key */
    const char *model;         /* NULL: every model */
    int64_t first_day, n_days; /* n_days 0: all time */
    bool by_key, by_day, by_model;
} ts_usage_query;

typedef bool ts_usage_visit(void *ctx, const ts_usage_row *row); /* false stops */

/* Ordered by day, key, model. */
tiefsee_status ts_usage_read(ts_store *s, const ts_usage_query *query, ts_usage_visit *visit,
                             void *ctx, tiefsee_error *err) TS_MUST_CHECK;

/* A row with the members that were not added up over.  NULL: out of memory. */
json_t *ts_usage_json(const ts_usage_row *row);

/* "day,key,model" or "total"; false: another word. */
bool ts_usage_parse_by(const char *text, ts_usage_query *query);

/* Add one request to the books, inside the caller's transaction if there is one. */
tiefsee_status ts_usage_add(ts_store *s, int64_t key_id, int64_t day, const char *model,
                            const ts_usage_tokens *tokens, tiefsee_error *err) TS_MUST_CHECK;

/* Days since 1970-01-01 in UTC, and back to "2026-11-24". */
int64_t ts_usage_day(int64_t unix_seconds);
void ts_usage_print_day(char out[11], int64_t day);
bool ts_usage_parse_day(const char *text, int64_t *day);
void ts_usage_print_time(char out[24], int64_t unix_seconds); /* "2026-11-24T09:00:00Z" */

#endif
