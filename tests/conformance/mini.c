/* mini.c - the embedded model on texts and problems it never saw.
 *
 *     mini MODEL
 *
 * What integers change: int8 activations and int8 latents, which are the default,
 * against floats for both.
 *
 * Perplexity of held-out conversations may move by less than 0.5 %, right answers by
 * at most one point.  Of 2,000 tokens that the float path chooses greedily the
 * integers may choose another where its best logit is ahead by less than 0.05, else
 * at most one in a hundred, and none where it is ahead by more than 0.5.  Of the
 * additions at least 95 % must be right.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tiefsee/tiefsee.h"
#include "train/eval.h"

enum { MAX_TOKENS = 1024, N_TEXTS = 100, N_PROBLEMS = 100 };
enum { N_STEPS = 2000, MAX_ANSWER = 256 };

static const double CLEAR_MARGIN = 0.05, LARGE_MARGIN = 0.5; /* of logits */

static tiefsee_model *open_model(const char *path, bool precise)
{
    const tiefsee_model_options opt = {.size = sizeof opt, .precise = precise};
    tiefsee_error err;
    tiefsee_model *m;

    if (tiefsee_model_open(&m, path, &opt, &err) != TIEFSEE_OK) {
        (void)fprintf(stderr, "mini: %s\n", err.message);
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

/* Problem i of those for tests as the conversation that would teach it. */
static size_t write_text(tiefsee_model *m, uint64_t i, tiefsee_token *tokens)
{
    const ts_item_spec spec = {.seed = 5, .index = i, .split = TS_SPLIT_TEST, .lang = -1};
    ts_item it = ts_item_empty();
    char text[4 * TS_MAX_ITEM_BYTES];
    tiefsee_error err;
    size_t n;

    if (ts_item_make(&it, &spec, &err) != TIEFSEE_OK)
        exit(1);
    (void)snprintf(text, sizeof text,
                   "<｜begin▁of▁sentence｜><｜User｜>%.*s<｜Assistant｜><think>%.*s</think>%.*s"
                   "<｜end▁of▁sentence｜>",
                   (int)it.question.len, it.question.ptr, (int)it.trace.len, it.trace.ptr,
                   (int)it.answer.len, it.answer.ptr);
    ts_item_free(&it);
    if (tiefsee_tokenize(m, text, strlen(text), true, tokens, MAX_TOKENS, &n, &err) != TIEFSEE_OK ||
        n > MAX_TOKENS)
        exit(1);
    return n;
}

/* exp of the mean negative log-likelihood per token. */
static double perplexity(tiefsee_model *m)
{
    tiefsee_session *s = open_session(m);
    tiefsee_token tokens[MAX_TOKENS];
    tiefsee_model_info info;
    double nll = 0;
    size_t n_scored = 0;

    tiefsee_model_describe(m, &info);
    for (uint64_t i = 0; i < N_TEXTS; i++) {
        score c = {.tokens = tokens, .n_vocab = info.n_vocab};

        c.n = write_text(m, i, tokens);
        tiefsee_session_rewind(s, 0);
        if (tiefsee_session_feed_all(s, tokens, c.n, add_position, &c, NULL) != TIEFSEE_OK)
            exit(1);
        nll += c.nll;
        n_scored += c.n - 1;
    }
    tiefsee_session_close(s);
    return exp(nll / (double)n_scored);
}

static bool go_on(void *user, const ts_eval_score *now, uint64_t total)
{
    (void)user;
    (void)now;
    (void)total;
    return true;
}

/* How many of the first problems of a family are answered right. */
static uint64_t examine(tiefsee_model *m, const char *family)
{
    const ts_eval_options opt = {.n = N_PROBLEMS,
                                 .lang = -1,
                                 .split = TS_SPLIT_TEST,
                                 .top_p = 1,
                                 .max_tokens = 400,
                                 .n_ctx = MAX_TOKENS};
    const ts_eval_events events = {.on_progress = go_on};
    tiefsee_error err;
    ts_eval_score got;
    ts_eval *e;

    tiefsee_status st = ts_eval_open(&e, m, &opt, &err);
    if (st == TIEFSEE_OK)
        st = ts_eval_family(e, ts_family_find(family), &events, &got, &err);
    if (st != TIEFSEE_OK) {
        (void)fprintf(stderr, "mini: %s\n", err.message);
        exit(1);
    }
    ts_eval_close(e);
    return got.n_correct;
}

/* The best token of every position, and by how much its logit is ahead. */
typedef struct choices {
    size_t n_vocab;
    tiefsee_token best[MAX_TOKENS];
    double margin[MAX_TOKENS];
} choices;

static void add_choice(void *user, size_t i, const float *row)
{
    choices *c = user;
    size_t best = 0;
    double second = -INFINITY;

    for (size_t v = 1; v < c->n_vocab; v++)
        best = row[v] > row[best] ? v : best;
    for (size_t v = 0; v < c->n_vocab; v++)
        if (v != best && (double)row[v] > second)
            second = (double)row[v];
    c->best[i] = (tiefsee_token)best;
    c->margin[i] = (double)row[best] - second;
}

static void choose_all(tiefsee_model *m, const tiefsee_token *tokens, size_t n, choices *c)
{
    tiefsee_session *s = open_session(m);
    tiefsee_model_info info;

    tiefsee_model_describe(m, &info);
    c->n_vocab = info.n_vocab;
    if (tiefsee_session_feed_all(s, tokens, n, add_choice, c, NULL) != TIEFSEE_OK)
        exit(1);
    tiefsee_session_close(s);
}

/* A question and what the float path answers, greedily; *n tokens of which the first
 * *n_asked are the question. */
static void answer(tiefsee_model *exact, uint64_t i, tiefsee_token *tokens, size_t *n_asked,
                   size_t *n)
{
    const ts_item_spec spec = {.seed = 5, .index = i, .split = TS_SPLIT_TEST, .lang = -1};
    const tiefsee_generate_options opt = {
        .size = sizeof opt, .max_tokens = MAX_ANSWER, .raw = true};
    ts_item it = ts_item_empty();
    tiefsee_session *s = open_session(exact);
    tiefsee_error err;

    if (ts_item_make(&it, &spec, &err) != TIEFSEE_OK || !ts_buf_append(&it.question, "", 1))
        exit(1);
    const tiefsee_message asked = {.role = TIEFSEE_USER, .content = it.question.ptr};
    if (tiefsee_chat_encode(exact, &asked, 1, NULL, tokens, MAX_TOKENS, n_asked, &err) !=
            TIEFSEE_OK ||
        *n_asked + MAX_ANSWER > MAX_TOKENS ||
        tiefsee_session_feed(s, tokens, *n_asked, NULL) != TIEFSEE_OK ||
        tiefsee_session_generate(s, &opt, NULL, NULL) != TIEFSEE_OK)
        exit(1);
    *n = tiefsee_session_length(s);
    memcpy(tokens, tiefsee_session_tokens(s), *n * sizeof *tokens);
    ts_item_free(&it);
    tiefsee_session_close(s);
}

typedef struct agreement {
    int n, n_clear, n_differ, n_clear_differ;
    double worst; /* largest margin of one that differs */
} agreement;

static agreement compare_choices(tiefsee_model *exact, tiefsee_model *fast)
{
    static choices want, got;
    tiefsee_token tokens[MAX_TOKENS];
    size_t n_asked, n;
    agreement a = {0};

    for (uint64_t i = 0; a.n < N_STEPS; i++) {
        answer(exact, i, tokens, &n_asked, &n);
        choose_all(exact, tokens, n, &want);
        choose_all(fast, tokens, n, &got);
        for (size_t k = n_asked - 1; k + 1 < n; k++) {
            const bool differ = want.best[k] != got.best[k], clear = want.margin[k] > CLEAR_MARGIN;
            a.n++;
            a.n_clear += clear;
            a.n_differ += differ;
            a.n_clear_differ += clear && differ;
            a.worst = differ && want.margin[k] > a.worst ? want.margin[k] : a.worst;
        }
    }
    return a;
}

/* Says so and counts what failed. */
static int judge(bool passed)
{
    (void)printf("%s  ", passed ? "ok  " : "FAIL");
    return !passed;
}

int main(int argc, char **argv)
{
    static const char *const asked[] = {"addition", "multiplication", "units", "dates"};
    uint64_t n_exact = 0, n_fast = 0, n_sums = 0;
    int n_failed = 0;

    if (argc != 2)
        return 2;
    tiefsee_model *exact = open_model(argv[1], true), *fast = open_model(argv[1], false);

    const double want = perplexity(exact), got = perplexity(fast), moved = fabs(got / want - 1);
    n_failed += judge(moved < 0.005);
    (void)printf("perplexity %.5f with floats, %.5f with integers: moved by %.3f %%\n", want, got,
                 100 * moved);

    for (size_t i = 0; i < TS_COUNT(asked); i++) {
        const uint64_t n = examine(fast, asked[i]);

        n_exact += examine(exact, asked[i]);
        n_fast += n;
        n_sums = i == 0 ? n : n_sums;
    }
    const long long apart = (long long)n_exact - (long long)n_fast;
    n_failed += judge(llabs(apart) * 100 <= (long long)TS_COUNT(asked) * N_PROBLEMS);
    (void)printf("%llu of %zu problems right with floats, %llu with integers\n",
                 (unsigned long long)n_exact, TS_COUNT(asked) * N_PROBLEMS,
                 (unsigned long long)n_fast);
    n_failed += judge(n_sums * 100 >= 95 * (uint64_t)N_PROBLEMS);
    (void)printf("%llu of %d additions (95 %% wanted)\n", (unsigned long long)n_sums, N_PROBLEMS);

    const agreement a = compare_choices(exact, fast);
    n_failed +=
        judge(a.n >= N_STEPS && 100 * a.n_clear_differ <= a.n_clear && a.worst <= LARGE_MARGIN);
    (void)printf("of %d greedy steps %d are ahead by more than %g, %d of them differ"
                 " (%d of all, the clearest by %.3f)\n",
                 a.n, a.n_clear, CLEAR_MARGIN, a.n_clear_differ, a.n_differ, a.worst);
    tiefsee_model_close(exact);
    tiefsee_model_close(fast);
    (void)printf("%d failed\n", n_failed);
    return n_failed != 0;
}
