/* auth.c - see auth.h.
 *
 * Two connections to the store: the writer belongs to the worker thread, which
 * puts waiting commits into one transaction; the other is for admin endpoints.
 * What a request looks at is in memory under one lock: the keys, sorted by their
 * public id, and an account per key with what is running, set aside and used.
 * The account knows more than the books only between a commit's call and its
 * write, so after a crash the books are the whole truth.
 */
#include "server/auth/auth.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/thread.h"
#include "core/worker.h"
#include "server/auth/account.h"

enum {
    MAX_OPEN = 8192, /* grants; also the room for their commits, so a push never fails */
    MAX_UNWRITTEN = 1 << 20,
    TICK_MS = 250,
    NOBODYS_SCOPES = TS_SCOPE_CHAT | TS_SCOPE_METRICS
};

typedef struct entry {
    int64_t key_id, day;
    ts_usage_tokens tokens;
    char model[TS_USAGE_MODEL_MAX + 1];
} entry;

typedef struct outcome {
    tiefsee_status status;
    tiefsee_error error;
} outcome;

/* For the worker: a commit, or (reloads) a reload. */
typedef struct order {
    bool reloads;
    entry entry;
    outcome *outcome; /* of a caller who waits, or NULL */
    ts_usage_written *on_written;
    void *user;
} order;

struct ts_auth {
    ts_auth_options opt;
    ts_lock *lock; /* for the block below */
    ts_key *keys;  /* sorted by public_id */
    size_t n_keys;
    ts_account *accounts; /* sorted by key_id; [0] is nobody's */
    size_t n_accounts;
    ts_auth_stats stats;

    ts_store *writer; /* the worker's, with what is below */
    ts_worker *worker;
    int64_t version;
    entry *unwritten; /* what the disk refused */
    size_t n_unwritten, cap_unwritten;

    ts_lock *admin_lock; /* for admin */
    ts_store *admin;
};

static int64_t now_ms(const ts_auth *a)
{
    return a->opt.unix_ms ? a->opt.unix_ms() : ts_clock_unix_ms();
}

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_public_id(const void *a, const void *b)
{
    return strcmp(((const ts_key *)a)->public_id, ((const ts_key *)b)->public_id);
}

static int by_key_id(const void *a, const void *b)
{
    return compare_i64(((const ts_account *)a)->key_id, ((const ts_account *)b)->key_id);
}

static ts_account *find_account(ts_auth *a, int64_t key_id)
{
    const ts_account wanted = {.key_id = key_id};

    if (a->n_accounts == 0)
        return NULL;
    return bsearch(&wanted, a->accounts, a->n_accounts, sizeof wanted, by_key_id);
}

/* ---------------------------------------------------------------- reloading */

typedef struct loading {
    ts_key *keys;
    size_t n_keys, cap_keys;
    ts_account *accounts;
    size_t n_accounts;
    bool is_out_of_memory;
} loading;

static bool take_key(void *ctx, const ts_key *key)
{
    loading *l = ctx;

    if (l->n_keys == l->cap_keys) {
        const size_t cap = l->cap_keys ? 2 * l->cap_keys : 16;
        ts_key *more = ts_realloc(l->keys, l->n_keys * sizeof *l->keys, cap * sizeof *l->keys);
        if (!more) {
            l->is_out_of_memory = true;
            return false;
        }
        l->keys = more;
        l->cap_keys = cap;
    }
    l->keys[l->n_keys++] = *key;
    return true;
}

static bool take_used(void *ctx, const ts_usage_row *row)
{
    loading *l = ctx;
    const ts_account wanted = {.key_id = row->key_id};
    ts_account *c = bsearch(&wanted, l->accounts, l->n_accounts, sizeof wanted, by_key_id);

    if (c)
        c->n_used = row->tokens.n_prompt + row->tokens.n_completion;
    return true;
}

