/* fuzz_turn_request.c - any body of a chat or completion gives a prompt that fits, or
 * an error of one line; never both, never a leak.  The first byte says which kind. */
#include "fuzz.h"

#include <string.h>

#include "server/api/openai_request.h"

static const ts_models *models(void)
{
    static ts_models *all;
    const ts_engine_options options = {.n_ctx = 256, .cache_bytes = 16 << 20};
    tiefsee_model *model;

    if (!all) {
        all = ts_models_new();
        MUST(all && tiefsee_model_open(&model, NULL, NULL, NULL) == TIEFSEE_OK);
        MUST(ts_models_add(all, "m", model, &options, NULL) == TIEFSEE_OK);
    }
    return all;
}

static void check_prompt(const ts_turn_request *r)
{
    MUST(r->n_prompt > 0 && r->n_prompt < r->model->n_ctx);
    for (size_t i = 0; i < r->n_prompt; i++)
        MUST(r->prompt[i] >= 0 && (size_t)r->prompt[i] < r->model->info.n_vocab);
    MUST(r->generate.n_stop <= 16 && r->generate.sampling.n_bias <= 1024);
    MUST(!r->generate.splits_calls || r->constraint.ctx);
}

static void check_wrong(const ts_wrong *w)
{
    MUST(w->status == 400 || w->status == 404 || w->status == 503);
    MUST(*w->message && strlen(w->message) < sizeof w->message);
    MUST(strlen(w->param) < sizeof w->param);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ts_openai_request r;
    ts_wrong w = {0};

    if (size < 1 || size > 1 << 16)
        return 0;
    const ts_str body = {(const char *)data + 1, size - 1};
    if (!ts_openai_request_read(&r, models(), body, data[0] & 1, 7, &w)) {
        check_wrong(&w);
        return 0;
    }
    if (ts_turn_prepare(&r.turn, &w))
        check_prompt(&r.turn);
    else
        check_wrong(&w);
    ts_turn_close(&r.turn);
    return 0;
}
