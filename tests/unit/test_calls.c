/* test_calls.c - whatever tokens are chosen under the constraint of tool calls, the
 * calls parse and keep their schemas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/rng.h"
#include "engine/calls.h"

enum { MAX_STEPS = 3000, MAX_CALLS = 40 };

static tiefsee_model *model;
static ts_grammar_vocab *vocab;

static int set_up(void **state)
{
    (void)state;
    if (tiefsee_model_open(&model, NULL, NULL, NULL) != TIEFSEE_OK)
        return 1;
    return ts_grammar_vocab_new(&vocab, model->bpe, model->net->config.n_vocab, NULL) != TIEFSEE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    ts_grammar_vocab_free(vocab);
    tiefsee_model_close(model);
    return 0;
}

static const char weather[] =
    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"maxLength\":8},\"days\":"
    "{\"enum\":[1,2,3]}},\"required\":[\"city\"],\"additionalProperties\":false}";
static const char empty[] = "{\"type\":\"object\",\"additionalProperties\":false}";
static const ts_calls_tool tools[] = {
    {.name = "get_weather", .schema = {weather, sizeof weather - 1}, .is_strict = true},
    {.name = "get", .schema = {empty, sizeof empty - 1}, .is_strict = true},
    {.name = "get_any"},
};

typedef struct walk {
    ts_constraint c;
    uint64_t *mask;
    ts_rng rng;
    ts_call_parser parser;
    size_t n_calls, n_complete;
    char name[TS_CALL_NAME_MAX + 1];
    ts_buf arguments, text;
    bool has_ended;
} walk;

static void on_begin(void *user, const char *name)
{
    walk *w = user;

    w->n_calls++;
    ts_buf_clear(&w->arguments);
    (void)snprintf(w->name, sizeof w->name, "%s", name);
}

static void on_arguments(void *user, const char *text, size_t n)
{
    assert_true(ts_buf_append(&((walk *)user)->arguments, text, n));
}

static void check_weather(const json_t *a)
{
    const json_t *days = json_object_get(a, "days");

    assert_true(json_is_string(json_object_get(a, "city")));
    assert_true(!days || (json_integer_value(days) >= 1 && json_integer_value(days) <= 3));
    assert_int_equal(json_object_size(a), days ? 2 : 1);
}

static void on_end(void *user)
{
    walk *w = user;
    json_t *a = json_loadb(w->arguments.ptr, w->arguments.len, JSON_ALLOW_NUL, NULL);

    if (!json_is_object(a))
        fail_msg("no object: %s", w->arguments.ptr);
    if (strcmp(w->name, "get_weather") == 0)
        check_weather(a);
    else if (strcmp(w->name, "get") == 0)
        assert_int_equal(json_object_size(a), 0);
    else
        assert_string_equal(w->name, "get_any");
    json_decref(a);
    w->n_complete++;
}

static const ts_call_events events = {on_begin, on_arguments, on_end};

static bool has(const walk *w, int32_t token)
{
    return (w->mask[token / 64] >> (token % 64)) & 1;
}

/* Any allowed token; those that bring the end nearer come more often. */
static int32_t choose(walk *w)
{
    static const char *const ends[] = {TS_CALL_BEGIN, "\n", TS_CALL_END, TS_CALLS_END, "\"", "}"};
    const size_t n_vocab = model->net->config.n_vocab;

    for (size_t i = 0; i < TS_COUNT(ends); i++) {
        const int32_t t = ts_bpe_find(model->bpe, ends[i]);
        if (t >= 0 && has(w, t) && ts_rng_below(&w->rng, 3) == 0)
            return t;
    }
    const size_t start = ts_rng_below(&w->rng, n_vocab);
    for (size_t i = 0; i < n_vocab; i++)
        if (has(w, (int32_t)((start + i) % n_vocab)))
            return (int32_t)((start + i) % n_vocab);
    return -1;
}

