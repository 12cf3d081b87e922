/* engine.c - see engine.h.
 *
 * What is shared between threads - the queue, the flags, the statistics - is
 * behind the lock; running jobs, pages and the model belong to the engine thread
 * alone.  A job is admitted when the pages of its longest possible answer are
 * free or can be freed, so that nothing that runs can run out of room.
 *
 * Where there is a store on disk, full pages are lent to its thread to be written,
 * and a prompt whose next pages are there waits for them outside the steps.
 */
#include "engine/engine.h"

#include <assert.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/thread.h"
#include "engine/fingerprint.h"
#include "engine/forget.h"
#include "engine/job.h"
#include "engine/jobshares.h"

enum {
    DEFAULT_CTX = 8192,
    DEFAULT_RUNNING = 64,
    DEFAULT_QUEUE = 256,
    MIN_PIECE = 16,
    MIN_CHOICES = 4
};

/* Pages that may wait to be written. */
enum { MAX_SAVES = 4096 };

/* How long the piece of a prompt may take that a step carries: while nobody is
 * answering (then only cancelling waits for it), and while others are - then also
 * not much longer than the step without it, so that their tokens come evenly. */
static const double LONE_STEP_S = 0.6, SHARED_STEP_S = 0.12, SHORTEST_S = 0.002;
static const double TIMES_AN_ANSWER = 2.5;

struct ts_engine {
    tiefsee_model *model;
    size_t n_ctx, max_running, max_queue;
    void (*on_burst)(void *ctx, bool begins);
    void *burst_ctx;
    ts_lock *lock;
    ts_thread *thread;

    /* Behind the lock. */
    ts_job *first, **last;
    ts_shares shares; /* (max_queue + max_running) */
    size_t n_queued;
    bool is_closing, is_draining;
    ts_forgets forgets;
    ts_engine_stats stats;

    /* The engine thread's. */
    ts_kvcache *cache;
    ts_kvstore *store;                       /* NULL: none */
    ts_kvdisk *disk;                         /* NULL: no store, or not opened yet */
    size_t page_bytes, max_lent, pages_lent; /* lent: to be written */
    ts_job **running;
    size_t n_running, pages_reserved;
    ts_feed *feeds;  /* (max_running) */
    ts_job **fed;    /* whose share feeds[i] is */
    double token_s;  /* seconds per prompt token, as last seen */
    double answer_s; /* of a step with answers only, smoothed; 0: none yet */
};

/* ---- the life of a job (engine thread) */

static size_t pages_for(size_t n)
{
    return (n + TS_KV_PAGE - 1) / TS_KV_PAGE;
}

/* Remember what was computed, and offer its full pages to the disk. */
static void remember(ts_engine *e, ts_job *j)
{
    const size_t n_full = j->seq.n / TS_KV_PAGE;

    if (j->is_forgotten)
        return;
    ts_kvcache_remember(e->cache, j->name_space, j->topic, j->seq.tokens, j->seq.n, j->pages);
    if (!e->disk || j->is_private || j->n_saved >= n_full)
        return;
    ts_kvdisk_keys(j->seq.tokens, n_full, j->keys);
    for (; j->n_saved < n_full && e->pages_lent < e->max_lent; j->n_saved++) {
        const int32_t page = j->pages[j->n_saved];
        if (ts_kvdisk_known(e->disk, j->name_space, &j->keys[j->n_saved], 1) > 0)
            continue;
        if (!ts_kvdisk_save(e->disk, j->name_space, j->topic, &j->keys[j->n_saved],
                            ts_kvcache_data(e->cache, page), page))
            return;
        ts_kvcache_hold(e->cache, page);
        e->pages_lent++;
    }
}

static void take_back_written(ts_engine *e)
{
    int32_t page;

    while (e->disk && (page = ts_kvdisk_written(e->disk)) >= 0) {
        ts_kvcache_drop(e->cache, page);
        e->pages_lent--;
    }
}

