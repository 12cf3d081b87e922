/* models.c - see models.h.
 *
 * The lock is for everything that changes while the server runs: states, pins,
 * waiting uses.  Only the loader's thread opens and closes engines, outside the
 * lock; a slot that is LOADING or UNLOADING is its own meanwhile.
 */
#include "server/models.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/thread.h"
#include "engine/fingerprint.h"
#include "engine/model.h"

enum { MAX_MODELS = 64, MAX_ALIASES = 256, MAX_NAME = 127 };

typedef enum slot_state { COLD, LOADING, LOADED, UNLOADING } slot_state;

typedef struct slot {
    ts_served_model pub;
    char *name, *path;
    bool stays; /* was there from the start */
    ts_models_source source;
    tiefsee_model *full; /* with weights; may be pub.model */
    ts_engine *engine;   /* LOADED */
    slot_state state;
    size_t n_pins;
    double last_use;
    uint64_t plan_bytes, n_loads, n_failed;
    ts_engine_stats past; /* counters of engines that are gone */
} slot;

typedef struct alias {
    char *name;
    size_t model;
} alias;

struct ts_models {
    slot at[MAX_MODELS];
    size_t n;
    alias aliases[MAX_ALIASES];
    size_t n_aliases;

    ts_lock *lock;
    ts_thread *loader; /* NULL: nothing is loaded later */
    ts_models_rules rules;
    ts_models_use *first, **last; /* who waits for a model */
    size_t n_waiting;             /* with the one that is being served */
    bool is_draining, is_closing;
};

ts_models *ts_models_new(void)
{
    ts_models *m = ts_alloc_zero(1, sizeof *m);

    if (!m)
        return NULL;
    m->last = &m->first;
    m->lock = ts_lock_new();
    if (m->lock)
        return m;
    ts_free(m);
    return NULL;
}

static void close_slot(slot *s)
{
    ts_engine_close(s->engine);
    if (s->full != s->pub.model)
        tiefsee_model_close(s->full);
    ts_grammar_vocab_free(s->pub.vocab);
    tiefsee_model_close(s->pub.model);
    ts_free(s->name);
    ts_free(s->path);
}

void ts_models_stop(ts_models *m)
{
    if (!m)
        return;
    ts_lock_take(m->lock);
    m->is_closing = m->is_draining = true;
    ts_lock_wake(m->lock);
    ts_lock_give(m->lock);
    ts_thread_join(m->loader);
    m->loader = NULL;
    for (size_t i = 0; i < m->n; i++) {
        ts_lock_take(m->lock);
        ts_engine *engine = m->at[i].engine;
        m->at[i].engine = NULL; /* who wants it from here on is told */
        ts_lock_give(m->lock);
        ts_engine_close(engine);
    }
}

void ts_models_free(ts_models *m)
{
    if (!m)
        return;
    ts_models_stop(m);
    for (size_t i = 0; i < m->n; i++)
        close_slot(&m->at[i]);
    for (size_t i = 0; i < m->n_aliases; i++)
        ts_free(m->aliases[i].name);
    ts_lock_free(m->lock);
    ts_free(m);
}

/* Names go into URLs, logs and labels of metrics. */
static tiefsee_status check_name(const ts_models *m, const char *name, tiefsee_error *err)
{
    const size_t n = strlen(name);

    if (n == 0 || n > MAX_NAME)
        return ts_fail(err, TIEFSEE_E_INVALID, "a model's name has 1 to %d bytes", MAX_NAME);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == '"' || name[i] == '\\' || name[i] == 0x7f)
            return ts_fail(err, TIEFSEE_E_INVALID, "the model's name '%s' has a byte 0x%02x", name,
                           (unsigned)(unsigned char)name[i]);
    if (m->n > 0 && ts_models_find(m, name))
        return ts_fail(err, TIEFSEE_E_INVALID, "two models are called '%s'", name);
    return TIEFSEE_OK;
}

