/* test_ollama_request.c - bodies of /api/chat and /api/generate: what is taken, and what
 * is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/compiler.h"
#include "server/api/ollama_request.h"
#include "support/mini_models.h"

static ts_models *models;

static int set_up(void **state)
{
    (void)state;
    models = mini_models_new(64);
    return models == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    ts_models_free(models);
    return 0;
}

static bool take(ts_ollama_request *r, const char *body, bool is_chat, ts_wrong *w)
{
    *w = (ts_wrong){0};
    return ts_ollama_request_read(r, models, ts_str_of(body), is_chat, 7, w);
}

#define MODEL "\"model\":\"mini:latest\","
#define USER  "\"messages\":[{\"role\":\"user\",\"content\":\"2+3=\"}]"

static void takes_every_option(void **state)
{
    ts_ollama_request r;
    ts_wrong w;

    (void)state;
    assert_true(take(&r,
                     "{" MODEL USER
                     ",\"options\":{\"temperature\":0.5,\"top_p\":0,\"top_k\":3,\"min_p\":0.25,"
                     "\"seed\":-1,\"num_predict\":5,\"stop\":[\"a\",\"b\"],\"repeat_penalty\":1.5,"
                     "\"repeat_last_n\":-1,\"num_ctx\":8192,\"num_gpu\":1,\"mirostat\":0},"
                     "\"think\":false,\"keep_alive\":\"5m\",\"truncate\":true,\"logprobs\":true}",
                     true, &w));
    const tiefsee_sampling *s = &r.turn.generate.sampling;
    assert_true(r.turn.is_stream && r.wants_logprobs && r.turn.generate.n_top_logprobs == 1);
    assert_true(s->temperature == 0.5f && s->min_p == 0.25f && s->top_k == 3);
    assert_true(s->top_p > 0 && s->top_p < 0.001f && s->seed == UINT64_MAX);
    assert_true(s->repetition_penalty == 1.5f && s->repetition_window == 1 << 30);
    assert_int_equal(r.turn.generate.max_tokens, 5);
    assert_int_equal(r.turn.generate.n_stop, 2);
    assert_int_equal(r.turn.thinking, TS_THINKING_OFF);
    assert_true(ts_turn_prepare(&r.turn, &w));
    ts_turn_close(&r.turn);
}

static void takes_the_turns_of_a_tool(void **state)
{
    ts_ollama_request r;
    ts_wrong w;

    (void)state;
    assert_true(take(&r,
                     "{" MODEL "\"messages\":[{\"role\":\"user\",\"content\":\"x\"},"
                     "{\"role\":\"assistant\",\"thinking\":\"hm\",\"content\":\"\","
                     "\"tool_calls\":[{\"function\":{\"index\":0,\"name\":\"f\","
                     "\"arguments\":{\"a\":[1,\"b\"]}}}]},"
                     "{\"role\":\"tool\",\"tool_name\":\"f\",\"content\":\"3\"}]}",
                     true, &w));
    const tiefsee_message *m = r.turn.messages;
    assert_int_equal(r.turn.n_messages, 3);
    assert_string_equal(m[1].reasoning, "hm");
    assert_string_equal(m[1].calls[0].arguments, "{\"a\": [1, \"b\"]}");
    assert_null(m[1].calls[0].id);
    assert_true(m[2].role == TIEFSEE_TOOL && !m[2].call_id);
    ts_turn_close(&r.turn);
}

static void takes_prompts_rendered_and_raw(void **state)
{
    ts_ollama_request r;
    ts_wrong w;

    (void)state;
    assert_true(
        take(&r, "{" MODEL "\"prompt\":\"hi\",\"system\":\"s\",\"stream\":false}", false, &w));
    assert_true(!r.turn.is_raw && r.turn.n_messages == 2 && !r.turn.is_stream);
    ts_turn_close(&r.turn);
    assert_true(take(&r, "{" MODEL "\"prompt\":\"hi\",\"raw\":true}", false, &w));
    assert_true(r.turn.is_raw && ts_str_is(r.turn.text, "hi"));
    ts_turn_close(&r.turn);
    assert_true(take(&r, "{" MODEL "\"prompt\":\"\"}", false, &w));
    assert_true(r.is_load);
    ts_turn_close(&r.turn);
}

static const struct {
    const char *body;
    bool is_chat;
    int status;
    const char *says;
} refused[] = {
    {"", true, 400, "no body"},
    {"{}", true, 400, "model is required"},
    {"{\"model\":\"\"}", true, 400, "model is required"},
    {"{\"model\":\"gpt-4\"}", true, 404, "'gpt-4' not found"},
    {"{\"model\":\"mini:7b\"}", true, 404, "not found"},
    {"{" MODEL "\"messages\":{}}", true, 400, "messages: an object"},
    {"{" MODEL "\"messages\":[[]]}", true, 400, "messages[0]: an array"},
    {"{" MODEL "\"messages\":[{\"role\":\"boss\"}]}", true, 400, "boss"},
    {"{" MODEL "\"messages\":[{\"role\":\"user\",\"content\":[]}]}", true, 400, "content is"},
    {"{" MODEL "\"messages\":[{\"role\":\"user\",\"images\":[\"x\"]}]}", true, 400, "images"},
    {"{" MODEL "\"messages\":[{\"role\":\"user\",\"tool_calls\":[{}]}]}", true, 400, "assistant"},
    {"{" MODEL "\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{}]}]}", true, 400, "name"},
    {"{" MODEL USER ",\"options\":[]}", true, 400, "options: an array"},
    {"{" MODEL USER ",\"options\":{\"temperature\":3}}", true, 400, "temperature: 3"},
    {"{" MODEL USER ",\"options\":{\"mirostat\":1}}", true, 400, "mirostat"},
    {"{" MODEL USER ",\"options\":{\"typical_p\":0.5}}", true, 400, "typical_p"},
    {"{" MODEL USER ",\"options\":{\"stop\":[3]}}", true, 400, "stop"},
    {"{" MODEL USER ",\"format\":3}", true, 400, "format"},
    {"{" MODEL USER ",\"format\":\"xml\"}", true, 400, "format"},
    {"{" MODEL USER ",\"think\":\"deep\"}", true, 400, "think"},
    {"{" MODEL USER ",\"tools\":{}}", true, 400, "tools"},
    {"{" MODEL "\"prompt\":\"a\",\"template\":\"b\"}", false, 400, "template"},
    {"{" MODEL "\"prompt\":\"a\",\"context\":[1]}", false, 400, "context"},
    {"{" MODEL "\"prompt\":\"a\",\"images\":[\"b\"]}", false, 400, "images"},
    {"{" MODEL "\"prompt\":\"a\",\"raw\":true,\"system\":\"b\"}", false, 400, "system"},
    {"{" MODEL "\"prompt\":3}", false, 400, "prompt"},
};

static void refuses_by_name(void **state)
{
    ts_ollama_request r;
    ts_wrong w;

    (void)state;
    for (size_t i = 0; i < TS_COUNT(refused); i++) {
        if (take(&r, refused[i].body, refused[i].is_chat, &w))
            fail_msg("taken: %s", refused[i].body);
        ts_turn_close(&r.turn);
        if (w.status != refused[i].status || !strstr(w.message, refused[i].says))
            fail_msg("%s: %d %s", refused[i].body, w.status, w.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_option),
        cmocka_unit_test(takes_the_turns_of_a_tool),
        cmocka_unit_test(takes_prompts_rendered_and_raw),
        cmocka_unit_test(refuses_by_name),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