static void end_job(ts_engine *e, ts_job *j, tiefsee_finish finish)
{
    const double now = ts_clock_seconds();
    ts_job_result r = {.finish = finish,
                       .stop_index = j->answer.stop_index,
                       .n_prompt = j->n_prompt,
                       .n_cached = j->n_cached,
                       .n_generated = j->answer.n_generated,
                       .n_reasoning = j->answer.n_reasoning,
                       .tokens = j->seq.tokens,
                       .experts = j->seq.choices};

    r.queue_s = (j->started > 0 ? j->started : now) - j->submitted;
    r.prompt_s = j->started > 0 ? (j->answering > 0 ? j->answering : now) - j->started : 0;
    r.answer_s = j->answering > 0 ? now - j->answering : 0;
    if (j->state != TS_JOB_QUEUED) {
        remember(e, j);
        for (size_t i = 0; i < j->n_pages; i++)
            ts_kvcache_drop(e->cache, j->pages[i]);
        e->pages_reserved -= j->max_pages;
    }
    ts_lock_take(e->lock);
    ts_shares_leave(&e->shares, j->user_name);
    e->stats.n_jobs++;
    e->stats.n_running = e->n_running;
    e->stats.n_generated_tokens += r.n_generated;
    e->stats.cache_pages_used = ts_kvcache_used(e->cache);
    ts_lock_give(e->lock);
    j->events.done(j->user, &r);
    ts_job_free(j);
}

/* Pages for n more tokens.  Admission has made sure that there are some; only
 * memory itself can be missing. */
static bool make_room(ts_engine *e, ts_job *j, size_t n)
{
    while (j->n_pages < pages_for(j->seq.n + n)) {
        const int32_t page = ts_kvcache_take(e->cache);
        if (page == TS_NO_PAGE)
            return false;
        j->table[j->n_pages] = ts_kvcache_data(e->cache, page);
        j->pages[j->n_pages++] = page;
    }
    return true;
}

/* Its pages that were known are there: the rest is to be computed. */
static void start_prompt(ts_engine *e, ts_job *j, size_t n_from_disk)
{
    j->state = TS_JOB_PROMPT;
    j->n_cached = j->seq.n;
    ts_lock_take(e->lock);
    e->stats.n_cached_tokens += j->n_cached;
    e->stats.n_disk_tokens += n_from_disk;
    ts_lock_give(e->lock);
    if (j->events.start)
        j->events.start(j->user, j->n_prompt, j->n_cached);
}

/* Ask the disk for the pages behind those in memory.  False: it has none. */
static bool start_loading(ts_engine *e, ts_job *j)
{
    const size_t first = j->seq.n / TS_KV_PAGE, most = (j->n_prompt - 1) / TS_KV_PAGE;

    if (!e->disk || first >= most)
        return false;
    ts_kvdisk_keys(j->seq.tokens, most, j->keys);
    const size_t n = ts_kvdisk_known(e->disk, j->name_space, j->keys + first, most - first);
    if (n == 0)
        return false;
    /* A page that is known in part gives way to the whole one. */
    if (j->n_pages > first)
        ts_kvcache_drop(e->cache, j->pages[--j->n_pages]);
    j->seq.n = first * TS_KV_PAGE;
    (void)make_room(e, j, n * TS_KV_PAGE);
    if (j->n_pages == first)
        return false;
    j->state = TS_JOB_LOADING;
    j->load = (ts_kvload){.user = j->name_space,
                          .keys = j->keys + first,
                          .page = j->table + first,
                          .n = j->n_pages - first,
                          .cancel = &j->is_cancelled};
    ts_kvdisk_load(e->disk, &j->load);
    return true;
}

static bool is_waiting_for_disk(const ts_job *j)
{
    return j->state == TS_JOB_LOADING && !atomic_load(&j->load.is_done);
}

static void end_loading(ts_engine *e, ts_job *j)
{
    const size_t n = j->load.n_loaded * TS_KV_PAGE;

    j->seq.n += n;
    if (!j->is_forgotten)
        ts_kvcache_remember(e->cache, j->name_space, j->topic, j->seq.tokens, j->seq.n, j->pages);
    start_prompt(e, j, n);
}

