/* test_log.c - one event, one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/log.h"

static void writes_text_and_json(void **state)
{
    const ts_log_field fields[] = {TS_LOG_TEXT("who", "a \"b\"\n\xff"), TS_LOG_COUNT("n", 3),
                                   TS_LOG_MS("took_ms", 0.01234)};
    char line[512];

    (void)state;
    (void)ts_log_format(line, sizeof line, false, 1.5, TS_LOG_INFO, "request", fields, 3);
    assert_string_equal(
        line, "1970-01-01T00:00:01.500Z info  request who=\"a \\\"b\\\"??\" n=3 took_ms=12.3\n");
    (void)ts_log_format(line, sizeof line, true, 0, TS_LOG_WARN, "request", fields, 3);
    assert_string_equal(line, "{\"time\": \"1970-01-01T00:00:00.000Z\", \"level\": \"warn\", "
                              "\"event\": \"request\", \"who\": \"a \\\"b\\\"??\", \"n\": 3, "
                              "\"took_ms\": 12.3}\n");
}

static void drops_fields_that_do_not_fit(void **state)
{
    char text[400], line[256];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const ts_log_field fields[] = {TS_LOG_COUNT("n", 1), TS_LOG_TEXT("long", text)};
    const size_t n = ts_log_format(line, sizeof line, true, 0, TS_LOG_INFO, "e", fields, 2);
    assert_true(n < sizeof line);
    assert_null(strstr(line, "long"));
    assert_non_null(strstr(line, "\"n\": 1}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_text_and_json),
        cmocka_unit_test(drops_fields_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
