/* thread.c - see thread.h.
 *
 * A loop is published by raising `epoch`; every worker that sees it joins.
 * Every worker passes through every loop and is counted out of it, so the
 * loop can only be replaced when nobody can still see the old one; a worker
 * that wakes late finds no chunk left and leaves at once.
 */
#include "core/thread.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/alloc.h"

/* About 20 us of looking before sleeping: longer than the gap between two
 * loops of a decode step, short enough not to be seen in top. */
enum { SPINS = 4000 };

typedef struct worker {
    ts_pool *pool;
    pthread_t thread;
    int index;
} worker;

struct ts_pool {
    int n_threads;
    worker *workers; /* n_threads - 1 */
    int n_started;

    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    int n_sleeping;  /* under lock */
    int main_sleeps; /* under lock */

    _Atomic uint32_t epoch;
    _Atomic int stop;
    _Atomic int n_active; /* workers inside the current loop */

    size_t n, chunk;
    ts_loop_body *body;
    void *ctx;
    _Alignas(64) _Atomic size_t next; /* chunk to claim */
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void run_chunks(ts_pool *p, int thread)
{
    const size_t n_chunks = (p->n + p->chunk - 1) / p->chunk;

    for (;;) {
        const size_t i = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
        if (i >= n_chunks)
            return;
        const size_t begin = i * p->chunk;
        const size_t end = p->n - begin < p->chunk ? p->n : begin + p->chunk;
        p->body(p->ctx, begin, end, thread);
    }
}

/* Wait for an epoch other than seen; returns it. */
static uint32_t await_epoch(ts_pool *p, uint32_t seen)
{
    for (int i = 0; i < SPINS; i++) {
        const uint32_t e = atomic_load_explicit(&p->epoch, memory_order_acquire);
        if (e != seen || atomic_load_explicit(&p->stop, memory_order_relaxed))
            return e;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    p->n_sleeping++;
    while (atomic_load(&p->epoch) == seen && !atomic_load(&p->stop))
        pthread_cond_wait(&p->work, &p->lock);
    p->n_sleeping--;
    pthread_mutex_unlock(&p->lock);
    return atomic_load_explicit(&p->epoch, memory_order_acquire);
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    ts_pool *p = w->pool;
    uint32_t seen = 0;

    for (;;) {
        seen = await_epoch(p, seen);
        if (atomic_load(&p->stop))
            return NULL;
        run_chunks(p, w->index);
        if (atomic_fetch_sub_explicit(&p->n_active, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&p->lock);
            if (p->main_sleeps)
                pthread_cond_signal(&p->idle);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

/* Every worker passes through every loop, so the loop's fields are free to be
 * rewritten once n_active is zero. */
static void await_idle(ts_pool *p)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&p->n_active, memory_order_acquire) == 0)
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    p->main_sleeps = 1;
    while (atomic_load(&p->n_active) != 0)
        pthread_cond_wait(&p->idle, &p->lock);
    p->main_sleeps = 0;
    pthread_mutex_unlock(&p->lock);
}

void ts_pool_loop(ts_pool *p, size_t n, size_t chunk, ts_loop_body *body, void *ctx)
{
    assert(chunk > 0);
    if (n == 0)
        return;
    if (p->n_started == 0 || n <= chunk) {
        for (size_t begin = 0; begin < n; begin += chunk)
            body(ctx, begin, n - begin < chunk ? n : begin + chunk, 0);
        return;
    }
    p->n = n;
    p->chunk = chunk;
    p->body = body;
    p->ctx = ctx;
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    atomic_store_explicit(&p->n_active, p->n_started, memory_order_relaxed);
    atomic_fetch_add_explicit(&p->epoch, 1, memory_order_release);

    pthread_mutex_lock(&p->lock);
    if (p->n_sleeping > 0)
        pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);

    run_chunks(p, 0);
    await_idle(p);
}

int ts_pool_threads(const ts_pool *p)
{
    return p->n_started + 1;
}

void ts_pool_free(ts_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, 1);
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_started; i++)
        (void)pthread_join(p->workers[i].thread, NULL);
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_cond_destroy(&p->idle);
    ts_free(p->workers);
    ts_free(p);
}

tiefsee_status ts_pool_new(ts_pool **out, int n_threads, tiefsee_error *err)
{
    assert(n_threads >= 1);
    *out = NULL;
    ts_pool *p = ts_alloc_zero(1, sizeof *p);
    if (!p)
        return ts_fail_nomem(err, sizeof *p, "a thread pool");
    p->workers = ts_alloc_zero((size_t)n_threads, sizeof *p->workers);
    if (!p->workers) {
        ts_free(p);
        return ts_fail_nomem(err, (uint64_t)n_threads * sizeof *p->workers, "a thread pool");
    }
    p->n_threads = n_threads;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->work, NULL);
    (void)pthread_cond_init(&p->idle, NULL);
    for (int i = 0; i < n_threads - 1; i++) {
        worker *w = &p->workers[i];
        *w = (worker){.pool = p, .index = i + 1};
        const int e = pthread_create(&w->thread, NULL, worker_main, w);
        if (e != 0) {
            ts_pool_free(p);
            return ts_fail_errno(err, e, "starting thread %d of %d", i + 1, n_threads);
        }
        p->n_started++;
    }
    *out = p;
    return TIEFSEE_OK;
}

struct ts_lock {
    pthread_mutex_t mutex;
};

ts_lock *ts_lock_new(void)
{
    ts_lock *l = ts_alloc(sizeof *l);

    if (l)
        (void)pthread_mutex_init(&l->mutex, NULL);
    return l;
}

void ts_lock_free(ts_lock *l)
{
    if (l)
        (void)pthread_mutex_destroy(&l->mutex);
    ts_free(l);
}

void ts_lock_take(ts_lock *l)
{
    (void)pthread_mutex_lock(&l->mutex);
}

void ts_lock_give(ts_lock *l)
{
    (void)pthread_mutex_unlock(&l->mutex);
}
