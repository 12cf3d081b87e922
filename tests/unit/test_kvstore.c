/* test_kvstore.c - pages on disk: served as they were put, or not at all. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/rng.h"
#include "engine/kvindex.h"
#include "engine/kvstore.h"
#include "support/scratch.h"

enum { MIB = 1 << 20, MAX_BYTES = 1 << 18 };

static scratch place;
static char folder[384], key_file[384];
static int n_warnings;

static void on_warning(void *ctx, const char *line)
{
    (void)ctx;
    assert_non_null(strstr(line, "no longer written"));
    n_warnings++;
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&place);
    (void)snprintf(folder, sizeof folder, "%s", scratch_path(&place, "cache"));
    (void)snprintf(key_file, sizeof key_file, "%s", scratch_path(&place, "cache.key"));
    n_warnings = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&place);
    return 0;
}

static tiefsee_status try_open(ts_kvstore **s, uint64_t cap, tiefsee_error *err)
{
    const ts_kvstore_options opt = {
        .folder = folder, .key_file = key_file, .cap_bytes = cap, .on_warning = on_warning};

    return ts_kvstore_open(s, &opt, err);
}

static ts_kvstore *open_store(uint64_t cap)
{
    ts_kvstore *s;
    tiefsee_error err = {0};

    if (try_open(&s, cap, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    return s;
}

/* Page i has a key, a length and bytes that follow from i. */
typedef struct page {
    uint8_t key[TS_KVSTORE_KEY_LEN], model[TS_KVSTORE_KEY_LEN];
    ts_kvstore_id id;
    uint8_t bytes[MAX_BYTES];
    size_t n;
} page;

static page *make_page(page *p, uint64_t i, size_t n)
{
    ts_rng rng;

    memset(p->key, 0, sizeof p->key);
    memcpy(p->key, &i, sizeof i);
    memset(p->model, 7, sizeof p->model);
    p->id = (ts_kvstore_id){p->key, p->model, TS_STR("key-1"), {0}};
    p->n = n;
    ts_rng_seed(&rng, i + 1);
    for (size_t k = 0; k < n; k++)
        p->bytes[k] = (uint8_t)ts_rng_u64(&rng);
    return p;
}

static bool put(ts_kvstore *s, uint64_t i, size_t n)
{
    static page p;

    (void)make_page(&p, i, n);
    const bool is_taken = ts_kvstore_put(s, &p.id, p.bytes, p.n);
    ts_kvstore_flush(s);
    return is_taken;
}

static bool is_indexed(ts_kvstore *s, uint64_t i)
{
    static page p;

    return ts_kvstore_has(s, &make_page(&p, i, 0)->id);
}

/* A hit must be the page; a wrong one fails the test. */
static bool is_hit(ts_kvstore *s, uint64_t i, size_t n)
{
    static page p;
    static uint8_t out[MAX_BYTES];
    size_t n_out = 99;

    (void)make_page(&p, i, n);
    if (!ts_kvstore_get(s, &p.id, out, sizeof out, &n_out))
        return false;
    assert_int_equal(n_out, n);
    assert_memory_equal(out, p.bytes, n);
    return true;
}

static uint64_t bytes_on_disk(void)
{
    uint64_t sum = 0;
    const struct dirent *entry;
    DIR *dir = opendir(folder);

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        struct stat info;
        char path[700];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strstr(entry->d_name, ".kv") && stat(path, &info) == 0)
            sum += (uint64_t)info.st_size;
    }
    (void)closedir(dir);
    return sum;
}

static void pages_come_back_also_after_a_restart(void **state)
{
    ts_kvstore *s = open_store(16 * MIB);
    ts_kvstore_stats stats;
    struct stat info;

    (void)state;
    assert_false(is_hit(s, 1, 1000));
    for (uint64_t i = 0; i < 20; i++)
        assert_true(put(s, i, (size_t)i * 1000));
    assert_true(put(s, 3, 3000)); /* again: nothing is written */
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 20; i++)
            assert_true(is_hit(s, i, (size_t)i * 1000));
        assert_false(is_hit(s, 20, 0));
        ts_kvstore_read_stats(s, &stats);
        assert_int_equal(stats.n_pages, 20);
        assert_int_equal(stats.n_hits, 20);
        assert_int_equal(stats.n_bytes, bytes_on_disk());
        assert_int_equal(stats.n_segments, 1);
        ts_kvstore_close(s);
        s = open_store(16 * MIB);
    }
    ts_kvstore_close(s);
    assert_int_equal(stat(key_file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_size, 32);
}

