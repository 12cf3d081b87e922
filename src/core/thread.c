/* thread.c - see thread.h.
 *
 * The state of a loop is one 64-bit ticket: which loop it is, how many chunks it
 * has and which comes next.  A thread claims a chunk by raising the ticket, and
 * reads the loop's other fields only then: the loop cannot end, and so its
 * fields cannot change, before every claimed chunk is done.  A worker that wakes
 * late finds nothing left and is waited for by nobody - on a busy machine the
 * calling thread does the whole loop if it has to.
 */
#include "core/thread.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "core/alloc.h"

/* About 50 us of looking before sleeping: longer than the gap between two loops
 * of a decode step, short enough not to be seen in top. */
enum { SPINS = 2000 };

/* Ticket: loop number (24 bits) | chunks (20) | next chunk (20). */
enum { CHUNK_BITS = 20, MAX_CHUNKS = (1 << CHUNK_BITS) - 1 };

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
    _Atomic int n_sleeping; /* changed under lock */
    _Atomic int main_sleeps;
    _Atomic int stop;

    size_t n, chunk;
    ts_loop_body *body;
    void *ctx;
    uint64_t loop_number;
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) _Atomic size_t n_done; /* chunks */
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static size_t chunks_of(uint64_t ticket)
{
    return (size_t)(ticket >> CHUNK_BITS) & MAX_CHUNKS;
}

static size_t next_of(uint64_t ticket)
{
    return (size_t)ticket & MAX_CHUNKS;
}

/* Claim a chunk of whatever loop is current; false if it has none left. */
static bool claim(ts_pool *p, size_t *chunk)
{
    uint64_t t = atomic_load_explicit(&p->ticket, memory_order_acquire);

    do {
        if (next_of(t) >= chunks_of(t))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&p->ticket, &t, t + 1, memory_order_acq_rel,
                                                    memory_order_acquire));
    *chunk = next_of(t);
    return true;
}

static void run_chunks(ts_pool *p, int thread)
{
    size_t i;

    while (claim(p, &i)) {
        const size_t n_chunks = (p->n + p->chunk - 1) / p->chunk, begin = i * p->chunk;
        const size_t end = p->n - begin < p->chunk ? p->n : begin + p->chunk;

        p->body(p->ctx, begin, end, thread);
        if (atomic_fetch_add(&p->n_done, 1) + 1 == n_chunks && thread != 0 &&
            atomic_load(&p->main_sleeps)) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->idle);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static bool has_work(ts_pool *p)
{
    const uint64_t t = atomic_load(&p->ticket);
    return next_of(t) < chunks_of(t) || atomic_load_explicit(&p->stop, memory_order_relaxed);
}

static void await_work(ts_pool *p)
{
    for (int i = 0; i < SPINS; i++) {
        if (has_work(p))
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->n_sleeping, 1);
    while (!has_work(p))
        pthread_cond_wait(&p->work, &p->lock);
    atomic_fetch_sub(&p->n_sleeping, 1);
    pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *arg)
{
    worker *w = arg;

    for (;;) {
        await_work(w->pool);
        if (atomic_load(&w->pool->stop))
            return NULL;
        run_chunks(w->pool, w->index);
    }
}

static void await_done(ts_pool *p, size_t n_chunks)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&p->n_done, memory_order_acquire) == n_chunks)
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->main_sleeps, 1);
    while (atomic_load(&p->n_done) != n_chunks)
        pthread_cond_wait(&p->idle, &p->lock);
    atomic_store(&p->main_sleeps, 0);
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
    while ((n - 1) / chunk >= MAX_CHUNKS)
        chunk *= 2;
    const size_t n_chunks = (n + chunk - 1) / chunk;
    p->n = n;
    p->chunk = chunk;
    p->body = body;
    p->ctx = ctx;
    p->loop_number++;
    atomic_store_explicit(&p->n_done, 0, memory_order_relaxed);
    atomic_store(&p->ticket, p->loop_number << (2 * CHUNK_BITS) | (uint64_t)n_chunks << CHUNK_BITS);
    if (atomic_load(&p->n_sleeping) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->lock);
    }
    run_chunks(p, 0);
    await_done(p, n_chunks);
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
        sigset_t all, before;
        *w = (worker){.pool = p, .index = i + 1};
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &before);
        const int e = pthread_create(&w->thread, NULL, worker_main, w);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
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
    pthread_cond_t changed;
};

ts_lock *ts_lock_new(void)
{
    ts_lock *l = ts_alloc(sizeof *l);
    pthread_condattr_t monotonic;

    if (!l)
        return NULL;
    (void)pthread_mutex_init(&l->mutex, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&l->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return l;
}

void ts_lock_free(ts_lock *l)
{
    if (!l)
        return;
    (void)pthread_cond_destroy(&l->changed);
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

void ts_lock_wait(ts_lock *l, double seconds)
{
    struct timespec until;

    if (seconds <= 0) {
        (void)pthread_cond_wait(&l->changed, &l->mutex);
        return;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    const double whole = (double)until.tv_sec + 1e-9 * (double)until.tv_nsec + seconds;
    until.tv_sec = (time_t)whole;
    until.tv_nsec = (long)((whole - (double)until.tv_sec) * 1e9);
    (void)pthread_cond_timedwait(&l->changed, &l->mutex, &until);
}

void ts_lock_wake(ts_lock *l)
{
    (void)pthread_cond_broadcast(&l->changed);
}

struct ts_thread {
    pthread_t thread;
    void (*run)(void *ctx);
    void *ctx;
};

static void *thread_main(void *arg)
{
    ts_thread *t = arg;

    t->run(t->ctx);
    return NULL;
}

tiefsee_status ts_thread_start(ts_thread **out, void (*run)(void *ctx), void *ctx,
                               tiefsee_error *err)
{
    ts_thread *t = ts_alloc(sizeof *t);
    sigset_t all, before;

    *out = NULL;
    if (!t)
        return ts_fail_nomem(err, sizeof *t, "a thread");
    *t = (ts_thread){.run = run, .ctx = ctx};
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    const int e = pthread_create(&t->thread, NULL, thread_main, t);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (e != 0) {
        ts_free(t);
        return ts_fail_errno(err, e, "starting a thread");
    }
    *out = t;
    return TIEFSEE_OK;
}

void ts_thread_join(ts_thread *t)
{
    if (t)
        (void)pthread_join(t->thread, NULL);
    ts_free(t);
}
