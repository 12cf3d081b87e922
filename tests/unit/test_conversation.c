/* test_conversation.c - messages, and the file they are saved in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat/conversation.h"
#include "core/alloc.h"
#include "core/file.h"

static char path[64];

static int make_path(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/tiefsee-test-conversation-%ld.json", (long)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void add(ts_conversation *c, tiefsee_role role, const char *text, const char *reasoning)
{
    assert_int_equal(ts_conversation_add(c, role, text, strlen(text), reasoning, NULL), 0);
}

static void what_is_saved_is_loaded(void **state)
{
    ts_conversation c = {0}, back = {0};
    struct stat info;

    (void)state;
    assert_int_equal(ts_conversation_set_system(&c, "be brief", NULL), 0);
    add(&c, TIEFSEE_USER, "Größe \"10\"\n\t你好", NULL);
    add(&c, TIEFSEE_ASSISTANT, "", "because");
    assert_int_equal(ts_conversation_save(&c, path, NULL), TIEFSEE_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);

    add(&back, TIEFSEE_USER, "to be replaced", NULL);
    assert_int_equal(ts_conversation_load(&back, path, NULL), TIEFSEE_OK);
    assert_int_equal(back.n, c.n);
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(back.at[i].role, c.at[i].role);
        assert_string_equal(back.at[i].content, c.at[i].content);
    }
    assert_string_equal(back.at[2].reasoning, "because");
    assert_null(back.at[1].reasoning);
    ts_conversation_free(&c);
    ts_conversation_free(&back);
}

static void a_file_that_is_no_conversation_changes_nothing(void **state)
{
    static const char *const files[] = {
        "",
        "{",
        "[]",
        "{\"tiefsee\": \"conversation\"}",
        "{\"tiefsee\": \"conversation\", \"version\": 2, \"messages\": []}",
        "{\"tiefsee\": \"conversation\", \"version\": 1, \"messages\": [{}]}",
        "{\"tiefsee\": \"conversation\", \"version\": 1, \"messages\": [7]}",
        "{\"tiefsee\": \"conversation\", \"version\": 1, \"messages\": "
        "[{\"role\": \"user\", \"content\": 5}]}",
        "{\"tiefsee\": \"conversation\", \"version\": 1, \"messages\": "
        "[{\"role\": \"root\", \"content\": \"x\"}]}",
        "{\"tiefsee\": \"conversation\", \"version\": 1, \"messages\": "
        "[{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"system\", \"content\": \"x\"}]}",
        "{\"tiefsee\": \"conversation\", \"version\": 1, \"messages\": "
        "[{\"role\": \"user\", \"content\": \"a\\u0000b\"}]}",
        "{\"tiefsee\": \"conversation\", \"version\": 1, \"messages\": [], \"messages\": []}",
    };
    ts_conversation c = {0};

    (void)state;
    add(&c, TIEFSEE_USER, "kept", NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        tiefsee_error err = {0};

        assert_int_equal(ts_file_write(path, files[i], strlen(files[i]), NULL), TIEFSEE_OK);
        if (ts_conversation_load(&c, path, &err) == TIEFSEE_OK)
            fail_msg("loaded: %s", files[i]);
        assert_true(strstr(err.message, path) != NULL);
        assert_int_equal(c.n, 1);
        assert_string_equal(c.at[0].content, "kept");
    }
    ts_conversation_free(&c);
}

static void the_system_message_is_first_and_alone(void **state)
{
    ts_conversation c = {0};

    (void)state;
    assert_null(ts_conversation_system(&c));
    add(&c, TIEFSEE_USER, "u", NULL);
    assert_int_equal(ts_conversation_set_system(&c, "one", NULL), 0);
    assert_int_equal(ts_conversation_set_system(&c, "two", NULL), 0);
    assert_int_equal(c.n, 2);
    assert_string_equal(ts_conversation_system(&c), "two");
    assert_string_equal(c.at[1].content, "u");
    ts_conversation_clear(&c);
    assert_int_equal(c.n, 1);
    assert_int_equal(ts_conversation_set_system(&c, "", NULL), 0);
    assert_int_equal(c.n, 0);
    assert_int_equal(ts_conversation_set_system(&c, NULL, NULL), 0);
    ts_conversation_free(&c);
}

static void a_zero_byte_is_refused(void **state)
{
    ts_conversation c = {0};
    tiefsee_error err;

    (void)state;
    assert_int_equal(ts_conversation_add(&c, TIEFSEE_USER, "ab\0c", 4, NULL, &err),
                     TIEFSEE_E_INVALID);
    assert_string_equal(err.message, "a zero byte in the text, at byte 2");
    assert_int_equal(c.n, 0);
    ts_conversation_free(&c);
}

static void running_out_of_memory_leaves_the_messages_alone(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1; fail_at <= 3; fail_at++) {
        ts_conversation c = {0};

        ts_alloc_reset(fail_at);
        assert_int_equal(ts_conversation_add(&c, TIEFSEE_ASSISTANT, "a", 1, "r", NULL),
                         TIEFSEE_E_NOMEM);
        ts_alloc_reset(0);
        assert_int_equal(c.n, 0);
        ts_conversation_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_is_loaded),
        cmocka_unit_test(a_file_that_is_no_conversation_changes_nothing),
        cmocka_unit_test(the_system_message_is_first_and_alone),
        cmocka_unit_test(a_zero_byte_is_refused),
        cmocka_unit_test(running_out_of_memory_leaves_the_messages_alone),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
