/* models.h - which models are served, by name, and which of them are in memory.
 *
 * Filled before the server runs; names, files, tokenizers and everything else that
 * a request is read with stay for as long as the server runs, so finding them needs
 * no lock.  What makes tokens - the engine of a model - may come when it is asked
 * for and go when nobody asked for long: one thread loads and unloads.
 */
#ifndef TS_SERVER_MODELS_H
#define TS_SERVER_MODELS_H

#include "engine/engine.h"
#include "engine/grammar.h"

typedef struct ts_served_model {
    const char *name;        /* as clients say it */
    tiefsee_model *model;    /* its tokenizer and metadata; perhaps no weights */
    ts_grammar_vocab *vocab; /* NULL: constrained output is not possible */
    tiefsee_model_info info;
    size_t n_ctx;    /* longest context of one job */
    int64_t created; /* seconds since 1970: when it was first opened */
    uint64_t bytes;  /* of the weights */
    char hash[17];   /* which model it is (ts_model_hash), in hex */
} ts_served_model;

typedef struct ts_models ts_models;

ts_models *ts_models_new(void) TS_MUST_CHECK; /* NULL: out of memory */

/* Cancels what runs and closes the engines; nobody may ask any more.  Names stay: who
 * writes down what was used has not done so yet.  NULL allowed. */
void ts_models_stop(ts_models *m);

/* Stops, and closes the models.  NULL allowed. */
void ts_models_free(ts_models *m);

/* Takes over model (also on failure); opens its engine, which stays.  The name must
 * be new. */
tiefsee_status ts_models_add(ts_models *m, const char *name, tiefsee_model *model,
                             const ts_engine_options *opt, tiefsee_error *err) TS_MUST_CHECK;

/* A model that is loaded when it is asked for, with these options; what is given was
 * opened for its metadata only, and is taken over (also on failure). */
typedef struct ts_models_source {
    tiefsee_model *metadata;
    tiefsee_model_options options;
    ts_engine_options engine;
} ts_models_source;

tiefsee_status ts_models_add_later(ts_models *m, const char *name, const ts_models_source *source,
                                   tiefsee_error *err) TS_MUST_CHECK;

/* Starts the thread that loads; needed after ts_models_add_later. */
typedef struct ts_models_rules {
    double idle_s;         /* unload a model that nobody asked for as long; 0: never */
    uint64_t memory_bytes; /* of all that are loaded; 0: nine tenths of what is free now */
} ts_models_rules;

tiefsee_status ts_models_start(ts_models *m, const ts_models_rules *rules,
                               tiefsee_error *err) TS_MUST_CHECK;

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

/* The engine, if it is loaded: it stays until ts_models_done.  Else NULL: want it. */
ts_engine *ts_models_pin(ts_models *m, const ts_served_model *model);

/* Somebody who waits for a model's engine.  ready comes once, on the loader's thread,
 * with the engine (pinned) or with what is wrong; at once when the models are stopped. */
typedef struct ts_models_use {
    void (*ready)(struct ts_models_use *use, ts_engine *engine, const tiefsee_error *err);
    size_t model;
    struct ts_models_use *next;
} ts_models_use;

void ts_models_want(ts_models *m, const ts_served_model *model, ts_models_use *use);

/* Any thread. */
void ts_models_done(ts_models *m, const ts_served_model *model);

bool ts_models_is_loaded(ts_models *m, const ts_served_model *model);

typedef struct ts_models_stats {
    bool is_loaded;
    uint64_t n_loads, n_failed;
    uint64_t plan_bytes;    /* weights, activations, one context; 0: not loaded */
    ts_engine_stats engine; /* counters go on over loads */
} ts_models_stats;

void ts_models_read_stats(ts_models *m, const ts_served_model *model, ts_models_stats *out);

void ts_models_drain(ts_models *m); /* refuse new jobs, finish the others */
bool ts_models_are_idle(const ts_models *m);

#endif
