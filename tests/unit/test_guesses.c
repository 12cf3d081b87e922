/* test_guesses.c - passwords may be tried seldom, and nobody is locked out by a stranger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "server/app/guesses.h"

static ts_guesses *g;
static double now;

static int set_up(void **state)
{
    (void)state;
    g = ts_guesses_new();
    now = 1000;
    return g ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ts_guesses_free(g);
    return 0;
}

static int try(ts_attempt a, bool is_good)
{
    const int wait = ts_guesses_begin(g, &a, now);

    if (wait == 0)
        ts_guesses_end(g, &a, is_good, now);
    return wait;
}

static void five_are_free_and_then_each_takes_twice_as_long(void **state)
{
    static const int waits[] = {3, 5, 9, 17, 33, 65, 129, 257, 513, 901, 901};
    const ts_attempt a = ts_attempt_of_stranger("anna", "192.0.2.1");

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(try(a, false), 0);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        assert_int_equal(try(a, false), waits[i]);
        now += waits[i];
        assert_int_equal(try(a, false), 0);
    }
    now += 86401; /* a day without a failure */
    assert_int_equal(try(a, false), 0);
    assert_int_equal(try(a, false), 0);
}

static void a_stranger_keeps_nobody_out(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(try(ts_attempt_of_stranger("anna", "192.0.2.1"), false), 0);
    assert_true(try(ts_attempt_of_stranger("ANNA", "192.0.2.1"), true) > 0);
    assert_int_equal(try(ts_attempt_of_stranger("anna", "192.0.2.2"), true), 0);
    assert_int_equal(try(ts_attempt_of_known("device of anna"), true), 0);
}

static void from_many_addresses_a_hundred_a_day(void **state)
{
    char peer[32];

    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(peer, sizeof peer, "198.51.100.%d", i);
        assert_int_equal(try(ts_attempt_of_stranger("anna", peer), false), 0);
    }
    assert_true(try(ts_attempt_of_stranger("anna", "203.0.113.7"), true) > 0);
    assert_int_equal(try(ts_attempt_of_stranger("bert", "203.0.113.7"), true), 0);
    assert_int_equal(try(ts_attempt_of_known("device of anna"), true), 0);
}

static void one_address_tries_twenty_names_but_a_proxy_is_no_address(void **state)
{
    char name[32];

    (void)state;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "user-%d", i);
        assert_int_equal(try(ts_attempt_of_stranger(name, "127.0.0.1"), false), 0);
        assert_int_equal(try(ts_attempt_of_stranger(name, "unix"), false), 0);
        assert_int_equal(try(ts_attempt_of_stranger(name, "::1"), false), 0);
    }
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "user-%d", i);
        assert_int_equal(try(ts_attempt_of_stranger(name, "2001:db8:0:7::1"), false), 0);
    }
    assert_true(try(ts_attempt_of_stranger("anna", "2001:db8:0:7:1:2:3:4"), true) > 0); /* a /64 */
    assert_int_equal(try(ts_attempt_of_stranger("anna", "2001:db8:0:8::1"), true), 0);
}

static void a_success_forgives_what_was_failed_there(void **state)
{
    const ts_attempt a = ts_attempt_of_stranger("anna", "192.0.2.1");

    (void)state;
    for (int i = 0; i < 20; i++) /* 16 failures; the address has 20 in all */
        assert_int_equal(try(a, i % 5 == 4), 0);
}

static void one_password_is_hashed_at_a_time_and_one_of_known_devices(void **state)
{
    const ts_attempt a = ts_attempt_of_stranger("anna", "192.0.2.1");
    const ts_attempt b = ts_attempt_of_stranger("bert", "192.0.2.2");
    const ts_attempt known = ts_attempt_of_known("device of anna");

    (void)state;
    assert_int_equal(ts_guesses_begin(g, &a, now), 0);
    assert_int_equal(ts_guesses_begin(g, &b, now), 1);
    assert_int_equal(ts_guesses_begin(g, &known, now), 0);
    assert_int_equal(ts_guesses_begin(g, &known, now), 1);
    ts_guesses_end(g, &a, true, now);
    assert_int_equal(ts_guesses_begin(g, &b, now), 0);
}

static void many_names_push_out_the_oldest_only(void **state)
{
    char name[300];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof name, "%0250d", i);
        assert_int_equal(try(ts_attempt_of_stranger(name, "127.0.0.1"), false), 0);
        now += 1;
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(try(ts_attempt_of_stranger("anna", "127.0.0.1"), false), 0);
    assert_true(try(ts_attempt_of_stranger("anna", "127.0.0.1"), false) > 0);
}

static void failures_with_other_names_wipe_nothing_out(void **state)
{
    char text[32];

    (void)state;
    for (int i = 0; i < 112; i++) {
        (void)snprintf(text, sizeof text, "198.51.100.%d", i);
        const int wait = try(ts_attempt_of_stranger("anna", text), false);
        now += wait;
    }
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(text, sizeof text, "other-%d", i);
        assert_int_equal(try(ts_attempt_of_stranger(text, "127.0.0.1"), false), 0);
        now += 1;
    }
    assert_int_equal(try(ts_attempt_of_stranger("anna", "203.0.113.7"), false), 0);
    assert_true(try(ts_attempt_of_stranger("anna", "203.0.113.8"), false) > 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(five_are_free_and_then_each_takes_twice_as_long),
        TEST(a_stranger_keeps_nobody_out),
        TEST(from_many_addresses_a_hundred_a_day),
        TEST(one_address_tries_twenty_names_but_a_proxy_is_no_address),
        TEST(a_success_forgives_what_was_failed_there),
        TEST(one_password_is_hashed_at_a_time_and_one_of_known_devices),
        TEST(many_names_push_out_the_oldest_only),
        TEST(failures_with_other_names_wipe_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
