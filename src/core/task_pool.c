/* task_pool.c - see task_pool.h. */
#include "core/task_pool.h"

#include <pthread.h>

#include "core/alloc.h"

struct ts_task_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    ts_task *first, **end;
    bool is_ending;
    int n_threads;
    pthread_t threads[];
};

static void *work(void *ctx)
{
    ts_task_pool *w = ctx;

    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        ts_task *task = w->first;

        if (task) {
            w->first = task->next;
            if (!w->first)
                w->end = &w->first;
            (void)pthread_mutex_unlock(&w->lock);
            task->run(task);
            (void)pthread_mutex_lock(&w->lock);
        } else if (w->is_ending)
            break;
        else
            (void)pthread_cond_wait(&w->work, &w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

tiefsee_status ts_task_pool_new(ts_task_pool **out, int n_threads, tiefsee_error *err)
{
    const size_t bytes = sizeof(ts_task_pool) + (size_t)n_threads * sizeof(pthread_t);
    ts_task_pool *w = ts_alloc_zero(1, bytes);

    *out = NULL;
    if (!w)
        return ts_fail_nomem(err, bytes, "workers");
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->work, NULL);
    w->end = &w->first;
    for (; w->n_threads < n_threads; w->n_threads++) {
        const int code = pthread_create(&w->threads[w->n_threads], NULL, work, w);

        if (code != 0) {
            ts_task_pool_free(w);
            return ts_fail_errno(err, code, "starting a worker thread");
        }
    }
    *out = w;
    return TIEFSEE_OK;
}

void ts_task_pool_free(ts_task_pool *w)
{
    if (!w)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->is_ending = true;
    (void)pthread_cond_broadcast(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->n_threads; i++)
        (void)pthread_join(w->threads[i], NULL);
    (void)pthread_cond_destroy(&w->work);
    (void)pthread_mutex_destroy(&w->lock);
    ts_free(w);
}

void ts_task_pool_add(ts_task_pool *w, ts_task *task)
{
    (void)pthread_mutex_lock(&w->lock);
    task->next = NULL;
    *w->end = task;
    w->end = &task->next;
    (void)pthread_cond_signal(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
}