/* Fresh accounts of nobody and all keys, with what the books say of today. */
static tiefsee_status make_accounts(ts_auth *a, loading *l, tiefsee_error *err)
{
    const int64_t today = now_ms(a) / TS_DAY_MS;
    const ts_usage_query query = {.key_id = -1, .first_day = today, .n_days = 1, .by_key = true};
    /* Room also for those of deleted keys that still run something. */
    const size_t cap = 1 + l->n_keys + a->n_accounts;

    l->accounts = ts_alloc_zero(cap, sizeof *l->accounts);
    if (!l->accounts)
        return ts_fail_nomem(err, cap * sizeof *l->accounts, "accounts of keys");
    l->accounts[l->n_accounts++] = (ts_account){.has_key = true, .day = today};
    for (size_t i = 0; i < l->n_keys; i++)
        l->accounts[l->n_accounts++] = (ts_account){
            .key_id = l->keys[i].id, .limits = l->keys[i].limits, .has_key = true, .day = today};
    qsort(l->accounts, l->n_accounts, sizeof *l->accounts, by_key_id);
    return ts_usage_read(a->writer, &query, take_used, l, err);
}

/* Under the lock: what was going on goes on. */
static void carry_over(ts_auth *a, loading *l)
{
    const size_t n_new = l->n_accounts;

    for (size_t i = 0; i < a->n_accounts; i++) {
        const ts_account *old = &a->accounts[i];
        ts_account *c = bsearch(old, l->accounts, n_new, sizeof *old, by_key_id);

        if (c) {
            const ts_key_limits limits = c->limits;
            *c = *old;
            c->limits = limits;
            c->has_key = true;
        } else if (old->n_running > 0) {
            ts_account *gone = &l->accounts[l->n_accounts++];
            *gone = *old;
            gone->has_key = false;
        }
    }
    if (l->n_accounts > n_new)
        qsort(l->accounts, l->n_accounts, sizeof *l->accounts, by_key_id);
}

/* On the worker's thread (or before it starts). */
static tiefsee_status reload(ts_auth *a, tiefsee_error *err)
{
    loading l = {0};
    int64_t version = 0;

    /* Before the keys are read: a change in between is seen at the next tick. */
    tiefsee_status st = ts_store_version(a->writer, &version, err);
    if (st == TIEFSEE_OK)
        st = ts_keys_list(a->writer, take_key, &l, err);
    if (st == TIEFSEE_OK && l.is_out_of_memory)
        st = ts_fail_nomem(err, 2 * l.cap_keys * sizeof *l.keys, "the keys");
    if (st == TIEFSEE_OK)
        st = make_accounts(a, &l, err);
    if (st == TIEFSEE_OK) {
        if (l.n_keys > 0)
            qsort(l.keys, l.n_keys, sizeof *l.keys, by_public_id);
        ts_lock_take(a->lock);
        carry_over(a, &l);
        const loading old = {.keys = a->keys, .n_keys = a->n_keys, .accounts = a->accounts};
        a->keys = l.keys;
        a->n_keys = l.n_keys;
        a->accounts = l.accounts;
        a->n_accounts = l.n_accounts;
        a->stats.generation++;
        ts_lock_give(a->lock);
        l = old;
        a->version = version;
    }
    if (l.keys)
        sodium_memzero(l.keys, l.n_keys * sizeof *l.keys);
    ts_free(l.keys);
    ts_free(l.accounts);
    return st;
}

/* ------------------------------------------------------------ the worker */

static tiefsee_status add_entry(ts_store *s, const entry *e, tiefsee_error *err)
{
    return ts_usage_add(s, e->key_id, e->day, e->model, &e->tokens, err);
}

/* Everything that waits, in one transaction. */
static tiefsee_status write_entries(ts_auth *a, const order *orders, size_t n, tiefsee_error *err)
{
    tiefsee_status st = ts_store_begin(a->writer, err);

    if (st != TIEFSEE_OK)
        return st;
    for (size_t i = 0; i < a->n_unwritten && st == TIEFSEE_OK; i++)
        st = add_entry(a->writer, &a->unwritten[i], err);
    for (size_t i = 0; i < n && st == TIEFSEE_OK; i++)
        if (!orders[i].reloads)
            st = add_entry(a->writer, &orders[i].entry, err);
    return ts_store_end(a->writer, st, err);
}