static void a_page_is_of_one_key_model_and_user(void **state)
{
    static page p, q;
    ts_kvstore *s = open_store(16 * MIB);
    uint8_t out[100];
    size_t n;

    (void)state;
    (void)make_page(&p, 1, 100);
    assert_true(ts_kvstore_put(s, &p.id, p.bytes, p.n));
    ts_kvstore_flush(s);
    for (int i = 0; i < 5; i++) {
        (void)make_page(&q, 1, 100);
        if (i == 0)
            q.key[31] ^= 1;
        if (i == 1)
            q.model[0] ^= 1;
        if (i == 2)
            q.id.user = TS_STR("key-2");
        if (i == 3)
            q.id.user = (ts_str){0};
        assert_int_equal(ts_kvstore_has(s, &q.id), i == 4);
        assert_int_equal(ts_kvstore_get(s, &q.id, out, sizeof out, &n), i == 4);
    }
    assert_false(ts_kvstore_get(s, &p.id, out, 99, &n)); /* does not fit */
    ts_kvstore_close(s);
}

static size_t read_segment(uint8_t *out, size_t cap, char path[512])
{
    (void)snprintf(path, 512, "%s/%016x.kv", folder, 1);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(out, 1, cap, f);
    (void)fclose(f);
    return n;
}

static void write_segment(const char *path, const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    (void)fclose(f);
}

static void the_files_say_nothing_without_the_key(void **state)
{
    static uint8_t file[4096];
    static page p;
    char path[512];
    ts_kvstore *s = open_store(16 * MIB);

    (void)state;
    (void)make_page(&p, 1, 400);
    memset(p.bytes, 'x', p.n);
    memset(p.key, 'k', sizeof p.key);
    assert_true(ts_kvstore_put(s, &p.id, p.bytes, p.n));
    ts_kvstore_close(s);
    const size_t n = read_segment(file, sizeof file, path);
    assert_int_equal(n, 32 + 112 + 400);
    assert_null(memmem(file, n, "xxxx", 4));
    assert_null(memmem(file, n, "kkkk", 4));
    assert_null(memmem(file, n, "key-1", 5));
    assert_null(memmem(file, n, "\7\7\7\7", 4));
    /* Another key file: the pages are worthless and go. */
    assert_int_equal(unlink(key_file), 0);
    s = open_store(16 * MIB);
    assert_false(ts_kvstore_has(s, &p.id));
    assert_int_equal(bytes_on_disk(), 0);
    ts_kvstore_close(s);
}

enum { CUT_PAGE = 50, CUT_RECORD = 112 + CUT_PAGE, N_CUT = 3 };

static size_t make_small_segment(uint8_t *file, size_t cap, char path[512])
{
    ts_kvstore *s = open_store(MIB);

    for (uint64_t i = 0; i < N_CUT; i++)
        assert_true(put(s, i, CUT_PAGE));
    ts_kvstore_close(s);
    const size_t n = read_segment(file, cap, path);
    assert_int_equal(n, 32 + N_CUT * CUT_RECORD);
    return n;
}

static void a_segment_cut_at_any_byte_keeps_what_is_whole(void **state)
{
    static uint8_t file[1024];
    char path[512];
    const size_t n = make_small_segment(file, sizeof file, path);

    (void)state;
    for (size_t cut = 0; cut < n; cut++) {
        write_segment(path, file, cut);
        ts_kvstore *s = open_store(MIB);
        for (uint64_t i = 0; i < N_CUT; i++) {
            const bool is_whole = 32 + (i + 1) * CUT_RECORD <= cut;
            assert_int_equal(is_indexed(s, i), is_whole); /* else it is put again */
            assert_int_equal(is_hit(s, i, CUT_PAGE), is_whole);
        }
        /* And goes on behind it. */
        assert_true(put(s, 7, CUT_PAGE));
        assert_true(is_hit(s, 7, CUT_PAGE));
        ts_kvstore_close(s);
        s = open_store(MIB);
        assert_true(is_hit(s, 7, CUT_PAGE));
        ts_kvstore_close(s);
        write_segment(path, file, n);
    }
}