static void run(walk *w, uint64_t seed, ts_call_style style, const ts_calls_spec *spec)
{
    size_t failed;
    bool may_end = false;

    *w = (walk){.parser = {.style = style},
                .arguments = ts_buf_make(1 << 20),
                .text = ts_buf_make(1 << 20)};
    ts_rng_seed(&w->rng, seed);
    w->mask = calloc(model->net->config.n_vocab / 64 + 1, sizeof *w->mask);
    model->encoding = style == TS_CALLS_PLAIN ? TS_ENCODING_V31 : TS_ENCODING_V3;
    assert_int_equal(ts_calls_new(&w->c, model, vocab, spec, &failed, NULL), TIEFSEE_OK);
    for (int i = 0; i < MAX_STEPS && w->n_calls < MAX_CALLS; i++) {
        w->c.mask(w->c.ctx, w->mask, &may_end);
        const int32_t t = choose(w);
        if (t < 0)
            break;
        if (!w->c.accept(w->c.ctx, t))
            fail_msg("token %d was offered and not taken", t);
        const ts_str bytes = ts_bpe_bytes(model->bpe, t);
        assert_true(ts_buf_append(&w->text, bytes.ptr, bytes.len));
        if (w->text.len > bytes.len || t != ts_bpe_find(model->bpe, TS_CALLS_BEGIN))
            ts_call_parser_feed(&w->parser, bytes.ptr, bytes.len, &events, w);
    }
    w->has_ended = may_end;
    w->c.free(w->c.ctx);
    free(w->mask);
}

static void drop(walk *w)
{
    ts_buf_free(&w->arguments);
    ts_buf_free(&w->text);
}

static void every_choice_of_tokens_gives_calls_that_parse(void **state)
{
    const ts_calls_spec spec = {.tools = tools, .n_tools = 3, .must_call = true};

    (void)state;
    for (int style = TS_CALLS_FENCED; style <= TS_CALLS_PLAIN; style++) {
        size_t n = 0, n_ended = 0;
        for (uint64_t seed = 0; seed < 60; seed++) {
            walk w;
            run(&w, seed, (ts_call_style)style, &spec);
            assert_true(w.n_calls >= 1);
            n += w.n_complete;
            n_ended += w.has_ended;
            drop(&w);
        }
        if (n <= 75 || n_ended <= 40)
            fail_msg("%zu calls, %zu whole answers", n, n_ended);
    }
}

static void one_call_is_one(void **state)
{
    const ts_calls_spec spec = {
        .tools = tools + 1, .n_tools = 1, .must_call = true, .one_call = true};

    (void)state;
    for (int style = TS_CALLS_FENCED; style <= TS_CALLS_PLAIN; style++)
        for (uint64_t seed = 0; seed < 8; seed++) {
            walk w;
            run(&w, seed, (ts_call_style)style, &spec);
            assert_true(w.n_complete == 1 && w.has_ended);
            assert_string_equal(w.name, "get");
            drop(&w);
        }
}

static bool allows(ts_constraint *c, uint64_t *mask, const char *token, bool *may_end)
{
    const int32_t t = ts_bpe_find(model->bpe, token);

    c->mask(c->ctx, mask, may_end);
    return (mask[t / 64] >> (t % 64)) & 1;
}

static bool take(ts_constraint *c, const char *text)
{
    ts_tokens ids = {.max = 256};
    bool is_good = ts_bpe_encode(model->bpe, text, strlen(text), false, &ids, NULL) == TIEFSEE_OK;

    for (size_t i = 0; i < ids.n && is_good; i++)
        is_good = c->accept(c->ctx, ids.ids[i]);
    ts_tokens_free(&ids);
    return is_good;
}