/* What the disk refused is tried again; without memory for it, it is lost, which
 * the statistics say. */
static void keep_unwritten(ts_auth *a, const entry *e)
{
    if (a->n_unwritten == a->cap_unwritten && a->cap_unwritten < MAX_UNWRITTEN) {
        const size_t cap = a->cap_unwritten ? 2 * a->cap_unwritten : 64;
        entry *more = ts_realloc(a->unwritten, a->n_unwritten * sizeof *more, cap * sizeof *more);
        if (!more)
            return;
        a->unwritten = more;
        a->cap_unwritten = cap;
    }
    if (a->n_unwritten < a->cap_unwritten)
        a->unwritten[a->n_unwritten++] = *e;
}

static void commit_orders(ts_auth *a, const order *orders, size_t n)
{
    tiefsee_error error = {0};
    size_t n_entries = 0;

    for (size_t i = 0; i < n; i++)
        n_entries += !orders[i].reloads;
    if (n_entries == 0 && a->n_unwritten == 0)
        return;
    const tiefsee_status st = write_entries(a, orders, n, &error);
    const size_t n_caught_up = a->n_unwritten;

    if (st == TIEFSEE_OK)
        a->n_unwritten = 0;
    ts_lock_take(a->lock);
    if (st == TIEFSEE_OK) {
        a->stats.n_committed += n_entries + n_caught_up;
        a->stats.n_unwritten -= n_caught_up;
    } else {
        a->stats.n_unwritten += n_entries;
    }
    ts_lock_give(a->lock);
    for (size_t i = 0; i < n; i++) {
        const order *o = &orders[i];
        if (o->reloads)
            continue;
        if (st != TIEFSEE_OK)
            keep_unwritten(a, &o->entry);
        if (o->outcome)
            *o->outcome = (outcome){st, error};
        if (o->on_written)
            o->on_written(o->user, st == TIEFSEE_OK ? NULL : &error);
    }
}

static void on_orders(void *ctx, void *items, size_t n)
{
    ts_auth *a = ctx;
    order *orders = items;
    int64_t version = a->version;

    if (n == 0) { /* a tick: catch up, and see whether somebody changed the keys */
        commit_orders(a, NULL, 0);
        if (ts_store_version(a->writer, &version, NULL) == TIEFSEE_OK && version != a->version)
            (void)(reload(a, NULL) == TIEFSEE_OK);
        return;
    }
    commit_orders(a, orders, n);
    for (size_t i = 0; i < n; i++)
        if (orders[i].reloads) {
            outcome done = {0};
            done.status = reload(a, &done.error);
            *orders[i].outcome = done;
        }
}

/* ------------------------------------------------------------ open, close */

tiefsee_status ts_auth_open(ts_auth **out, const char *path, const ts_auth_options *opt,
                            tiefsee_error *err)
{
    const ts_store_options synced = {.is_synced = true};

    *out = NULL;
    if (sodium_init() < 0)
        return ts_fail(err, TIEFSEE_E_IO, "no source of random numbers");
    ts_auth *a = ts_alloc_zero(1, sizeof *a);
    if (!a)
        return ts_fail_nomem(err, sizeof *a, "the keys");
    if (opt)
        a->opt = *opt;
    a->lock = ts_lock_new();
    a->admin_lock = ts_lock_new();

    tiefsee_status st = TIEFSEE_OK;
    if (!a->lock || !a->admin_lock)
        st = ts_fail_nomem(err, sizeof *a, "the keys");
    if (st == TIEFSEE_OK)
        st = ts_store_open(&a->writer, path, NULL, err);
    if (st == TIEFSEE_OK)
        st = ts_store_open(&a->admin, path, &synced, err);
    if (st == TIEFSEE_OK)
        st = reload(a, err);
    const ts_worker_options work = {.item_bytes = sizeof(order),
                                    .max_items = 2 * MAX_OPEN,
                                    .tick_ms = TICK_MS,
                                    .run = on_orders,
                                    .ctx = a};
    if (st == TIEFSEE_OK)
        st = ts_worker_new(&a->worker, &work, err);
    if (st != TIEFSEE_OK) {
        ts_auth_close(a);
        return st;
    }
    *out = a;
    return TIEFSEE_OK;
}

