/* starter.c - the embedded model on text and questions it never saw.
 *
 *     starter MODEL FOLDER
 *
 * Perplexity of heldout.txt with int8 activations against float ones (it may
 * move by less than 0.5 %), and greedy answers to the two-digit additions and
 * subtractions of questions.jsonl (at least 95 % right).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tiefsee/tiefsee.h"

enum { MAX_LINE = 8192, MAX_TOKENS = 1024, N_TEXTS = 100, N_QUESTIONS = 80 };

static tiefsee_model *open_model(const char *path, bool precise)
{
    const tiefsee_model_options opt = {.size = sizeof opt, .precise = precise};
    tiefsee_error err;
    tiefsee_model *m;

    if (tiefsee_model_open(&m, path, &opt, &err) != TIEFSEE_OK) {
        (void)fprintf(stderr, "starter: %s\n", err.message);
        exit(1);
    }
    return m;
}

static tiefsee_session *open_session(tiefsee_model *m)
{
    const tiefsee_session_options opt = {.size = sizeof opt, .n_ctx = MAX_TOKENS};
    tiefsee_session *s;

    if (tiefsee_session_open(&s, m, &opt, NULL) != TIEFSEE_OK)
        exit(1);
    return s;
}

typedef struct score {
    const tiefsee_token *tokens;
    size_t n, n_vocab;
    double nll;
} score;

static void add_position(void *user, size_t i, const float *row)
{
    score *c = user;
    double sum = 0;

    if (i + 1 >= c->n)
        return;
    for (size_t v = 0; v < c->n_vocab; v++)
        sum += exp((double)row[v]);
    c->nll += log(sum) - (double)row[c->tokens[i + 1]];
}

/* exp of the mean negative log-likelihood per token. */
static double perplexity(tiefsee_model *m, const char *path)
{
    tiefsee_session *s = open_session(m);
    FILE *f = fopen(path, "r");
    static char line[MAX_LINE];
    tiefsee_token tokens[MAX_TOKENS];
    tiefsee_model_info info;
    double nll = 0;
    size_t n_scored = 0;

    tiefsee_model_describe(m, &info);
    for (int i = 0; f && i < N_TEXTS && fgets(line, sizeof line, f); i++) {
        score c = {.tokens = tokens, .n_vocab = info.n_vocab};
        line[strcspn(line, "\n")] = '\0';
        if (tiefsee_tokenize(m, line, strlen(line), true, tokens, MAX_TOKENS, &c.n, NULL) !=
                TIEFSEE_OK ||
            c.n > MAX_TOKENS)
            exit(1);
        tiefsee_session_rewind(s, 0);
        if (tiefsee_session_feed_all(s, tokens, c.n, add_position, &c, NULL) != TIEFSEE_OK)
            exit(1);
        nll += c.nll;
        n_scored += c.n - 1;
    }
    if (f)
        (void)fclose(f);
    tiefsee_session_close(s);
    return exp(nll / (double)n_scored);
}

typedef struct reply {
    char text[512];
    size_t n;
} reply;

static bool on_piece(void *user, const tiefsee_piece *p)
{
    reply *r = user;

    if (p->channel == TIEFSEE_CONTENT && r->n + p->n < sizeof r->text) {
        memcpy(r->text + r->n, p->text, p->n);
        r->n += p->n;
        r->text[r->n] = '\0';
    }
    return true;
}

/* Right if the reply is the answer or ends in a blank and the answer. */
static bool is_right(const char *text, const char *answer)
{
    const size_t n = strlen(text), k = strlen(answer);

    if (n < k || strcmp(text + n - k, answer) != 0)
        return false;
    return n == k || text[n - k - 1] == ' ';
}

static bool ask(tiefsee_session *s, tiefsee_model *m, const char *q, const char *answer)
{
    const tiefsee_message message = {.role = TIEFSEE_USER, .content = q};
    reply r = {.n = 0};
    tiefsee_generate_options opt = {.size = sizeof opt,
                                    .max_tokens = 300,
                                    .in_reasoning = true,
                                    .on_piece = on_piece,
                                    .user = &r};
    tiefsee_token tokens[MAX_TOKENS];
    size_t n;

    if (tiefsee_chat_encode(m, &message, 1, NULL, tokens, MAX_TOKENS, &n, NULL) != TIEFSEE_OK ||
        tiefsee_session_set(s, tokens, n, NULL, NULL) != TIEFSEE_OK ||
        tiefsee_session_generate(s, &opt, NULL, NULL) != TIEFSEE_OK)
        exit(1);
    if (is_right(r.text, answer))
        return true;
    (void)printf("      '%s' -> '%s', not %s\n", q, r.text, answer);
    return false;
}

static double accuracy(tiefsee_model *m, const char *path)
{
    tiefsee_session *s = open_session(m);
    FILE *f = fopen(path, "r");
    static char line[MAX_LINE];
    int n = 0, n_right = 0;

    for (int i = 0; f && n < N_QUESTIONS && fgets(line, sizeof line, f); i++) {
        json_t *o = json_loads(line, 0, NULL);
        const char *q = json_string_value(json_object_get(o, "q"));
        const char *a = json_string_value(json_object_get(o, "a"));
        const char *kind = json_string_value(json_object_get(o, "kind"));
        if (q && a && kind && strcmp(kind, "convert") != 0 && i % 3 == 0) {
            n++;
            n_right += ask(s, m, q, a);
        }
        json_decref(o);
    }
    if (f)
        (void)fclose(f);
    tiefsee_session_close(s);
    (void)printf("      %d of %d right\n", n_right, n);
    return n ? (double)n_right / n : 0;
}

int main(int argc, char **argv)
{
    char path[1024];
    int n_failed = 0;

    if (argc != 3)
        return 2;
    tiefsee_model *exact = open_model(argv[1], true), *fast = open_model(argv[1], false);
    (void)snprintf(path, sizeof path, "%s/heldout.txt", argv[2]);
    const double want = perplexity(exact, path), got = perplexity(fast, path);
    const double moved = fabs(got / want - 1);
    (void)printf("%s  perplexity %.5f with float, %.5f with int8 activations: moved by %.3f %%\n",
                 moved < 0.005 ? "ok  " : "FAIL", want, got, 100 * moved);
    n_failed += !(moved < 0.005);

    (void)snprintf(path, sizeof path, "%s/questions.jsonl", argv[2]);
    const double right = accuracy(fast, path);
    (void)printf("%s  %.1f %% of two-digit additions and subtractions (95 %% wanted)\n",
                 right >= 0.95 ? "ok  " : "FAIL", 100 * right);
    n_failed += !(right >= 0.95);
    tiefsee_model_close(exact);
    tiefsee_model_close(fast);
    (void)printf("%d failed\n", n_failed);
    return n_failed != 0;
}