static size_t index_of(const ts_models *m, const ts_served_model *p)
{
    return (size_t)((const slot *)(const void *)p - m->at); /* pub is a slot's first member */
}

/* What a request is read with. */
static tiefsee_status open_public(slot *s, const ts_engine_options *opt, tiefsee_error *err)
{
    ts_served_model *p = &s->pub;

    tiefsee_model_describe(p->model, &p->info);
    p->bytes = p->info.weight_bytes;
    uint8_t hash[TS_MODEL_HASH_LEN];
    ts_model_hash(p->model, hash);
    (void)sodium_bin2hex(p->hash, sizeof p->hash, hash, sizeof hash);
    p->created = (int64_t)time(NULL);
    const size_t n_ctx_default = p->info.n_ctx_train < 8192 ? p->info.n_ctx_train : 8192;
    p->n_ctx = opt->n_ctx > 0 ? opt->n_ctx : n_ctx_default;
    return p->model->bpe ? ts_grammar_vocab_new(&p->vocab, p->model->bpe, p->info.n_vocab, err)
                         : TIEFSEE_OK;
}

/* The slot becomes the next one, or is closed. */
static tiefsee_status add(ts_models *m, const char *name, slot *s, tiefsee_status st,
                          const ts_engine_options *opt, tiefsee_error *err)
{
    if (st == TIEFSEE_OK)
        st = check_name(m, name, err);
    if (st == TIEFSEE_OK && m->n == MAX_MODELS)
        st = ts_fail(err, TIEFSEE_E_LIMIT, "more than %d models", MAX_MODELS);
    if (st == TIEFSEE_OK && !(s->name = ts_strdup_n(name, strlen(name))))
        st = ts_fail_nomem(err, strlen(name), "a model's name");
    if (st == TIEFSEE_OK)
        st = open_public(s, opt, err);
    if (st == TIEFSEE_OK && s->stays)
        st = ts_engine_open(&s->engine, s->full, opt, err);
    if (st != TIEFSEE_OK) {
        close_slot(s);
        return ts_while(err, st, "serving '%s'", name);
    }
    s->pub.name = s->name;
    m->at[m->n++] = *s;
    return TIEFSEE_OK;
}

tiefsee_status ts_models_add(ts_models *m, const char *name, tiefsee_model *model,
                             const ts_engine_options *opt, tiefsee_error *err)
{
    const ts_engine_options none = {0};
    slot s = {.pub = {.model = model}, .full = model, .stays = true, .state = LOADED, .n_loads = 1};
    tiefsee_plan plan;

    tiefsee_model_plan(model, 0, &plan);
    s.plan_bytes = plan.total_bytes;
    return add(m, name, &s, TIEFSEE_OK, opt ? opt : &none, err);
}

tiefsee_status ts_models_add_later(ts_models *m, const char *name, const ts_models_source *source,
                                   tiefsee_error *err)
{
    slot s = {.pub = {.model = source->metadata}, .source = *source};
    const ts_modelfile *file = source->metadata->file;
    const char *path = ts_modelfile_path(file);
    tiefsee_status st = TIEFSEE_OK;

    /* The one inside has no path. */
    if (ts_modelfile_stamp(file) != 0 && !(s.path = ts_strdup_n(path, strlen(path))))
        st = ts_fail_nomem(err, strlen(path), "a path");
    return add(m, name, &s, st, &source->engine, err);
}

tiefsee_status ts_models_alias(ts_models *m, const char *alias_name, const char *name,
                               tiefsee_error *err)
{
    const ts_served_model *s = *name ? ts_models_find(m, name) : NULL;

    if (!s)
        return ts_fail(err, TIEFSEE_E_INVALID, "alias '%s': no model '%s' is served", alias_name,
                       name);
    const tiefsee_status st = check_name(m, alias_name, err);
    if (st != TIEFSEE_OK)
        return ts_while(err, st, "alias");
    if (m->n_aliases == MAX_ALIASES)
        return ts_fail(err, TIEFSEE_E_LIMIT, "more than %d aliases", MAX_ALIASES);
    char *copy = ts_strdup_n(alias_name, strlen(alias_name));
    if (!copy)
        return ts_fail_nomem(err, strlen(alias_name), "an alias");
    m->aliases[m->n_aliases++] = (alias){copy, index_of(m, s)};
    return TIEFSEE_OK;
}

