/* test_engine_disk.c - an engine with pages on disk: what outlives it, and that no
 * damage, other key, other user or other model ever changes an answer. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/rng.h"
#include "engine/engine.h"
#include "engine/fingerprint.h"
#include "support/scratch.h"

enum { N_PROMPT = 450, N_ANSWER = 30, MIB = 1 << 20 };

static tiefsee_model *model;
static scratch place;
static char folder[384], key_file[384];
static ts_kvstore *store;
static ts_engine *engine;
static _Atomic int n_warnings;

static int open_model(void **state)
{
    const tiefsee_model_options opt = {.size = sizeof opt, .n_threads = 1};

    (void)state;
    return tiefsee_model_open(&model, NULL, &opt, NULL) == TIEFSEE_OK ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    tiefsee_model_close(model);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&place);
    (void)snprintf(folder, sizeof folder, "%s", scratch_path(&place, "cache"));
    (void)snprintf(key_file, sizeof key_file, "%s", scratch_path(&place, "cache.key"));
    atomic_store(&n_warnings, 0);
    return 0;
}

static void close_all(void)
{
    ts_engine_close(engine);
    ts_kvstore_close(store);
    engine = NULL;
    store = NULL;
}

static int tear_down(void **state)
{
    (void)state;
    close_all();
    scratch_remove(&place);
    return 0;
}

static void on_warning(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
    atomic_fetch_add(&n_warnings, 1);
}

static void open_all(bool has_disk)
{
    const ts_kvstore_options so = {
        .folder = folder, .key_file = key_file, .cap_bytes = 64 * MIB, .on_warning = on_warning};
    tiefsee_error err = {0};

    if (has_disk && ts_kvstore_open(&store, &so, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    const ts_engine_options eo = {.n_ctx = 1000, .cache_bytes = 16 * MIB, .store = store};
    if (ts_engine_open(&engine, model, &eo, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
}

static void reopen(void)
{
    close_all();
    open_all(true);
}

typedef struct client {
    tiefsee_token said[N_ANSWER];
    size_t n_said, n_cached;
    tiefsee_finish finish;
    bool cancels;
    ts_job *job;
    _Atomic int n_done;
} client;

static void on_start(void *user, size_t n_prompt, size_t n_cached)
{
    const client *c = user;

    assert_true(n_cached < n_prompt);
    assert_int_equal(c->n_done, 0);
}

static void on_done(void *user, const ts_job_result *r)
{
    client *c = user;

    assert_int_equal(r->status, TIEFSEE_OK);
    c->n_said = r->n_generated;
    c->n_cached = r->n_cached;
    c->finish = r->finish;
    memcpy(c->said, r->tokens + r->n_prompt, r->n_generated * sizeof *c->said);
    atomic_fetch_add(&c->n_done, 1);
}

/* A prompt of which `seed` chooses every token, the same for the same seed. */
static void submit(client *c, uint64_t seed, size_t n, const char *user)
{
    static const ts_job_events events = {.start = on_start, .done = on_done};
    tiefsee_token tokens[N_PROMPT];
    tiefsee_error err = {0};
    ts_rng rng;

    ts_rng_seed(&rng, seed);
    for (size_t i = 0; i < N_PROMPT; i++)
        tokens[i] = (tiefsee_token)(ts_rng_below(&rng, 1000));
    const ts_job_spec spec = {.tokens = tokens,
                              .n_tokens = n,
                              .generate = {.size = sizeof spec.generate,
                                           .raw = true,
                                           .ignore_eos = true,
                                           .max_tokens = N_ANSWER,
                                           .sampling = {.temperature = 1.0f, .seed = 7}},
                              .user_name = user};
    if (ts_engine_submit(engine, &spec, &events, c, &c->job, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    if (c->cancels)
        ts_job_cancel(c->job);
}

static void await(client *c)
{
    for (int i = 0; atomic_load(&c->n_done) == 0; i++) {
        assert_true(i < 120000);
        usleep(1000);
    }
}

static client ask(uint64_t seed, size_t n, const char *user)
{
    client c = {.n_said = 0};

    submit(&c, seed, n, user);
    await(&c);
    return c;
}

static void assert_same(const client *a, const client *b)
{
    assert_int_equal(a->n_said, b->n_said);
    assert_memory_equal(a->said, b->said, a->n_said * sizeof *a->said);
}

static ts_engine_stats stats(void)
{
    ts_engine_stats s;

    ts_engine_read_stats(engine, &s);
    return s;
}

/* ------------------------------------------------------------------- tests */

static void pages_outlive_the_engine_and_change_no_bit(void **state)
{
    (void)state;
    open_all(false);
    const client plain = ask(1, N_PROMPT, "anna");
    close_all();
    open_all(true);
    const client first = ask(1, N_PROMPT, "anna"), again = ask(1, N_PROMPT, "anna");
    assert_int_equal(first.n_cached, 0);
    assert_int_equal(again.n_cached, N_PROMPT - 1);
    reopen();
    const client later = ask(1, N_PROMPT, "anna");
    assert_int_equal(later.n_cached, N_PROMPT / 64 * 64);
    assert_int_equal(stats().n_disk_tokens, N_PROMPT / 64 * 64);
    assert_int_equal(stats().n_cached_tokens, N_PROMPT / 64 * 64);
    const client shorter = ask(1, 300, "anna"); /* in memory now */
    assert_int_equal(shorter.n_cached, 299);
    assert_same(&plain, &first);
    assert_same(&plain, &again);
    assert_same(&plain, &later);
}

static void a_prompt_continues_from_memory_to_disk(void **state)
{
    (void)state;
    open_all(true);
    const client whole = ask(1, N_PROMPT, "a");
    reopen();
    const client part = ask(1, 150, "a"); /* two pages, a third in part */
    assert_int_equal(part.n_cached, 128);
    const client later = ask(1, N_PROMPT, "a");
    assert_int_equal(later.n_cached, N_PROMPT / 64 * 64);
    assert_int_equal(stats().n_disk_tokens, N_PROMPT / 64 * 64);
    assert_same(&whole, &later);
}

static void nobody_meets_the_pages_of_others(void **state)
{
    ts_kvstore_stats s;

    (void)state;
    open_all(true);
    const client anna = ask(1, N_PROMPT, "anna");
    reopen();
    const client bert = ask(1, N_PROMPT, "bert"), nobody = ask(1, N_PROMPT, "");
    assert_int_equal(bert.n_cached, 0);
    assert_int_equal(nobody.n_cached, 0);
    assert_same(&anna, &bert);
    close_all();
    assert_int_equal(unlink(key_file), 0);
    open_all(true); /* under another key nothing is ours */
    ts_kvstore_read_stats(store, &s);
    assert_int_equal(s.n_pages, 0);
    const client other = ask(1, N_PROMPT, "anna");
    assert_int_equal(other.n_cached, 0);
    assert_same(&anna, &other);
}

/* Any file of the store. */
static void a_segment(char path[1024])
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    bool is_found = false;

    assert_non_null(dir);
    while (!is_found && (entry = readdir(dir)))
        if (strstr(entry->d_name, ".kv")) {
            (void)snprintf(path, 1024, "%s/%s", folder, entry->d_name);
            is_found = true;
        }
    (void)closedir(dir);
    assert_true(is_found);
}

static void damage_is_a_miss(void **state)
{
    char path[1024];
    ts_rng rng;
    size_t n_hits = 0, n_short = 0;

    (void)state;
    ts_rng_seed(&rng, 5);
    open_all(false);
    const client plain = ask(1, N_PROMPT, "a");
    close_all();
    for (int round = 0; round < 16; round++) {
        open_all(true);
        (void)ask(1, N_PROMPT, "a"); /* whatever was lost is written again */
        close_all();
        a_segment(path);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        const off_t at = (off_t)(ts_rng_below(&rng, (uint64_t)info.st_size));
        if (round % 4 == 3) {
            assert_int_equal(truncate(path, at), 0);
        } else { /* while it runs, too: then the tag is what notices */
            const int fd = open(path, O_RDWR);
            uint8_t byte;
            open_all(true);
            assert_int_equal(pread(fd, &byte, 1, at), 1);
            byte ^= (uint8_t)(1 + ts_rng_below(&rng, 255));
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
            assert_int_equal(close(fd), 0);
        }
        if (!engine)
            open_all(true);
        const client c = ask(1, N_PROMPT, "a");
        assert_same(&plain, &c);
        n_hits += c.n_cached > 0;
        n_short += c.n_cached < N_PROMPT / 64 * 64;
        close_all();
    }
    assert_true(n_hits > 4 && n_short > 4);
}

static void a_full_disk_is_one_warning_and_nothing_else(void **state)
{
    struct rlimit before, small;
    client c[3];

    (void)state;
    assert_int_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    open_all(true);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 200 << 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (uint64_t i = 0; i < 3; i++)
        c[i] = ask(i, N_PROMPT, "a");
    close_all(); /* writes what waits */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(atomic_load(&n_warnings), 1);
    open_all(false);
    for (uint64_t i = 0; i < 3; i++) {
        const client plain = ask(i, N_PROMPT, "a");
        assert_same(&plain, &c[i]);
    }
}

static void loading_jobs_can_be_cancelled_and_closed(void **state)
{
    static client c[24];

    (void)state;
    open_all(true);
    for (uint64_t i = 0; i < 8; i++)
        (void)ask(i, N_PROMPT, "a");
    for (int round = 0; round < 6; round++) {
        reopen();
        memset(c, 0, sizeof c);
        for (size_t i = 0; i < 24; i++) {
            c[i].cancels = round % 2 == 0 && i % 3 == 0;
            submit(&c[i], i % 8, N_PROMPT, "a");
        }
        for (size_t i = 0; round < 4 && i < 24; i++)
            await(&c[i]);
        if (round >= 4) {
            ts_engine_close(engine);
            engine = NULL;
        }
        for (size_t i = 0; i < 24; i++)
            assert_int_equal(atomic_load(&c[i].n_done), 1);
    }
}

static void the_fingerprint_knows_the_model(void **state)
{
    const tiefsee_model_options precise = {.size = sizeof precise, .n_threads = 2, .precise = true};
    uint8_t a[TS_FINGERPRINT_LEN], b[TS_FINGERPRINT_LEN], c[TS_FINGERPRINT_LEN];
    const char *path = "assets/tiefsee-mini.gguf";
    tiefsee_model *other;
    struct stat info;

    (void)state;
    assert_int_equal(ts_model_fingerprint(model, a, NULL), TIEFSEE_OK);
    assert_int_equal(ts_model_fingerprint(model, b, NULL), TIEFSEE_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(tiefsee_model_open(&other, NULL, &precise, NULL), TIEFSEE_OK);
    assert_int_equal(ts_model_fingerprint(other, b, NULL), TIEFSEE_OK);
    tiefsee_model_close(other);
    assert_memory_not_equal(a, b, sizeof a); /* other kernels, other bits */
    assert_int_equal(stat(path, &info), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tiefsee_model_open(&other, path, NULL, NULL), TIEFSEE_OK);
        assert_int_equal(ts_model_fingerprint(other, i ? c : b, NULL), TIEFSEE_OK);
        tiefsee_model_close(other);
    }
    assert_memory_equal(b, c, sizeof b);
    assert_memory_not_equal(a, b, sizeof a); /* a file, not the one inside */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_outlive_the_engine_and_change_no_bit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_prompt_continues_from_memory_to_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_meets_the_pages_of_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_a_miss, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_is_one_warning_and_nothing_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(loading_jobs_can_be_cancelled_and_closed, set_up,
                                        tear_down),
        cmocka_unit_test(the_fingerprint_knows_the_model),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
