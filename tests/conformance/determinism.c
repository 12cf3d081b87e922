/* determinism.c - the same answer, always: bits of the logits do not depend on
 * the number of threads, on the kernel level, on how the prompt was cut, or on
 * who shares the batch.
 *
 *     determinism FOLDER CASE...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "engine/session.h"

enum { MAX_TOKENS = 128, N_SEQUENCES = 3 };

typedef struct sample {
    tiefsee_token ids[MAX_TOKENS];
    size_t n, n_vocab;
    float *want; /* (n, n_vocab) of the plainest run */
} sample;

static int n_failed;

static void same(const char *what, const float *want, const float *got, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&want[i], &got[i], sizeof *want) != 0) {
            (void)printf("FAIL  %s: float %zu is %a, not %a\n", what, i, (double)got[i],
                         (double)want[i]);
            n_failed++;
            return;
        }
    (void)printf("ok    %s\n", what);
}

static void stop_on(tiefsee_status st, const tiefsee_error *err)
{
    if (st == TIEFSEE_OK)
        return;
    (void)printf("FAIL  %s\n1 failed\n", err->message);
    exit(1);
}

static tiefsee_model *open_model(const char *path, const char *cpu, int n_threads)
{
    const tiefsee_model_options opt = {.size = sizeof opt, .cpu = cpu, .n_threads = n_threads};
    tiefsee_error err = {0};
    tiefsee_model *m;

    stop_on(tiefsee_model_open(&m, path, &opt, &err), &err);
    return m;
}

static tiefsee_session *open_session(tiefsee_model *m)
{
    const tiefsee_session_options opt = {.size = sizeof opt, .n_ctx = MAX_TOKENS};
    tiefsee_error err = {0};
    tiefsee_session *s;

    stop_on(tiefsee_session_open(&s, m, &opt, &err), &err);
    return s;
}

static void keep(void *user, size_t i, const float *row)
{
    sample *x = user;

    memcpy(x->want + i * x->n_vocab, row, x->n_vocab * sizeof *row);
}

/* All logits of one run in one piece. */
static float *run_whole(const char *path, sample *x, const char *cpu, int n_threads)
{
    tiefsee_model *m = open_model(path, cpu, n_threads);
    tiefsee_session *s = open_session(m);
    tiefsee_error err = {0};
    sample y = *x;

    y.n_vocab = x->n_vocab = m->net->config.n_vocab;
    y.want = malloc(x->n * x->n_vocab * sizeof *y.want);
    stop_on(y.want ? TIEFSEE_OK : TIEFSEE_E_NOMEM, &err);
    stop_on(tiefsee_session_feed_all(s, x->ids, x->n, keep, &y, &err), &err);
    tiefsee_session_close(s);
    tiefsee_model_close(m);
    return y.want;
}

/* Feed in random pieces; the logits behind each piece must be the same. */
static void check_chunks(const char *path, const sample *x)
{
    tiefsee_model *m = open_model(path, NULL, 2);
    tiefsee_error err = {0};
    char what[64];
    ts_rng rng;

    ts_rng_seed(&rng, 7);
    for (int round = 0; round < 6; round++) {
        tiefsee_session *s = open_session(m);
        const size_t longest = round == 0 ? 1 : 1 + (size_t)ts_rng_below(&rng, x->n);
        bool ok = true;
        for (size_t done = 0; done < x->n;) {
            size_t n = 1 + (size_t)ts_rng_below(&rng, longest);
            n = n > x->n - done ? x->n - done : n;
            stop_on(tiefsee_session_feed(s, x->ids + done, n, &err), &err);
            done += n;
            ok = ok && memcmp(tiefsee_session_logits(s), x->want + (done - 1) * x->n_vocab,
                              x->n_vocab * sizeof(float)) == 0;
        }
        (void)snprintf(what, sizeof what, "pieces of up to %zu tokens", longest);
        (void)printf("%s  %s\n", ok ? "ok  " : "FAIL", what);
        n_failed += !ok;
        tiefsee_session_close(s);
    }
    tiefsee_model_close(m);
}

/* Sequences of different lengths, each step a mix of their next tokens. */
static void check_batch(const char *path, const sample *x)
{
    tiefsee_model *m = open_model(path, NULL, 2);
    tiefsee_session *s[N_SEQUENCES];
    float *rows = malloc(N_SEQUENCES * x->n_vocab * sizeof *rows);
    bool ok = rows != NULL;
    ts_rng rng;

    ts_rng_seed(&rng, 8);
    for (int i = 0; i < N_SEQUENCES; i++)
        s[i] = open_session(m);
    for (bool is_done = false; ok && !is_done;) {
        ts_feed feeds[N_SEQUENCES];
        size_t n_feeds = 0, end[N_SEQUENCES];
        is_done = true;
        for (int i = 0; i < N_SEQUENCES; i++) {
            const size_t left = x->n - s[i]->seq.n;
            size_t n = (size_t)ts_rng_below(&rng, i == 0 ? 2 : 9);
            n = n > left ? left : n;
            is_done = is_done && left == 0;
            if (n == 0)
                continue;
            feeds[n_feeds] = (ts_feed){.seq = &s[i]->seq,
                                       .tokens = x->ids + s[i]->seq.n,
                                       .n = n,
                                       .logits = rows + n_feeds * x->n_vocab,
                                       .n_logits = 1};
            end[n_feeds++] = s[i]->seq.n + n;
        }
        if (n_feeds == 0)
            continue;
        ok = ok && ts_model_step(m, feeds, n_feeds, NULL);
        for (size_t i = 0; i < n_feeds; i++)
            ok = ok && memcmp(feeds[i].logits, x->want + (end[i] - 1) * x->n_vocab,
                              x->n_vocab * sizeof *rows) == 0;
    }
    (void)printf("%s  %d sequences in one batch\n", ok ? "ok  " : "FAIL", N_SEQUENCES);
    n_failed += !ok;
    for (int i = 0; i < N_SEQUENCES; i++)
        tiefsee_session_close(s[i]);
    free(rows);
    tiefsee_model_close(m);
}

static void read_sample(sample *x, const char *path)
{
    FILE *f = fopen(path, "r");

    while (f && x->n < MAX_TOKENS && fscanf(f, "%d", &x->ids[x->n]) == 1)
        x->n++;
    if (f)
        (void)fclose(f);
}

static void check_case(const char *folder, const char *name)
{
    static const char *const levels[] = {"ref", "avx2", "avxvnni", "avx512", "neon", "dotprod"};
    char path[1024], ids[1100], what[64];
    sample x = {.n = 0};

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)snprintf(ids, sizeof ids, "%s/%.*s/ids.txt", folder, (int)strcspn(name, "/"), name);
    read_sample(&x, ids);
    (void)printf("%s, %zu tokens\n", name, x.n);
    x.want = run_whole(path, &x, "ref", 1);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        for (int threads = 1; threads <= 4; threads *= 2) {
            float *got = run_whole(path, &x, levels[i], threads);
            (void)snprintf(what, sizeof what, "%s, %d threads", levels[i], threads);
            same(what, x.want, got, x.n * x.n_vocab);
            free(got);
        }
    check_chunks(path, &x);
    check_batch(path, &x);
    free(x.want);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    for (int i = 2; i < argc; i++)
        check_case(argv[1], argv[i]);
    (void)printf("%d failed\n", n_failed);
    return n_failed != 0;
}