const ts_served_model *ts_models_find(const ts_models *m, const char *name)
{
    if (!name || !*name)
        return m->n > 0 ? &m->at[0].pub : NULL;
    for (size_t i = 0; i < m->n; i++)
        if (strcasecmp(m->at[i].name, name) == 0)
            return &m->at[i].pub;
    for (size_t i = 0; i < m->n_aliases; i++)
        if (strcasecmp(m->aliases[i].name, name) == 0)
            return &m->at[m->aliases[i].model].pub;
    return NULL;
}

size_t ts_models_count(const ts_models *m)
{
    return m->n;
}

const ts_served_model *ts_models_at(const ts_models *m, size_t i)
{
    return i < m->n ? &m->at[i].pub : NULL;
}

bool ts_models_alias_at(const ts_models *m, size_t i, const char **alias_name,
                        const ts_served_model **model)
{
    if (i >= m->n_aliases)
        return false;
    *alias_name = m->aliases[i].name;
    *model = &m->at[m->aliases[i].model].pub;
    return true;
}

/* ---------------------------------------------------------------- loading */

static uint64_t loaded_bytes(const ts_models *m)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < m->n; i++)
        sum += m->at[i].state == LOADED ? m->at[i].plan_bytes : 0;
    return sum;
}

/* Under the lock: the one to go first, of those that nobody uses. */
static slot *oldest_unused(ts_models *m)
{
    slot *best = NULL;

    for (size_t i = 0; i < m->n; i++) {
        slot *s = &m->at[i];
        if (s->state == LOADED && !s->stays && s->n_pins == 0 &&
            (!best || s->last_use < best->last_use))
            best = s;
    }
    return best;
}

static void add_counters(ts_engine_stats *to, const ts_engine_stats *s)
{
    to->n_prompt_tokens += s->n_prompt_tokens;
    to->n_cached_tokens += s->n_cached_tokens;
    to->n_disk_tokens += s->n_disk_tokens;
    to->n_jobs += s->n_jobs;
    to->n_generated_tokens += s->n_generated_tokens;
    to->n_steps += s->n_steps;
}

static void log_model(const char *event, const slot *s, double seconds)
{
    const ts_log_field fields[] = {TS_LOG_TEXT("model", s->name),
                                   TS_LOG_COUNT("mb", s->plan_bytes >> 20),
                                   TS_LOG_MS("ms", seconds)};

    ts_log(TS_LOG_INFO, event, fields, TS_COUNT(fields));
}

/* Under the lock, which is given up meanwhile. */
static void unload(ts_models *m, slot *s)
{
    const double start = ts_clock_seconds();
    ts_engine *engine = s->engine;
    tiefsee_model *full = s->full;
    ts_engine_stats stats;

    s->state = UNLOADING;
    s->engine = NULL;
    s->full = NULL;
    ts_lock_give(m->lock);
    ts_engine_read_stats(engine, &stats);
    ts_engine_close(engine); /* writes what it remembers, where that is wanted */
    tiefsee_model_close(full);
    log_model("unloaded", s, ts_clock_seconds() - start);
    ts_lock_take(m->lock);
    add_counters(&s->past, &stats);
    s->state = COLD;
    s->plan_bytes = 0;
}

/* Under the lock, which is given up meanwhile: unload what nobody uses until n bytes
 * fit; false: they do not. */
static bool make_room(ts_models *m, uint64_t n)
{
    slot *s;

    while (loaded_bytes(m) + n > m->rules.memory_bytes && (s = oldest_unused(m)) != NULL)
        unload(m, s);
    return loaded_bytes(m) + n <= m->rules.memory_bytes;
}

