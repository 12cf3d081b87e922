/* test_openai_request.c - bodies of chat and completion requests: what is taken, and
 * what is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/compiler.h"
#include "server/api/openai_request.h"
#include "support/mini_models.h"

static ts_models *models;

static int set_up(void **state)
{
    (void)state;
    models = mini_models_new(1024);
    return models == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    ts_models_free(models);
    return 0;
}

static bool take(ts_openai_request *r, const char *body, bool is_chat, ts_wrong *w)
{
    *w = (ts_wrong){0};
    if (!ts_openai_request_read(r, models, ts_str_of(body), is_chat, 7, w))
        return false;
    if (ts_turn_prepare(&r->turn, w))
        return true;
    ts_turn_close(&r->turn);
    return false;
}

#define MODEL "\"model\":\"mini\","
#define USER  "\"messages\":[{\"role\":\"user\",\"content\":\"2+3=\"}]"

static void takes_every_field_of_a_chat(void **state)
{
    ts_openai_request r;
    ts_wrong w;

    (void)state;
    assert_true(take(&r,
                     "{" MODEL USER
                     ",\"temperature\":0.5,\"top_p\":0,\"top_k\":3,\"min_p\":0.25,\"seed\":-1,"
                     "\"max_completion_tokens\":5,\"stop\":[\"a\",\"b\"],\"presence_penalty\":1,"
                     "\"frequency_penalty\":-1,\"logit_bias\":{\"7\":-100},\"logprobs\":true,"
                     "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"n\":1,"
                     "\"user\":null,\"user_id\":\"u\",\"metadata\":{\"x\":1},\"tools\":[]}",
                     true, &w));
    assert_true(r.turn.is_stream && r.wants_usage && r.wants_logprobs);
    assert_true(r.n_top == 0 && r.turn.generate.n_top_logprobs == 1);
    assert_true(r.turn.generate.sampling.temperature == 0.5f &&
                r.turn.generate.sampling.min_p == 0.25f);
    assert_true(r.turn.generate.sampling.top_p > 0 && r.turn.generate.sampling.top_p < 0.001f);
    assert_true(r.turn.generate.sampling.seed == UINT64_MAX && r.turn.generate.sampling.top_k == 3);
    assert_int_equal(r.turn.generate.max_tokens, 5);
    assert_int_equal(r.turn.generate.n_stop, 2);
    assert_string_equal(r.turn.generate.stop[1], "b");
    assert_int_equal(r.turn.generate.sampling.n_bias, 2); /* and the marker of tool calls */
    assert_true(r.turn.generate.sampling.bias[0].token == 7);
    assert_true(r.turn.generate.sampling.bias[1].bias == -100);
    assert_string_equal(r.turn.user_id, "u");
    assert_true(r.turn.n_prompt > 0);
    ts_turn_close(&r.turn);
}

static void takes_what_the_makers_recommend_where_nothing_is_said(void **state)
{
    ts_openai_request r;
    tiefsee_sampling s;
    ts_wrong w;

    (void)state;
    assert_true(take(&r, "{" MODEL USER "}", true, &w));
    tiefsee_model_sampling(r.turn.model->model, &s);
    assert_true(r.turn.generate.sampling.temperature == s.temperature);
    assert_true(r.turn.generate.sampling.top_p == s.top_p);
    assert_true(r.turn.generate.sampling.seed == 7 && r.turn.generate.max_tokens == 0);
    ts_turn_close(&r.turn);
}

static void takes_parts_of_text_and_all_roles_of_a_talk(void **state)
{
    ts_openai_request parts, whole;
    ts_wrong w;

    (void)state;
    assert_true(take(&parts,
                     "{" MODEL "\"messages\":[{\"role\":\"developer\",\"content\":\"be short\"},"
                     "{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\","
                     "\"content\":\"yes\",\"reasoning_content\":null},{\"role\":\"user\","
                     "\"content\":[{\"type\":\"text\",\"text\":\"2+\"},{\"type\":\"text\","
                     "\"text\":\"3=\"}]}]}",
                     true, &w));
    assert_true(take(&whole,
                     "{" MODEL "\"messages\":[{\"role\":\"system\",\"content\":\"be short\"},"
                     "{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\","
                     "\"content\":\"yes\"},{\"role\":\"user\",\"content\":\"2+3=\"}]}",
                     true, &w));
    assert_int_equal(parts.turn.n_prompt, whole.turn.n_prompt);
    assert_memory_equal(parts.turn.prompt, whole.turn.prompt,
                        parts.turn.n_prompt * sizeof *parts.turn.prompt);
    ts_turn_close(&parts.turn);
    ts_turn_close(&whole.turn);
}

