/* fuzz_train_log.c - any bytes as a log and as costs: no line is counted twice or lost. */
#include "fuzz.h"

#include <math.h>

#include "train/train_log.h"

static void count(void *user, uint64_t line, const char *why)
{
    MUST(line > 0 && why && *why);
    ++*(uint64_t *)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ts_train_log log;
    static ts_stage_cost cost[TRAIN_MAX_COSTS];
    const ts_str text = {(const char *)data, size};
    uint64_t n_lines = 0, n_bad = 0;

    if (size > 1 << 16)
        return 0;
    for (size_t i = 0; i < size; i++)
        n_lines += data[i] == '\n';
    ts_train_log_read(&log, text, count, &n_bad);
    MUST(log.n_bad == n_bad && log.n_steps + n_bad == n_lines);
    for (size_t i = 0; i < LOG_N_FIELDS; i++) {
        const ts_curve_bin all = ts_curve_between(&log.curve[i], 0, UINT64_MAX / 2);
        MUST(isfinite(log.total[i]) && all.n <= log.n_steps);
    }
    const size_t n = ts_train_costs_read(cost, text, NULL, NULL);
    MUST(n <= TRAIN_MAX_COSTS && n <= n_lines);
    return 0;
}
