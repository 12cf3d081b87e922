/* test_worker.c - the queue with one thread behind it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/worker.h"

typedef struct seen {
    uint64_t numbers[4096];
    size_t n, n_batches, n_ticks;
    pthread_mutex_t *gate; /* taken during a batch, if set */
} seen;

static void note(void *ctx, void *items, size_t n)
{
    seen *s = ctx;

    if (n == 0) {
        s->n_ticks++;
        return;
    }
    if (s->gate)
        (void)pthread_mutex_lock(s->gate);
    memcpy(s->numbers + s->n, items, n * sizeof *s->numbers);
    s->n += n;
    s->n_batches++;
    if (s->gate)
        (void)pthread_mutex_unlock(s->gate);
}

static ts_worker *open_worker(seen *s, size_t max_items, unsigned tick_ms)
{
    const ts_worker_options opt = {.item_bytes = sizeof(uint64_t),
                                   .max_items = max_items,
                                   .tick_ms = tick_ms,
                                   .run = note,
                                   .ctx = s};
    ts_worker *w = NULL;

    assert_int_equal(ts_worker_new(&w, &opt, NULL), TIEFSEE_OK);
    return w;
}

static void runs_items_in_the_order_of_their_push(void **state)
{
    static seen s;
    ts_worker *w = open_worker(&s, 4096, 0);
    uint64_t ticket = 0;

    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(ts_worker_push(w, &i, &ticket));
    ts_worker_wait(w, ticket);
    assert_int_equal(s.n, 1000);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(s.numbers[i], i);
    ts_worker_free(w);
}

static void refuses_what_does_not_fit_and_takes_the_rest_in_one_batch(void **state)
{
    static seen s;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    uint64_t v = 7;

    (void)state;
    s.gate = &gate;
    ts_worker *w = open_worker(&s, 3, 0);
    (void)pthread_mutex_lock(&gate);
    assert_true(ts_worker_push(w, &v, NULL));
    while (ts_worker_waiting(w) > 0) /* until the worker is at the gate */
        continue;
    for (int i = 0; i < 3; i++)
        assert_true(ts_worker_push(w, &v, NULL));
    assert_false(ts_worker_push(w, &v, NULL));
    (void)pthread_mutex_unlock(&gate);
    ts_worker_free(w); /* runs the three */
    assert_int_equal(s.n, 4);
    assert_int_equal(s.n_batches, 2);
}

static void ticks_while_nothing_comes_and_while_much_comes(void **state)
{
    static seen idle, busy;
    const double end = ts_clock_seconds() + 0.2;
    uint64_t v = 1, ticket;

    (void)state;
    ts_worker *w = open_worker(&idle, 3, 10), *u = open_worker(&busy, 3, 10);
    while (ts_clock_seconds() < end) {
        if (busy.n + 3 < TS_COUNT(busy.numbers) && ts_worker_push(u, &v, &ticket))
            ts_worker_wait(u, ticket);
    }
    ts_worker_free(w);
    ts_worker_free(u);
    assert_true(idle.n_ticks >= 1 && idle.n_ticks <= 40);
    assert_true(busy.n_ticks >= 1 && busy.n_ticks <= 40);
    assert_true(busy.n > 0);
}

static void every_failing_allocation_is_an_error(void **state)
{
    static seen s;
    const ts_worker_options opt = {.item_bytes = 8, .max_items = 2, .run = note, .ctx = &s};
    ts_worker *w;
    tiefsee_error err;
    uint64_t at = 1;

    (void)state;
    for (;; at++) {
        ts_alloc_reset(at);
        const tiefsee_status st = ts_worker_new(&w, &opt, &err);
        if (st == TIEFSEE_OK)
            break;
        assert_int_equal(st, TIEFSEE_E_NOMEM);
        assert_null(w);
    }
    ts_alloc_reset(0);
    ts_worker_free(w);
    assert_int_equal(at, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_items_in_the_order_of_their_push),
        cmocka_unit_test(refuses_what_does_not_fit_and_takes_the_rest_in_one_batch),
        cmocka_unit_test(ticks_while_nothing_comes_and_while_much_comes),
        cmocka_unit_test(every_failing_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
