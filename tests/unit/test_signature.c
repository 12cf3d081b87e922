/* test_signature.c - thinking that comes back is recognised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/api/signature.h"

static void sign(char out[TS_SIGNATURE_LEN + 1], const char *first, const char *second)
{
    ts_signer s;

    ts_signer_begin(&s);
    ts_signer_add(&s, ts_str_of(first));
    ts_signer_add(&s, ts_str_of(second));
    ts_signer_end(&s, out);
}

static void is_the_same_in_one_piece_and_in_many(void **state)
{
    char one[TS_SIGNATURE_LEN + 1], two[TS_SIGNATURE_LEN + 1];

    (void)state;
    sign(one, "2+3. So 5.", "");
    sign(two, "2+3.", " So 5.");
    assert_string_equal(one, two);
    assert_int_equal(strlen(one), TS_SIGNATURE_LEN);
    assert_int_equal(ts_signature_check(TS_STR("2+3. So 5."), ts_str_of(one)), TS_SIGNATURE_GOOD);
}

static void stays_the_same_from_one_version_to_the_next(void **state)
{
    char out[TS_SIGNATURE_LEN + 1];

    (void)state;
    sign(out, "2+3", "");
    assert_string_equal(out, "ts1_-0VPaWNrkcNaFPsPVtTUkjs36FTdX5X9tteNJNLSt0Q");
}

static void tells_changed_from_foreign(void **state)
{
    char out[TS_SIGNATURE_LEN + 1];

    (void)state;
    sign(out, "a", "");
    assert_int_equal(ts_signature_check(TS_STR("b"), ts_str_of(out)), TS_SIGNATURE_BAD);
    assert_int_equal(ts_signature_check(TS_STR("a"), (ts_str){out, 20}), TS_SIGNATURE_BAD);
    assert_int_equal(ts_signature_check(TS_STR("a"), TS_STR("ErUBCkYI")), TS_SIGNATURE_FOREIGN);
    assert_int_equal(ts_signature_check(TS_STR("a"), TS_STR("")), TS_SIGNATURE_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_same_in_one_piece_and_in_many),
        cmocka_unit_test(stays_the_same_from_one_version_to_the_next),
        cmocka_unit_test(tells_changed_from_foreign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