static void a_damaged_byte_is_a_miss_and_never_a_wrong_page(void **state)
{
    static uint8_t file[1024];
    char path[512];
    const size_t n = make_small_segment(file, sizeof file, path);

    (void)state;
    for (size_t at = 0; at < n; at++) {
        ts_kvstore_stats stats;
        file[at] ^= (uint8_t)(1u << at % 8);
        write_segment(path, file, n);
        file[at] ^= (uint8_t)(1u << at % 8);
        ts_kvstore *s = open_store(MIB);
        const size_t hurt = at < 32 ? 0 : (at - 32) / CUT_RECORD;
        for (uint64_t i = 0; i < N_CUT; i++) {
            const bool hit = is_hit(s, i, CUT_PAGE);
            if (at < 32 || i == hurt)
                assert_false(hit);
            else if (i < hurt)
                assert_true(hit);
        }
        assert_false(is_hit(s, hurt, CUT_PAGE)); /* forgotten, and can be put again */
        ts_kvstore_read_stats(s, &stats);
        assert_true(stats.n_damaged <= 1);
        assert_true(put(s, hurt, CUT_PAGE));
        assert_true(is_hit(s, hurt, CUT_PAGE));
        ts_kvstore_close(s);
    }
}

static void damage_under_a_running_store_is_a_miss(void **state)
{
    static uint8_t file[1024];
    char path[512];
    const size_t n = make_small_segment(file, sizeof file, path);
    ts_kvstore *s = open_store(MIB);

    (void)state;
    file[n - 1] ^= 1;             /* the last tag */
    file[32 + CUT_RECORD] ^= 1;   /* the magic of the second record */
    write_segment(path, file, n); /* the same file: truncated and written */
    assert_true(is_hit(s, 0, CUT_PAGE));
    assert_false(is_hit(s, 1, CUT_PAGE));
    assert_false(is_hit(s, 2, CUT_PAGE));
    write_segment(path, file, 40);
    assert_false(is_hit(s, 0, CUT_PAGE));
    ts_kvstore_close(s);
}

static void the_cap_holds_and_what_is_used_stays(void **state)
{
    enum { PAGE = 20000, N = 500 };
    ts_kvstore *s = open_store(2 * MIB);
    ts_kvstore_stats stats;
    size_t n_left = 0;

    (void)state;
    for (uint64_t i = 0; i < N; i++) {
        assert_true(put(s, i, PAGE));
        for (uint64_t k = 0; k < 5 && k <= i; k++)
            assert_true(is_hit(s, k, PAGE)); /* always in use: never evicted */
        if (i % 10 == 0)
            assert_true(bytes_on_disk() <= 2 * MIB);
    }
    ts_kvstore_read_stats(s, &stats);
    assert_int_equal(stats.n_bytes, bytes_on_disk());
    assert_true(stats.n_evicted > 300 && stats.n_copied > 0);
    for (uint64_t i = 0; i < N; i++)
        n_left += is_hit(s, i, PAGE);
    assert_int_equal(n_left, stats.n_pages);
    assert_true(n_left > 70); /* three quarters of 2 MiB at least */
    for (uint64_t i = N - 60; i < N; i++)
        assert_true(is_hit(s, i, PAGE)); /* the young ones are there */
    ts_kvstore_close(s);
    s = open_store(MIB); /* a smaller cap next time */
    assert_true(bytes_on_disk() <= MIB);
    assert_true(is_hit(s, N - 1, PAGE));
    assert_false(put(s, 9999, 200000)); /* larger than an eighth */
    ts_kvstore_close(s);
}

