/* test_task_pool.c - tasks are done, each once, also by few threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>

#include "core/task_pool.h"

typedef struct counted {
    ts_task task;
    _Atomic int n;
    ts_task_pool *again;
} counted;

static void count(ts_task *task)
{
    counted *c = (counted *)(void *)task;

    if (atomic_fetch_add(&c->n, 1) == 0 && c->again)
        ts_task_pool_add(c->again, task);
}

static void does_every_task_once(void **state)
{
    static counted tasks[1000];
    ts_task_pool *w;

    (void)state;
    assert_int_equal(ts_task_pool_new(&w, 3, NULL), TIEFSEE_OK);
    for (int i = 0; i < 1000; i++) {
        tasks[i].task.run = count;
        ts_task_pool_add(w, &tasks[i].task);
    }
    ts_task_pool_free(w);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(tasks[i].n, 1);
}

static void lets_a_task_add_itself(void **state)
{
    counted c = {.task = {.run = count}};
    ts_task_pool *w;

    (void)state;
    assert_int_equal(ts_task_pool_new(&w, 2, NULL), TIEFSEE_OK);
    c.again = w;
    ts_task_pool_add(w, &c.task);
    while (atomic_load(&c.n) < 2)
        ;
    ts_task_pool_free(w);
    assert_int_equal(c.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_every_task_once),
        cmocka_unit_test(lets_a_task_add_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
