/* test_jobshares.c - nobody fills the queue of an engine alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/jobshares.h"

static ts_share list[64];

static void enter_many(ts_shares *s, const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ts_shares_enter(s, name);
}

static void the_last_quarter_is_for_those_who_have_less(void **state)
{
    ts_shares s = {.list = list};

    (void)state;
    enter_many(&s, "key-1", 11);
    assert_true(ts_shares_may_wait(&s, "key-1", 16));
    enter_many(&s, "key-1/a", 1); /* end users of a key are the key's */
    assert_false(ts_shares_may_wait(&s, "key-1", 16));
    assert_false(ts_shares_may_wait(&s, "key-1/b", 16));
    assert_true(ts_shares_may_wait(&s, "key-10", 16));
    enter_many(&s, "key-2", 3);
    assert_true(ts_shares_may_wait(&s, "key-2", 16));
    enter_many(&s, "key-2", 1);
    assert_false(ts_shares_may_wait(&s, "key-2", 16));
    assert_false(ts_shares_may_wait(&s, "key-3", 16)); /* it is full */
}

static void what_runs_does_not_wait(void **state)
{
    ts_shares s = {.list = list};

    (void)state;
    enter_many(&s, "a", 12);
    assert_false(ts_shares_may_wait(&s, "a", 16));
    ts_shares_find(&s, "a")->n_waiting--;
    assert_true(ts_shares_may_wait(&s, "a", 16));
    for (int i = 0; i < 12; i++)
        ts_shares_leave(&s, "a");
    assert_null(ts_shares_find(&s, "a"));
    assert_int_equal(s.n, 0);
}

static void small_queues_are_for_all(void **state)
{
    ts_shares s = {.list = list};

    (void)state;
    enter_many(&s, "a", 2);
    assert_true(ts_shares_may_wait(&s, "a", 3));
    enter_many(&s, "a", 1);
    assert_false(ts_shares_may_wait(&s, "b", 3));
}

static void who_comes_has_had_as_much_as_who_had_least(void **state)
{
    ts_shares s = {.list = list};

    (void)state;
    enter_many(&s, "a", 1);
    enter_many(&s, "b", 1);
    ts_shares_find(&s, "a")->served = 70;
    ts_shares_find(&s, "b")->served = 30;
    enter_many(&s, "c", 1);
    assert_int_equal(ts_shares_find(&s, "c")->served, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_quarter_is_for_those_who_have_less),
        cmocka_unit_test(what_runs_does_not_wait),
        cmocka_unit_test(small_queues_are_for_all),
        cmocka_unit_test(who_comes_has_had_as_much_as_who_had_least),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
