/* test_thread.c - the pool: every item exactly once, whatever the timing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/rng.h"
#include "core/thread.h"

enum { MAX_ITEMS = 5000 };

typedef struct tally {
    _Atomic int seen[MAX_ITEMS];
    size_t chunk;
    _Atomic int bad_border;
    int n_threads, naps;
} tally;

static void count(void *ctx, size_t begin, size_t end, int thread)
{
    tally *t = ctx;

    if (begin % t->chunk != 0 || end - begin > t->chunk || thread < 0 || thread >= t->n_threads)
        atomic_store(&t->bad_border, 1);
    for (size_t i = begin; i < end; i++)
        atomic_fetch_add(&t->seen[i], 1);
    if (t->naps && begin % 97 == 0)
        usleep(200);
}

static void run_loops(int n_threads, int n_loops, int naps)
{
    static tally t;
    ts_pool *p;
    ts_rng rng;

    ts_rng_seed(&rng, (uint64_t)n_threads);
    assert_int_equal(ts_pool_new(&p, n_threads, NULL), TIEFSEE_OK);
    assert_int_equal(ts_pool_threads(p), n_threads);
    for (int loop = 0; loop < n_loops; loop++) {
        const size_t n = (size_t)ts_rng_below(&rng, loop % 50 == 0 ? MAX_ITEMS : 40);
        t.chunk = 1 + (size_t)ts_rng_below(&rng, 9);
        t.n_threads = n_threads;
        t.naps = naps;
        for (size_t i = 0; i < n; i++)
            atomic_store(&t.seen[i], 0);
        ts_pool_loop(p, n, t.chunk, count, &t);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(atomic_load(&t.seen[i]), 1);
        if (loop % 200 == 199)
            usleep(500); /* long enough for the workers to fall asleep */
    }
    assert_int_equal(atomic_load(&t.bad_border), 0);
    ts_pool_free(p);
}

static void runs_every_item_once_for_any_number_of_threads(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++)
        run_loops(n, 3000, 0);
}

static void slow_chunks_do_not_lose_items(void **state)
{
    (void)state;
    run_loops(4, 200, 1);
}

static void a_pool_that_never_ran_can_be_freed(void **state)
{
    ts_pool *p;

    (void)state;
    assert_int_equal(ts_pool_new(&p, 8, NULL), TIEFSEE_OK);
    ts_pool_free(p);
    ts_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_every_item_once_for_any_number_of_threads),
        cmocka_unit_test(slow_chunks_do_not_lose_items),
        cmocka_unit_test(a_pool_that_never_ran_can_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