void ts_auth_close(ts_auth *a)
{
    if (!a)
        return;
    ts_worker_free(a->worker);
    if (a->writer)
        commit_orders(a, NULL, 0); /* a last try */
    ts_store_close(a->writer);
    ts_store_close(a->admin);
    ts_lock_free(a->lock);
    ts_lock_free(a->admin_lock);
    if (a->keys)
        sodium_memzero(a->keys, a->n_keys * sizeof *a->keys);
    ts_free(a->keys);
    ts_free(a->accounts);
    ts_free(a->unwritten);
    ts_free(a);
}

/* Hand an order over and wait until it was carried out. */
static tiefsee_status carry_out(ts_auth *a, order *o, tiefsee_error *err)
{
    outcome done = {0};
    uint64_t ticket = 0;

    o->outcome = &done;
    if (!ts_worker_push(a->worker, o, &ticket))
        return ts_fail(err, TIEFSEE_E_LIMIT, "too many changes wait for the disk");
    ts_worker_wait(a->worker, ticket);
    if (done.status != TIEFSEE_OK && err)
        *err = done.error;
    return done.status;
}

tiefsee_status ts_auth_reload(ts_auth *a, tiefsee_error *err)
{
    order o = {.reloads = true};

    return carry_out(a, &o, err);
}

ts_store *ts_auth_take_store(ts_auth *a)
{
    ts_lock_take(a->admin_lock);
    return a->admin;
}

void ts_auth_give_store(ts_auth *a, bool has_changed)
{
    ts_lock_give(a->admin_lock);
    if (has_changed)
        (void)(ts_auth_reload(a, NULL) == TIEFSEE_OK); /* else the next tick sees it */
}

/* --------------------------------------------------------------- checking */

static ts_refusal refuse(ts_auth *a, ts_refusal refusal)
{
    ts_lock_take(a->lock);
    a->stats.n_refused[refusal]++;
    ts_lock_give(a->lock);
    return refusal;
}

static ts_refusal check_scope(ts_auth *a, unsigned scope, const ts_identity *who,
                              tiefsee_error *err)
{
    char wanted[TS_SCOPES_TEXT];

    if ((who->scopes & scope) == scope)
        return TS_REFUSAL_NONE;
    ts_scopes_print(wanted, scope);
    (void)ts_fail(err, TIEFSEE_E_INVALID, "this needs an API key with the scope '%s'", wanted);
    return refuse(a, TS_REFUSAL_SCOPE);
}

/* The key behind public_id if the hash is right.  A wrong hash takes as long as
 * an unknown id. */
static bool find_key(ts_auth *a, const ts_key *wanted, ts_key *out)
{
    static const ts_key nobody = {0};

    ts_lock_take(a->lock);
    const ts_key *found =
        a->n_keys ? bsearch(wanted, a->keys, a->n_keys, sizeof *wanted, by_public_id) : NULL;
    *out = found ? *found : nobody;
    ts_lock_give(a->lock);
    return sodium_memcmp(out->hash, wanted->hash, sizeof out->hash) == 0 && found;
}

static void identify(ts_identity *out, const ts_key *key)
{
    *out = (ts_identity){.key_id = key->id, .scopes = key->scopes, .limits = key->limits};
    memcpy(out->name, key->name, sizeof out->name);
    (void)snprintf(out->user, sizeof out->user, "key-%lld", (long long)key->id);
}

