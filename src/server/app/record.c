/* record.c - see record.h.
 *
 * What it says of data and measures is what the code does; what only the operator knows
 * comes from the admin's settings, and is named where it is missing. */
#include "server/app/record.h"

#include <stdio.h>

#include "server/store/store.h"

enum { MAX_TEXT = 4000 };

static tiefsee_status setting(ts_store *s, const char *name, const char *missing,
                              char out[MAX_TEXT + 1], tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "SELECT value FROM app_setting WHERE name = ?");

    (void)snprintf(out, MAX_TEXT + 1, "%s", missing);
    ts_query_str(&q, ts_str_of(name));
    if (ts_query_step(&q)) {
        const ts_str value = ts_query_get_str(&q, 0);
        if (value.len > 0 && value.len <= MAX_TEXT && !ts_str_is(value, "0"))
            (void)snprintf(out, MAX_TEXT + 1, "%s", value.ptr);
    }
    return ts_query_end(&q, err);
}

static tiefsee_status count(ts_store *s, int64_t *n, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "SELECT count(*) FROM app_user");

    if (ts_query_step(&q))
        *n = ts_query_get_i64(&q, 0);
    return ts_query_end(&q, err);
}

/* Inside a cell a bar would begin the next one. */
static bool add_cell(ts_buf *out, const char *text)
{
    bool is_good = true;

    for (; *text && is_good; text++)
        is_good = (*text != '|' || ts_buf_append_str(out, "\\")) && ts_buf_append(out, text, 1);
    return is_good;
}

static bool add_line(ts_buf *out, const char *name, const char *text)
{
    return ts_buf_append_str(out, "| ") && ts_buf_append_str(out, name) &&
           ts_buf_append_str(out, " | ") && add_cell(out, text) && ts_buf_append_str(out, " |\n");
}

static const struct {
    const char *name, *setting, *missing;
} asked[] = {
    {"Controller", "operator_name", "**not entered** (admin settings: operator_name)"},
    {"Contact", "operator_contact", "**not entered** (admin settings: operator_contact)"},
    {"Purpose", "purpose", "**not entered** (admin settings: purpose)"},
    {"Legal basis", "legal_basis", "**not entered** (admin settings: legal_basis)"},
    {"Minimum age", "minimum_age", "none set"},
    {"Erased after (days)", "retention_days_max", "none set: kept until the person deletes it"},
};

static const char *const facts[][2] = {
    {"Categories of persons", "people with an account of this server"},
    {"Categories of data",
     "user name, role, hash of the password, sessions (hash, times), settings and presets, "
     "conversations with files' texts, tokens used per day and model, audit log of logins and "
     "changes"},
    {"Not processed",
     "addresses beyond the running request, browser names, typing, drafts, birth dates"},
    {"Recipients", "none"},
    {"Transfers to third countries", "none; the process cannot call out (`tiefsee prove-offline`) "
                                     "unless started with --open-network"},
    {"Processors", "none; the model runs in the same process"},
    {"Erasure",
     "by the person: a conversation, a range of time, everything, the account (its key is "
     "destroyed); by the time limit above; sessions after 12 hours without use"},
    {"Security measures",
     "content sealed per user with XChaCha20-Poly1305 under a key that a master key wraps; "
     "Argon2id; HttpOnly SameSite cookies; TLS beyond this machine (unless started with "
     "--insecure-listen); logs without content or addresses; audit "
     "log whose entries vouch for each other; seccomp and Landlock"},
    {"Automated decisions", "none"},
};

static tiefsee_status write_record(ts_store *s, const char *path, ts_buf *out, tiefsee_error *err)
{
    char text[MAX_TEXT + 1];
    int64_t n_users = 0;
    tiefsee_status st = count(s, &n_users, err);
    bool is_good = ts_buf_append_str(out, "# Record of processing activities (GDPR, article 30)\n\n"
                                          "Made by Tiefsee ") &&
                   ts_buf_append_str(out, tiefsee_version()) &&
                   ts_buf_append_str(out, " from its own settings.\n\n| | |\n| --- | --- |\n");

    for (size_t i = 0; i < TS_COUNT(asked) && st == TIEFSEE_OK; i++) {
        st = setting(s, asked[i].setting, asked[i].missing, text, err);
        is_good = is_good && add_line(out, asked[i].name, text);
    }
    (void)snprintf(text, sizeof text, "%lld", (long long)n_users);
    is_good = is_good && add_line(out, "Accounts", text) && add_line(out, "Kept in", path);
    for (size_t i = 0; i < TS_COUNT(facts); i++)
        is_good = is_good && add_line(out, facts[i][0], facts[i][1]);
    return st == TIEFSEE_OK && !is_good ? ts_fail_nomem(err, 0, "the record") : st;
}

tiefsee_status ts_record_write(const char *path, ts_buf *out, tiefsee_error *err)
{
    const ts_store_options options = {.must_exist = true};
    ts_store *s;
    tiefsee_status st = ts_store_open(&s, path, &options, err);

    if (st != TIEFSEE_OK)
        return st;
    st = write_record(s, path, out, err);
    ts_store_close(s);
    return st;
}