static tiefsee_status too_large(const ts_models *m, const slot *s, uint64_t n, tiefsee_error *err)
{
    const uint64_t others = loaded_bytes(m);

    return ts_fail(err, others ? TIEFSEE_E_LIMIT : TIEFSEE_E_NOMEM,
                   "'%s' needs %llu MB; of %llu MB for models, others that are in use have %llu",
                   s->name, (unsigned long long)(n >> 20),
                   (unsigned long long)(m->rules.memory_bytes >> 20),
                   (unsigned long long)(others >> 20));
}

/* Under the lock, which is given up meanwhile. */
static tiefsee_status load(ts_models *m, slot *s, tiefsee_error *err)
{
    const double start = ts_clock_seconds();
    tiefsee_model *full = NULL;
    ts_engine *engine = NULL;
    tiefsee_plan plan = {0};

    s->state = LOADING;
    /* The weights are most of it; what else it takes shows once it is open. */
    if (!make_room(m, s->pub.bytes)) {
        s->state = COLD;
        return too_large(m, s, s->pub.bytes, err);
    }
    ts_lock_give(m->lock);
    tiefsee_status st = tiefsee_model_open(&full, s->path, &s->source.options, err);
    if (st == TIEFSEE_OK)
        tiefsee_model_plan(full, s->pub.n_ctx, &plan);
    ts_lock_take(m->lock);
    if (st == TIEFSEE_OK && !make_room(m, plan.total_bytes))
        st = too_large(m, s, plan.total_bytes, err);
    ts_lock_give(m->lock);
    if (st == TIEFSEE_OK)
        st = ts_engine_open(&engine, full, &s->source.engine, err);
    if (st != TIEFSEE_OK)
        tiefsee_model_close(full);
    ts_lock_take(m->lock);
    s->state = st == TIEFSEE_OK ? LOADED : COLD;
    if (st != TIEFSEE_OK)
        return ts_while(err, st, "loading '%s'", s->name);
    s->full = full;
    s->engine = engine;
    s->plan_bytes = plan.total_bytes;
    s->n_loads++;
    s->last_use = ts_clock_seconds();
    log_model("loaded", s, s->last_use - start);
    return TIEFSEE_OK;
}

/* Under the lock, which is given up meanwhile. */
static void serve_first(ts_models *m)
{
    ts_models_use *use = m->first;
    slot *s = &m->at[use->model];
    tiefsee_error err = {0};
    tiefsee_status st = TIEFSEE_OK;

    m->first = use->next;
    if (!m->first)
        m->last = &m->first;
    if (m->is_draining && s->state != LOADED)
        st = ts_fail(&err, TIEFSEE_E_CANCELLED, "the server is shutting down");
    else if (s->state != LOADED)
        st = load(m, s, &err);
    if (st == TIEFSEE_OK)
        s->n_pins++;
    else
        s->n_failed++;
    ts_engine *engine = s->engine;
    ts_lock_give(m->lock);
    if (st != TIEFSEE_OK) {
        const ts_log_field why = TS_LOG_TEXT("why", err.message);
        ts_log(TS_LOG_ERROR, "not loaded", &why, 1);
    }
    use->ready(use, st == TIEFSEE_OK ? engine : NULL, st == TIEFSEE_OK ? NULL : &err);
    ts_lock_take(m->lock);
    m->n_waiting--;
}

/* Under the lock.  How long until another look is due; 0: no need. */
static double unload_idle(ts_models *m)
{
    double next = 0;

    for (size_t i = 0; i < m->n && m->rules.idle_s > 0; i++) {
        slot *s = &m->at[i];
        if (s->state != LOADED || s->stays || s->n_pins > 0)
            continue;
        const double left = s->last_use + m->rules.idle_s - ts_clock_seconds();
        if (left <= 0)
            unload(m, s);
        else if (next <= 0 || left < next)
            next = left;
    }
    return next;
}

