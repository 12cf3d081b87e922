/* fuzz_turn_request.c - any body of a request, in each protocol, gives a prompt that fits, or
 * an error of one line; never both, never a leak.  The first byte says which kind: bits 2
 * and 3 the protocol, 0 and 1 its variant. */
#include "fuzz.h"

#include <string.h>

#include "server/api/anthropic_request.h"
#include "server/api/ollama_request.h"
#include "server/api/openai_request.h"
#include "server/api/responses_request.h"

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

/* Taken, and a prompt of it is wanted? */
static bool read_openai(ts_turn_request **turn, ts_str body, int variant, ts_wrong *w)
{
    static ts_openai_request r;

    *turn = &r.turn;
    return ts_openai_request_read(&r, models(), body, variant & 1, 7, w);
}

static bool read_anthropic(ts_turn_request **turn, ts_str body, int variant, ts_wrong *w)
{
    static ts_turn_request r;
    const ts_anthropic_endpoint endpoint = {.is_deepseek = variant & 1, .counts = variant & 2};

    *turn = &r;
    return ts_anthropic_request_read(&r, models(), body, &endpoint, 7, w);
}

static bool read_ollama(ts_turn_request **turn, ts_str body, int variant, ts_wrong *w)
{
    static ts_ollama_request r;

    *turn = &r.turn;
    return ts_ollama_request_read(&r, models(), body, variant & 1, 7, w) && !r.is_load;
}

static bool read_responses(ts_turn_request **turn, ts_str body, int variant, ts_wrong *w)
{
    static ts_responses_request r;
    const ts_responses_endpoint endpoint = {.is_deepseek = variant == 1, .is_socket = variant >= 2};
    ts_responses_past past = {.id = "resp_1",
                              .items = TS_STR("{\"role\":\"user\",\"content\":\"hi\"}")};

    *turn = &r.turn;
    return ts_responses_request_read(&r, models(), body, &endpoint,
                                     endpoint.is_socket ? &past : NULL, 7, w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const readers[])(ts_turn_request * *turn, ts_str body, int variant,
                                   ts_wrong *w) = {read_openai, read_anthropic, read_ollama,
                                                   read_responses};
    ts_turn_request *turn;
    ts_wrong w = {0};

    if (size < 1 || size > 1 << 16)
        return 0;
    const int kind = data[0] & 15; /* of '0' and '1': OpenAI's */
    const ts_str body = {(const char *)data + 1, size - 1};
    if (readers[kind >> 2](&turn, body, kind & 3, &w) && ts_turn_prepare(turn, &w))
        check_prompt(turn);
    else if (w.status)
        check_wrong(&w);
    ts_turn_close(turn);
    return 0;
}
