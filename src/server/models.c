/* models.c - see models.h. */
#include "server/models.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/alloc.h"
#include "engine/model.h"

enum { MAX_MODELS = 64, MAX_ALIASES = 256, MAX_NAME = 127 };

typedef struct alias {
    char *name;
    size_t model;
} alias;

struct ts_models {
    ts_served_model at[MAX_MODELS];
    char *names[MAX_MODELS];
    size_t n;
    alias aliases[MAX_ALIASES];
    size_t n_aliases;
};

ts_models *ts_models_new(void)
{
    return ts_alloc_zero(1, sizeof(ts_models));
}

static void close_model(ts_served_model *m)
{
    ts_engine_close(m->engine);
    ts_grammar_vocab_free(m->vocab);
    tiefsee_model_close(m->model);
}

void ts_models_free(ts_models *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++) {
        close_model(&m->at[i]);
        ts_free(m->names[i]);
    }
    for (size_t i = 0; i < m->n_aliases; i++)
        ts_free(m->aliases[i].name);
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

static tiefsee_status open_served(ts_served_model *s, const ts_engine_options *opt,
                                  tiefsee_error *err)
{
    const size_t n_ctx_default = s->info.n_ctx_train < 8192 ? s->info.n_ctx_train : 8192;

    s->n_ctx = opt && opt->n_ctx > 0 ? opt->n_ctx : n_ctx_default;
    tiefsee_status st = ts_engine_open(&s->engine, s->model, opt, err);
    if (st == TIEFSEE_OK && s->model->bpe)
        st = ts_grammar_vocab_new(&s->vocab, s->model->bpe, s->info.n_vocab, err);
    return st;
}

tiefsee_status ts_models_add(ts_models *m, const char *name, tiefsee_model *model,
                             const ts_engine_options *opt, tiefsee_error *err)
{
    ts_served_model s = {.model = model, .created = (int64_t)time(NULL)};
    char *copy = NULL;

    tiefsee_model_describe(model, &s.info);
    s.bytes = s.info.weight_bytes;
    tiefsee_status st = check_name(m, name, err);
    if (st == TIEFSEE_OK && m->n == MAX_MODELS)
        st = ts_fail(err, TIEFSEE_E_LIMIT, "more than %d models", MAX_MODELS);
    if (st == TIEFSEE_OK && !(copy = ts_strdup_n(name, strlen(name))))
        st = ts_fail_nomem(err, strlen(name), "a model's name");
    if (st == TIEFSEE_OK)
        st = open_served(&s, opt, err);
    if (st != TIEFSEE_OK) {
        close_model(&s);
        ts_free(copy);
        return ts_while(err, st, "serving '%s'", name);
    }
    s.name = copy;
    m->names[m->n] = copy;
    m->at[m->n++] = s;
    return TIEFSEE_OK;
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
    m->aliases[m->n_aliases++] = (alias){copy, (size_t)(s - m->at)};
    return TIEFSEE_OK;
}

const ts_served_model *ts_models_find(const ts_models *m, const char *name)
{
    if (!name || !*name)
        return m->n > 0 ? &m->at[0] : NULL;
    for (size_t i = 0; i < m->n; i++)
        if (strcasecmp(m->names[i], name) == 0)
            return &m->at[i];
    for (size_t i = 0; i < m->n_aliases; i++)
        if (strcasecmp(m->aliases[i].name, name) == 0)
            return &m->at[m->aliases[i].model];
    return NULL;
}

size_t ts_models_count(const ts_models *m)
{
    return m->n;
}

const ts_served_model *ts_models_at(const ts_models *m, size_t i)
{
    return i < m->n ? &m->at[i] : NULL;
}

bool ts_models_alias_at(const ts_models *m, size_t i, const char **alias_name,
                        const ts_served_model **model)
{
    if (i >= m->n_aliases)
        return false;
    *alias_name = m->aliases[i].name;
    *model = &m->at[m->aliases[i].model];
    return true;
}

void ts_models_drain(ts_models *m)
{
    for (size_t i = 0; i < m->n; i++)
        ts_engine_drain(m->at[i].engine);
}

bool ts_models_are_idle(const ts_models *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (!ts_engine_is_idle(m->at[i].engine))
            return false;
    return true;
}