static void one_program_at_a_time_and_a_private_key(void **state)
{
    ts_kvstore *s = open_store(MIB), *other;
    tiefsee_error err;

    (void)state;
    assert_int_equal(try_open(&other, MIB, &err), TIEFSEE_E_IO);
    assert_non_null(strstr(err.message, "in use by another program"));
    ts_kvstore_close(s);
    assert_int_equal(chmod(key_file, 0644), 0);
    assert_int_equal(try_open(&other, MIB, &err), TIEFSEE_E_FORMAT);
    assert_non_null(strstr(err.message, "644"));
    assert_int_equal(chmod(key_file, 0600), 0);
    assert_int_equal(truncate(key_file, 31), 0);
    assert_int_equal(try_open(&other, MIB, &err), TIEFSEE_E_FORMAT);
    assert_non_null(strstr(err.message, "31 bytes"));
    assert_int_equal(try_open(&other, 1000, &err), TIEFSEE_E_INVALID);
}

/* ------------------------------------------------------------- threads, kills */

typedef struct hammer {
    ts_kvstore *store;
    uint64_t seed;
    size_t n_hits;
} hammer;

static void *hammer_main(void *arg)
{
    hammer *h = arg;
    page *p = calloc(1, sizeof *p);
    uint8_t *out = malloc(MAX_BYTES);
    ts_rng rng;

    ts_rng_seed(&rng, h->seed);
    for (int k = 0; k < 400; k++) {
        const uint64_t i = ts_rng_below(&rng, 60);
        size_t n = 0;
        (void)make_page(p, i, 20000 + (size_t)i);
        if (ts_rng_below(&rng, 2)) {
            (void)ts_kvstore_put(h->store, &p->id, p->bytes, p->n);
        } else if (ts_kvstore_get(h->store, &p->id, out, MAX_BYTES, &n)) {
            if (n != p->n || memcmp(out, p->bytes, n) != 0)
                abort();
            h->n_hits++;
        }
    }
    free(out);
    free(p);
    return NULL;
}

static void threads_put_and_get_while_pages_are_evicted(void **state)
{
    ts_kvstore *s = open_store(MIB);
    ts_kvstore_stats stats;
    pthread_t threads[3];
    hammer hammers[3];
    size_t n_hits = 0;

    (void)state;
    for (size_t i = 0; i < TS_COUNT(threads); i++) {
        hammers[i] = (hammer){.store = s, .seed = i};
        assert_int_equal(pthread_create(&threads[i], NULL, hammer_main, &hammers[i]), 0);
    }
    for (size_t i = 0; i < TS_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        n_hits += hammers[i].n_hits;
    }
    ts_kvstore_flush(s);
    ts_kvstore_read_stats(s, &stats);
    assert_true(n_hits > 0 && stats.n_hits == n_hits);
    assert_true(stats.n_evicted > 0 && stats.n_damaged == 0 && !stats.is_stopped);
    assert_int_equal(stats.n_bytes, bytes_on_disk());
    ts_kvstore_close(s);
}

static void kill_9_loses_no_flushed_page_and_serves_no_wrong_one(void **state)
{
    enum { PAGE = 30000 };
    uint64_t n_written = 0;

    (void)state;
    for (unsigned round = 0; round < 25; round++) {
        int ends[2], status;
        char byte;

        assert_int_equal(pipe(ends), 0);
        const pid_t child = fork();
        if (child == 0) {
            ts_kvstore *s = open_store(256 * MIB);
            for (uint64_t i = n_written;; i++)
                if (!put(s, i, PAGE) || write(ends[1], "x", 1) != 1)
                    _exit(1);
        }
        (void)close(ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 1);
        n_written++;
        (void)usleep(500 + round * 431 % 8000);
        (void)kill(child, SIGKILL);
        while (read(ends[0], &byte, 1) == 1)
            n_written++;
        (void)close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        ts_kvstore *s = open_store(256 * MIB);
        for (uint64_t i = n_written > 40 ? n_written - 40 : 0; i < n_written; i++)
            assert_true(is_hit(s, i, PAGE));
        (void)is_hit(s, n_written, PAGE); /* there or not, but right */
        n_written += is_hit(s, n_written, PAGE);
        ts_kvstore_close(s);
    }
}