static void takes_raw_prompts_as_text_and_as_tokens(void **state)
{
    ts_openai_request r;
    ts_wrong w;

    (void)state;
    assert_true(take(&r, "{" MODEL "\"prompt\":[1,2,3]}", false, &w));
    assert_true(r.turn.n_prompt == 3 && r.turn.prompt[2] == 3 && r.turn.generate.raw);
    ts_turn_close(&r.turn);
    assert_true(take(&r, "{" MODEL "\"prompt\":[\"2+3=\"]}", false, &w));
    assert_true(r.turn.n_prompt > 1);
    ts_turn_close(&r.turn);
}

static void knows_the_names_that_models_once_had(void **state)
{
    (void)state;
    assert_ptr_equal(ts_turn_find_model(models, "deepseek-chat"), ts_models_at(models, 0));
    assert_null(ts_turn_find_model(models, "gpt-4"));
}

/* param NULL: none. */
static const struct {
    const char *body;
    bool is_chat;
    int status;
    const char *param, *says;
} refused[] = {
    {"", true, 400, "", "no body"},
    {"[]", true, 400, "", "not an object"},
    {"{\"a\":1,\"a\":2}", true, 400, "", "duplicate"},
    {"{\"a\":\"\xff\"}", true, 400, "", "decode"},
    {"{\"a\":\"\\u0000\"}", true, 400, "", "JSON"},
    {"{" USER "}", true, 400, "model", "a string expected"},
    {"{\"model\":3," USER "}", true, 400, "model", "an integer"},
    {"{\"model\":\"gpt-4\"," USER "}", true, 404, "model", "gpt-4"},
    {"{" MODEL "\"messages\":[]}", true, 400, "messages", "0 messages"},
    {"{" MODEL "\"messages\":\"x\"}", true, 400, "messages", "a string"},
    {"{" MODEL "\"messages\":[3]}", true, 400, "messages[0]", "an integer"},
    {"{" MODEL "\"messages\":[{\"role\":\"user\"}]}", true, 400, "messages[0]", "content"},
    {"{" MODEL "\"messages\":[{\"role\":\"boss\",\"content\":\"x\"}]}", true, 400, "messages[0]",
     "boss"},
    {"{" MODEL "\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", true, 400, "messages",
     "no tool call stands before it"},
    {"{" MODEL "\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\"}]}]}", true,
     400, "messages[0]", "a function with a name"},
    {"{" MODEL "\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"tool_calls\":[{}]}]}", true,
     400, "messages[0]", "only an assistant's"},
    {"{" MODEL USER ",\"tools\":[{\"function\":{\"name\":\"f\",\"strict\":true,\"parameters\":{"
     "\"properties\":{\"x\":{\"contains\":{\"if\":1}}}}}}]}",
     true, 400, "tools", "'f'"},
    {"{" MODEL "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", true,
     400, "messages[0]", "image_url"},
    {"{" MODEL "\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]}", true, 400,
     "messages[0]", "last"},
    {"{" MODEL USER ",\"temperature\":2.5}", true, 400, "temperature", "2.5 (0 to 2"},
    {"{" MODEL USER ",\"temperature\":\"1\"}", true, 400, "temperature", "a string"},
    {"{" MODEL USER ",\"top_p\":-0.1}", true, 400, "top_p", "0 to 1"},
    {"{" MODEL USER ",\"max_tokens\":0}", true, 400, "max_tokens", "1 to"},
    {"{" MODEL USER ",\"max_tokens\":1.5}", true, 400, "max_tokens", "fraction"},
    {"{" MODEL USER ",\"max_tokens\":1,\"max_completion_tokens\":2}", true, 400,
     "max_completion_tokens", "another"},
    {"{" MODEL USER ",\"n\":2}", true, 400, "n", "only 1"},
    {"{" MODEL USER ",\"stream\":1}", true, 400, "stream", "true or false"},
    {"{" MODEL USER ",\"stream_options\":{}}", true, 400, "stream_options", "stream"},
    {"{" MODEL USER ",\"stop\":[1]}", true, 400, "stop", "entry 0"},
    {"{" MODEL USER ",\"stop\":\"\"}", true, 400, "stop", "0 bytes"},
    {"{" MODEL USER ",\"top_logprobs\":3}", true, 400, "top_logprobs", "logprobs"},
    {"{" MODEL USER ",\"logprobs\":true,\"top_logprobs\":21}", true, 400, "top_logprobs", "20"},
    {"{" MODEL USER ",\"logit_bias\":{\"x\":1}}", true, 400, "logit_bias", "'x'"},
    {"{" MODEL USER ",\"logit_bias\":{\"1\":101}}", true, 400, "logit_bias", "100"},
    {"{" MODEL USER ",\"tools\":[{}]}", true, 400, "tools[0]", "function"},
    {"{" MODEL USER ",\"tools\":[{\"type\":\"web\"}]}", true, 400, "tools[0]", "'web'"},
    {"{" MODEL USER ",\"tools\":[{\"function\":{\"name\":\"a b\"}}]}", true, 400, "tools[0]",
     "'a b'"},
    {"{" MODEL USER ",\"tools\":[{\"function\":{\"name\":\"a\"}},{\"function\":{\"name\":"
     "\"a\"}}]}",
     true, 400, "tools[1]", "twice"},
    {"{" MODEL USER ",\"tools\":[{\"function\":{\"name\":\"a\",\"parameters\":[]}}]}", true, 400,
     "tools[0]", "parameters"},
    {"{" MODEL USER ",\"tool_choice\":\"required\"}", true, 400, "tool_choice", "needs tools"},
    {"{" MODEL USER ",\"tool_choice\":\"some\"}", true, 400, "tool_choice", "'auto'"},
    {"{" MODEL USER ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"x\"}}}", true,
     400, "tool_choice", "'x'"},
    {"{" MODEL USER
     ",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":\"auto\","
     "\"tools\":[{\"function\":{\"name\":\"x\"}}]}}}",
     true, 400, "tool_choice", "entry 0"},
    {"{" MODEL USER ",\"tools\":[{\"function\":{\"name\":\"x\"}}],\"tool_choice\":{\"type\":"
     "\"allowed_tools\",\"allowed_tools\":{\"mode\":\"auto\",\"tools\":["
     "{\"function\":{\"name\":\"x\"}},{\"function\":{\"name\":\"x\"}}]}}}",
     true, 400, "tool_choice", "entry 1"},
    {"{" MODEL USER ",\"tool_choice\":{\"type\":\"allowed_tools\"}}", true, 400, "tool_choice",
     "mode"},
    {"{" MODEL USER ",\"functions\":[{}]}", true, 400, "functions", "tools"},
    {"{" MODEL USER ",\"thinking\":{\"type\":\"on\"}}", true, 400, "thinking", "enabled"},
    {"{" MODEL USER ",\"reasoning_effort\":\"much\"}", true, 400, "reasoning_effort", "much"},
    {"{" MODEL USER ",\"response_format\":{\"type\":\"xml\"}}", true, 400, "response_format",
     "xml"},
    {"{" MODEL USER ",\"response_format\":{\"type\":\"json_schema\"}}", true, 400,
     "response_format", "json_schema"},
    {"{" MODEL "\"prompt\":[]}", false, 400, "prompt", "empty"},
    {"{" MODEL "\"prompt\":[-1]}", false, 400, "prompt", "entry 0"},
    {"{" MODEL "\"prompt\":[1,\"a\"]}", false, 400, "prompt", "entry 1"},
    {"{" MODEL "\"prompt\":3}", false, 400, "prompt", "an integer"},
    {"{" MODEL "\"prompt\":\"a\",\"suffix\":\"b\"}", false, 400, "suffix",
     "lacks '<｜fim▁begin｜>'"},
    {"{" MODEL "\"prompt\":[1],\"suffix\":\"b\"}", false, 400, "suffix", "token ids"},
    {"{" MODEL USER ",\"title\":true}", true, 400, "title", "enabled"},
    {"{" MODEL "\"prompt\":\"a\",\"echo\":true}", false, 400, "echo", "not supported"},
};