static void start_job(ts_engine *e, ts_job *j)
{
    j->started = ts_clock_seconds();
    e->pages_reserved += j->max_pages;
    j->seq.n =
        ts_kvcache_find(e->cache, j->name_space, j->seq.tokens, j->n_prompt, j->pages, &j->n_pages);
    for (size_t i = 0; i < j->n_pages; i++)
        j->table[i] = ts_kvcache_data(e->cache, j->pages[i]);
    e->running[e->n_running++] = j;
    if (!start_loading(e, j))
        start_prompt(e, j, 0);
}

static bool is_cancelled(const ts_job *j)
{
    return atomic_load_explicit(&j->is_cancelled, memory_order_relaxed) != 0;
}

/* The queued job to start now, taken out of the queue: a cancelled one, else the
 * first one of the user who had least, if its pages fit. */
static ts_job *take_queued(ts_engine *e)
{
    ts_job **best = NULL;
    uint64_t least = UINT64_MAX;

    for (ts_job **at = &e->first; *at; at = &(*at)->next) {
        if (is_cancelled(*at) || e->is_closing) {
            best = at;
            break;
        }
        const ts_share *a = ts_shares_find(&e->shares, (*at)->user_name);
        if (a->served < least) {
            least = a->served;
            best = at;
        }
    }
    if (!best)
        return NULL;
    ts_job *j = *best;
    const bool ends_at_once = is_cancelled(j) || e->is_closing;
    if (!ends_at_once &&
        (e->n_running == e->max_running ||
         e->pages_reserved + e->pages_lent + j->max_pages > ts_kvcache_pages(e->cache)))
        return NULL;
    *best = j->next;
    if (!e->first)
        e->last = &e->first;
    else if (e->last == &j->next)
        e->last = best;
    e->n_queued--;
    ts_shares_find(&e->shares, j->user_name)->n_waiting--;
    return j;
}

static void mark_forgotten(const ts_engine *e, ts_job *j)
{
    j->is_forgotten = j->is_forgotten || ts_forgets_cover(&e->forgets, j->user_name, j->topic);
}

/* Under the lock. */
static void forget_what_waits(ts_engine *e)
{
    if (e->forgets.n == 0)
        return;
    for (size_t i = 0; i < e->n_running; i++)
        mark_forgotten(e, e->running[i]);
    for (ts_job *j = e->first; j; j = j->next)
        mark_forgotten(e, j);
    ts_forgets_apply(&e->forgets, e->cache);
}

/* Whether a step, or the end of a load, is there to be made. */
static bool has_work(const ts_engine *e)
{
    for (size_t i = 0; i < e->n_running; i++)
        if (!is_waiting_for_disk(e->running[i]))
            return true;
    return false;
}

/* Under the lock: wait until a job can start (it is returned), something that runs
 * can go on, or the end has come and nothing runs any more. */
static ts_job *await_work(ts_engine *e)
{
    for (;;) {
        take_back_written(e);
        forget_what_waits(e);
        for (size_t i = 0; e->is_closing && i < e->n_running; i++)
            ts_job_cancel(e->running[i]);
        ts_job *j = take_queued(e);
        if (j || has_work(e) || (e->is_closing && e->n_running == 0))
            return j;
        ts_lock_wait(e->lock, 0);
    }
}

/* Start what can start; false when the thread shall end. */
static bool admit(ts_engine *e)
{
    for (;;) {
        ts_lock_take(e->lock);
        ts_job *j = await_work(e);
        const bool is_closing = e->is_closing;
        e->stats.n_running = e->n_running + (j != NULL);
        e->stats.n_queued = e->n_queued;
        ts_lock_give(e->lock);
        if (!j)
            return e->n_running > 0 || !is_closing;
        if (is_cancelled(j) || is_closing)
            end_job(e, j, TIEFSEE_FINISH_CANCELLED);
        else
            start_job(e, j);
    }
}

/* ---- a step (engine thread) */

