/* account.c - see account.h. */
#include "server/auth/account.h"

#include <assert.h>

void ts_account_roll_day(ts_account *c, int64_t now)
{
    const int64_t day = now / TS_DAY_MS;

    if (day > c->day || day < c->day - 1) {
        const uint64_t n_used = c->day_before == day ? c->n_used_before : 0;

        c->day_before = c->day;
        c->n_used_before = c->n_used;
        c->day = day;
        c->n_used = n_used;
    }
}

/* When the next request is due: never more than a minute ahead, unless the clock
 * was set back. */
static double due_at(const ts_account *c, int64_t now)
{
    const double at = (double)now;

    return c->next_due < at ? at : c->next_due > at + 60000 ? at + 60000 : c->next_due;
}

static unsigned seconds_until(double ms)
{
    return ms <= 1000 ? 1 : ms > 86400e3 ? 86400 : (unsigned)((ms + 999) / 1000);
}

/* Requests per minute: the next one is due a sixtieth of a minute's share after
 * the last, and may come up to a minute early.  So n at once and then one per
 * 60/n seconds. */
static bool is_too_fast(const ts_account *c, int64_t now, ts_grant *g)
{
    const double n = (double)c->limits.requests_per_minute;

    if (n <= 0)
        return false;
    const double early = due_at(c, now) + 60000 / n - 60000 - (double)now;
    /* A millionth of a millisecond is rounding, not haste. */
    if (early <= 1e-6)
        return false;
    g->retry_after_s = seconds_until(early);
    return true;
}

static void count_request(ts_account *c, int64_t now)
{
    const double n = (double)c->limits.requests_per_minute;

    if (n > 0)
        c->next_due = due_at(c, now) + 60000 / n;
}

/* Set n_prompt and up to max_completion tokens aside; false if not even one fits. */
static bool reserve(const ts_account *c, uint64_t n_prompt, ts_grant *g)
{
    const uint64_t limit = c->limits.tokens_per_day;
    const uint64_t taken = c->n_used + c->n_reserved;

    if (limit > 0) {
        const uint64_t left = limit > taken ? limit - taken : 0;
        if (left <= n_prompt)
            return false;
        if (g->n_completion > left - n_prompt)
            g->n_completion = left - n_prompt;
    }
    g->n_reserved = limit > 0 ? n_prompt + g->n_completion : 0;
    return true;
}

ts_refusal ts_account_admit(ts_account *c, int64_t now, uint64_t n_prompt, ts_grant *g)
{
    ts_account_roll_day(c, now);
    if (c->limits.n_ctx > 0) {
        if (n_prompt >= c->limits.n_ctx)
            return TS_REFUSAL_CONTEXT;
        if (g->n_completion > c->limits.n_ctx - n_prompt)
            g->n_completion = c->limits.n_ctx - n_prompt;
    }
    if (c->limits.n_concurrent > 0 && c->n_running >= c->limits.n_concurrent) {
        g->retry_after_s = 1;
        return TS_REFUSAL_CONCURRENCY;
    }
    if (is_too_fast(c, now, g))
        return TS_REFUSAL_RATE;
    if (!reserve(c, n_prompt, g)) {
        /* Running jobs may give something back soon; else tomorrow does. */
        g->retry_after_s = c->n_reserved > 0 && c->n_used + n_prompt < c->limits.tokens_per_day
                               ? 5
                               : seconds_until((double)(TS_DAY_MS - now % TS_DAY_MS));
        return TS_REFUSAL_QUOTA;
    }
    count_request(c, now);
    c->n_running++;
    c->n_reserved += g->n_reserved;
    return TS_REFUSAL_NONE;
}

void ts_account_explain(tiefsee_error *err, ts_refusal refusal, const ts_account *c,
                        uint64_t n_prompt, const ts_grant *g)
{
    const ts_key_limits *l = &c->limits;

    switch (refusal) {
    case TS_REFUSAL_CONTEXT:
        (void)ts_fail(err, TIEFSEE_E_LIMIT,
                      "a prompt of %llu tokens, this API key allows contexts of %llu",
                      (unsigned long long)n_prompt, (unsigned long long)l->n_ctx);
        break;
    case TS_REFUSAL_CONCURRENCY:
        (void)ts_fail(err, TIEFSEE_E_LIMIT, "%zu requests are running, this API key allows %llu",
                      c->n_running, (unsigned long long)l->n_concurrent);
        break;
    case TS_REFUSAL_RATE:
        (void)ts_fail(err, TIEFSEE_E_LIMIT, "more than %llu requests per minute; try again in %u s",
                      (unsigned long long)l->requests_per_minute, g->retry_after_s);
        break;
    case TS_REFUSAL_QUOTA:
        (void)ts_fail(err, TIEFSEE_E_LIMIT,
                      "the prompt has %llu tokens; of today's %llu, %llu are used and %llu are set "
                      "aside for running requests",
                      (unsigned long long)n_prompt, (unsigned long long)l->tokens_per_day,
                      (unsigned long long)c->n_used, (unsigned long long)c->n_reserved);
        break;
    case TS_REFUSAL_BAD_KEY:
        (void)ts_fail(err, TIEFSEE_E_INVALID, "there is no such API key");
        break;
    default: (void)ts_fail(err, TIEFSEE_E_LIMIT, "too many requests are open already"); break;
    }
}

void ts_account_settle(ts_account *c, int64_t now, uint64_t n_reserved, uint64_t n_used)
{
    ts_account_roll_day(c, now);
    assert(c->n_reserved >= n_reserved);
    c->n_reserved -= n_reserved;
    c->n_used += n_used;
}
