/* engine.h - one thread that answers many.
 *
 * The engine thread owns every job from submit to done.  Each of its steps mixes
 * the next token of all answering jobs with a bounded piece of one waiting
 * prompt, so a long prompt delays the others by one piece and no more.  What a
 * job says depends on its own prompt, options and seed only, never on who shares
 * its steps.
 *
 * Jobs of one user are served in turn with those of the others; a full queue is
 * an error at submit (TIEFSEE_E_LIMIT), never a wait.  A job can be cancelled in
 * the queue, in its prompt and in its answer; it ends within one step.
 *
 * Thread rules: submit, cancel and stats from any thread; every callback comes on
 * the engine thread, in the order start, piece ..., done, must not block and must
 * not call back into the engine, except ts_job_cancel.
 */
#ifndef TS_ENGINE_ENGINE_H
#define TS_ENGINE_ENGINE_H

#include "core/error.h"
#include "engine/constraint.h"
#include "engine/kvstore.h"

typedef struct ts_engine ts_engine;
typedef struct ts_job ts_job;

typedef struct ts_engine_options {
    size_t n_ctx;         /* longest context of one job; 0: min(8192, what the model declares) */
    size_t max_running;   /* jobs that share a step; 0: 64 */
    size_t max_queue;     /* waiting jobs; 0: 256 */
    uint64_t cache_bytes; /* pages of latents, running and remembered; 0: a quarter of memory */
    bool tells_experts;   /* jobs may ask which experts their tokens went to */
    ts_kvstore *store;    /* pages on disk; borrowed, may serve several engines; NULL: none */

    /* Before and behind the callbacks of one step, so that others are woken once and not
     * for every piece; on the engine thread.  May be NULL. */
    void (*on_burst)(void *ctx, bool begins);
    void *burst_ctx;
} ts_engine_options;

/* The model must outlive the engine. */
tiefsee_status ts_engine_open(ts_engine **out, tiefsee_model *model, const ts_engine_options *opt,
                              tiefsee_error *err) TS_MUST_CHECK;

/* Cancels everything, waits for the last callback, frees.  NULL allowed. */
void ts_engine_close(ts_engine *e);

/* Refuse new jobs (TIEFSEE_E_CANCELLED) and let the others finish. */
void ts_engine_drain(ts_engine *e);
bool ts_engine_is_idle(const ts_engine *e);

enum { TS_NO_EXPERT = 0xffff };

typedef struct ts_job_result {
    tiefsee_status status; /* OK also when cancelled or cut; else what went wrong */
    tiefsee_error error;
    tiefsee_finish finish;
    int stop_index;                                      /* which stop string; -1: a token */
    size_t n_prompt, n_cached, n_generated, n_reasoning; /* tokens */
    double queue_s, prompt_s, answer_s;                  /* waiting, prefill, decode */
    const tiefsee_token *tokens; /* prompt and answer as sampled, n_prompt + n_generated */
    /* (tokens, n_layers, n_active) the experts of each, if the job was to tell them;
     * TS_NO_EXPERT in layers that have none, and for what was not computed here: cached
     * tokens and the last one. */
    const uint16_t *experts;
} ts_job_result;

typedef struct ts_job_events {
    void (*start)(void *user, size_t n_prompt, size_t n_cached); /* prefill begins */
    bool (*piece)(void *user, const tiefsee_piece *piece);       /* false: stop the job */
    void (*done)(void *user, const ts_job_result *result);       /* the job is gone afterwards */
} ts_job_events;

typedef struct ts_job_spec {
    const tiefsee_token *tokens; /* the prompt; copied */
    size_t n_tokens;
    /* on_piece and user are ignored; stop strings and biases are copied. */
    tiefsee_generate_options generate;
    const char *user_name; /* fairness and cache namespace; "" for nobody; copied */
    const char *topic;     /* what it is about, to be forgotten by; NULL: nothing; copied */
    bool is_private;       /* nothing of it is written to the store on disk */
    bool tells_experts;    /* the engine was opened so, too */
    bool shares_cache; /* the prompt's pages may be found by other users (the server's own text) */
    ts_constraint constraint; /* of the content; taken over if submit succeeds */
} ts_job_spec;

/* The prompt is checked at once (length, token ids).  On success the job runs and
 * its events come, done exactly once; *job stays valid until done returns. */
tiefsee_status ts_engine_submit(ts_engine *e, const ts_job_spec *spec, const ts_job_events *events,
                                void *user, ts_job **job, tiefsee_error *err) TS_MUST_CHECK;

void ts_job_cancel(ts_job *job);

/* What was computed for this user about this topic (NULL: all of the user) is forgotten
 * before the next step, and nothing of jobs that are here is remembered.  Any thread; does
 * not wait.  What is on the disk is the store's. */
void ts_engine_forget(ts_engine *e, const char *user_name, const char *topic);

typedef struct ts_engine_stats {
    size_t n_running, n_queued;
    /* Prompt tokens: computed; found in the cache; of those, read from the disk. */
    uint64_t n_prompt_tokens, n_cached_tokens, n_disk_tokens;
    uint64_t n_jobs, n_generated_tokens, n_steps;
    uint64_t cache_pages, cache_pages_used; /* pages of 64 tokens: room, in use or remembered */
} ts_engine_stats;

void ts_engine_read_stats(const ts_engine *e, ts_engine_stats *out);

#endif
