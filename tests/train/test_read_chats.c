/* test_read_chats.c - lines of conversations: what is read, and what is wrong with others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "train/read_chats.h"

typedef struct seen {
    size_t n;
    tiefsee_role role[8];
    char last[64], reasoning[64];
} seen;

static tiefsee_status see(void *user, const ts_chat *chat, tiefsee_error *err)
{
    const tiefsee_message *messages = chat->messages;
    const size_t n = chat->n;
    seen *s = user;
    const tiefsee_message *m = &messages[n - 1];

    (void)err;
    s->n = n;
    for (size_t i = 0; i < n && i < 8; i++)
        s->role[i] = messages[i].role;
    memcpy(s->last, m->content, strlen(m->content) + 1);
    memcpy(s->reasoning, m->reasoning ? m->reasoning : "",
           strlen(m->reasoning ? m->reasoning : "") + 1);
    return TIEFSEE_OK;
}

static tiefsee_status read_line(const char *line, seen *s, tiefsee_error *err)
{
    *s = (seen){0};
    return ts_read_chat(line, strlen(line), see, s, err);
}

static void a_conversation_is_read_with_its_roles(void **state)
{
    tiefsee_error err;
    seen s;

    (void)state;
    assert_int_equal(
        read_line("{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"}, {\"role\": "
                  "\"user\", \"content\": \"1+1\"}, {\"role\": \"assistant\", \"content\": \"2\", "
                  "\"reasoning_content\": \"1+1=2\"}], \"source\": \"mine\"}",
                  &s, &err),
        TIEFSEE_OK);
    assert_int_equal(s.n, 3);
    assert_int_equal(s.role[0], TIEFSEE_SYSTEM);
    assert_int_equal(s.role[2], TIEFSEE_ASSISTANT);
    assert_string_equal(s.last, "2");
    assert_string_equal(s.reasoning, "1+1=2");
}

static void what_is_wrong_with_a_line_is_said(void **state)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"", "JSON"},
        {"[]", "object"},
        {"{}", "0 messages (1 to 256)"},
        {"{\"messages\": 5}", "0 messages (1 to 256)"},
        {"{\"messages\": [1]}", "message 1: role '' (system, user, assistant or tool)"},
        {"{\"messages\": [{\"role\": \"tool\", \"content\": \"x\"}]}",
         "message 1: 'tool' has no turn here"},
        {"{\"messages\": [{\"role\": \"user\"}]}", "message 1 has no content"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}",
         "the last message is no answer"},
        {"{\"messages\": [{\"role\": \"assistant\", \"content\": \"x\"}]}",
         "message 1: 'assistant' has no turn here"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"user\", "
         "\"content\": "
         "\"x\"}]}",
         "message 2: 'user' has no turn here"},
        {"{\"messages\": [{\"role\": \"system\", \"content\": \"x\"}, {\"role\": \"assistant\", "
         "\"content\": \"x\"}]}",
         "message 2: 'assistant' has no turn here"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"system\", "
         "\"content\": \"x\"}]}",
         "message 2: a system message is the first"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", "
         "\"content\": \"x\"}, {\"role\": \"tool\", \"content\": \"x\"}]}",
         "message 3: 'tool' has no turn here"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", "
         "\"tool_calls\": [{\"function\": {\"name\": \"a<b\", \"arguments\": \"{}\"}}]}]}",
         "message 2: a function without a name, or a strange one"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", "
         "\"tool_calls\": [{\"function\": {\"name\": \"a\"}}]}]}",
         "message 2: a call of a without a text of arguments"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", "
         "\"content\": \"x\"}], \"tools\": [5]}",
         "a function without a name"},
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        tiefsee_error err = {0};
        seen s;

        assert_int_equal(read_line(cases[i].line, &s, &err), TIEFSEE_E_FORMAT);
        if (!strstr(err.message, cases[i].why))
            fail_msg("%s: %s", cases[i].line, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_is_read_with_its_roles),
        cmocka_unit_test(what_is_wrong_with_a_line_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
