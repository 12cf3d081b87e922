/* test_responses_request.c - items of /v1/responses become turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/compiler.h"
#include "server/api/responses_request.h"
#include "support/mini_models.h"

static ts_models *models;
static const ts_responses_endpoint plain, deepseek = {.is_deepseek = true};

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

static void take_well(ts_responses_request *r, const char *body)
{
    ts_wrong w = {0};

    if (!ts_responses_request_read(r, models, ts_str_of(body), &plain, NULL, 7, &w))
        fail_msg("%s: %s", body, w.message);
}

#define HEAD "{\"model\":\"mini\","

static void joins_what_belongs_to_one_turn(void **state)
{
    ts_responses_request r;

    (void)state;
    take_well(&r,
              HEAD "\"instructions\":\"s\",\"input\":[{\"role\":\"user\",\"content\":\"q\"},"
                   "{\"type\":\"reasoning\",\"summary\":[],\"content\":[{\"type\":"
                   "\"reasoning_text\",\"text\":\"hm\"}]},"
                   "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":"
                   "\"output_text\",\"text\":\"a\"},{\"type\":\"output_text\",\"text\":\"b\"}]},"
                   "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","
                   "\"arguments\":\"{}\"},"
                   "{\"type\":\"function_call\",\"call_id\":\"c2\",\"name\":\"g\","
                   "\"arguments\":\"{}\"},{\"type\":\"web_search_call\"},"
                   "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"1\"},"
                   "{\"type\":\"function_call_output\",\"call_id\":\"c2\",\"output\":[{\"type\":"
                   "\"input_text\",\"text\":\"2\"}]}]}");
    const tiefsee_message *m = r.turn.messages;
    assert_int_equal(r.turn.n_messages, 5);
    assert_true(m[0].role == TIEFSEE_SYSTEM && m[1].role == TIEFSEE_USER);
    assert_string_equal(m[2].reasoning, "hm");
    assert_string_equal(m[2].content, "ab");
    assert_int_equal(m[2].n_calls, 2);
    assert_string_equal(m[2].calls[1].name, "g");
    assert_string_equal(m[3].call_id, "c1");
    assert_string_equal(m[4].content, "2");
    ts_turn_close(&r.turn);
}

static void parts_two_turns_of_the_assistant(void **state)
{
    ts_responses_request r;

    (void)state;
    take_well(&r, HEAD "\"input\":[{\"role\":\"user\",\"content\":\"q\"},"
                       "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\"},"
                       "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"1\"},"
                       "{\"type\":\"reasoning\",\"content\":\"x\"},"
                       "{\"role\":\"assistant\",\"content\":\"a\"},"
                       "{\"type\":\"reasoning\",\"encrypted_content\":\"gAAA\"},"
                       "{\"role\":\"assistant\",\"content\":\"b\"},"
                       "{\"type\":\"reasoning\",\"content\":\"lost\"},"
                       "{\"role\":\"user\",\"content\":\"r\"}]}");
    const tiefsee_message *m = r.turn.messages;
    assert_int_equal(r.turn.n_messages, 6);
    assert_true(m[1].n_calls == 1 && !m[1].content);
    assert_true(m[3].n_calls == 0 && strcmp(m[3].reasoning, "x") == 0);
    assert_string_equal(m[4].content, "b");
    assert_null(m[4].reasoning);
    assert_true(m[5].role == TIEFSEE_USER);
    ts_turn_close(&r.turn);
}

static void takes_options_and_tools(void **state)
{
    ts_responses_request r;

    (void)state;
    take_well(&r, HEAD "\"input\":\"q\",\"temperature\":0.5,\"top_p\":0,\"max_output_tokens\":9,"
                       "\"reasoning\":{\"effort\":\"none\"},\"parallel_tool_calls\":false,"
                       "\"top_logprobs\":3,\"include\":[\"reasoning.encrypted_content\"],"
                       "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":"
                       "\"object\"},\"strict\":true}],\"tool_choice\":{\"type\":\"function\","
                       "\"name\":\"f\"},\"store\":true,\"truncation\":\"auto\"}");
    assert_true(r.turn.generate.sampling.temperature == 0.5f && r.turn.one_call);
    assert_int_equal(r.turn.generate.max_tokens, 9);
    assert_int_equal(r.turn.thinking, TS_THINKING_OFF);
    assert_true(r.wants_logprobs && r.n_top == 3 && r.wants_encrypted);
    assert_true(r.turn.n_tools == 1 && r.turn.tools[0].is_strict);
    assert_string_equal(r.turn.chosen_tool, "f");
    /* The answer repeats them as they came, with null for what was not said. */
    const json_t *tool = json_array_get(json_object_get(r.turn.body, "tools"), 0);
    assert_non_null(json_object_get(tool, "name"));
    assert_true(json_is_true(json_object_get(tool, "strict")));
    assert_true(json_is_null(json_object_get(tool, "description")));
    ts_turn_close(&r.turn);
}

static void only_deepseeks_path_ignores_a_stored_state(void **state)
{
    static const char body[] = HEAD "\"input\":\"q\",\"previous_response_id\":\"resp_1\"}";
    ts_responses_request r;
    ts_wrong w;

    (void)state;
    assert_false(ts_responses_request_read(&r, models, ts_str_of(body), &plain, NULL, 7, &w));
    assert_string_equal(w.param, "previous_response_id");
    ts_turn_close(&r.turn);
    assert_true(ts_responses_request_read(&r, models, ts_str_of(body), &deepseek, NULL, 7, &w));
    ts_turn_close(&r.turn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_what_belongs_to_one_turn),
        cmocka_unit_test(parts_two_turns_of_the_assistant),
        cmocka_unit_test(takes_options_and_tools),
        cmocka_unit_test(only_deepseeks_path_ignores_a_stored_state),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