static void refuses_by_name(void **state)
{
    ts_openai_request r;
    ts_wrong w;

    (void)state;
    for (size_t i = 0; i < TS_COUNT(refused); i++) {
        if (take(&r, refused[i].body, refused[i].is_chat, &w))
            fail_msg("taken: %s", refused[i].body);
        if (w.status != refused[i].status || strcmp(w.param, refused[i].param) != 0 ||
            !strstr(w.message, refused[i].says))
            fail_msg("%s: %d '%s' %s", refused[i].body, w.status, w.param, w.message);
    }
}

static void says_both_numbers_when_the_context_is_too_small(void **state)
{
    static char body[4096] = "{" MODEL "\"prompt\":[1";
    ts_openai_request r;
    ts_wrong w;

    (void)state;
    for (int i = 0; i < 1023; i++)
        memcpy(body + strlen(body), ",1", 3);
    memcpy(body + strlen(body), "]}", 3);
    assert_false(take(&r, body, false, &w));
    assert_int_equal(w.status, 400);
    assert_string_equal(w.code, "context_length_exceeded");
    assert_non_null(strstr(w.message, "maximum context length is 1024 tokens"));
    assert_non_null(strstr(w.message, "the prompt has 1024 tokens"));
}

#define TOOLS                                                                                   \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":" \
    "\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}}}},{\"type\":\"function\","       \
    "\"function\":{\"name\":\"g\"}}]"

