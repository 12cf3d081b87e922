/* test_rank_queue.c - the least comes first, whatever was added when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "formats/rank_queue.h"

enum { N_RANKS = 300000 };

static uint32_t random_below(uint32_t n)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}

/* Against an array that is searched: ranks up to n_ranks, few of them at first,
 * with new keys (also below the last one taken) between the takings. */
static void check(ts_rank_queue *q, uint32_t n_ranks, size_t n_keys)
{
    uint64_t *have = malloc((2 * n_keys + 1) * sizeof *have);
    size_t n = 0, added = 0;

    assert_non_null(have);
    assert_true(ts_rank_queue_start(q, N_RANKS));
    while (n || added < 2 * n_keys) {
        uint32_t rank, position;
        const size_t more = added < n_keys ? n_keys : added < 2 * n_keys ? random_below(3) : 0;
        for (size_t i = 0; i < more && added < 2 * n_keys; i++, added++) {
            rank = random_below(n_ranks);
            position = random_below(1u << 31);
            have[n++] = (uint64_t)rank << 32 | position;
            assert_true(ts_rank_queue_push(q, rank, position));
        }
        if (n == 0)
            continue;
        size_t least = 0;
        for (size_t i = 1; i < n; i++)
            least = have[i] < have[least] ? i : least;
        assert_int_equal(ts_rank_queue_pop(q, &rank, &position), 1);
        assert_int_equal((uint64_t)rank << 32 | position, have[least]);
        have[least] = have[--n];
    }
    free(have);
}

static void the_least_comes_first(void **state)
{
    ts_rank_queue q = {0};
    uint32_t rank, position;

    (void)state;
    check(&q, 1, 500);
    check(&q, 5, 1000);
    check(&q, 1000, 1000);
    check(&q, N_RANKS, 2000);
    assert_int_equal(ts_rank_queue_pop(&q, &rank, &position), 0);
    ts_rank_queue_free(&q);
    assert_null(q.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
