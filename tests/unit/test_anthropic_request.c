/* test_anthropic_request.c - bodies of /v1/messages: what is taken, and what is refused
 * by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/compiler.h"
#include "server/api/anthropic_request.h"
#include "server/api/signature.h"
#include "support/mini_models.h"

static ts_models *models;
static const ts_anthropic_endpoint plain, deepseek = {.is_deepseek = true},
                                          counting = {.counts = true};

static int set_up(void **state)
{
    (void)state;
    models = mini_models_new(256);
    return models == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    ts_models_free(models);
    return 0;
}

static bool take(ts_turn_request *r, const char *body, ts_wrong *w)
{
    *w = (ts_wrong){0};
    return ts_anthropic_request_read(r, models, ts_str_of(body), &plain, 7, w);
}

static void take_well(ts_turn_request *r, const char *body)
{
    ts_wrong w;

    if (!take(r, body, &w))
        fail_msg("%s: %s", body, w.message);
}

#define HEAD     "\"model\":\"mini\",\"max_tokens\":9,"
#define QUESTION "{\"role\":\"user\",\"content\":\"2+3=\"}"
#define USER     "\"messages\":[" QUESTION "]"

static void takes_every_field(void **state)
{
    ts_turn_request r;

    (void)state;
    take_well(&r, "{" HEAD USER
                  ",\"temperature\":0.5,\"top_p\":0,\"top_k\":3,\"seed\":-1,\"stream\":true,"
                  "\"stop_sequences\":[\"a\",\"b\"],\"metadata\":{\"user_id\":\"u\"},"
                  "\"system\":[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":{}},"
                  "{\"type\":\"text\",\"text\":\"x-anthropic-billing-header: 1\"},"
                  "{\"type\":\"text\",\"text\":\"t\"}],\"service_tier\":\"auto\"}");
    const tiefsee_sampling *s = &r.generate.sampling;
    assert_true(s->temperature == 0.5f && s->top_k == 3 && s->seed == UINT64_MAX);
    assert_true(s->top_p > 0 && s->top_p < 0.001f && r.is_stream);
    assert_int_equal(r.generate.max_tokens, 9);
    assert_int_equal(r.generate.n_stop, 2);
    assert_string_equal(r.user_id, "u");
    assert_string_equal(r.messages[0].content, "s\n\nt");
    assert_int_equal(r.thinking, TS_THINKING_OFF);
    ts_turn_close(&r);
}

static void thinks_as_it_is_told(void **state)
{
    static const struct {
        const char *more;
        const ts_anthropic_endpoint *endpoint;
        ts_thinking thinking;
    } cases[] = {
        {"", &plain, TS_THINKING_OFF},
        {"", &deepseek, TS_THINKING_DEFAULT},
        {",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}", &plain, TS_THINKING_ON},
        {",\"thinking\":{\"type\":\"adaptive\"}", &plain, TS_THINKING_ON},
        {",\"thinking\":{\"type\":\"disabled\"}", &deepseek, TS_THINKING_OFF},
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        char body[512];
        ts_turn_request r;
        ts_wrong w;

        (void)snprintf(body, sizeof body, "{" HEAD USER "%s}", cases[i].more);
        assert_true(
            ts_anthropic_request_read(&r, models, ts_str_of(body), cases[i].endpoint, 7, &w));
        assert_int_equal(r.thinking, cases[i].thinking);
        ts_turn_close(&r);
    }
}

static void makes_turns_of_blocks(void **state)
{
    ts_turn_request r;

    (void)state;
    take_well(&r,
              "{" HEAD "\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
              "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
              "\"signature\":\"\"},{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
              "\"text\":\"b\"},{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\","
              "\"input\":{\"x\":1}}]},"
              "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"now\"},"
              "{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"content\":[{\"type\":\"text\","
              "\"text\":\"3\"},{\"type\":\"text\",\"text\":\"4\"}]},"
              "{\"type\":\"text\",\"text\":\"go on\"}]},"
              "{\"role\":\"assistant\",\"content\":\"so\"}]}");
    const tiefsee_message *m = r.messages;
    assert_int_equal(r.n_messages, 5);
    assert_string_equal(m[1].reasoning, "hm");
    assert_string_equal(m[1].content, "ab");
    assert_true(m[1].n_calls == 1 && strcmp(m[1].calls[0].id, "t1") == 0);
    assert_string_equal(m[1].calls[0].arguments, "{\"x\": 1}");
    assert_true(m[2].role == TIEFSEE_TOOL && strcmp(m[2].call_id, "t1") == 0);
    assert_string_equal(m[2].content, "3\n4");
    assert_string_equal(m[3].content, "now\ngo on");
    assert_true(r.is_prefix);
    ts_turn_close(&r);
}

static void ends_with_the_question_whatever_reminds_of_it(void **state)
{
    ts_turn_request r;
    ts_wrong w;

    (void)state;
    take_well(&r, "{" HEAD "\"system\":\"s\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
                  "{\"role\":\"system\",\"content\":\"t\"},"
                  "{\"role\":\"system\",\"content\":\"u\"}]}");
    assert_int_equal(r.n_messages, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(r.messages[i].content, ((const char *[]){"s", "t", "u", "q"})[i]);
    assert_true(ts_turn_prepare(&r, &w));
    ts_turn_close(&r);
}

/* One by one this took 4.7 s. */
static void moves_reminders_without_end_at_once(void **state)
{
    static const char head[] = "{" HEAD "\"messages\":[" QUESTION, tail[] = "]}";
    static const char one[] = ",{\"role\":\"system\",\"content\":\"t\"}";
    const size_t n = TS_TURN_MAX_MESSAGES - 1;
    ts_buf body = ts_buf_make(4 << 20);
    ts_turn_request r;

    (void)state;
    assert_true(ts_buf_append_str(&body, head));
    for (size_t i = 0; i < n; i++)
        assert_true(ts_buf_append_str(&body, one));
    assert_true(ts_buf_append(&body, tail, sizeof tail));
    const clock_t start = clock();
    take_well(&r, body.ptr);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 2);
    assert_int_equal(r.n_messages, n + 1);
    assert_string_equal(r.messages[0].content, "t");
    assert_string_equal(r.messages[n].content, "2+3=");
    ts_turn_close(&r);
    ts_buf_free(&body);
}