static void a_full_disk_stops_writing_with_one_line_and_reading_goes_on(void **state)
{
    int status;

    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit full = {200000, 200000};
        ts_kvstore_stats stats;
        uint64_t n = 0;

        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &full);
        ts_kvstore *s = open_store(64 * MIB);
        for (; n < 30; n++)
            (void)put(s, n, 30000);
        ts_kvstore_read_stats(s, &stats);
        bool is_right = stats.is_stopped && stats.n_pages == 6 && n_warnings == 1;
        for (uint64_t i = 0; i < 6; i++)
            is_right = is_right && is_hit(s, i, 30000);
        is_right = is_right && !is_hit(s, 6, 30000) && bytes_on_disk() == 32 + 6 * 30112;
        ts_kvstore_close(s);
        _exit(is_right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ts_kvstore *s = open_store(64 * MIB); /* room again: it writes again */
    assert_true(is_hit(s, 5, 30000));
    assert_true(put(s, 6, 30000));
    assert_true(is_hit(s, 6, 30000));
    ts_kvstore_close(s);
}

static void a_full_queue_drops_pages_and_waits_for_nobody(void **state)
{
    static page p;
    ts_kvstore *s;
    ts_kvstore_stats stats;
    const ts_kvstore_options opt = {
        .folder = folder, .key_file = key_file, .cap_bytes = 64 * MIB, .max_queue = 1};
    uint64_t n_taken = 0;

    (void)state;
    assert_int_equal(ts_kvstore_open(&s, &opt, NULL), TIEFSEE_OK);
    for (uint64_t i = 0; i < 200; i++) {
        p.n = 200000;
        p.id = (ts_kvstore_id){p.key, p.model, {0}, {0}};
        memcpy(p.key, &i, sizeof i);
        n_taken += ts_kvstore_put(s, &p.id, p.bytes, p.n);
    }
    ts_kvstore_flush(s);
    ts_kvstore_read_stats(s, &stats);
    assert_int_equal(stats.n_puts, n_taken);
    assert_int_equal(stats.n_dropped, 200 - n_taken);
    assert_true(n_taken > 0);
    ts_kvstore_close(s);
}

static bool put_of(ts_kvstore *s, uint64_t i, const char *user, const char *topic, size_t n)
{
    static page p;

    (void)make_page(&p, i, n);
    p.id.user = ts_str_of(user);
    p.id.topic = ts_str_of(topic);
    return ts_kvstore_put(s, &p.id, p.bytes, p.n);
}

static bool hits(ts_kvstore *s, uint64_t i, const char *user, size_t n)
{
    static page p;
    static uint8_t out[MAX_BYTES];
    size_t n_out = 0;

    (void)make_page(&p, i, n);
    p.id.user = ts_str_of(user);
    return ts_kvstore_get(s, &p.id, out, sizeof out, &n_out) && n_out == n &&
           memcmp(out, p.bytes, n) == 0;
}

/* All files one behind the other. */
static size_t read_files(uint8_t *out, size_t cap)
{
    size_t n = 0;
    const struct dirent *entry;
    DIR *dir = opendir(folder);

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        char path[700];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *f = strstr(entry->d_name, ".kv") ? fopen(path, "rb") : NULL;
        if (f) {
            n += fread(out + n, 1, cap - n, f);
            (void)fclose(f);
        }
    }
    (void)closedir(dir);
    return n;
}

/* How many 32-byte pieces of what was there are there still. */
static size_t count_left(const uint8_t *before, size_t n_before)
{
    static uint8_t now[8 * MIB];
    const size_t n = read_files(now, sizeof now);
    size_t left = 0;

    for (size_t at = 500; at + 32 < n_before; at += 1999)
        for (size_t k = 0; k + 32 <= n; k++)
            if (now[k] == before[at] && memcmp(now + k, before + at, 32) == 0) {
                left++;
                break;
            }
    return left;
}

