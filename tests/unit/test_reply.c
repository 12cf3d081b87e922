/* test_reply.c - the states of an answer, without a socket: client, answerer and
 * server end in every order, from two threads (run it under TSan as well). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server/http/exchange.h"

static ts_hub *hub;
static _Atomic int n_finished;
static ts_http_summary last;

static void finished(void *app, const ts_http_request *req, const ts_http_summary *summary)
{
    (void)app;
    (void)req;
    last = *summary;
    n_finished++;
}

static int setup(void **state)
{
    (void)state;
    hub = ts_hub_new();
    hub->wake_fd = eventfd(0, EFD_NONBLOCK);
    hub->output_bytes = 64;
    hub->bodies_bytes = 100;
    hub->answers_bytes = 40000;
    hub->retry_after_s = 7;
    hub->finished = finished;
    n_finished = 0;
    return hub->wake_fd >= 0 ? 0 : 1;
}

static int teardown(void **state)
{
    ts_reply *r;

    (void)state;
    while ((r = ts_hub_next_dirty(hub)) != NULL)
        ts_reply_release(r);
    (void)close(hub->wake_fd);
    const size_t n_alive = hub->n_alive;
    ts_hub_release(hub);
    return n_alive == 0 ? 0 : 1; /* every reply was freed */
}

static ts_reply *new_reply(void)
{
    ts_reply *r = ts_exchange_new(hub);

    assert_non_null(r);
    r->is_counted = true;
    return r;
}

static void clear_news(void)
{
    ts_reply *r;

    while ((r = ts_hub_next_dirty(hub)) != NULL)
        ts_reply_release(r);
}

static void sends_whole_answers(void **state)
{
    char got[200];
    ts_reply *r = new_reply();

    (void)state;
    ts_reply_send(r, 200, "text/plain", "hello", 5);
    assert_true(ts_exchange_look(r).can_queue);
    assert_int_equal(ts_exchange_take(r, got, sizeof got), 5);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(ts_exchange_take(r, got, sizeof got), -1);
    ts_exchange_finish(r, true);
    clear_news();
    assert_int_equal(n_finished, 1);
    assert_int_equal(last.status, 200);
    assert_false(last.was_cut);
}

static void streams_and_refuses_beyond_the_buffer(void **state)
{
    char got[200];
    ts_reply *r = new_reply();

    (void)state;
    assert_true(ts_reply_begin(r, 200, "text/event-stream"));
    char block[40];
    memset(block, 'x', sizeof block);
    assert_true(ts_reply_write(r, block, 40));
    assert_int_equal(ts_exchange_take(r, got, 30), 30);
    assert_true(ts_reply_write(r, block, 40)); /* 10 and 40: fits when moved */
    assert_int_equal(ts_exchange_take(r, got, sizeof got), 50);
    assert_int_equal(ts_exchange_take(r, got, sizeof got), 0);
    assert_true(ts_reply_write(r, block, 40));
    assert_false(ts_reply_write(r, block, 40)); /* the client reads too slowly */
    assert_false(ts_reply_write(r, block, 1));
    assert_true(ts_reply_is_gone(r));
    assert_int_equal(ts_exchange_take(r, got, sizeof got), -2);
    ts_reply_end(r);
    ts_exchange_finish(r, false);
    clear_news();
    assert_int_equal(n_finished, 1);
    assert_true(last.was_cut);
}

static void count_gone(void *user)
{
    ++*(int *)user;
}

static void tells_of_a_client_that_left_once(void **state)
{
    int n = 0, n_late = 0;
    ts_reply_watch early = {.on_gone = count_gone, .user = &n};
    ts_reply_watch late = {.on_gone = count_gone, .user = &n_late};
    ts_reply *r = new_reply();

    (void)state;
    ts_reply_on_gone(r, &early);
    assert_true(ts_reply_begin(r, 200, "text/plain"));
    ts_exchange_lose(r);
    assert_int_equal(n, 1);
    assert_false(ts_reply_write(r, "x", 1));
    ts_exchange_finish(r, false);
    ts_reply_on_gone(r, &late); /* it is gone already */
    assert_int_equal(n_late, 0);
    for (ts_reply *news; (news = ts_hub_next_dirty(hub)) != NULL;) {
        ts_exchange_call_watches(news);
        ts_reply_release(news);
    }
    assert_int_equal(n, 1);
    assert_int_equal(n_late, 1);
    ts_reply_end(r);
    clear_news();
    assert_int_equal(n_finished, 1);
}