static ts_refusal check_nobody(ts_auth *a, ts_str token, unsigned scope, ts_identity *out,
                               tiefsee_error *err)
{
    if (!a->opt.allows_nobody) {
        (void)ts_fail(err, TIEFSEE_E_INVALID,
                      token.len ? "this is not an API key" : "an API key is needed");
        return refuse(a, token.len ? TS_REFUSAL_BAD_KEY : TS_REFUSAL_NO_KEY);
    }
    ts_identity who = {.name = "local", .user = "local", .scopes = NOBODYS_SCOPES};
    const ts_refusal refusal = check_scope(a, scope, &who, err);
    if (refusal == TS_REFUSAL_NONE)
        *out = who;
    return refusal;
}

ts_refusal ts_auth_check(ts_auth *a, ts_str token, unsigned scope, ts_identity *out,
                         tiefsee_error *err)
{
    ts_key wanted = {0}, key;
    ts_identity who;

    *out = (ts_identity){0};
    if (!ts_str_starts(token, "sk-ts-"))
        return check_nobody(a, token, scope, out, err);
    if (!ts_key_parse(token.ptr, token.len, wanted.public_id, wanted.hash)) {
        (void)ts_fail(err, TIEFSEE_E_INVALID, "the API key is mistyped or cut off");
        return refuse(a, TS_REFUSAL_BAD_KEY);
    }
    if (!find_key(a, &wanted, &key)) {
        (void)ts_fail(err, TIEFSEE_E_INVALID, "there is no such API key");
        return refuse(a, TS_REFUSAL_BAD_KEY);
    }
    if (!key.is_enabled) {
        (void)ts_fail(err, TIEFSEE_E_INVALID, "this API key is disabled");
        return refuse(a, TS_REFUSAL_BAD_KEY);
    }
    if (key.expires_at != 0 && now_ms(a) / 1000 >= key.expires_at) {
        (void)ts_fail(err, TIEFSEE_E_INVALID, "this API key has expired");
        return refuse(a, TS_REFUSAL_EXPIRED);
    }
    identify(&who, &key);
    const ts_refusal refusal = check_scope(a, scope, &who, err);
    if (refusal == TS_REFUSAL_NONE)
        *out = who;
    return refusal;
}

/* --------------------------------------------------------- begin and end */

/* Under the lock.  *shown: the account to explain a refusal with. */
static ts_refusal admit(ts_auth *a, ts_account *c, uint64_t n_prompt, ts_grant *g,
                        ts_account *shown)
{
    if (a->stats.n_open >= MAX_OPEN)
        return TS_REFUSAL_SERVER;
    const ts_refusal refusal = ts_account_admit(c, now_ms(a), n_prompt, g);
    *shown = *c;
    a->stats.n_open += refusal == TS_REFUSAL_NONE;
    return refusal;
}

ts_refusal ts_auth_begin(ts_auth *a, const ts_identity *who, const char *model, uint64_t n_prompt,
                         uint64_t max_completion, ts_grant *out, tiefsee_error *err)
{
    ts_account shown = {0};
    ts_grant g = {.key_id = who->key_id, .n_completion = max_completion};

    /* Numbers beyond these are nonsense, and their sum must not wrap around. */
    if (n_prompt > TS_KEY_LIMIT_MAX)
        n_prompt = TS_KEY_LIMIT_MAX;
    if (g.n_completion > TS_KEY_LIMIT_MAX)
        g.n_completion = TS_KEY_LIMIT_MAX;
    (void)snprintf(g.model, sizeof g.model, "%s", model);

    ts_lock_take(a->lock);
    ts_account *c = find_account(a, who->key_id);
    const ts_refusal refusal =
        c && c->has_key ? admit(a, c, n_prompt, &g, &shown) : TS_REFUSAL_BAD_KEY;
    if (refusal != TS_REFUSAL_NONE)
        a->stats.n_refused[refusal]++;
    ts_lock_give(a->lock);

    if (refusal != TS_REFUSAL_NONE) {
        ts_account_explain(err, refusal, &shown, n_prompt, &g);
        *out = (ts_grant){.key_id = who->key_id, .retry_after_s = g.retry_after_s};
        return refusal;
    }
    g.is_open = true;
    *out = g;
    return TS_REFUSAL_NONE;
}

