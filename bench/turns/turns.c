/* turns.c - how long the first token of a conversation's next turn takes.
 *
 *     turns MODEL [TOKENS [FOLDER]]
 *
 * Asks an engine a prompt of TOKENS random tokens (4000), then the next turn (the
 * prompt, its answer, 50 tokens more), then the turn after that with a new engine
 * that has only the pages in FOLDER.  Models without a tokenizer do as well.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/rng.h"
#include "core/thread.h"
#include "engine/engine.h"

enum { N_ANSWER = 16, N_QUESTION = 50, MAX_TOKENS = 1 << 20 };

typedef struct turn {
    ts_lock *lock;
    double asked, first_s;
    size_t n_cached, n_generated;
    tiefsee_token answer[N_ANSWER];
    bool is_done;
} turn;

static bool on_piece(void *user, const tiefsee_piece *piece)
{
    turn *t = user;

    (void)piece;
    if (t->first_s <= 0)
        t->first_s = ts_clock_seconds() - t->asked;
    return true;
}

static void on_done(void *user, const ts_job_result *r)
{
    turn *t = user;

    ts_lock_take(t->lock);
    t->n_cached = r->n_cached;
    t->n_generated = r->n_generated;
    memcpy(t->answer, r->tokens + r->n_prompt, r->n_generated * sizeof *t->answer);
    t->is_done = true;
    ts_lock_wake(t->lock);
    ts_lock_give(t->lock);
}

/* Appends the answer and the next question to tokens. */
static bool ask(ts_engine *e, tiefsee_token *tokens, size_t *n, ts_rng *rng, size_t n_vocab,
                const char *name, double first_s, double *seconds)
{
    static const ts_job_events events = {.piece = on_piece, .done = on_done};
    const ts_job_spec spec = {
        .tokens = tokens,
        .n_tokens = *n,
        .generate = {
            .size = sizeof spec.generate, .raw = true, .ignore_eos = true, .max_tokens = N_ANSWER}};
    turn t = {.lock = ts_lock_new()};
    tiefsee_error err = {0};
    ts_job *job;

    if (!t.lock)
        return false;
    t.asked = ts_clock_seconds();
    if (ts_engine_submit(e, &spec, &events, &t, &job, &err) != TIEFSEE_OK) {
        (void)fprintf(stderr, "turns: %s\n", err.message);
        ts_lock_free(t.lock);
        return false;
    }
    ts_lock_take(t.lock);
    while (!t.is_done)
        ts_lock_wait(t.lock, 0);
    ts_lock_give(t.lock);
    ts_lock_free(t.lock);
    *seconds = t.first_s;
    (void)printf("%-16s %6zu tokens, %6zu of them known: first token after %8.3f s", name, *n,
                 t.n_cached, t.first_s);
    if (first_s > 0)
        (void)printf(", %.2f %% of the first turn's", 100 * t.first_s / first_s);
    (void)printf("\n");
    (void)fflush(stdout);
    memcpy(tokens + *n, t.answer, t.n_generated * sizeof *tokens);
    *n += t.n_generated;
    for (size_t i = 0; i < N_QUESTION; i++)
        tokens[(*n)++] = (tiefsee_token)ts_rng_below(rng, n_vocab);
    return true;
}

static bool open_engine(ts_engine **e, ts_kvstore **store, tiefsee_model *m, size_t n_ctx,
                        const char *folder)
{
    char key[1024];
    tiefsee_error err = {0};
    tiefsee_status st = TIEFSEE_OK;

    *store = NULL;
    if (folder) {
        (void)snprintf(key, sizeof key, "%s.key", folder);
        const ts_kvstore_options so = {
            .folder = folder, .key_file = key, .cap_bytes = (uint64_t)8 << 30, .max_queue = 8};
        st = ts_kvstore_open(store, &so, &err);
    }
    const ts_engine_options eo = {.n_ctx = n_ctx, .store = *store};
    if (st == TIEFSEE_OK)
        st = ts_engine_open(e, m, &eo, &err);
    if (st != TIEFSEE_OK)
        (void)fprintf(stderr, "turns: %s\n", err.message);
    return st == TIEFSEE_OK;
}

static bool run(tiefsee_model *m, size_t n, const char *folder)
{
    tiefsee_token *tokens = ts_alloc((n + 1024) * sizeof *tokens);
    tiefsee_model_info info;
    ts_engine *e = NULL;
    ts_kvstore *store = NULL;
    double first = 0, later;
    ts_rng rng;

    tiefsee_model_describe(m, &info);
    ts_rng_seed(&rng, (uint64_t)(ts_clock_seconds() * 1e6)); /* nothing of a last run is known */
    for (size_t i = 0; tokens && i < n; i++)
        tokens[i] = (tiefsee_token)ts_rng_below(&rng, info.n_vocab);
    bool is_good = tokens && open_engine(&e, &store, m, n + 512, folder) &&
                   ask(e, tokens, &n, &rng, info.n_vocab, "first turn", 0, &first) &&
                   ask(e, tokens, &n, &rng, info.n_vocab, "second turn", first, &later);
    ts_engine_close(e);
    ts_kvstore_close(store);
    e = NULL;
    store = NULL;
    if (folder && is_good) {
        const double start = ts_clock_seconds();
        is_good = open_engine(&e, &store, m, n + 512, folder);
        (void)printf("open again       %.3f s\n", ts_clock_seconds() - start);
        is_good = is_good &&
                  ask(e, tokens, &n, &rng, info.n_vocab, "after a restart", first, &later) &&
                  ask(e, tokens, &n, &rng, info.n_vocab, "and the next", first, &later);
        ts_engine_close(e);
        ts_kvstore_close(store);
    }
    ts_free(tokens);
    return is_good;
}

int main(int argc, char **argv)
{
    tiefsee_error err = {0};
    tiefsee_model *m;
    uint64_t n = 4000;

    if (argc < 2 || argc > 4 || (argc > 2 && !ts_parse_u64(argv[2], 1, MAX_TOKENS, &n))) {
        (void)fputs("usage: turns MODEL [TOKENS [FOLDER]]   MODEL: a file, or - for the one "
                    "inside\n",
                    stderr);
        return 2;
    }
    if (tiefsee_model_open(&m, strcmp(argv[1], "-") == 0 ? NULL : argv[1], NULL, &err) !=
        TIEFSEE_OK) {
        (void)fprintf(stderr, "turns: %s\n", err.message);
        return 1;
    }
    const bool is_good = run(m, (size_t)n, argc > 3 ? argv[3] : NULL);
    tiefsee_model_close(m);
    return !is_good;
}