static void says_nothing_of_a_client_that_left_after_the_end(void **state)
{
    int n = 0;
    ts_reply_watch watch = {.on_gone = count_gone, .user = &n};
    ts_reply *r = new_reply();

    (void)state;
    ts_reply_on_gone(r, &watch);
    ts_reply_send(r, 200, "text/plain", "", 0);
    ts_exchange_lose(r);
    ts_exchange_finish(r, true);
    assert_int_equal(n, 0);
}

static void cuts_a_stream_that_fails(void **state)
{
    char got[200];
    ts_reply *r = new_reply();

    (void)state;
    assert_true(ts_reply_begin(r, 200, "text/plain"));
    assert_true(ts_reply_write(r, "half", 4));
    ts_reply_fail(r, 500, "broken");
    assert_int_equal(ts_exchange_take(r, got, sizeof got), -2);
    ts_exchange_finish(r, false);
}

static void beats_only_while_nothing_is_written(void **state)
{
    char got[200];
    ts_reply *r = new_reply();

    (void)state;
    ts_reply_heartbeat(r, 10, ": keep-alive\n\n");
    ts_exchange_beat(r, 1e12); /* not begun */
    assert_int_equal(ts_exchange_take(r, got, sizeof got), 0);
    assert_true(ts_reply_begin(r, 200, "text/event-stream"));
    ts_exchange_beat(r, r->last_write + 9);
    assert_int_equal(ts_exchange_take(r, got, sizeof got), 0);
    ts_exchange_beat(r, r->last_write + 10);
    ts_exchange_beat(r, 1e12); /* the last one was not read yet */
    assert_int_equal(ts_exchange_take(r, got, sizeof got), 14);
    ts_reply_end(r);
    ts_exchange_beat(r, 1e12);
    assert_int_equal(ts_exchange_take(r, got, sizeof got), -1);
    ts_exchange_finish(r, true);
}

static void bounds_all_bodies_together(void **state)
{
    ts_reply *a = new_reply(), *b = new_reply();

    (void)state;
    assert_true(ts_exchange_reserve_body(a, 60));
    assert_true(ts_exchange_reserve_body(b, 40));
    assert_false(ts_exchange_reserve_body(b, 1));
    hub->bodies_bytes = 50; /* a reload */
    assert_false(ts_exchange_reserve_body(b, 1));
    hub->bodies_bytes = 100;
    ts_reply_send(a, 200, "text/plain", "", 0);
    ts_exchange_finish(a, true);
    clear_news();
    assert_true(ts_exchange_reserve_body(b, 60));
    ts_reply_send(b, 200, "text/plain", "", 0);
    ts_exchange_finish(b, true);
}

static void finish_taken(ts_reply *r)
{
    static char got[40000];

    while (ts_exchange_take(r, got, sizeof got) > 0)
        continue;
    ts_exchange_finish(r, true);
    clear_news();
}

static void bounds_all_whole_answers_together(void **state)
{
    static const char large[30000];
    ts_reply *a = new_reply(), *b = new_reply(), *c = new_reply(), *d = new_reply();

    (void)state;
    ts_reply_send(a, 200, "text/plain", large, sizeof large);
    assert_true(ts_reply_header(b, "Cache-Control", "immutable"));
    ts_reply_send(b, 200, "text/plain", large, sizeof large);
    assert_int_equal(a->status, 200);
    assert_int_equal(b->status, 503);
    assert_true(ts_exchange_has_header(b, "Retry-After"));
    assert_false(ts_exchange_has_header(b, "Cache-Control"));
    assert_true(b->out.len > 0 && b->out.len < 100);
    ts_reply_send(c, 200, "text/plain", large, TS_HTTP_SMALL_ANSWER); /* always */
    assert_int_equal(c->status, 200);
    finish_taken(a);
    finish_taken(b);
    finish_taken(c);
    assert_int_equal(hub->n_answer_bytes, 0);
    ts_reply_send(d, 200, "text/plain", large, sizeof large);
    assert_int_equal(d->status, 200);
    finish_taken(d);
}