/* The account takes what was used; the reservation goes. */
static void settle(ts_auth *a, ts_grant *g, uint64_t n_used, int64_t now)
{
    ts_lock_take(a->lock);
    ts_account *c = find_account(a, g->key_id);
    assert(c); /* kept while something runs */
    ts_account_settle(c, now, g->n_reserved, n_used);
    ts_lock_give(a->lock);
    g->n_reserved = 0;
}

/* False: the grant is committed already. */
static bool take_order(ts_auth *a, ts_grant *g, const ts_usage_tokens *tokens, order *out)
{
    const int64_t now = now_ms(a);

    assert(g->is_open);
    if (g->is_settled)
        return false;
    g->is_settled = true;
    *out = (order){.entry = {.key_id = g->key_id, .day = now / TS_DAY_MS, .tokens = *tokens}};
    memcpy(out->entry.model, g->model, sizeof out->entry.model);
    settle(a, g, tokens->n_prompt + tokens->n_completion, now);
    return true;
}

tiefsee_status ts_usage_commit(ts_auth *a, ts_grant *grant, const ts_usage_tokens *tokens,
                               tiefsee_error *err)
{
    order o;

    return take_order(a, grant, tokens, &o) ? carry_out(a, &o, err) : TIEFSEE_OK;
}

void ts_usage_commit_then(ts_auth *a, ts_grant *grant, const ts_usage_tokens *tokens,
                          ts_usage_written *on_written, void *user)
{
    tiefsee_error error = {0};
    order o;

    if (!take_order(a, grant, tokens, &o)) {
        on_written(user, NULL);
        return;
    }
    o.on_written = on_written;
    o.user = user;
    if (!ts_worker_push(a->worker, &o, NULL)) { /* only if callers forget to end grants */
        (void)ts_fail(&error, TIEFSEE_E_LIMIT, "too many changes wait for the disk");
        on_written(user, &error);
    }
}

void ts_auth_end(ts_auth *a, ts_grant *grant)
{
    if (!grant->is_open)
        return;
    if (!grant->is_settled)
        settle(a, grant, 0, now_ms(a));
    grant->is_open = false;
    ts_lock_take(a->lock);
    ts_account *c = find_account(a, grant->key_id);
    assert(c && c->n_running > 0 && a->stats.n_open > 0);
    c->n_running--;
    a->stats.n_open--;
    ts_lock_give(a->lock);
}

/* ---------------------------------------------------------------- reading */

void ts_auth_balance(ts_auth *a, const ts_identity *who, ts_balance *out)
{
    const int64_t now = now_ms(a);
    ts_account c = {0};

    ts_lock_take(a->lock);
    ts_account *found = find_account(a, who->key_id);
    if (found) {
        ts_account_roll_day(found, now);
        c = *found;
    }
    ts_lock_give(a->lock);
    *out =
        (ts_balance){.n_used = c.n_used, .resets_at = (now / TS_DAY_MS + 1) * (TS_DAY_MS / 1000)};
    if (c.limits.tokens_per_day == 0)
        return;
    const uint64_t taken = c.n_used + c.n_reserved;
    out->is_limited = true;
    out->n_limit = c.limits.tokens_per_day;
    out->n_reserved = c.n_reserved;
    out->n_left = out->n_limit > taken ? out->n_limit - taken : 0;
}

void ts_auth_read_stats(ts_auth *a, ts_auth_stats *out)
{
    ts_lock_take(a->lock);
    *out = a->stats;
    out->n_keys = 0;
    for (size_t i = 0; i < a->n_keys; i++)
        out->n_keys += a->keys[i].is_enabled;
    ts_lock_give(a->lock);
}