static void forgets_the_thinking_of_other_models(void **state)
{
    ts_turn_request r;

    (void)state;
    take_well(&r, "{" HEAD
                  "\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\","
                  "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"Er\"},"
                  "{\"type\":\"redacted_thinking\",\"data\":\"x\"},{\"type\":\"text\","
                  "\"text\":\"a\"}]},{\"role\":\"user\",\"content\":\"r\"}]}");
    assert_null(r.messages[1].reasoning);
    ts_turn_close(&r);
}

static void takes_tools_as_openai_has_them(void **state)
{
    ts_turn_request r;

    (void)state;
    take_well(&r, "{" HEAD USER
                  ",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"type\":"
                  "\"object\"},\"cache_control\":{}},{\"type\":\"custom\",\"name\":\"g\","
                  "\"input_schema\":{}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"g\","
                  "\"disable_parallel_tool_use\":true}}");
    assert_int_equal(r.n_tools, 2);
    assert_string_equal(r.tools[0].description, "d");
    assert_non_null(json_object_get(r.tools[0].parameters, "type"));
    assert_true(r.tool_choice == TS_TOOLS_NAMED && strcmp(r.chosen_tool, "g") == 0);
    assert_true(r.one_call);
    ts_turn_close(&r);
    take_well(&r, "{" HEAD USER ",\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],"
                  "\"tool_choice\":{\"type\":\"any\"}}");
    assert_int_equal(r.tool_choice, TS_TOOLS_REQUIRED);
    ts_turn_close(&r);
}

static void does_not_part_the_caches_of_sessions(void **state)
{
    static const char *const ids[] = {"user_1_account__session_2", "user_1_account__session_3",
                                      "{\\\"device_id\\\":\\\"d\\\",\\\"session_id\\\":\\\"1\\\"}",
                                      "{\\\"session_id\\\":\\\"2\\\",\\\"device_id\\\":\\\"d\\\"}"};
    ts_turn_request r[TS_COUNT(ids)];

    (void)state;
    for (size_t i = 0; i < TS_COUNT(ids); i++) {
        char body[512];

        (void)snprintf(body, sizeof body, "{" HEAD USER ",\"metadata\":{\"user_id\":\"%s\"}}",
                       ids[i]);
        take_well(&r[i], body);
    }
    assert_string_equal(r[0].user_id, "user_1_account_");
    assert_string_equal(r[0].user_id, r[1].user_id);
    assert_string_equal(r[2].user_id, r[3].user_id);
    for (size_t i = 0; i < TS_COUNT(ids); i++)
        ts_turn_close(&r[i]);
}

static void maps_the_names_of_claude(void **state)
{
    (void)state;
    assert_ptr_equal(ts_anthropic_find_model(models, "claude-opus-4-6"), ts_models_at(models, 0));
    assert_null(ts_anthropic_find_model(models, "gpt-4"));
    assert_null(ts_anthropic_find_model(models, ""));
}

static void counts_without_max_tokens(void **state)
{
    ts_turn_request r;
    ts_wrong w;

    (void)state;
    assert_true(ts_anthropic_request_read(&r, models, TS_STR("{\"model\":\"mini\"," USER "}"),
                                          &counting, 7, &w));
    assert_true(ts_turn_prepare(&r, &w));
    ts_turn_close(&r);
}

