/* test_session.c - sessions of the embedded model: feeding, going back,
 * cancelling, generating, and no allocation in the token loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "tiefsee/tiefsee.h"

static tiefsee_model *model;

static int open_model(void **state)
{
    const tiefsee_model_options opt = {.size = sizeof opt, .n_threads = 2};
    tiefsee_error err;

    (void)state;
    return tiefsee_model_open(&model, NULL, &opt, &err) == TIEFSEE_OK ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    tiefsee_model_close(model);
    return 0;
}

static tiefsee_session *open_session(size_t n_ctx)
{
    const tiefsee_session_options opt = {.size = sizeof opt, .n_ctx = n_ctx};
    tiefsee_session *s;

    assert_int_equal(tiefsee_session_open(&s, model, &opt, NULL), TIEFSEE_OK);
    return s;
}

static size_t prompt(tiefsee_token *tokens, size_t cap, const char *text)
{
    const tiefsee_message message = {.role = TIEFSEE_USER, .content = text};
    size_t n;

    assert_int_equal(tiefsee_chat_encode(model, &message, 1, NULL, tokens, cap, &n, NULL),
                     TIEFSEE_OK);
    assert_true(n > 2 && n <= cap);
    return n;
}

static void feeding_too_much_changes_nothing_and_says_both_numbers(void **state)
{
    tiefsee_session *s = open_session(10);
    tiefsee_token tokens[11] = {0};
    tiefsee_error err;

    (void)state;
    assert_int_equal(tiefsee_session_feed(s, tokens, 4, &err), TIEFSEE_OK);
    assert_int_equal(tiefsee_session_feed(s, tokens, 7, &err), TIEFSEE_E_LIMIT);
    assert_string_equal(err.message, "7 tokens do not fit: 4 of the context's 10 are in use");
    assert_int_equal(tiefsee_session_length(s), 4);
    assert_non_null(tiefsee_session_logits(s));
    tokens[1] = -1;
    assert_int_equal(tiefsee_session_feed(s, tokens, 2, &err), TIEFSEE_E_INVALID);
    assert_int_equal(tiefsee_session_length(s), 4);
    tiefsee_session_close(s);
}

static void a_context_of_one_token_holds_one_token(void **state)
{
    const tiefsee_generate_options opt = {.size = sizeof opt, .raw = true, .ignore_eos = true};
    const tiefsee_token tokens[2] = {1, 2};
    tiefsee_session *s = open_session(1);
    tiefsee_generate_result result;
    tiefsee_error err;

    (void)state;
    assert_int_equal(tiefsee_session_feed(s, tokens, 2, &err), TIEFSEE_E_LIMIT);
    assert_int_equal(tiefsee_session_feed(s, tokens, 1, &err), TIEFSEE_OK);
    assert_non_null(tiefsee_session_logits(s));
    assert_int_equal(tiefsee_session_generate(s, &opt, &result, &err), TIEFSEE_OK);
    assert_int_equal(result.finish, TIEFSEE_FINISH_LENGTH);
    assert_int_equal(tiefsee_session_length(s), 1);
    tiefsee_session_close(s);
}

static void a_longer_context_than_the_model_declares_is_refused(void **state)
{
    tiefsee_session_options opt = {.size = sizeof opt, .n_ctx = (size_t)1 << 24};
    tiefsee_session *s;
    tiefsee_error err;

    (void)state;
    assert_int_equal(tiefsee_session_open(&s, model, &opt, &err), TIEFSEE_E_LIMIT);
    assert_null(s);
}

static void going_back_and_on_gives_the_same_logits(void **state)
{
    tiefsee_session *s = open_session(128), *fresh = open_session(128);
    tiefsee_token a[64], b[64];
    size_t n_reused;
    tiefsee_model_info info;

    (void)state;
    tiefsee_model_describe(model, &info);
    const size_t n_a = prompt(a, 64, "12 + 30"), n_b = prompt(b, 64, "12 + 55");
    assert_int_equal(tiefsee_session_feed(s, a, n_a, NULL), TIEFSEE_OK);
    assert_int_equal(tiefsee_session_set(s, b, n_b, &n_reused, NULL), TIEFSEE_OK);
    assert_true(n_reused > 2 && n_reused < n_b);
    assert_int_equal(tiefsee_session_feed(fresh, b, n_b, NULL), TIEFSEE_OK);
    assert_memory_equal(tiefsee_session_logits(s), tiefsee_session_logits(fresh),
                        info.n_vocab * sizeof(float));
    tiefsee_session_rewind(s, n_b - 1);
    assert_null(tiefsee_session_logits(s));
    assert_int_equal(tiefsee_session_set(s, b, n_b, &n_reused, NULL), TIEFSEE_OK);
    assert_int_equal(n_reused, n_b - 1);
    assert_memory_equal(tiefsee_session_logits(s), tiefsee_session_logits(fresh),
                        info.n_vocab * sizeof(float));
    tiefsee_session_close(s);
    tiefsee_session_close(fresh);
}

typedef struct heard {
    char reasoning[512], content[256];
    size_t n_pieces, stop_after;
    tiefsee_session *cancels;
    uint64_t n_calls;
} heard;

static bool on_piece(void *user, const tiefsee_piece *p)
{
    heard *h = user;
    char *to = p->channel == TIEFSEE_REASONING ? h->reasoning : h->content;
    const size_t room = p->channel == TIEFSEE_REASONING ? sizeof h->reasoning : sizeof h->content;

    assert_true(strlen(to) + p->n < room);
    strncat(to, p->text, p->n);
    h->n_pieces++;
    if (h->n_pieces == h->stop_after) {
        if (!h->cancels)
            return false;
        tiefsee_session_cancel(h->cancels);
    }
    return true;
}

static void ask(tiefsee_session *s, const char *question, tiefsee_generate_options *opt,
                tiefsee_generate_result *r)
{
    tiefsee_token tokens[128];
    const size_t n = prompt(tokens, 128, question);

    assert_int_equal(tiefsee_session_set(s, tokens, n, NULL, NULL), TIEFSEE_OK);
    opt->size = sizeof *opt;
    opt->in_reasoning = true;
    opt->on_piece = on_piece;
    assert_int_equal(tiefsee_session_generate(s, opt, r, NULL), TIEFSEE_OK);
}

static void an_answer_comes_in_two_channels(void **state)
{
    tiefsee_session *s = open_session(512);
    heard h = {.n_pieces = 0};
    tiefsee_generate_options opt = {.user = &h};
    tiefsee_generate_result r;

    (void)state;
    ask(s, "12 + 30", &opt, &r);
    assert_int_equal(r.finish, TIEFSEE_FINISH_STOP);
    assert_string_equal(h.content, "12 + 30 = 42");
    assert_true(strlen(h.reasoning) > 10 && !strstr(h.reasoning, "think>"));
    assert_true(r.n_reasoning > 5 && r.n_reasoning < r.n_generated);
    tiefsee_session_close(s);
}

static void a_stop_string_ends_the_answer_before_it(void **state)
{
    const char *const stops[] = {"= 4"};
    tiefsee_session *s = open_session(512);
    heard h = {.n_pieces = 0};
    tiefsee_generate_options opt = {.user = &h, .stop = stops, .n_stop = 1};
    tiefsee_generate_result r;

    (void)state;
    ask(s, "12 + 30", &opt, &r);
    assert_int_equal(r.finish, TIEFSEE_FINISH_STOP);
    assert_int_equal(r.stop_index, 0);
    assert_string_equal(h.content, "12 + 30 ");
    tiefsee_session_close(s);
}

static void max_tokens_and_a_full_context_end_it_by_length(void **state)
{
    tiefsee_session *s = open_session(512);
    heard h = {.n_pieces = 0};
    tiefsee_generate_options opt = {.user = &h, .max_tokens = 5};
    tiefsee_generate_result r;

    (void)state;
    ask(s, "12 + 30", &opt, &r);
    assert_int_equal(r.finish, TIEFSEE_FINISH_LENGTH);
    assert_int_equal(r.n_generated, 5);
    assert_int_equal(h.n_pieces, 5);
    const size_t n_ctx = tiefsee_session_length(s);
    tiefsee_session_close(s);
    s = open_session(n_ctx);
    h = (heard){.n_pieces = 0};
    opt.max_tokens = 0;
    ask(s, "12 + 30", &opt, &r);
    assert_int_equal(r.finish, TIEFSEE_FINISH_LENGTH);
    assert_int_equal(r.n_generated, 5);
    tiefsee_session_close(s);
}

static void cancelling_takes_one_step(void **state)
{
    tiefsee_session *s = open_session(512);
    heard h = {.stop_after = 4, .cancels = s};
    tiefsee_generate_options opt = {.user = &h};
    tiefsee_generate_result r;

    (void)state;
    ask(s, "12 + 30", &opt, &r);
    assert_int_equal(r.finish, TIEFSEE_FINISH_CANCELLED);
    assert_int_equal(r.n_generated, 4);
    h = (heard){.stop_after = 2};
    ask(s, "12 + 30", &opt, &r); /* the mark is gone; the callback says no */
    assert_int_equal(r.finish, TIEFSEE_FINISH_CANCELLED);
    assert_int_equal(r.n_generated, 2);
    tiefsee_session_close(s);
}

