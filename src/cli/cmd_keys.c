/* cmd_keys.c - API keys of the server: make, show, limit, end, and what they used.
 *
 * Works on the server's store, also while the server runs; it notices within a
 * second.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "server/auth/keys.h"
#include "server/auth/usage.h"

enum { SECONDS_PER_DAY = 86400, MAX_DAYS = 36500 };
#define NOT_GIVEN UINT64_MAX

static const char *db_path, *scopes_text = "chat", *expires_text, *by_text = "key,model";
static uint64_t n_concurrent = NOT_GIVEN, tokens_per_day = NOT_GIVEN;
static uint64_t requests_per_minute = NOT_GIVEN, n_ctx = NOT_GIVEN, n_days;
static bool as_json;

static const ts_opt options[] = {
    {0, "scopes", "LIST", "what a new key may do: chat, admin, metrics; default: chat",
     .text = &scopes_text},
    {0, "expires", "WHEN", "its last day in UTC (2027-01-31), or 90d from now, or never",
     .text = &expires_text},
    {0, "concurrent", "N", "requests at the same time; 0: no limit", .count = &n_concurrent,
     .max = TS_KEY_LIMIT_MAX},
    {0, "tokens-per-day", "N", "tokens of prompts and answers per UTC day; 0: no limit",
     .count = &tokens_per_day, .max = TS_KEY_LIMIT_MAX},
    {0, "requests-per-minute", "N", "requests begun per minute; 0: no limit",
     .count = &requests_per_minute, .max = TS_KEY_LIMIT_MAX},
    {'c', "ctx", "N", "tokens of prompt and answer of one request; 0: no limit", .count = &n_ctx,
     .max = TS_KEY_LIMIT_MAX},
    {0, "days", "N", "usage of the last N days, today included; default: all", .count = &n_days,
     .min = 1, .max = MAX_DAYS},
    {0, "by", "LIST", "usage per day, key, model, or total; default: key,model", .text = &by_text},
    {0, "db", "FILE", "the server's store; default: server.db in the state folder",
     .text = &db_path},
    {'j', "json", .help = "print JSON", .flag = &as_json},
    {0}};

static int64_t now_seconds(void)
{
    return ts_clock_unix_ms() / 1000;
}

/* ------------------------------------------------------------------ options */

static int bad_expiry(void)
{
    return ts_cli_error(TS_EXIT_USAGE,
                        "keys: --expires takes a date (2027-01-31), days (90d) or never, not '%s'",
                        expires_text);
}

/* What was given; false if nothing was. */
static bool take_limits(ts_key_limits *l)
{
    const struct {
        uint64_t given, *limit;
    } all[] = {{n_concurrent, &l->n_concurrent},
               {tokens_per_day, &l->tokens_per_day},
               {requests_per_minute, &l->requests_per_minute},
               {n_ctx, &l->n_ctx}};
    bool any = false;

    for (size_t i = 0; i < TS_COUNT(all); i++)
        if (all[i].given != NOT_GIVEN) {
            *all[i].limit = all[i].given;
            any = true;
        }
    return any;
}

/* ----------------------------------------------------------------- printing */

static int print_json(json_t *json)
{
    (void)json_dumpf(json, stdout, JSON_INDENT(1));
    (void)putchar('\n');
    json_decref(json);
    return TS_EXIT_OK;
}

static void print_limit(const char *name, uint64_t limit)
{
    if (limit)
        (void)printf("%-20s  %llu\n", name, (unsigned long long)limit);
    else
        (void)printf("%-20s  no limit\n", name);
}

static void print_key(const ts_key *key)
{
    char text[TS_SCOPES_TEXT];

    ts_scopes_print(text, key->scopes);
    (void)printf("name                  %s\n", key->name);
    (void)printf("key                   sk-ts-%s...\n", key->public_id);
    (void)printf("scopes                %s\n", text);
    (void)printf("state                 %s\n", ts_key_state(key, now_seconds()));
    ts_usage_print_time(text, key->created_at);
    (void)printf("made                  %s\n", text);
    if (key->expires_at)
        ts_usage_print_time(text, key->expires_at);
    (void)printf("expires               %s\n", key->expires_at ? text : "never");
    if (key->last_used_day >= 0)
        ts_usage_print_day(text, key->last_used_day);
    (void)printf("last used             %s\n", key->last_used_day >= 0 ? text : "never");
    print_limit("concurrent", key->limits.n_concurrent);
    print_limit("tokens per day", key->limits.tokens_per_day);
    print_limit("requests per minute", key->limits.requests_per_minute);
    print_limit("context", key->limits.n_ctx);
}

/* ------------------------------------------------------------------ actions */

