/* starter.c - the embedded model on text and questions it never saw.
 *
 *     starter MODEL FOLDER
 *
 * What integers change: int8 activations and int8 latents, which are the default,
 * against floats for both.
 *
 * Perplexity of heldout.txt may move by less than 0.5 %, greedy answers to
 * questions.jsonl by less than 0.5 points.  Of 2,000 tokens that the float path
 * chooses greedily the integers may choose another where its best logit is ahead by
 * less than 0.05, else at most one in a hundred, and none where it is ahead by more
 * than 0.5.  Of the two-digit additions and subtractions at least 95 % must be right.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tiefsee/tiefsee.h"

enum { MAX_LINE = 8192, MAX_TOKENS = 1024, N_TEXTS = 100, N_QUESTIONS = 80 };
enum { N_STEPS = 2000, PROMPT = 16, STEPS_OF_A_TEXT = 200 };

static const double CLEAR_MARGIN = 0.05, LARGE_MARGIN = 0.5; /* of logits */

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

typedef struct marks {
    int n, n_right;                   /* of all kinds */
    int n_arithmetic, n_sums_correct; /* additions and subtractions */
} marks;

/* Every third question. */
static marks examine(tiefsee_model *m, const char *path)
{
    tiefsee_session *s = open_session(m);
    FILE *f = fopen(path, "r");
    static char line[MAX_LINE];
    marks k = {0};

    for (int i = 0; f && fgets(line, sizeof line, f); i++) {
        json_t *o = json_loads(line, 0, NULL);
        const char *q = json_string_value(json_object_get(o, "q"));
        const char *a = json_string_value(json_object_get(o, "a"));
        const char *kind = json_string_value(json_object_get(o, "kind"));
        if (q && a && kind && i % 3 == 0) {
            const bool is_arithmetic = strcmp(kind, "convert") != 0;
            const bool right = ask(s, m, q, a);
            k.n++;
            k.n_right += right;
            k.n_arithmetic += is_arithmetic;
            k.n_sums_correct += is_arithmetic && right;
        }
        json_decref(o);
    }
    if (f)
        (void)fclose(f);
    tiefsee_session_close(s);
    return k;
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

/* The first tokens of a text and what the float path makes of them, greedily. */
static void continue_text(tiefsee_model *exact, tiefsee_token *tokens)
{
    tiefsee_session *s = open_session(exact);
    const tiefsee_generate_options opt = {
        .size = sizeof opt, .max_tokens = STEPS_OF_A_TEXT, .raw = true, .ignore_eos = true};

    if (tiefsee_session_feed(s, tokens, PROMPT, NULL) != TIEFSEE_OK ||
        tiefsee_session_generate(s, &opt, NULL, NULL) != TIEFSEE_OK ||
        tiefsee_session_length(s) < PROMPT + STEPS_OF_A_TEXT)
        exit(1);
    memcpy(tokens, tiefsee_session_tokens(s), (PROMPT + STEPS_OF_A_TEXT) * sizeof *tokens);
    tiefsee_session_close(s);
}

typedef struct agreement {
    int n, n_clear, n_differ, n_clear_differ;
    double worst; /* largest margin of one that differs */
} agreement;

static agreement compare_choices(tiefsee_model *exact, tiefsee_model *fast, const char *path)
{
    FILE *f = fopen(path, "r");
    static char line[MAX_LINE];
    static choices want, got;
    tiefsee_token tokens[MAX_TOKENS];
    agreement a = {0};
    size_t n;

    while (f && a.n < N_STEPS && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (tiefsee_tokenize(exact, line, strlen(line), true, tokens, MAX_TOKENS, &n, NULL) !=
                TIEFSEE_OK ||
            n < PROMPT)
            continue;
        continue_text(exact, tokens);
        choose_all(exact, tokens, PROMPT + STEPS_OF_A_TEXT, &want);
        choose_all(fast, tokens, PROMPT + STEPS_OF_A_TEXT, &got);
        for (size_t i = PROMPT - 1; i < PROMPT - 1 + STEPS_OF_A_TEXT; i++) {
            const bool differ = want.best[i] != got.best[i], clear = want.margin[i] > CLEAR_MARGIN;
            a.n++;
            a.n_clear += clear;
            a.n_differ += differ;
            a.n_clear_differ += clear && differ;
            a.worst = differ && want.margin[i] > a.worst ? want.margin[i] : a.worst;
        }
    }
    if (f)
        (void)fclose(f);
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
    char texts[1024], questions[1024];
    int n_failed = 0;

    if (argc != 3)
        return 2;
    (void)snprintf(texts, sizeof texts, "%s/heldout.txt", argv[2]);
    (void)snprintf(questions, sizeof questions, "%s/questions.jsonl", argv[2]);
    tiefsee_model *exact = open_model(argv[1], true), *fast = open_model(argv[1], false);

    const double want = perplexity(exact, texts), got = perplexity(fast, texts);
    const double moved = fabs(got / want - 1);
    n_failed += judge(moved < 0.005);
    (void)printf("perplexity %.5f with floats, %.5f with integers: moved by %.3f %%\n", want, got,
                 100 * moved);

    const marks of_exact = examine(exact, questions), of_fast = examine(fast, questions);
    n_failed += judge(of_fast.n > 0 && abs(of_exact.n_right - of_fast.n_right) * 200 < of_fast.n);
    (void)printf("%d of %d questions right with floats, %d with integers\n", of_exact.n_right,
                 of_exact.n, of_fast.n_right);
    n_failed += judge(of_fast.n_arithmetic >= N_QUESTIONS &&
                      of_fast.n_sums_correct * 100 >= 95 * of_fast.n_arithmetic);
    (void)printf("%d of %d two-digit additions and subtractions (95 %% wanted)\n",
                 of_fast.n_sums_correct, of_fast.n_arithmetic);

    const agreement a = compare_choices(exact, fast, texts);
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
