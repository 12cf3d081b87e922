/* conformance.c - logits of every fixture against PyTorch's.
 *
 *     conformance MANIFEST [CASE]
 *
 * The manifest (made by make_fixtures.py) names a model, its token ids, the
 * expected logits and the largest difference allowed.  Activations stay float
 * (--precise), since that is what the reference computes; top-1 must agree at
 * every position.
 */
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tiefsee/tiefsee.h"

enum { MAX_TOKENS = 4096, MAX_PATH = 1024 };

typedef struct comparison {
    const float *want;
    size_t n_vocab, n_wrong_top;
    double worst;
} comparison;

static size_t top_of(const float *row, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        best = row[i] > row[best] ? i : best;
    return best;
}

static void compare(void *user, size_t i, const float *row)
{
    comparison *c = user;
    const float *want = c->want + i * c->n_vocab;

    for (size_t v = 0; v < c->n_vocab; v++) {
        const double d = fabs((double)row[v] - (double)want[v]);
        if (!(d <= c->worst)) /* also when d is NaN */
            c->worst = d;
    }
    c->n_wrong_top += top_of(row, c->n_vocab) != top_of(want, c->n_vocab);
}

static size_t read_ids(const char *path, tiefsee_token *ids)
{
    FILE *f = fopen(path, "r");
    size_t n = 0;

    while (f && n < MAX_TOKENS && fscanf(f, "%d", &ids[n]) == 1)
        n++;
    if (f)
        (void)fclose(f);
    return n;
}

static float *read_floats(const char *path, size_t n)
{
    FILE *f = fopen(path, "rb");
    float *p = malloc((n + 1) * sizeof *p);

    if (!f || !p || fread(p, sizeof *p, n + 1, f) != n) {
        free(p);
        p = NULL;
    }
    if (f)
        (void)fclose(f);
    return p;
}

/* One line of the manifest. */
typedef struct fixture {
    char name[128], path[256], family[32], precision[32];
    size_t n_tokens, n_vocab;
    double allowed;
} fixture;

static tiefsee_status run(const fixture *x, const char *folder, comparison *c, tiefsee_error *err)
{
    static tiefsee_token ids[MAX_TOKENS];
    const tiefsee_model_options opt = {.size = sizeof opt, .precise = true};
    char path[MAX_PATH];
    tiefsee_model *m;
    tiefsee_session *s;

    (void)snprintf(path, sizeof path, "%s/%s/ids.txt", folder, x->name);
    const size_t n = read_ids(path, ids);
    (void)snprintf(path, sizeof path, "%s/%s/logits.f32", folder, x->name);
    float *want = read_floats(path, x->n_tokens * x->n_vocab);
    *err = (tiefsee_error){.status = TIEFSEE_E_IO, .message = "ids or logits are not as listed"};
    if (n != x->n_tokens || !want) {
        free(want);
        return TIEFSEE_E_IO;
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, x->path);
    tiefsee_status st = tiefsee_model_open(&m, path, &opt, err);
    if (st != TIEFSEE_OK) {
        free(want);
        return st;
    }
    tiefsee_model_info info;
    tiefsee_model_describe(m, &info);
    const tiefsee_session_options so = {.size = sizeof so, .n_ctx = n};
    *c = (comparison){.want = want, .n_vocab = x->n_vocab};
    st = tiefsee_session_open(&s, m, &so, err);
    if (st == TIEFSEE_OK && info.n_vocab == x->n_vocab)
        st = tiefsee_session_feed_all(s, ids, n, compare, c, err);
    else if (st == TIEFSEE_OK)
        c->worst = INFINITY;
    tiefsee_session_close(s);
    tiefsee_model_close(m);
    free(want);
    return st;
}

static bool judge(const fixture *x, const char *folder)
{
    comparison c = {0};
    tiefsee_error err;

    if (run(x, folder, &c, &err) != TIEFSEE_OK) {
        (void)printf("FAIL  %-24s %s\n", x->name, err.message);
        return false;
    }
    const bool ok = c.worst <= x->allowed && c.n_wrong_top == 0;
    (void)printf("%s  %-24s %-12s %-12s max |d| %.2e (%.0e allowed), %zu of %zu top-1 differ\n",
                 ok ? "ok  " : "FAIL", x->name, x->family, x->precision, c.worst, x->allowed,
                 c.n_wrong_top, x->n_tokens);
    return ok;
}

int main(int argc, char **argv)
{
    char line[1024], folder[MAX_PATH];
    int n_failed = 0, n_run = 0;

    if (argc < 2)
        return 2;
    (void)snprintf(folder, sizeof folder, "%s", argv[1]);
    FILE *f = fopen(argv[1], "r");
    if (!f) {
        (void)fprintf(stderr, "conformance: %s: cannot be read\n", argv[1]);
        return 1;
    }
    const char *dir = dirname(folder);
    while (fgets(line, sizeof line, f)) {
        fixture x;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (sscanf(line, "%127s %255s %31s %31s %zu %zu %lf", x.name, x.path, x.family, x.precision,
                   &x.n_tokens, &x.n_vocab, &x.allowed) != 7 ||
            x.n_tokens > MAX_TOKENS) {
            (void)fprintf(stderr, "conformance: not understood: %s", line);
            n_failed++;
            continue;
        }
        if (argc > 2 && strcmp(argv[2], x.name) != 0)
            continue;
        n_run++;
        n_failed += !judge(&x, dir);
    }
    (void)fclose(f);
    (void)printf("%d passed, %d failed\n", n_run - n_failed, n_failed);
    return n_failed != 0 || n_run == 0;
}
