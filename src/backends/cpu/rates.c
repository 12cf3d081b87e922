/* rates.c - the limits of this machine, measured with the backend's own threads:
 * bandwidth of reading memory, rates of the product instructions. */
#include <string.h>

#include "backends/cpu/cpu_internal.h"
#include "core/alloc.h"
#include "core/clock.h"

/* Larger than any cache; read in pieces as a weight matrix would be. */
enum { BUFFER_BYTES = 256 << 20, PIECE_BYTES = 1 << 20, REPEATS = 4 };

static const double PROBE_SECONDS = 0.04;

typedef struct read_loop {
    const uint64_t *words;
    _Alignas(64) uint64_t sums[64][8]; /* a cache line per thread, so that nobody waits */
} read_loop;

static void read_pieces(void *ctx, size_t begin, size_t end, int thread)
{
    read_loop *l = ctx;
    const size_t n = PIECE_BYTES / sizeof(uint64_t);
    uint64_t sum[8] = {0};

    for (const uint64_t *p = l->words + begin * n; p < l->words + end * n; p += 8)
        for (int i = 0; i < 8; i++)
            sum[i] += p[i];
    for (int i = 0; i < 8; i++)
        l->sums[thread % 64][i] += sum[i];
}

static double best_bandwidth(ts_cpu *c, const uint64_t *words)
{
    read_loop l = {.words = words};
    double best = 0;

    for (int i = 0; i < REPEATS; i++) {
        const double start = ts_clock_seconds();
        ts_pool_loop(c->pool, BUFFER_BYTES / PIECE_BYTES, 4, read_pieces, &l);
        const double rate = BUFFER_BYTES / (ts_clock_seconds() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

typedef struct probe_loop {
    ts_probe_fn *probe;
    double rate[1024]; /* multiply-adds per second of each thread */
} probe_loop;

/* One thread's share: short bursts, the best of which is the rate. */
static void run_probe(void *ctx, size_t begin, size_t end, int thread)
{
    probe_loop *l = ctx;
    const double stop = ts_clock_seconds() + PROBE_SECONDS;

    (void)thread;
    for (size_t i = begin; i < end; i++)
        for (double now = ts_clock_seconds(); now < stop;) {
            const uint64_t n = l->probe(20000);
            const double then = now;
            now = ts_clock_seconds();
            const double rate = (double)n / (now - then);
            l->rate[i] = rate > l->rate[i] ? rate : l->rate[i];
        }
}

static double peak(ts_cpu *c, ts_probe_fn *probe)
{
    probe_loop l = {.probe = probe};
    double total = 0;

    memset(l.rate, 0, sizeof l.rate);
    ts_pool_loop(c->pool, (size_t)c->n_threads, 1, run_probe, &l);
    for (int i = 0; i < c->n_threads; i++)
        total += l.rate[i];
    return total;
}

tiefsee_status ts_cpu_measure(ts_backend *b, ts_cpu_rates *out, tiefsee_error *err)
{
    ts_cpu *c = ts_cpu_of(b);
    uint64_t *words = ts_alloc(BUFFER_BYTES);

    if (!words)
        return ts_fail_nomem(err, BUFFER_BYTES, "the bandwidth probe");
    memset(words, 1, BUFFER_BYTES); /* real pages, not the zero page */
    out->bus_gb_per_s = best_bandwidth(c, words) * 1e-9;
    ts_free(words);
    out->int8_gops = 2e-9 * peak(c, c->probe.int8);
    out->f32_gflops = 2e-9 * peak(c, c->probe.f32);
    return TIEFSEE_OK;
}