static void lets_answers_shrink_beyond_their_bound(void **state)
{
    size_t held = 0, other = 0;

    (void)state;
    assert_true(ts_hub_hold_answer(hub, &held, 30000));
    assert_false(ts_hub_hold_answer(hub, &held, 40001));
    assert_int_equal(held, 30000);
    hub->answers_bytes = 20000; /* a reload */
    assert_false(ts_hub_hold_answer(hub, &held, 30001));
    assert_true(ts_hub_hold_answer(hub, &held, 29999));
    assert_false(ts_hub_hold_answer(hub, &other, TS_HTTP_SMALL_ANSWER + 1));
    assert_true(ts_hub_hold_answer(hub, &held, 0));
    assert_true(ts_hub_hold_answer(hub, &other, 20000));
    assert_int_equal(hub->n_answer_bytes, 20000);
    assert_true(ts_hub_hold_answer(hub, &other, 0));
}

static void count_free(void *p)
{
    ++*(int *)p;
}

static void lives_as_long_as_it_is_held(void **state)
{
    int n = 0;
    ts_reply *r = new_reply();

    (void)state;
    assert_true(ts_reply_on_free(r, count_free, &n));
    ts_reply_hold(r);
    ts_reply_send(r, 204, NULL, "", 0);
    ts_exchange_finish(r, true);
    clear_news();
    assert_int_equal(n, 0);
    assert_int_equal(ts_reply_request(r)->n_headers, 0);
    ts_reply_release(r);
    assert_int_equal(n, 1);
    assert_int_equal(n_finished, 1);
}

/* Two threads: one answers, this one takes, and leaves after `patience` pieces. */
static _Atomic int n_gone;

static void on_gone(void *user)
{
    (void)user;
    n_gone++;
}

static void *answer(void *ctx)
{
    ts_reply *r = ctx;
    ts_reply_watch *watch = ts_arena_alloc_zero(r->req.arena, 1, sizeof *watch);

    watch->on_gone = on_gone;
    ts_reply_on_gone(r, watch);
    (void)ts_reply_begin(r, 200, "text/plain");
    for (int i = 0; i < 20 && ts_reply_write(r, "piece", 5); i++)
        (void)sched_yield();
    ts_reply_end(r);
    return NULL;
}

static void take_some(ts_reply *r, int patience)
{
    char got[64];
    long n;

    for (int i = 0; i < patience; i++) {
        do {
            n = ts_exchange_take(r, got, sizeof got);
            (void)sched_yield();
        } while (n == 0);
        if (n < 0)
            break;
    }
}

static void ends_in_any_order(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        ts_reply *r = new_reply();
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, answer, r), 0);
        take_some(r, round % 25);
        if (round % 3 == 0)
            ts_exchange_lose(r);
        ts_exchange_finish(r, false);
        for (ts_reply *news; (news = ts_hub_next_dirty(hub)) != NULL;) {
            ts_exchange_call_watches(news);
            ts_reply_release(news);
        }
        (void)pthread_join(thread, NULL);
        clear_news();
        assert_int_equal(n_finished, round + 1);
    }
    assert_true(n_gone <= 200);
}

static void names_peers_without_their_addresses(void **state)
{
    const int64_t day = 86400000, now = 20000 * day;
    char a[TS_HUB_PEER], b[TS_HUB_PEER], other[TS_HUB_PEER];

    (void)state;
    ts_hub_name_peer(hub, "127.0.0.1", now, a);
    assert_string_equal(a, "127.0.0.1");
    ts_hub_name_peer(hub, "unix", now, a);
    assert_string_equal(a, "unix");
    ts_hub_name_peer(hub, "203.0.113.7", now, a);
    ts_hub_name_peer(hub, "203.0.113.7", now + day - 1, b);
    ts_hub_name_peer(hub, "203.0.113.8", now, other);
    assert_memory_equal(a, "peer-", 5);
    assert_null(strstr(a, "203"));
    assert_string_equal(a, b);
    assert_string_not_equal(a, other);
    ts_hub_name_peer(hub, "203.0.113.7", now + day, b);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sends_whole_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(streams_and_refuses_beyond_the_buffer, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_of_a_client_that_left_once, setup, teardown),
        cmocka_unit_test_setup_teardown(says_nothing_of_a_client_that_left_after_the_end, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(cuts_a_stream_that_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(beats_only_while_nothing_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds_all_bodies_together, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds_all_whole_answers_together, setup, teardown),
        cmocka_unit_test_setup_teardown(lets_answers_shrink_beyond_their_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(lives_as_long_as_it_is_held, setup, teardown),
        cmocka_unit_test_setup_teardown(names_peers_without_their_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_in_any_order, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