static ts_turn_request *take_chat(ts_openai_request *r, const char *messages, const char *more)
{
    char body[2048];
    ts_wrong w;

    (void)snprintf(body, sizeof body, "{" MODEL "\"messages\":[%s]%s}", messages, more);
    if (!take(r, body, true, &w))
        fail_msg("refused: %s", w.message);
    return &r->turn;
}

static void answers_of_tools_stand_in_the_order_of_the_calls(void **state)
{
#define CALLS                                                                                  \
    "{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":null,"          \
    "\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","        \
    "\"arguments\":\"{}\"}},{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\"," \
    "\"arguments\":\"{}\"}}]},"
    static const char in_order[] =
        CALLS "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"1\"},"
              "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":\"2\"}";
    static const char crossed[] =
        CALLS "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":\"2\"},"
              "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"1\"}";
    ts_openai_request x, y;
    const ts_turn_request *a = take_chat(&x, in_order, ""), *b = take_chat(&y, crossed, "");

    (void)state;
    assert_int_equal(a->n_prompt, b->n_prompt);
    assert_memory_equal(a->prompt, b->prompt, a->n_prompt * sizeof *a->prompt);
    assert_false(a->is_thinking); /* the turn goes on where it called */
    ts_turn_close(&x.turn);
    ts_turn_close(&y.turn);
}

static void tools_ask_for_an_answer_without_thinking_unless_told_so(void **state)
{
#define ASK "{\"role\":\"user\",\"content\":\"q\"}"
    ts_openai_request r;

    (void)state;
    assert_true(take_chat(&r, ASK, "")->is_thinking);
    ts_turn_close(&r.turn);
    assert_false(take_chat(&r, ASK, TOOLS)->is_thinking);
    assert_true(r.turn.constraint.ctx && r.turn.generate.splits_calls);
    ts_turn_close(&r.turn);
    assert_true(take_chat(&r, ASK, TOOLS ",\"tool_choice\":\"none\"")->is_thinking);
    assert_true(!r.turn.constraint.ctx && !r.turn.generate.splits_calls);
    ts_turn_close(&r.turn);
    assert_true(take_chat(&r, ASK, TOOLS ",\"thinking\":{\"type\":\"enabled\"}")->is_thinking);
    ts_turn_close(&r.turn);
}

static void a_prefix_is_continued(void **state)
{
    ts_openai_request r;
    ts_wrong w;

    (void)state;
    assert_false(
        take_chat(&r, ASK ",{\"role\":\"assistant\",\"content\":\"so\",\"prefix\":true}", "")
            ->is_thinking);
    ts_turn_close(&r.turn);
    assert_true(take_chat(&r,
                          ASK ",{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":"
                              "\"because\",\"prefix\":true}",
                          "")
                    ->is_thinking);
    ts_turn_close(&r.turn);
    assert_false(take(&r,
                      "{" MODEL "\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"prefix\":"
                      "true}]}",
                      true, &w));
    assert_string_equal(w.param, "messages[0]");
}

static void bounds_an_answer_by_a_schema(void **state)
{
    ts_openai_request r;
    ts_wrong w;

    (void)state;
    assert_true(take(&r,
                     "{" MODEL USER
                     ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
                     "{\"name\":\"x\",\"schema\":{\"type\":\"object\"}}}}",
                     true, &w));
    assert_non_null(r.turn.constraint.ctx);
    ts_turn_close(&r.turn);
    assert_true(take(&r, "{" MODEL USER ",\"response_format\":{\"type\":\"text\"}}", true, &w));
    assert_null(r.turn.constraint.ctx);
    ts_turn_close(&r.turn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_field_of_a_chat),
        cmocka_unit_test(takes_what_the_makers_recommend_where_nothing_is_said),
        cmocka_unit_test(takes_parts_of_text_and_all_roles_of_a_talk),
        cmocka_unit_test(takes_raw_prompts_as_text_and_as_tokens),
        cmocka_unit_test(knows_the_names_that_models_once_had),
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(says_both_numbers_when_the_context_is_too_small),
        cmocka_unit_test(answers_of_tools_stand_in_the_order_of_the_calls),
        cmocka_unit_test(tools_ask_for_an_answer_without_thinking_unless_told_so),
        cmocka_unit_test(a_prefix_is_continued),
        cmocka_unit_test(bounds_an_answer_by_a_schema),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
