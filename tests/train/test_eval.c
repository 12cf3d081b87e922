/* test_eval.c - scores depend on the model and the problems, never on who answers beside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "core/file.h"
#include "support/scratch.h"
#include "train/eval.h"

static tiefsee_model *model;

static int open_model(void **state)
{
    tiefsee_error err = {0};

    (void)state;
    if (tiefsee_model_open(&model, NULL, NULL, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    tiefsee_model_close(model);
    return 0;
}

/* What the answers were, without their order. */
typedef struct tally {
    uint64_t n, n_bytes, sum;
    uint64_t stop_at; /* 0: never */
} tally;

static bool on_progress(void *user, const ts_eval_score *now, uint64_t total)
{
    const tally *t = user;

    assert_true(now->n <= total);
    return t->stop_at == 0 || now->n < t->stop_at;
}

static void on_answer(void *user, const ts_eval_answer *a)
{
    tally *t = user;

    t->n++;
    t->n_bytes += a->text.len;
    for (size_t i = 0; i < a->text.len; i++)
        t->sum += (uint64_t)(i + 1) * (unsigned char)a->text.ptr[i];
}

static ts_eval_options few(size_t n_together)
{
    return (ts_eval_options){.seed = 3,
                             .n = 20,
                             .lang = TS_LANG_EN,
                             .level = 1,
                             .split = TS_SPLIT_TEST,
                             .top_p = 1,
                             .temperature = 0.7,
                             .max_tokens = 60,
                             .n_ctx = 256,
                             .n_together = n_together};
}

static void scores_do_not_depend_on_how_many_answer_together(void **state)
{
    ts_eval_score first = {0};
    tally told = {0};

    (void)state;
    for (size_t n_together = 1; n_together <= 16; n_together *= 4) {
        const ts_eval_options o = few(n_together);
        tally t = {0};
        const ts_eval_events events = {on_progress, on_answer, &t};
        tiefsee_error err = {0};
        ts_eval_score s;
        ts_eval *e;

        assert_int_equal(ts_eval_open(&e, model, &o, &err), TIEFSEE_OK);
        if (ts_eval_family(e, ts_family_find("addition"), &events, &s, &err) != TIEFSEE_OK)
            fail_msg("%s", err.message);
        ts_eval_close(e);
        assert_int_equal(s.n, 20);
        assert_int_equal(t.n, 20);
        if (n_together == 1) {
            first = s;
            told = t;
        }
        assert_int_equal(s.n_correct, first.n_correct);
        assert_int_equal(s.n_tokens, first.n_tokens);
        assert_int_equal(t.n_bytes, told.n_bytes);
        assert_int_equal(t.sum, told.sum);
    }
    assert_true(first.n_tokens > 20);
}

static void stopping_keeps_what_was_judged(void **state)
{
    ts_eval_options o = few(4);
    tally t = {.stop_at = 3};
    const ts_eval_events events = {on_progress, on_answer, &t};
    tiefsee_error err = {0};
    ts_eval_score s;
    ts_eval *e;

    (void)state;
    o.n = 10000;
    assert_int_equal(ts_eval_open(&e, model, &o, &err), TIEFSEE_OK);
    assert_int_equal(ts_eval_family(e, ts_family_find("addition"), &events, &s, &err),
                     TIEFSEE_E_CANCELLED);
    assert_in_range(s.n, 3, 20);
    t.stop_at = 5; /* and it can be used again */
    assert_int_equal(ts_eval_family(e, ts_family_find("addition"), &events, &s, &err),
                     TIEFSEE_E_CANCELLED);
    assert_in_range(s.n, 5, 20);
    ts_eval_close(e);
}