static void what_is_forgotten_is_overwritten_and_the_rest_is_there(void **state)
{
    static uint8_t before[8 * MIB];
    ts_kvstore *s = open_store(8 * MIB);

    (void)state;
    for (uint64_t i = 0; i < 12; i++) {
        assert_true(
            put_of(s, i, i < 8 ? "app-1" : "app-2", i % 2 ? "odd-chat" : "even-chat", 40000));
        ts_kvstore_flush(s);
    }
    const size_t n = read_files(before, sizeof before);
    assert_true(count_left(before, n) > n / 1999 - 5);
    ts_kvstore_forget(s, TS_STR("app-1"), TS_STR("odd-chat"));
    for (uint64_t i = 0; i < 12; i++)
        assert_int_equal(hits(s, i, i < 8 ? "app-1" : "app-2", 40000), i >= 8 || i % 2 == 0);
    const size_t left = count_left(before, n);
    assert_true(left < 9 * (n / 1999) / 12 && left > 7 * (n / 1999) / 12);

    ts_kvstore_forget(s, TS_STR("app-1"), (ts_str){0});
    assert_true(count_left(before, n) < 5 * (n / 1999) / 12);
    ts_kvstore_close(s);
    s = open_store(8 * MIB); /* what follows an erased page is found */
    for (uint64_t i = 0; i < 12; i++)
        assert_int_equal(hits(s, i, i < 8 ? "app-1" : "app-2", 40000), i >= 8);
    assert_true(put_of(s, 0, "app-1", "odd-chat", 40000));
    ts_kvstore_flush(s);
    assert_true(hits(s, 0, "app-1", 40000));
    ts_kvstore_stats stats;
    ts_kvstore_read_stats(s, &stats);
    assert_int_equal(stats.n_damaged, 0);
    ts_kvstore_close(s);
}

static void what_was_on_its_way_when_it_was_forgotten_is_not_written(void **state)
{
    ts_kvstore *s = open_store(8 * MIB);

    (void)state;
    for (uint64_t i = 0; i < 20; i++)
        (void)put_of(s, i, "app-1", "chat", 100000);
    ts_kvstore_forget(s, TS_STR("app-1"), TS_STR("chat"));
    assert_true(put_of(s, 30, "app-1", "chat", 1000));
    assert_true(put_of(s, 31, "app-1", "another", 1000));
    ts_kvstore_flush(s);
    for (uint64_t i = 0; i <= 30; i++)
        assert_false(hits(s, i, "app-1", i == 30 ? 1000 : 100000));
    assert_true(hits(s, 31, "app-1", 1000));
    ts_kvstore_close(s);
}

static void an_empty_segment_goes(void **state)
{
    ts_kvstore *s = open_store(2 * MIB); /* segments of 256 KiB */
    ts_kvstore_stats stats;

    (void)state;
    for (uint64_t i = 0; i < 10; i++) {
        assert_true(put_of(s, i, i < 8 ? "app-1" : "app-2", "", 100000));
        ts_kvstore_flush(s);
    }
    ts_kvstore_read_stats(s, &stats);
    assert_int_equal(stats.n_segments, 5);
    ts_kvstore_forget(s, TS_STR("app-1"), (ts_str){0});
    ts_kvstore_read_stats(s, &stats);
    assert_int_equal(stats.n_segments, 1);
    assert_int_equal(stats.n_forgotten, 8);
    assert_int_equal(stats.n_bytes, bytes_on_disk());
    assert_true(hits(s, 8, "app-2", 100000));
    ts_kvstore_close(s);
}

static void without_the_users_key_a_page_is_noise(void **state)
{
    const uint8_t key[TS_KVSTORE_KEY_LEN] = {1, 2, 3}, other[TS_KVSTORE_KEY_LEN] = {1, 2, 4};
    ts_kvstore *s = open_store(8 * MIB);

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(ts_kvstore_know(s, TS_STR("app-1"), key));
        if (i == 0)
            assert_true(put_of(s, 1, "app-1", "", 5000));
        ts_kvstore_flush(s);
        assert_true(hits(s, 1, "app-1", 5000));
        ts_kvstore_close(s);
        s = open_store(8 * MIB);
        if (i == 1) { /* the right cache key alone, and then with the wrong one */
            assert_false(hits(s, 1, "app-1", 5000));
            assert_true(ts_kvstore_know(s, TS_STR("app-1"), other));
            assert_false(hits(s, 1, "app-1", 5000));
            ts_kvstore_close(s);
            s = open_store(8 * MIB);
        }
    }
    assert_true(ts_kvstore_know(s, TS_STR("app-1"), key));
    ts_kvstore_forget(s, TS_STR("app-1"), (ts_str){0});
    assert_false(hits(s, 1, "app-1", 5000));
    ts_kvstore_close(s);
}

