/* login.c - see login.h.
 *
 * A browser that has logged in keeps a second cookie that says so (for 180 days): when,
 * a random number, and a check of both under a key made from the user's own and their
 * password's hash.  It opens nothing; tries with it are counted apart (guesses.h).  Another
 * password, or the end of the account, ends it.
 */
#include "server/app/login.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "server/app/accounts.h"
#include "server/app/audit.h"
#include "server/app/cache_erase.h"
#include "server/app/guesses.h"
#include "server/app/notice.h"

enum {
    SETUP_S = 900,
    TIDY_S = 60,
    SEEN_S = 600,
    DEVICE_DAYS = 180,
    DEVICE_NONCE = 16,
    DEVICE_MAC = 32,
    DEVICE_BYTES = 8 + DEVICE_NONCE + DEVICE_MAC,
    DEVICE_TEXT = 76, /* in base64, terminated */
    FAILURES_PER_HOUR = 60
};

/* ---- guessing */

/* Seconds to wait; 0: go on, and end_try must follow. */
static int begin_try(ts_app *app, const ts_attempt *a)
{
    ts_lock_take(app->login_lock);
    const int wait = ts_guesses_begin(app->guesses, a, ts_clock_seconds());
    ts_lock_give(app->login_lock);
    return wait;
}

static void end_try(ts_app *app, const ts_attempt *a, bool is_good)
{
    ts_lock_take(app->login_lock);
    ts_guesses_end(app->guesses, a, is_good, ts_clock_seconds());
    ts_lock_give(app->login_lock);
}

static void refuse_wait(ts_reply *reply, int wait)
{
    const ts_http_error error = {
        .status = 429, .message = "too many tries; wait a little", .retry_after_s = wait};

    ts_reply_fail_with(reply, &error);
}

/* ---- what is said of who is there */

const char *ts_login_cookie(const ts_app *app)
{
    return app->opt.is_secure ? "__Host-tiefsee_session" : "tiefsee_session";
}

json_t *ts_login_user(const ts_person *p)
{
    return json_pack("{s:s,s:s,s:s,s:b,s:I,s:I,s:I}", "id", p->id, "name", p->name, "role",
                     ts_role_name(p->role), "is_frozen", (int)p->is_frozen, "created",
                     (json_int_t)p->created, "retention_days", (json_int_t)p->retention_days,
                     "notice_seen", (json_int_t)p->notice_seen);
}

static bool needs_setup(ts_app *app)
{
    return app->opt.has_accounts && ts_people_count_admins(app->people) == 0;
}

static json_t *session_json(ts_app *app, const ts_person *p)
{
    return json_pack("{s:i,s:s,s:b,s:o,s:{s:s,s:b,s:I,s:o}}", "api", 1, "mode",
                     app->opt.has_accounts ? "accounts" : "single", "needs_setup",
                     (int)needs_setup(app), "user", p ? ts_login_user(p) : json_null(), "server",
                     "version", tiefsee_version(), "has_store", 1, "notice_version",
                     (json_int_t)TS_NOTICE_VERSION, "ai_notice", ts_notice_ai());
}

void ts_login_session(ts_http_request *req, ts_reply *reply)
{
    ts_app *app = ts_server_of(req)->app;
    ts_person p;
    const bool is_there = ts_people_by_n(app->people, ts_app_caller_of(req)->user_n, &p);

    ts_app_send(reply, 200, session_json(app, is_there ? &p : NULL));
    if (is_there)
        ts_person_wipe(&p);
}

/* ---- logging in */

static bool set_cookie(ts_app *app, ts_reply *reply, const char *name, const char *value,
                       int64_t seconds)
{
    char text[320];

    (void)snprintf(text, sizeof text, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
                   name, value, (long long)seconds, app->opt.is_secure ? "; Secure" : "");
    return ts_reply_header(reply, "Set-Cookie", text);
}

/* ---- devices */

/* One for each user of a browser. */
static void device_name(char out[64], const ts_app *app, const ts_person *p)
{
    (void)snprintf(out, 64, "%stiefsee_device_%.8s", app->opt.is_secure ? "__Host-" : "", p->id);
}

static void device_check(uint8_t out[DEVICE_MAC], const ts_person *p, const char *hash,
                         const uint8_t bytes[8 + DEVICE_NONCE])
{
    crypto_generichash_state h;
    uint8_t key[32];

    (void)crypto_kdf_derive_from_key(key, sizeof key, 1, "tsdevice", p->key);
    (void)crypto_generichash_init(&h, key, sizeof key, DEVICE_MAC);
    (void)crypto_generichash_update(&h, bytes, 8 + DEVICE_NONCE);
    (void)crypto_generichash_update(&h, (const uint8_t *)hash, strlen(hash));
    (void)crypto_generichash_final(&h, out, DEVICE_MAC);
    sodium_memzero(key, sizeof key);
}