static void content_is_free_until_the_marker_comes_also_in_letters(void **state)
{
    const ts_calls_spec spec = {.tools = tools, .n_tools = 3};
    uint64_t *mask = calloc(model->net->config.n_vocab / 64 + 1, sizeof *mask);
    ts_constraint c;
    size_t failed;
    bool may_end;

    (void)state;
    model->encoding = TS_ENCODING_V31;
    assert_int_equal(ts_calls_new(&c, model, vocab, &spec, &failed, NULL), TIEFSEE_OK);
    assert_true(allows(&c, mask, TS_CALLS_BEGIN, &may_end) && may_end);
    assert_false(allows(&c, mask, TS_CALL_BEGIN, &may_end));
    assert_true(take(&c, "well <<｜tool▁calls▁begin "));
    assert_true(allows(&c, mask, TS_CALLS_BEGIN, &may_end) && may_end);
    assert_true(take(&c, TS_CALLS_BEGIN)); /* as letters: special tokens are not parsed */
    assert_true(allows(&c, mask, TS_CALL_BEGIN, &may_end) && !may_end);
    assert_false(allows(&c, mask, TS_CALLS_BEGIN, &may_end));
    c.free(c.ctx);
    free(mask);
}

static void a_schema_that_cannot_be_kept_fails_only_a_strict_tool(void **state)
{
    static const char odd[] =
        "{\"type\":\"object\",\"contains\":{\"if\":1}, \"$dynamicRef\":\"#x\"}";
    ts_calls_tool list[] = {{.name = "f"}, {.name = "g", .schema = {odd, sizeof odd - 1}}};
    const ts_calls_spec spec = {.tools = list, .n_tools = 2};

    (void)state;
    for (int style = TS_CALLS_FENCED; style <= TS_CALLS_PLAIN; style++) {
        tiefsee_error err = {0};
        ts_constraint c;
        size_t failed = 9;

        model->encoding = style == TS_CALLS_PLAIN ? TS_ENCODING_V31 : TS_ENCODING_V3;
        list[1].is_strict = true;
        assert_int_not_equal(ts_calls_new(&c, model, vocab, &spec, &failed, &err), TIEFSEE_OK);
        assert_int_equal(failed, 1);
        assert_true(err.message[0] != '\0');
        list[1].is_strict = false;
        assert_int_equal(ts_calls_new(&c, model, vocab, &spec, &failed, &err), TIEFSEE_OK);
        c.free(c.ctx);
    }
}

/* 16 ms each on a Zen 3 core. */
static void many_hard_schemas_do_not_hold_a_thread(void **state)
{
    static const char hard[] = "{\"type\":\"object\",\"properties\":{\"p\":{\"not\":{\"type\":"
                               "\"string\",\"pattern\":\"^.*a.{9}$\"}}}}";
    static ts_calls_tool list[1024];
    static char names[1024][8];
    const ts_calls_spec spec = {.tools = list, .n_tools = TS_COUNT(list)};
    const double start = ts_clock_thread_seconds();
    tiefsee_error err = {0};
    ts_constraint c;
    size_t failed;

    (void)state;
    for (size_t i = 0; i < TS_COUNT(list); i++) {
        (void)snprintf(names[i], sizeof names[i], "f%zu", i);
        list[i] = (ts_calls_tool){.name = names[i], .schema = {hard, sizeof hard - 1}};
    }
    model->encoding = TS_ENCODING_V31;
    assert_int_equal(ts_calls_new(&c, model, vocab, &spec, &failed, &err), TIEFSEE_E_LIMIT);
    assert_non_null(strstr(err.message, "more than 2 s"));
    assert_true(ts_clock_thread_seconds() - start < 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_choice_of_tokens_gives_calls_that_parse),
        cmocka_unit_test(one_call_is_one),
        cmocka_unit_test(content_is_free_until_the_marker_comes_also_in_letters),
        cmocka_unit_test(a_schema_that_cannot_be_kept_fails_only_a_strict_tool),
        cmocka_unit_test(many_hard_schemas_do_not_hold_a_thread),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