static void loader_main(void *ctx)
{
    ts_models *m = ctx;

    ts_lock_take(m->lock);
    for (;;) {
        if (m->first) {
            serve_first(m);
            continue;
        }
        if (m->is_closing)
            break;
        const double next = unload_idle(m);
        if (!m->first && !m->is_closing)
            ts_lock_wait(m->lock, next);
    }
    ts_lock_give(m->lock);
}

tiefsee_status ts_models_start(ts_models *m, const ts_models_rules *rules, tiefsee_error *err)
{
    m->rules = *rules;
    if (m->rules.memory_bytes == 0)
        m->rules.memory_bytes = ts_cpu_available_memory() / 10 * 9 + loaded_bytes(m);
    return ts_thread_start(&m->loader, loader_main, m, err);
}

ts_engine *ts_models_pin(ts_models *m, const ts_served_model *model)
{
    slot *s = &m->at[index_of(m, model)];

    ts_lock_take(m->lock);
    ts_engine *engine = s->state == LOADED ? s->engine : NULL;
    if (engine) {
        s->n_pins++;
        s->last_use = ts_clock_seconds();
    }
    ts_lock_give(m->lock);
    return engine;
}

void ts_models_want(ts_models *m, const ts_served_model *model, ts_models_use *use)
{
    use->model = index_of(m, model);
    use->next = NULL;
    ts_lock_take(m->lock);
    const bool is_over = m->is_closing; /* the loader may be gone */
    if (!is_over) {
        *m->last = use;
        m->last = &use->next;
        m->n_waiting++;
        ts_lock_wake(m->lock);
    }
    ts_lock_give(m->lock);
    if (is_over) {
        tiefsee_error err = {0};
        (void)ts_fail(&err, TIEFSEE_E_CANCELLED, "the server is shutting down");
        use->ready(use, NULL, &err);
    }
}

void ts_models_done(ts_models *m, const ts_served_model *model)
{
    slot *s = &m->at[index_of(m, model)];

    ts_lock_take(m->lock);
    assert(s->n_pins > 0);
    s->last_use = ts_clock_seconds();
    if (--s->n_pins == 0)
        ts_lock_wake(m->lock); /* from now on it can be idle */
    ts_lock_give(m->lock);
}

/* ------------------------------------------------------------------- state */

bool ts_models_is_loaded(ts_models *m, const ts_served_model *model)
{
    ts_lock_take(m->lock);
    const bool is_loaded = m->at[index_of(m, model)].state == LOADED;
    ts_lock_give(m->lock);
    return is_loaded;
}

void ts_models_read_stats(ts_models *m, const ts_served_model *model, ts_models_stats *out)
{
    const slot *s = &m->at[index_of(m, model)];

    *out = (ts_models_stats){0};
    ts_lock_take(m->lock);
    out->is_loaded = s->state == LOADED;
    out->n_loads = s->n_loads;
    out->n_failed = s->n_failed;
    out->plan_bytes = s->plan_bytes;
    if (s->engine)
        ts_engine_read_stats(s->engine, &out->engine);
    add_counters(&out->engine, &s->past);
    ts_lock_give(m->lock);
}

void ts_models_drain(ts_models *m)
{
    ts_lock_take(m->lock);
    m->is_draining = true;
    for (size_t i = 0; i < m->n; i++)
        if (m->at[i].engine)
            ts_engine_drain(m->at[i].engine);
    ts_lock_wake(m->lock);
    ts_lock_give(m->lock);
}

bool ts_models_are_idle(const ts_models *m)
{
    bool is_idle;

    ts_lock_take(m->lock);
    is_idle = m->n_waiting == 0;
    for (size_t i = 0; i < m->n && is_idle; i++)
        is_idle = !m->at[i].engine || ts_engine_is_idle(m->at[i].engine);
    ts_lock_give(m->lock);
    return is_idle;
}