/* hash: of the password. */
static bool set_device(ts_app *app, ts_reply *reply, const ts_person *p, const char *hash)
{
    uint8_t bytes[DEVICE_BYTES];
    char name[64], text[DEVICE_TEXT];
    const int64_t now = ts_app_now();

    memcpy(bytes, &now, sizeof now);
    randombytes_buf(bytes + 8, DEVICE_NONCE);
    device_check(bytes + 8 + DEVICE_NONCE, p, hash, bytes);
    (void)sodium_bin2base64(text, sizeof text, bytes, sizeof bytes,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    device_name(name, app, p);
    return set_cookie(app, reply, name, text, (int64_t)DEVICE_DAYS * 86400);
}

/* Has this browser logged in as p before?  text: room for what names it. */
static bool is_known(const ts_app *app, const ts_http_request *req, const ts_person *p,
                     const char *hash, char text[DEVICE_TEXT])
{
    uint8_t bytes[DEVICE_BYTES], check[DEVICE_MAC];
    char name[64];
    size_t n = 0;
    int64_t since;

    device_name(name, app, p);
    const ts_str value = ts_app_cookie(req, name);
    if (value.len == 0 || value.len >= DEVICE_TEXT ||
        sodium_base642bin(bytes, sizeof bytes, value.ptr, value.len, NULL, &n, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        n != sizeof bytes)
        return false;
    (void)snprintf(text, DEVICE_TEXT, "%.*s", TS_STR_ARG(value));
    memcpy(&since, bytes, sizeof since);
    device_check(check, p, hash, bytes);
    return sodium_memcmp(check, bytes + 8 + DEVICE_NONCE, DEVICE_MAC) == 0 &&
           ts_app_now() - since < (int64_t)DEVICE_DAYS * 86400000;
}

/* hash: of the password. */
static void begin_session(ts_app *app, ts_reply *reply, const ts_person *p, const char *hash)
{
    char token[TS_SESSION_TOKEN + 1];
    tiefsee_error err = {0};

    ts_lock_take(app->store_lock);
    const tiefsee_status st =
        ts_sessions_make(app->people, app->store, p->n, ts_app_now(), token, &err);
    ts_audit(app, p->id, "login", "", st == TIEFSEE_OK ? "ok" : "failed");
    ts_lock_give(app->store_lock);
    if (st == TIEFSEE_OK &&
        set_cookie(app, reply, ts_login_cookie(app), token, TS_SESSION_LIFE_MS / 1000) &&
        set_device(app, reply, p, hash))
        ts_app_send(reply, 200, session_json(app, p));
    else
        ts_reply_fail_status(reply, &err);
    sodium_memzero(token, sizeof token);
}

/* The stored hash; "" for nobody, who has no session either. */
static void read_hash(ts_app *app, int64_t user_n, char hash[128])
{
    ts_lock_take(app->store_lock);
    if (ts_people_read_password(app->store, user_n, hash, NULL) != TIEFSEE_OK)
        hash[0] = '\0';
    ts_lock_give(app->store_lock);
}

/* Owning the store: the failures that had no entry of their own. */
static void note_failures(ts_app *app)
{
    char result[48];

    if (app->n_unnoted > 0) {
        (void)snprintf(result, sizeof result, "failed %llu times more",
                       (unsigned long long)app->n_unnoted);
        ts_audit(app, "", "login", "", result);
    }
    app->n_unnoted = app->n_noted = 0;
    app->noting_since = ts_clock_seconds();
}

/* A stranger must not fill the disk with failures. */
static void refuse_login(ts_app *app, ts_reply *reply, const ts_person *p)
{
    ts_lock_take(app->store_lock);
    if (ts_clock_seconds() - app->noting_since > 3600)
        note_failures(app);
    if (app->n_noted < FAILURES_PER_HOUR) {
        app->n_noted++;
        ts_audit(app, "", "login", p->id, "failed");
    } else
        app->n_unnoted++;
    ts_lock_give(app->store_lock);
    ts_app_refuse(reply, 401, "login_failed", NULL, "name or password is wrong");
}

static void log_in(ts_http_request *req, ts_reply *reply, const char *name, const char *password)
{
    ts_app *app = ts_server_of(req)->app;
    char hash[128] = "", device[DEVICE_TEXT];
    ts_person p = {0};

    const bool is_there = ts_people_by_name(app->people, name, &p) && !p.is_disabled;
    if (is_there)
        read_hash(app, p.n, hash);
    const ts_attempt a = is_there && is_known(app, req, &p, hash, device)
                             ? ts_attempt_of_known(device)
                             : ts_attempt_of_stranger(name, req->peer);
    const int wait = begin_try(app, &a);
    if (wait > 0)
        refuse_wait(reply, wait);
    else {
        const bool is_good = ts_password_is_right(hash, password) && is_there;

        end_try(app, &a, is_good);
        if (is_good)
            begin_session(app, reply, &p, hash);
        else
            refuse_login(app, reply, &p);
    }
    sodium_memzero(hash, sizeof hash);
    ts_person_wipe(&p);
}

void ts_login_login(ts_http_request *req, ts_reply *reply)
{
    const ts_app *app = ts_server_of(req)->app;
    json_t *body = ts_app_body(req, reply);
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *password = json_string_value(json_object_get(body, "password"));

    if (!body)
        return;
    if (!app->opt.has_accounts)
        ts_app_refuse(reply, 409, NULL, NULL, "this server has one user and no login");
    else if (!name || !password || strlen(password) > TS_PASSWORD_MAX)
        ts_app_refuse(reply, 400, NULL, "name", "name and password are needed");
    else
        log_in(req, reply, name, password);
    json_decref(body);
}

bool ts_login_confirm(ts_app *app, ts_reply *reply, const ts_app_caller *caller,
                      const char *password, const char *field)
{
    /* Whoever has a session is no stranger, and counted apart. */
    const ts_attempt a = ts_attempt_of_known(caller->who.user);
    const bool can_be = password && strlen(password) <= TS_PASSWORD_MAX;
    char hash[128] = "";

    const int wait = can_be ? begin_try(app, &a) : 0;
    if (wait > 0) {
        refuse_wait(reply, wait);
        return false;
    }
    if (can_be)
        read_hash(app, caller->user_n, hash);
    const bool is_right = can_be && ts_password_is_right(hash, password);
    sodium_memzero(hash, sizeof hash);
    if (can_be)
        end_try(app, &a, is_right);
    if (!is_right)
        ts_app_refuse(reply, 403, "login_failed", field, "the password is wrong");
    return is_right;
}

/* ---- the first admin */

static bool code_is_right(ts_app *app, const char *code)
{
    char given[sizeof app->setup_code] = {0};

    (void)snprintf(given, sizeof given, "%s", code);
    return *app->setup_code && ts_clock_seconds() < app->setup_until &&
           sodium_memcmp(given, app->setup_code, sizeof given) == 0;
}

static void set_up(ts_app *app, ts_reply *reply, const char *name, const char *password)
{
    ts_person p = {.role = TS_ROLE_ADMIN, .created = ts_app_now()};
    tiefsee_error err = {0};

    (void)snprintf(p.name, sizeof p.name, "%s", name);
    tiefsee_status st = ts_people_check_name(name, &err);
    if (st == TIEFSEE_OK)
        st = ts_accounts_add(app, &p, password, NULL, &err);
    if (st != TIEFSEE_OK) {
        ts_reply_fail_status(reply, &err);
        return;
    }
    char hash[128];
    sodium_memzero(app->setup_code, sizeof app->setup_code);
    read_hash(app, p.n, hash);
    begin_session(app, reply, &p, hash);
    sodium_memzero(hash, sizeof hash);
    ts_person_wipe(&p);
}

void ts_login_setup(ts_http_request *req, ts_reply *reply)
{
    ts_app *app = ts_server_of(req)->app;
    json_t *body = ts_app_body(req, reply);
    const char *code = json_string_value(json_object_get(body, "code"));
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *password = json_string_value(json_object_get(body, "password"));

    if (!body)
        return;
    if (!needs_setup(app))
        ts_app_refuse(reply, 409, NULL, NULL, "there is an admin already");
    else if (!code || !name || !password)
        ts_app_refuse(reply, 400, NULL, "code", "code, name and password are needed");
    else {
        const ts_attempt a = ts_attempt_of_known("the first admin's code");
        const int wait = begin_try(app, &a);
        if (wait > 0)
            refuse_wait(reply, wait);
        else {
            const bool is_good = code_is_right(app, code);
            if (is_good)
                set_up(app, reply, name, password);
            else
                ts_app_refuse(reply, 401, "login_failed", "code",
                              "the code is wrong or too old (a restart prints a new one)");
            end_try(app, &a, is_good);
        }
    }
    json_decref(body);
}

void ts_login_logout(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    const ts_app_caller *caller = ts_app_caller_of(req);
    const bool everywhere = json_is_true(json_object_get(body, "everywhere"));
    ts_work w;

    if (!body)
        return;
    if (ts_app_enter(&w, req, reply)) {
        const tiefsee_status st = *caller->session || everywhere
                                      ? ts_sessions_end(w.app->people, w.store, w.person.n,
                                                        everywhere ? NULL : caller->session, &w.err)
                                      : TIEFSEE_OK;
        ts_audit(w.app, w.person.id, everywhere ? "logout_everywhere" : "logout", "", "ok");
        ts_app *app = w.app;
        if (st != TIEFSEE_OK)
            (void)ts_app_fail(&w, st);
        else {
            ts_app_leave(&w);
            (void)set_cookie(app, reply, ts_login_cookie(app), "", 0);
            ts_app_send_nothing(reply);
        }
    }
    json_decref(body);
}

/* ---- open, close */

tiefsee_status ts_login_open(ts_app *app, tiefsee_error *err)
{
    static const char letters[] = "23456789abcdefghjkmnpqrstuvwxyz";

    app->noting_since = ts_clock_seconds();
    app->guesses = ts_guesses_new();
    if (!app->guesses)
        return ts_fail_nomem(err, 0, "the logins");
    if (!needs_setup(app))
        return TIEFSEE_OK;
    for (size_t i = 0; i < 14; i++)
        app->setup_code[i] = i % 5 == 4 ? '-' : letters[randombytes_uniform(sizeof letters - 1)];
    app->setup_until = ts_clock_seconds() + SETUP_S;
    if (app->opt.on_code)
        app->opt.on_code(app->opt.user, app->setup_code);
    return TIEFSEE_OK;
}

void ts_login_close(ts_app *app)
{
    ts_guesses_free(app->guesses);
    sodium_memzero(app->setup_code, sizeof app->setup_code);
}

/* Owning the store: when this server was last there, for the next one's look at the clock. */
static int64_t read_seen(ts_app *app)
{
    ts_query q =
        ts_query_begin(app->store, "SELECT value FROM app_setting WHERE name = 'clock_seen'");
    int64_t seen = 0;

    if (ts_query_step(&q))
        seen = strtoll(ts_query_get_str(&q, 0).ptr, NULL, 10);
    return ts_query_end(&q, NULL) == TIEFSEE_OK ? seen : 0;
}

static void write_seen(ts_app *app, int64_t now)
{
    const int64_t since = now - app->clock_seen;
    char value[24];

    if (since >= 0 && since < (int64_t)SEEN_S * 1000)
        return;
    (void)snprintf(value, sizeof value, "%lld", (long long)now);
    ts_query q =
        ts_query_begin(app->store, "INSERT OR REPLACE INTO app_setting VALUES ('clock_seen', ?)");
    ts_query_str(&q, ts_str_of(value));
    (void)ts_query_step(&q);
    if (ts_query_end(&q, NULL) == TIEFSEE_OK)
        app->clock_seen = now;
}

/* Owning the store: may things be removed by their age? */
static bool is_clock_sound(ts_app *app, int64_t now)
{
    const double before = app->watch.held_until;
    const bool is_sound = ts_clock_watch_look(&app->watch, now, ts_clock_boot_seconds(),
                                              app->watch.wall_ms == 0 ? read_seen(app) : 0);

    if (app->watch.held_until > before) {
        const ts_log_field by = TS_LOG_COUNT("jump_s", app->watch.jump_ms / 1000);
        ts_log(TS_LOG_WARN, "the clock has jumped: nothing is removed by its age for a while", &by,
               1);
    }
    write_seen(app, now);
    return is_sound;
}

static void prune_audit(ts_app *app, double now_s, int64_t now)
{
    const bool is_time = app->last_prune <= 0 || now_s - app->last_prune > 86400;
    tiefsee_error err = {0};

    if (!is_time && !ts_audit_is_long(app))
        return;
    app->last_prune = now_s;
    if (ts_audit_prune(app, now - (int64_t)TS_AUDIT_DAYS * 86400000, TS_AUDIT_MAX, &err) !=
        TIEFSEE_OK) {
        const ts_log_field why = TS_LOG_TEXT("why", err.message);
        ts_log(TS_LOG_ERROR, "audit", &why, 1);
    }
}

void ts_login_tidy(ts_app *app)
{
    const double now_s = ts_clock_seconds();
    const int64_t now = ts_app_now();

    if (now_s - app->last_tidy < TIDY_S)
        return;
    app->last_tidy = now_s;
    ts_lock_take(app->store_lock);
    if (app->n_unnoted > 0 && now_s - app->noting_since > 3600)
        note_failures(app);
    const bool is_sound = is_clock_sound(app, now);
    (void)(ts_sessions_tidy(app->people, app->store, now, is_sound, NULL) == TIEFSEE_OK);
    ts_accounts_tidy(app, now, is_sound);
    if (is_sound)
        prune_audit(app, now_s, now);
    ts_lock_give(app->store_lock);
    ts_cache_catch_up(app);
}