#define BLOCK(role, block)                                                                       \
    "{" HEAD "\"messages\":[{\"role\":\"" role "\",\"content\":[" block "]},{\"role\":\"user\"," \
    "\"content\":\"x\"}]}"

static const struct {
    const char *body;
    int status;
    const char *says;
} refused[] = {
    {"", 400, "no body"},
    {"{" USER "}", 400, "model"},
    {"{\"model\":\"mini\"," USER "}", 400, "max_tokens"},
    {"{\"model\":\"gpt-4\",\"max_tokens\":1," USER "}", 404, "gpt-4"},
    {"{" HEAD "\"messages\":[]}", 400, "0 messages"},
    {"{" HEAD "\"messages\":{}}", 400, "messages: an object"},
    {"{" HEAD "\"messages\":[3]}", 400, "messages[0]: an integer"},
    {"{" HEAD "\"messages\":[{\"role\":\"user\"}]}", 400, "content is nothing"},
    {"{" HEAD "\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", 400, "'tool'"},
    {BLOCK("user", "{\"type\":\"image\",\"source\":{}}"), 400, "'image'"},
    {BLOCK("user", "{\"type\":\"document\"}"), 400, "messages[0].content[0]: blocks"},
    {BLOCK("user", "{\"type\":\"text\",\"text\":3}"), 400, "text is an integer"},
    {BLOCK("user", "{\"type\":\"tool_result\"}"), 400, "tool_use_id"},
    {BLOCK("user", "{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":"
                   "\"image\"}]}"),
     400, "'image'"},
    {BLOCK("user", "\"x\""), 400, "a block with a type"},
    {BLOCK("assistant", "{\"type\":\"tool_use\",\"id\":3}"), 400, "id and name"},
    {BLOCK("assistant", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":\"{}\"}"),
     400, "input is a string"},
    {BLOCK("assistant", "{\"type\":\"thinking\",\"thinking\":\"x\",\"signature\":\"ts1_bad\"}"),
     400, "signature"},
    {BLOCK("assistant", "{\"type\":\"server_tool_use\"}"), 400, "server_tool_use"},
    {"{" HEAD USER ",\"system\":3}", 400, "system"},
    {"{" HEAD USER ",\"system\":[{\"type\":\"image\"}]}", 400, "system[0]"},
    {"{" HEAD USER ",\"thinking\":{\"type\":\"on\"}}", 400, "thinking"},
    {"{" HEAD USER ",\"output_config\":{\"effort\":\"much\"}}", 400, "effort"},
    {"{" HEAD USER ",\"output_config\":{\"format\":{\"type\":\"xml\"}}}", 400, "format"},
    {"{" HEAD USER ",\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"w\"}]}", 400,
     "web_search_20250305"},
    {"{" HEAD USER ",\"tools\":[{\"name\":\"w\"}]}", 400, "input_schema"},
    {"{" HEAD USER ",\"tools\":[{\"input_schema\":{}}]}", 400, "name"},
    {"{" HEAD USER ",\"tool_choice\":{\"type\":\"tool\"}}", 400, "tool_choice"},
    {"{" HEAD USER ",\"thread\":{\"type\":\"create\"}}", 400, "thread"},
    {"{" HEAD USER ",\"mcp_servers\":[{}]}", 400, "mcp_servers"},
    {"{" HEAD USER ",\"metadata\":{\"user_id\":3}}", 400, "user_id"},
    {"{" HEAD USER ",\"stop_sequences\":[\"\"]}", 400, "stop_sequences"},
    {"{" HEAD USER ",\"temperature\":3}", 400, "temperature"},
};

static void refuses_by_name(void **state)
{
    ts_turn_request r;
    ts_wrong w;

    (void)state;
    for (size_t i = 0; i < TS_COUNT(refused); i++) {
        if (take(&r, refused[i].body, &w))
            fail_msg("taken: %s", refused[i].body);
        ts_turn_close(&r);
        if (w.status != refused[i].status || !strstr(w.message, refused[i].says))
            fail_msg("%s: %d %s", refused[i].body, w.status, w.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_field),
        cmocka_unit_test(thinks_as_it_is_told),
        cmocka_unit_test(makes_turns_of_blocks),
        cmocka_unit_test(ends_with_the_question_whatever_reminds_of_it),
        cmocka_unit_test(moves_reminders_without_end_at_once),
        cmocka_unit_test(forgets_the_thinking_of_other_models),
        cmocka_unit_test(takes_tools_as_openai_has_them),
        cmocka_unit_test(does_not_part_the_caches_of_sessions),
        cmocka_unit_test(maps_the_names_of_claude),
        cmocka_unit_test(counts_without_max_tokens),
        cmocka_unit_test(refuses_by_name),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