static int add(ts_store *s, const char *name)
{
    ts_key_spec spec = {.name = name};
    char text[TS_KEY_TEXT_LEN + 1];
    tiefsee_error err;
    ts_key key;

    if (!ts_scopes_parse(scopes_text, &spec.scopes))
        return ts_cli_error(TS_EXIT_USAGE, "keys: --scopes takes chat, admin, metrics, not '%s'",
                            scopes_text);
    if (expires_text && !ts_expiry_parse(expires_text, now_seconds(), &spec.expires_at))
        return bad_expiry();
    (void)take_limits(&spec.limits);
    if (ts_keys_add(s, &spec, now_seconds(), &key, text, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    if (as_json) {
        json_t *json = ts_key_json(&key, now_seconds());
        (void)json_object_set_new(json, "key", json_string(text));
        (void)print_json(json);
    } else {
        (void)printf("%s\n", text);
        (void)fflush(stdout);
        (void)fputs("This key is shown only once; keep it now.\n", stderr);
    }
    ts_key_wipe(text);
    return TS_EXIT_OK;
}

static bool list_key(void *ctx, const ts_key *key)
{
    char scopes[TS_SCOPES_TEXT], day[11] = "never";

    if (ctx) {
        (void)json_array_append_new(ctx, ts_key_json(key, now_seconds()));
        return true;
    }
    ts_scopes_print(scopes, key->scopes);
    if (key->last_used_day >= 0)
        ts_usage_print_day(day, key->last_used_day);
    (void)printf("sk-ts-%s...  %-8s  %-10s  %-18s  %s\n", key->public_id,
                 ts_key_state(key, now_seconds()), day, scopes, key->name);
    return true;
}

static int list(ts_store *s, const char *name)
{
    json_t *json = as_json ? json_array() : NULL;
    tiefsee_error err;

    (void)name;
    if (!as_json)
        (void)printf("%-17s  %-8s  %-10s  %-18s  %s\n", "KEY", "STATE", "LAST USED", "SCOPES",
                     "NAME");
    if (s && ts_keys_list(s, list_key, json, &err) != TIEFSEE_OK) {
        json_decref(json);
        return ts_cli_fail(&err);
    }
    return json ? print_json(json) : TS_EXIT_OK;
}

static int find(ts_store *s, const char *name, ts_key *key)
{
    tiefsee_error err;

    if (!s)
        return ts_cli_error(TS_EXIT_ERROR, "no key has the name or id '%s'", name);
    return ts_keys_find(s, name, key, &err) == TIEFSEE_OK ? TS_EXIT_OK : ts_cli_fail(&err);
}

static int show(ts_store *s, const char *name)
{
    ts_key key;
    const int code = find(s, name, &key);

    if (code != TS_EXIT_OK)
        return code;
    if (as_json)
        return print_json(ts_key_json(&key, now_seconds()));
    print_key(&key);
    return TS_EXIT_OK;
}

static int set_enabled(ts_store *s, const char *name, bool is_enabled)
{
    tiefsee_error err;
    ts_key key;
    const int code = find(s, name, &key);

    if (code != TS_EXIT_OK)
        return code;
    if (ts_keys_enable(s, key.id, is_enabled, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    return as_json ? show(s, name) : TS_EXIT_OK;
}

static int enable(ts_store *s, const char *name)
{
    return set_enabled(s, name, true);
}

static int disable(ts_store *s, const char *name)
{
    return set_enabled(s, name, false);
}

static int delete_key(ts_store *s, const char *name)
{
    tiefsee_error err;
    ts_key key;
    const int code = find(s, name, &key);

    if (code != TS_EXIT_OK)
        return code;
    if (ts_keys_delete(s, key.id, now_seconds(), &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    return as_json ? print_json(json_pack("{s:s, s:b}", "name", key.name, "deleted", 1))
                   : TS_EXIT_OK;
}

/* Limits and expiry in one transaction. */
static tiefsee_status change(ts_store *s, const ts_key *key, int64_t expires_at, tiefsee_error *err)
{
    tiefsee_status st = ts_store_begin(s, err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_keys_set_limits(s, key->id, &key->limits, err);
    if (st == TIEFSEE_OK)
        st = ts_keys_set_expiry(s, key->id, expires_at, err);
    return ts_store_end(s, st, err);
}

static int limit(ts_store *s, const char *name)
{
    int64_t expires_at = 0;
    tiefsee_error err;
    ts_key key;

    if (expires_text && !ts_expiry_parse(expires_text, now_seconds(), &expires_at))
        return bad_expiry();
    const int code = find(s, name, &key);
    if (code != TS_EXIT_OK)
        return code;
    if (!take_limits(&key.limits) && !expires_text)
        return ts_cli_error(TS_EXIT_USAGE,
                            "keys limit: say what to limit (--concurrent, --tokens-per-day, "
                            "--requests-per-minute, --ctx, --expires)");
    if (change(s, &key, expires_text ? expires_at : key.expires_at, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    return show(s, name);
}

static bool print_usage(void *ctx, const ts_usage_row *r)
{
    char day[11] = "";

    if (ctx) {
        (void)json_array_append_new(ctx, ts_usage_json(r));
        return true;
    }
    if (r->day >= 0)
        ts_usage_print_day(day, r->day);
    (void)printf("%10llu  %12llu  %12llu  %12llu", (unsigned long long)r->n_requests,
                 (unsigned long long)r->tokens.n_prompt, (unsigned long long)r->tokens.n_cached,
                 (unsigned long long)r->tokens.n_completion);
    if (*day)
        (void)printf("  %s", day);
    if (r->key_id >= 0)
        (void)printf("  %s", r->key_id ? r->key : "local");
    if (*r->model)
        (void)printf("  %s", r->model);
    (void)putchar('\n');
    return true;
}

static int usage(ts_store *s, const char *name)
{
    ts_usage_query query = {.key_id = -1};
    tiefsee_error err;
    ts_key key = {0};

    if (!ts_usage_parse_by(by_text, &query))
        return ts_cli_error(TS_EXIT_USAGE, "keys: --by takes day, key, model or total, not '%s'",
                            by_text);
    if (name) {
        const int code = find(s, name, &key);
        if (code != TS_EXIT_OK)
            return code;
        query.key_id = key.id;
    }
    if (n_days) {
        query.n_days = (int64_t)n_days;
        query.first_day = ts_usage_day(now_seconds()) - (int64_t)n_days + 1;
    }
    json_t *json = as_json ? json_array() : NULL;
    if (!as_json)
        (void)printf("%10s  %12s  %12s  %12s  %s\n", "REQUESTS", "PROMPT", "CACHED", "COMPLETION",
                     strcmp(by_text, "total") == 0 ? "" : by_text);
    if (s && ts_usage_read(s, &query, print_usage, json, &err) != TIEFSEE_OK) {
        json_decref(json);
        return ts_cli_fail(&err);
    }
    return json ? print_json(json) : TS_EXIT_OK;
}

/* ---------------------------------------------------------------------- run */

typedef struct action {
    const char *name;
    int (*run)(ts_store *s, const char *name); /* s NULL: there is no store yet */
    bool wants_name, may_name;
} action;

static const action actions[] = {
    {"add", add, true, true},         {"list", list, false, false},
    {"show", show, true, true},       {"enable", enable, true, true},
    {"disable", disable, true, true}, {"delete", delete_key, true, true},
    {"limit", limit, true, true},     {"usage", usage, false, true},
};

static const char *action_name_at(const void *names, size_t i)
{
    (void)names;
    return i < TS_COUNT(actions) ? actions[i].name : NULL;
}

static int run_action(const action *a, const char *name)
{
    const ts_store_options synced = {.is_synced = true};
    char path[4096];
    tiefsee_error err;
    ts_store *s = NULL;

    if (!db_path && !ts_cli_state_file(path, sizeof path, "server.db"))
        return ts_cli_error(TS_EXIT_ERROR, "no state folder: set HOME, or name the store (--db)");
    const char *file = db_path ? db_path : path;
    /* Only making a key makes the store. */
    if ((a->run == add || ts_file_exists(file)) &&
        ts_store_open(&s, file, &synced, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    const int code = a->run(s, name);
    ts_store_close(s);
    return code;
}

static int run(int argc, char **argv)
{
    for (size_t i = 0; i < TS_COUNT(actions); i++) {
        const action *a = &actions[i];

        if (strcmp(a->name, argv[0]) != 0)
            continue;
        if (a->wants_name && argc < 2)
            return ts_cli_error(TS_EXIT_USAGE, "keys %s: the name of the key is missing", a->name);
        if (!a->may_name && argc > 1)
            return ts_cli_error(TS_EXIT_USAGE, "keys %s takes no name ('%s')", a->name, argv[1]);
        return run_action(a, argc > 1 ? argv[1] : NULL);
    }
    const char *nearest = ts_opt_nearest(argv[0], action_name_at, NULL);
    if (nearest)
        return ts_cli_error(TS_EXIT_USAGE, "keys: unknown action '%s' (did you mean %s?)", argv[0],
                            nearest);
    return ts_cli_error(TS_EXIT_USAGE,
                        "keys: unknown action '%s' (add, list, show, enable, disable, delete, "
                        "limit, usage)",
                        argv[0]);
}

const ts_command ts_cmd_keys = {
    .name = "keys",
    .arguments = "ACTION [NAME] [options]",
    .summary = "API keys of the server: make, show, limit, end, and what they used",
    .details = "Actions: add NAME makes a key and prints it, the only time; list; show NAME; "
               "enable NAME; disable NAME; delete NAME; limit NAME changes what is given as "
               "options; usage [NAME] adds up requests and tokens. NAME is a key's name or the "
               "letters behind sk-ts-. Works while the server runs, which notices within a "
               "second.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run,
};