static void cancel_while_feeding(void *user, size_t done, size_t total)
{
    (void)done;
    (void)total;
    tiefsee_session_cancel(user);
}

static void a_cancelled_feed_leaves_the_context_as_it_was(void **state)
{
    static tiefsee_token tokens[1000];
    tiefsee_session *s = open_session(1024);
    tiefsee_error err;

    (void)state;
    assert_int_equal(tiefsee_session_feed(s, tokens, 3, NULL), TIEFSEE_OK);
    tiefsee_session_on_progress(s, cancel_while_feeding, s);
    assert_int_equal(tiefsee_session_feed(s, tokens, 1000, &err), TIEFSEE_E_CANCELLED);
    assert_int_equal(tiefsee_session_length(s), 3);
    tiefsee_session_close(s);
}

static void generating_allocates_nothing(void **state)
{
    tiefsee_session *s = open_session(512);
    heard h = {.n_pieces = 0};
    tiefsee_generate_options opt = {
        .size = sizeof opt,
        .user = &h,
        .max_tokens = 64,
        .ignore_eos = true,
        .raw = true,
        .n_top_logprobs = 5,
        .sampling = {.temperature = 1, .top_p = 0.9f, .presence_penalty = 1}};
    tiefsee_token tokens[64];
    const size_t n = prompt(tokens, 64, "12 + 30");

    (void)state;
    assert_int_equal(tiefsee_session_feed(s, tokens, n, NULL), TIEFSEE_OK);
    ts_alloc_reset(0);
    assert_int_equal(tiefsee_session_generate(s, &opt, NULL, NULL), TIEFSEE_OK);
    assert_int_equal(ts_alloc_count(), 0);
    assert_int_equal(tiefsee_session_length(s), n + 64);
    tiefsee_session_close(s);
}