/* The job whose prompt is worked on next: of the user who had least. */
static ts_job *next_prompt(ts_engine *e, size_t n_fed)
{
    ts_job *best = NULL;
    uint64_t least = UINT64_MAX;

    ts_lock_take(e->lock);
    for (size_t i = 0; i < e->n_running; i++) {
        ts_job *j = e->running[i];
        bool is_taken = j->state != TS_JOB_PROMPT;
        for (size_t k = 0; k < n_fed && !is_taken; k++)
            is_taken = e->fed[k] == j;
        const ts_share *a = ts_shares_find(&e->shares, j->user_name);
        if (!is_taken && a->served < least) {
            least = a->served;
            best = j;
        }
    }
    ts_lock_give(e->lock);
    return best;
}

/* Prompt tokens that this step may carry. */
static size_t piece_budget(const ts_engine *e, size_t n_answering)
{
    const double even = TIMES_AN_ANSWER * e->answer_s;
    const double shared = even > SHARED_STEP_S || even <= 0 ? SHARED_STEP_S
                          : even > SHORTEST_S               ? even
                                                            : SHORTEST_S;
    const double most = n_answering ? shared : LONE_STEP_S;
    const size_t room = e->model->max_batch - n_answering;
    const double fits = e->token_s > 0 ? most / e->token_s : 128;
    size_t n = fits < MIN_PIECE ? MIN_PIECE : fits > 1e6 ? room : (size_t)fits;

    return n < room ? n : room;
}

static size_t add_answers(ts_engine *e)
{
    size_t n = 0;

    for (size_t i = 0; i < e->n_running && n < e->model->max_logits; i++) {
        ts_job *j = e->running[i];
        if (j->state != TS_JOB_ANSWER || is_cancelled(j) || !make_room(e, j, 1))
            continue;
        e->fed[n] = j;
        e->feeds[n++] = (ts_feed){.seq = &j->seq,
                                  .tokens = &j->pending,
                                  .n = 1,
                                  .n_logits = 1,
                                  .sampler = ts_answer_sampler(&j->answer)};
    }
    return n;
}

static size_t add_prompts(ts_engine *e, size_t n)
{
    size_t budget = piece_budget(e, n);

    while (budget > 0 && n < e->max_running && n < e->model->max_logits) {
        ts_job *j = next_prompt(e, n);
        if (!j)
            break;
        const size_t left = j->n_prompt - j->seq.n, piece = left < budget ? left : budget;
        if (!make_room(e, j, piece))
            break;
        e->fed[n] = j;
        e->feeds[n++] = (ts_feed){.seq = &j->seq,
                                  .tokens = j->seq.tokens + j->seq.n,
                                  .n = piece,
                                  .n_logits = piece == left ? 1 : 0,
                                  .sampler = ts_answer_sampler(&j->answer)};
        budget -= piece;
    }
    return n;
}

static void forget_running(ts_engine *e, ts_job *j)
{
    for (size_t i = 0; i < e->n_running; i++)
        if (e->running[i] == j) {
            memmove(&e->running[i], &e->running[i + 1], (--e->n_running - i) * sizeof *e->running);
            return;
        }
}

static void finish(ts_engine *e, ts_job *j, tiefsee_finish how)
{
    j->answer.finish = how;
    ts_answer_end(&j->answer);
    forget_running(e, j);
    end_job(e, j, how);
}

/* A share has been computed: choose the next token where its logits are there. */
static void advance(ts_engine *e, ts_job *j, const ts_feed *f)
{
    int32_t token;

    if (f->n_logits == 0)
        return;
    if (j->state == TS_JOB_PROMPT) {
        j->state = TS_JOB_ANSWER;
        j->answering = ts_clock_seconds();
        remember(e, j); /* others may ask the same before this is answered */
    }
    const bool goes_on = ts_answer_step(&j->answer, f->rows, f->token, j->seq.tokens, j->seq.n,
                                        j->seq.n_ctx, &token);
    if (token >= 0 && j->seq.n < j->seq.n_ctx)
        j->seq.tokens[j->seq.n] = token;
    if (!goes_on)
        finish(e, j, j->answer.finish);
    else
        j->pending = token;
}

typedef struct choosing {
    ts_feed *feeds;
    ts_job *const *jobs;
} choosing;

