/* worker.c - see worker.h.
 *
 * Two arrays: pushes fill one while the other is run, then they change places.
 */
#include "core/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "core/alloc.h"
#include "core/checked.h"
#include "core/clock.h"

struct ts_worker {
    ts_worker_options opt;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    char *filling, *running;
    size_t n_filling;
    uint64_t n_pushed, n_run;
    bool stops;
};

/* With the lock held: until there is something to do or the next tick is due. */
static void await_work(ts_worker *w, double tick_at)
{
    while (w->n_filling == 0 && !w->stops) {
        if (w->opt.tick_ms == 0) {
            (void)pthread_cond_wait(&w->work, &w->lock);
            continue;
        }
        const time_t seconds = (time_t)tick_at;
        const struct timespec until = {.tv_sec = seconds,
                                       .tv_nsec = (long)((tick_at - (double)seconds) * 1e9)};
        if (pthread_cond_timedwait(&w->work, &w->lock, &until) == ETIMEDOUT)
            return;
    }
}

static void *worker_main(void *arg)
{
    ts_worker *w = arg;
    const double tick = 1e-3 * w->opt.tick_ms;
    double tick_at = ts_clock_seconds() + tick;

    for (;;) {
        (void)pthread_mutex_lock(&w->lock);
        await_work(w, tick_at);
        const size_t n = w->n_filling;
        const bool ends = n == 0 && w->stops;
        char *batch = w->filling;
        w->filling = w->running;
        w->running = batch;
        w->n_filling = 0;
        (void)pthread_mutex_unlock(&w->lock);
        if (ends)
            return NULL;
        if (n > 0)
            w->opt.run(w->opt.ctx, batch, n);
        if (w->opt.tick_ms > 0 && ts_clock_seconds() >= tick_at) {
            w->opt.run(w->opt.ctx, NULL, 0);
            tick_at = ts_clock_seconds() + tick;
        }
        (void)pthread_mutex_lock(&w->lock);
        w->n_run += n;
        (void)pthread_cond_broadcast(&w->done);
        (void)pthread_mutex_unlock(&w->lock);
    }
}

static void release(ts_worker *w)
{
    ts_free(w->filling);
    ts_free(w->running);
    ts_free(w);
}

tiefsee_status ts_worker_new(ts_worker **out, const ts_worker_options *opt, tiefsee_error *err)
{
    uint64_t bytes;

    assert(opt->item_bytes > 0 && opt->max_items > 0 && opt->run);
    *out = NULL;
    if (!ts_mul_u64(&bytes, opt->item_bytes, opt->max_items))
        return ts_fail_nomem(err, UINT64_MAX, "a queue");
    ts_worker *w = ts_alloc_zero(1, sizeof *w);
    if (!w)
        return ts_fail_nomem(err, sizeof *w, "a queue");
    w->opt = *opt;
    w->filling = ts_alloc((size_t)bytes);
    w->running = ts_alloc((size_t)bytes);
    if (!w->filling || !w->running) {
        release(w);
        return ts_fail_nomem(err, bytes, "a queue");
    }

    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->work, &monotonic);
    (void)pthread_cond_init(&w->done, NULL);
    (void)pthread_condattr_destroy(&monotonic);
    const int e = pthread_create(&w->thread, NULL, worker_main, w);
    if (e != 0) {
        release(w);
        return ts_fail_errno(err, e, "starting a worker thread");
    }
    *out = w;
    return TIEFSEE_OK;
}

void ts_worker_free(ts_worker *w)
{
    if (!w)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->stops = true;
    (void)pthread_cond_signal(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->work);
    (void)pthread_cond_destroy(&w->done);
    release(w);
}

bool ts_worker_push(ts_worker *w, const void *item, uint64_t *ticket)
{
    (void)pthread_mutex_lock(&w->lock);
    assert(!w->stops);
    const bool has_room = w->n_filling < w->opt.max_items;
    if (has_room) {
        memcpy(w->filling + w->n_filling * w->opt.item_bytes, item, w->opt.item_bytes);
        w->n_filling++;
        w->n_pushed++;
        if (ticket)
            *ticket = w->n_pushed;
        (void)pthread_cond_signal(&w->work);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return has_room;
}

void ts_worker_wait(ts_worker *w, uint64_t ticket)
{
    (void)pthread_mutex_lock(&w->lock);
    while (w->n_run < ticket)
        (void)pthread_cond_wait(&w->done, &w->lock);
    (void)pthread_mutex_unlock(&w->lock);
}

size_t ts_worker_waiting(ts_worker *w)
{
    (void)pthread_mutex_lock(&w->lock);
    const size_t n = w->n_filling;
    (void)pthread_mutex_unlock(&w->lock);
    return n;
}
