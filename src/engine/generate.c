/* generate.c - sample, append, repeat, for one session. */
#include <string.h>

#include "core/clock.h"
#include "engine/decode.h"
#include "engine/session.h"

static void run(tiefsee_session *s, ts_answer *a, tiefsee_generate_result *r, double start)
{
    ts_sampler *sampler = ts_answer_sampler(a);
    int32_t token, chosen = -1;

    (void)tiefsee_session_logits(s); /* an answer before this one may not have made them */
    for (;;) {
        if (ts_session_is_cancelled(s)) {
            a->finish = TIEFSEE_FINISH_CANCELLED;
            return;
        }
        const bool goes_on =
            ts_answer_step(a, s->logits, chosen, s->seq.tokens, s->seq.n, s->seq.n_ctx, &token);
        if (r->first_token_s == 0)
            r->first_token_s = ts_clock_seconds() - start;
        if (!goes_on)
            return;
        ts_feed feed = {.seq = &s->seq,
                        .tokens = &token,
                        .n = 1,
                        .logits = s->logits,
                        .n_logits = 1,
                        .sampler = sampler,
                        .hidden = s->hidden};
        (void)ts_model_step(s->model, &feed, 1, NULL);
        chosen = feed.token;
        s->is_pending = chosen >= 0;
    }
}

tiefsee_status tiefsee_session_generate(tiefsee_session *s, const tiefsee_generate_options *opt,
                                        tiefsee_generate_result *result, tiefsee_error *err)
{
    tiefsee_generate_options o = {0};
    tiefsee_generate_result r = {0};
    ts_answer a;
    const double start = ts_clock_seconds();

    memcpy(&o, opt, opt->size < sizeof o ? opt->size : sizeof o);
    if (!s->has_logits)
        return ts_fail(err, TIEFSEE_E_INVALID, "generate needs a prompt in the context");
    const tiefsee_status st = ts_answer_start(&a, s->model, &s->sampler, &o, NULL, NULL, err);
    if (st != TIEFSEE_OK)
        return st;
    run(s, &a, &r, start);
    ts_answer_end(&a);
    atomic_store(&s->is_cancelled, 0);
    r.finish = a.finish;
    r.n_generated = a.n_generated;
    r.n_reasoning = a.n_reasoning;
    r.stop_index = a.stop_index;
    r.total_s = ts_clock_seconds() - start;
    if (result)
        *result = r;
    return TIEFSEE_OK;
}