static void lines_of_a_file_are_asked_and_bad_ones_named(void **state)
{
    static const char text[] = "{\"question\": \"12+30\", \"answer\": \"that is #### 42\"}\n"
                               "\n"
                               "{\"question\": \"no answer\"}\n";
    ts_eval_options o = few(2);
    tally t = {0};
    const ts_eval_events events = {on_progress, NULL, &t};
    tiefsee_error err = {0};
    ts_eval_score s;
    scratch folder;
    ts_eval *e;

    (void)state;
    scratch_make(&folder);
    const char *path = scratch_path(&folder, "lines.jsonl");
    assert_int_equal(ts_file_write(path, text, strlen(text), &err), TIEFSEE_OK);
    assert_int_equal(ts_eval_open(&e, model, &o, &err), TIEFSEE_OK);
    assert_int_equal(ts_eval_lines(e, path, &events, &s, &err), TIEFSEE_E_FORMAT);
    assert_non_null(strstr(err.message, "line 3: no \"answer\" with #### and a number"));
    ts_eval_close(e);
    o.skips_bad = true;
    assert_int_equal(ts_eval_open(&e, model, &o, &err), TIEFSEE_OK);
    assert_int_equal(ts_eval_lines(e, path, &events, &s, &err), TIEFSEE_OK);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.n_bad, 1);
    ts_eval_close(e);
    scratch_remove(&folder);
}

typedef struct rows {
    const tiefsee_token *tokens;
    size_t n, n_vocab;
    double nll;
} rows;

static void add_row(void *user, size_t i, const float *row)
{
    rows *r = user;
    double sum = 0;

    if (i + 1 >= r->n)
        return;
    for (size_t k = 0; k < r->n_vocab; k++)
        sum += exp((double)row[k]);
    r->nll += log(sum) - (double)row[r->tokens[i + 1]];
}

static bool go_on(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    return done <= total;
}

static void perplexity_is_that_of_the_logits(void **state)
{
    static const char text[] = "12+30. Ones: 2+0=2, write 2, carry 0. Tens: 1+3=4. So 42.";
    tiefsee_token tokens[256];
    tiefsee_session *session;
    tiefsee_model_info info;
    tiefsee_error err = {0};
    ts_eval_text whole, windows;
    scratch folder;
    size_t n;

    (void)state;
    scratch_make(&folder);
    const char *path = scratch_path(&folder, "text.txt");
    assert_int_equal(ts_file_write(path, text, strlen(text), &err), TIEFSEE_OK);
    assert_int_equal(ts_eval_perplexity(model, path, 256, go_on, NULL, &whole, &err), TIEFSEE_OK);
    assert_int_equal(ts_eval_perplexity(model, path, 16, go_on, NULL, &windows, &err), TIEFSEE_OK);
    assert_int_equal(whole.n_tokens, windows.n_tokens); /* each token once */

    tiefsee_model_describe(model, &info);
    tokens[0] = tiefsee_token_bos(model);
    assert_int_equal(tiefsee_tokenize(model, text, strlen(text), false, tokens + 1, 255, &n, &err),
                     TIEFSEE_OK);
    rows r = {.tokens = tokens, .n = n + 1, .n_vocab = info.n_vocab};
    const tiefsee_session_options opt = {.size = sizeof opt, .n_ctx = 256};
    assert_int_equal(tiefsee_session_open(&session, model, &opt, &err), TIEFSEE_OK);
    assert_int_equal(tiefsee_session_feed_all(session, tokens, n + 1, add_row, &r, &err),
                     TIEFSEE_OK);
    tiefsee_session_close(session);
    assert_int_equal(whole.n_tokens, n);
    assert_true(fabs(whole.nll - r.nll / (double)n) < 1e-4);
    scratch_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_do_not_depend_on_how_many_answer_together),
        cmocka_unit_test(stopping_keeps_what_was_judged),
        cmocka_unit_test(lines_of_a_file_are_asked_and_bad_ones_named),
        cmocka_unit_test(perplexity_is_that_of_the_logits),
    };

    return cmocka_run_group_tests(tests, open_model, close_model);
}