static void choose_one(void *ctx, size_t i)
{
    const choosing *c = ctx;
    ts_feed *f = &c->feeds[i];
    ts_job *j = c->jobs[i];

    if (f->n_logits > 0 && f->token < 0)
        f->token = ts_answer_choose(&j->answer, f->rows, j->seq.tokens, j->seq.n);
}

/* Choosing costs about as much as a layer, and no answer's depends on another's. */
static void choose_all(ts_engine *e, size_t n)
{
    choosing c = {e->feeds, e->fed};
    ts_backend *b = e->model->backend;

    if (n < MIN_CHOICES || !b->each)
        return;
    ts_lock_take(e->model->lock);
    b->each(b, n, choose_one, &c);
    ts_lock_give(e->model->lock);
}

static void count_step(ts_engine *e, size_t n_feeds, size_t n_answers, double seconds)
{
    size_t n_prompt = 0;

    ts_lock_take(e->lock);
    for (size_t i = 0; i < n_feeds; i++) {
        ts_shares_find(&e->shares, e->fed[i]->user_name)->served += e->feeds[i].n;
        n_prompt += i >= n_answers ? e->feeds[i].n : 0;
    }
    e->stats.n_steps++;
    e->stats.n_prompt_tokens += n_prompt;
    e->stats.cache_pages_used = ts_kvcache_used(e->cache);
    ts_lock_give(e->lock);
    if (n_prompt >= MIN_PIECE)
        e->token_s = seconds / (double)(n_prompt + n_answers);
    else if (n_prompt == 0)
        e->answer_s += (seconds - e->answer_s) * (e->answer_s > 0 ? 0.2 : 1);
}

static void sweep(ts_engine *e, bool all)
{
    for (size_t i = e->n_running; i-- > 0;) {
        ts_job *j = e->running[i];
        if (is_waiting_for_disk(j))
            continue; /* its pages are being written to; it is told, and soon done */
        if (j->state == TS_JOB_LOADING)
            end_loading(e, j);
        if (all || is_cancelled(j))
            finish(e, j, TIEFSEE_FINISH_CANCELLED);
    }
}

static void out_of_memory(ts_engine *e)
{
    /* Cancelled since the sweep: nothing was asked for, or its pages will do. */
    for (size_t i = 0; i < e->n_running; i++)
        if (is_cancelled(e->running[i]) && !is_waiting_for_disk(e->running[i]))
            return;
    for (size_t i = e->n_running; i-- > 0;)
        if (e->running[i]->state != TS_JOB_LOADING) {
            finish(e, e->running[i], TIEFSEE_FINISH_LENGTH);
            return;
        }
}

static void step(ts_engine *e)
{
    const size_t n_answers = add_answers(e), n = add_prompts(e, n_answers);
    const double start = ts_clock_seconds();

    if (n == 0) {
        /* Nobody could get a page although it was promised, or all were cancelled. */
        out_of_memory(e);
        return;
    }
    const _Atomic int *cancel = n == 1 ? &e->fed[0]->is_cancelled : NULL;
    if (!ts_model_step(e->model, e->feeds, n, cancel))
        return; /* the sweep ends it */
    choose_all(e, n);
    count_step(e, n, n_answers, ts_clock_seconds() - start);
    if (e->on_burst)
        e->on_burst(e->burst_ctx, true);
    for (size_t i = 0; i < n; i++)
        advance(e, e->fed[i], &e->feeds[i]);
    if (e->on_burst)
        e->on_burst(e->burst_ctx, false);
}

static void on_disk_change(void *ctx)
{
    ts_engine *e = ctx;

    ts_lock_take(e->lock);
    ts_lock_wake(e->lock);
    ts_lock_give(e->lock);
}

/* Here, because the fingerprint takes a step: a first request waits for it, the
 * server's start does not.  Without it the engine works all the same. */
