/* models.h - which models are served, by name.
 *
 * Filled before the server runs, read by every thread after it; so no lock.
 */
#ifndef TS_SERVER_MODELS_H
#define TS_SERVER_MODELS_H

#include "engine/engine.h"
#include "engine/grammar.h"

typedef struct ts_served_model {
    const char *name; /* as clients say it */
    tiefsee_model *model;
    ts_engine *engine;
    ts_grammar_vocab *vocab; /* NULL: constrained output is not possible */
    tiefsee_model_info info;
    size_t n_ctx;    /* longest context of one job */
    int64_t created; /* seconds since 1970: when it was loaded */
    uint64_t bytes;  /* of the weights */
} ts_served_model;

typedef struct ts_models ts_models;

ts_models *ts_models_new(void) TS_MUST_CHECK; /* NULL: out of memory */

/* Cancels what runs, closes engines and models.  NULL allowed. */
void ts_models_free(ts_models *m);

/* Takes over model (also on failure); opens its engine.  The name must be new. */
tiefsee_status ts_models_add(ts_models *m, const char *name, tiefsee_model *model,
                             const ts_engine_options *opt, tiefsee_error *err) TS_MUST_CHECK;

/* Another name for one that is there; chains are resolved at once. */
tiefsee_status ts_models_alias(ts_models *m, const char *alias, const char *name,
                               tiefsee_error *err) TS_MUST_CHECK;

/* By name or alias, ASCII case ignored; an empty or NULL name gives the first model.
 * NULL: not served. */
const ts_served_model *ts_models_find(const ts_models *m, const char *name);

size_t ts_models_count(const ts_models *m);
const ts_served_model *ts_models_at(const ts_models *m, size_t i);

/* Aliases in order; false behind the last. */
bool ts_models_alias_at(const ts_models *m, size_t i, const char **alias,
                        const ts_served_model **model);

void ts_models_drain(ts_models *m); /* refuse new jobs, finish the others */
bool ts_models_are_idle(const ts_models *m);

#endif