static void every_failing_allocation_is_an_error_or_a_miss(void **state)
{
    tiefsee_status st = TIEFSEE_E_NOMEM;
    uint64_t at = 0;

    (void)state;
    ts_kvstore_close(open_store(MIB));
    while (st != TIEFSEE_OK) {
        ts_kvstore *s;
        ts_alloc_reset(++at);
        st = try_open(&s, MIB, NULL);
        ts_alloc_reset(0);
        assert_true(st == TIEFSEE_OK || st == TIEFSEE_E_NOMEM);
        ts_kvstore_close(s);
    }
    assert_true(at > 4);
    for (at = 1; at < 8; at++) {
        ts_kvstore *s = open_store(MIB);
        ts_alloc_reset(at);
        (void)put(s, 100 + at, 1000);
        (void)is_hit(s, 100 + at, 1000);
        ts_alloc_reset(0);
        (void)is_hit(s, 100 + at, 1000);
        ts_kvstore_close(s);
    }
}

static void the_index_finds_what_is_in_it_after_any_removals(void **state)
{
    enum { N = 200 };
    static bool is_in[N];
    struct ts_kvsegment *const somewhere = (void *)&place;
    ts_kvindex t = {0};
    ts_rng rng;

    (void)state;
    ts_rng_seed(&rng, 5);
    for (int round = 0; round < 20000; round++) {
        const uint64_t i = ts_rng_below(&rng, N);
        ts_kvslot slot = {.segment = somewhere, .offset = i};
        /* Few homes, also the last ones, so that chains are long and wrap around. */
        slot.address[0] = (uint8_t)(0xfe + i % 4);
        slot.address[1] = slot.address[2] = 0xff;
        memcpy(slot.address + 8, &i, sizeof i);
        ts_kvslot *found = ts_kvindex_find(&t, slot.address);
        assert_int_equal(found != NULL, is_in[i]);
        if (found) {
            assert_int_equal(found->offset, i);
            ts_kvindex_remove(&t, found);
        } else {
            assert_true(ts_kvindex_insert(&t, &slot));
        }
        is_in[i] = !is_in[i];
    }
    ts_kvindex_free(&t);
}

int main(void)
{
#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(pages_come_back_also_after_a_restart),
        IN_FOLDER(a_page_is_of_one_key_model_and_user),
        IN_FOLDER(the_files_say_nothing_without_the_key),
        IN_FOLDER(a_segment_cut_at_any_byte_keeps_what_is_whole),
        IN_FOLDER(a_damaged_byte_is_a_miss_and_never_a_wrong_page),
        IN_FOLDER(damage_under_a_running_store_is_a_miss),
        IN_FOLDER(the_cap_holds_and_what_is_used_stays),
        IN_FOLDER(one_program_at_a_time_and_a_private_key),
        IN_FOLDER(threads_put_and_get_while_pages_are_evicted),
        IN_FOLDER(kill_9_loses_no_flushed_page_and_serves_no_wrong_one),
        IN_FOLDER(a_full_disk_stops_writing_with_one_line_and_reading_goes_on),
        IN_FOLDER(a_full_queue_drops_pages_and_waits_for_nobody),
        IN_FOLDER(what_is_forgotten_is_overwritten_and_the_rest_is_there),
        IN_FOLDER(what_was_on_its_way_when_it_was_forgotten_is_not_written),
        IN_FOLDER(an_empty_segment_goes),
        IN_FOLDER(without_the_users_key_a_page_is_noise),
        IN_FOLDER(every_failing_allocation_is_an_error_or_a_miss),
        cmocka_unit_test(the_index_finds_what_is_in_it_after_any_removals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