static void open_disk(ts_engine *e)
{
    ts_kvdisk_options opt = {.store = e->store,
                             .page_bytes = e->page_bytes,
                             .max_saves = e->max_lent,
                             .on_change = on_disk_change,
                             .ctx = e};
    tiefsee_error err = {0};
    tiefsee_status st = opt.page_bytes > TS_KVSTORE_MAX_PAGE
                            ? ts_fail(&err, TIEFSEE_E_LIMIT, "a page has %zu bytes (%d allowed)",
                                      opt.page_bytes, TS_KVSTORE_MAX_PAGE)
                            : ts_model_fingerprint(e->model, opt.model, &err);

    if (st == TIEFSEE_OK)
        st = ts_kvdisk_new(&e->disk, &opt, &err);
    if (st != TIEFSEE_OK) {
        const ts_log_field why = TS_LOG_TEXT("why", err.message);
        ts_log(TS_LOG_WARN, "no context cache on disk", &why, 1);
    }
}

static void engine_main(void *ctx)
{
    ts_engine *e = ctx;

    if (e->store)
        open_disk(e);
    while (admit(e)) {
        ts_lock_take(e->lock);
        const bool is_closing = e->is_closing;
        ts_lock_give(e->lock);
        sweep(e, is_closing);
        if (has_work(e))
            step(e);
    }
}

/* ---- the interface */

static tiefsee_status open_cache(ts_engine *e, uint64_t bytes, tiefsee_error *err)
{
    const ts_net *net = e->model->net;
    const size_t row = ts_net_kv_row_floats(net), n_layers = net->config.n_layers;
    const size_t floats = row * n_layers * TS_KV_PAGE;

    if (bytes == 0)
        bytes = ts_cpu_available_memory() / 4;
    uint64_t n = bytes / (floats * sizeof(float));
    n = n > 1u << 20 ? 1u << 20 : n;
    if (n < pages_for(e->n_ctx))
        return ts_fail(
            err, TIEFSEE_E_NOMEM,
            "a context of %zu tokens needs %zu pages of %zu kB, the cache's %llu MB hold "
            "%llu",
            e->n_ctx, pages_for(e->n_ctx), floats * sizeof(float) >> 10,
            (unsigned long long)(bytes >> 20), (unsigned long long)n);
    e->stats.cache_pages = n;
    e->page_bytes = floats * sizeof(float);
    e->max_lent = n / 4 + 1 < MAX_SAVES ? (size_t)n / 4 + 1 : MAX_SAVES;
    return ts_kvcache_open(&e->cache, floats, row, n_layers, (size_t)n, err);
}

static void free_engine(ts_engine *e)
{
    ts_kvdisk_free(e->disk); /* writes what is lent */
    ts_kvcache_free(e->cache);
    ts_lock_free(e->lock);
    ts_free(e->shares.list);
    ts_free(e->running);
    ts_free(e->feeds);
    ts_free(e->fed);
    ts_free(e);
}

static tiefsee_status take_memory(ts_engine *e, tiefsee_error *err)
{
    e->lock = ts_lock_new();
    e->shares.list = ts_alloc_zero(e->max_queue + e->max_running, sizeof *e->shares.list);
    e->running = ts_alloc_zero(e->max_running, sizeof *e->running);
    e->feeds = ts_alloc_zero(e->max_running, sizeof *e->feeds);
    e->fed = ts_alloc_zero(e->max_running, sizeof *e->fed);
    if (!e->lock || !e->shares.list || !e->running || !e->feeds || !e->fed)
        return ts_fail_nomem(err, e->max_queue * sizeof *e->shares.list, "the scheduler");
    return TIEFSEE_OK;
}