static void every_failing_allocation_of_open_is_reported(void **state)
{
    const tiefsee_model_options opt = {.size = sizeof opt, .n_threads = 1};
    tiefsee_error err;

    (void)state;
    for (uint64_t i = 1;; i++) {
        tiefsee_model *m = NULL;
        tiefsee_session *s = NULL;
        ts_alloc_reset(i);
        tiefsee_status st = tiefsee_model_open(&m, NULL, &opt, &err);
        if (st == TIEFSEE_OK)
            st = tiefsee_session_open(&s, m, NULL, &err);
        const bool was_reached = ts_alloc_count() >= i;
        tiefsee_session_close(s);
        tiefsee_model_close(m);
        if (!was_reached) {
            assert_int_equal(st, TIEFSEE_OK);
            break;
        }
        assert_int_equal(st, TIEFSEE_E_NOMEM);
        i += i / 20; /* every one of the first, then ever fewer */
    }
    ts_alloc_reset(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feeding_too_much_changes_nothing_and_says_both_numbers),
        cmocka_unit_test(a_context_of_one_token_holds_one_token),
        cmocka_unit_test(a_longer_context_than_the_model_declares_is_refused),
        cmocka_unit_test(going_back_and_on_gives_the_same_logits),
        cmocka_unit_test(an_answer_comes_in_two_channels),
        cmocka_unit_test(a_stop_string_ends_the_answer_before_it),
        cmocka_unit_test(max_tokens_and_a_full_context_end_it_by_length),
        cmocka_unit_test(cancelling_takes_one_step),
        cmocka_unit_test(a_cancelled_feed_leaves_the_context_as_it_was),
        cmocka_unit_test(generating_allocates_nothing),
        cmocka_unit_test(every_failing_allocation_of_open_is_reported),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