tiefsee_status ts_engine_open(ts_engine **out, tiefsee_model *model, const ts_engine_options *opt,
                              tiefsee_error *err)
{
    const ts_engine_options o = opt ? *opt : (ts_engine_options){0};

    *out = NULL;
    if (!model->net)
        return ts_fail(err, TIEFSEE_E_INVALID, "the model was opened for its metadata only");
    ts_engine *e = ts_alloc_zero(1, sizeof *e);
    if (!e)
        return ts_fail_nomem(err, sizeof *e, "the scheduler");
    const size_t longest = model->net->config.n_ctx;
    e->model = model;
    e->store = o.store;
    e->on_burst = o.on_burst;
    e->burst_ctx = o.burst_ctx;
    e->last = &e->first;
    e->n_ctx = o.n_ctx ? o.n_ctx : longest < DEFAULT_CTX ? longest : DEFAULT_CTX;
    e->max_running = o.max_running ? o.max_running : DEFAULT_RUNNING;
    e->max_running = e->max_running < model->max_logits ? e->max_running : model->max_logits;
    e->max_queue = o.max_queue ? o.max_queue : DEFAULT_QUEUE;
    tiefsee_status st = TIEFSEE_OK;
    if (e->n_ctx > longest)
        st = ts_fail(err, TIEFSEE_E_LIMIT, "a context of %zu tokens: the model allows %zu",
                     e->n_ctx, longest);
    if (st == TIEFSEE_OK)
        st = take_memory(e, err);
    if (st == TIEFSEE_OK)
        st = open_cache(e, o.cache_bytes, err);
    if (st == TIEFSEE_OK && o.tells_experts)
        st = ts_model_tell_experts(model, err);
    if (st == TIEFSEE_OK)
        st = ts_thread_start(&e->thread, engine_main, e, err);
    if (st != TIEFSEE_OK) {
        free_engine(e);
        return st;
    }
    *out = e;
    return TIEFSEE_OK;
}

void ts_engine_close(ts_engine *e)
{
    if (!e)
        return;
    ts_lock_take(e->lock);
    e->is_closing = e->is_draining = true;
    ts_lock_wake(e->lock);
    ts_lock_give(e->lock);
    ts_thread_join(e->thread);
    free_engine(e);
}

void ts_engine_drain(ts_engine *e)
{
    ts_lock_take(e->lock);
    e->is_draining = true;
    ts_lock_give(e->lock);
}

bool ts_engine_is_idle(const ts_engine *e)
{
    ts_lock_take(e->lock);
    const bool is_idle = e->shares.n == 0; /* every job has one until it is done */
    ts_lock_give(e->lock);
    return is_idle;
}

tiefsee_status ts_engine_submit(ts_engine *e, const ts_job_spec *spec, const ts_job_events *events,
                                void *user, ts_job **job, tiefsee_error *err)
{
    ts_job *j;

    *job = NULL;
    tiefsee_status st = ts_job_new(&j, e, e->model, spec, e->n_ctx, err);
    if (st != TIEFSEE_OK)
        return st;
    j->events = *events;
    j->user = user;
    j->submitted = ts_clock_seconds();
    ts_lock_take(e->lock);
    if (e->is_draining)
        st = ts_fail(err, TIEFSEE_E_CANCELLED, "the server is shutting down");
    else if (e->n_queued == e->max_queue)
        st = ts_fail(err, TIEFSEE_E_LIMIT, "%zu requests are waiting already", e->max_queue);
    else if (!ts_shares_may_wait(&e->shares, j->user_name, e->max_queue))
        st = ts_fail(err, TIEFSEE_E_LIMIT,
                     "too many requests of this key are waiting already (a queue of %zu)",
                     e->max_queue);
    if (st == TIEFSEE_OK) {
        ts_shares_enter(&e->shares, j->user_name);
        *e->last = j;
        e->last = &j->next;
        e->n_queued++;
        *job = j;
        ts_lock_wake(e->lock);
    }
    ts_lock_give(e->lock);
    if (st != TIEFSEE_OK) {
        j->constraint.ctx = NULL; /* still the caller's */
        ts_job_free(j);
    }
    return st;
}

void ts_job_cancel(ts_job *job)
{
    atomic_store_explicit(&job->is_cancelled, 1, memory_order_relaxed);
}

void ts_engine_forget(ts_engine *e, const char *user_name, const char *topic)
{
    ts_lock_take(e->lock);
    ts_forgets_add(&e->forgets, user_name, topic);
    ts_lock_wake(e->lock);
    ts_lock_give(e->lock);
}

void ts_engine_read_stats(const ts_engine *e, ts_engine_stats *out)
{
    ts_lock_take(e->lock);
    *out = e->stats;
    out->n_queued = e->n_queued;
    ts_lock_give(e->lock);
}
