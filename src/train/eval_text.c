/* eval_text.c - the perplexity of a text; see eval.h. */
#include <math.h>

#include "core/alloc.h"
#include "core/file.h"
#include "train/eval.h"

enum { DEFAULT_WINDOW = 512, MAX_TEXT_BYTES = 256 << 20 };

/* One window: rows from first on are judged by the token behind them. */
typedef struct window {
    const tiefsee_token *tokens; /* of the window, and one behind if there is */
    size_t first, end, n_vocab;
    double nll;
    uint64_t n;
} window;

static void on_row(void *user, size_t i, const float *row)
{
    window *w = user;
    double sum = 0;
    float most = row[0];

    if (i < w->first || i >= w->end)
        return;
    for (size_t k = 1; k < w->n_vocab; k++)
        most = row[k] > most ? row[k] : most;
    for (size_t k = 0; k < w->n_vocab; k++)
        sum += exp((double)(row[k] - most));
    w->nll += log(sum) - (double)(row[w->tokens[i + 1]] - most);
    w->n++;
}

static tiefsee_status take_tokens(tiefsee_model *m, const char *path, tiefsee_token **out,
                                  size_t *n, uint64_t *n_bytes, tiefsee_error *err)
{
    const tiefsee_token bos = tiefsee_token_bos(m);
    ts_map map;

    *out = NULL;
    tiefsee_status st = ts_map_open(&map, path, err);
    if (st != TIEFSEE_OK)
        return st;
    *n_bytes = map.size;
    if (map.size > MAX_TEXT_BYTES)
        st = ts_fail(err, TIEFSEE_E_LIMIT, "%s: %zu bytes (%d MiB at most)", path, map.size,
                     MAX_TEXT_BYTES >> 20);
    if (st == TIEFSEE_OK)
        *out = ts_alloc((map.size + 1) * sizeof **out);
    if (st == TIEFSEE_OK && !*out)
        st = ts_fail_nomem(err, map.size * sizeof **out, path);
    const size_t begins = bos >= 0; /* what a text begins with in training */
    if (st == TIEFSEE_OK) {
        (*out)[0] = bos;
        st = tiefsee_tokenize(m, (const char *)map.ptr, map.size, false, *out + begins, map.size, n,
                              err);
        *n += begins;
    }
    ts_map_close(&map);
    if (st == TIEFSEE_OK && *n < 2)
        st = ts_fail(err, TIEFSEE_E_INVALID, "%s: %zu tokens; there is nothing to predict", path,
                     *n);
    return st;
}

static tiefsee_status predict(tiefsee_session *s, window *w, const tiefsee_token *tokens, size_t n,
                              size_t n_ctx, bool (*on_progress)(void *, uint64_t, uint64_t),
                              void *user, tiefsee_error *err)
{
    for (size_t at = 0; at + 1 < n;) {
        const size_t length = n - at < n_ctx ? n - at : n_ctx;

        w->tokens = tokens + at;
        w->first = at > 0 ? n_ctx / 2 : 0;
        w->end = at + length < n ? length : length - 1;
        tiefsee_session_rewind(s, 0);
        const tiefsee_status st = tiefsee_session_feed_all(s, tokens + at, length, on_row, w, err);
        if (st != TIEFSEE_OK)
            return st;
        if (!on_progress(user, at + length, n))
            return ts_fail(err, TIEFSEE_E_CANCELLED, "stopped");
        if (at + length >= n)
            break;
        at += length - n_ctx / 2;
    }
    return TIEFSEE_OK;
}

tiefsee_status ts_eval_perplexity(tiefsee_model *model, const char *path, size_t n_ctx,
                                  bool (*on_progress)(void *user, uint64_t done, uint64_t total),
                                  void *user, ts_eval_text *out, tiefsee_error *err)
{
    tiefsee_model_info info = {0};
    tiefsee_session *session = NULL;
    tiefsee_token *tokens = NULL;
    size_t n = 0;

    *out = (ts_eval_text){0};
    tiefsee_model_describe(model, &info);
    if (!info.has_tokenizer)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "%s has no tokenizer", info.name);
    n_ctx = n_ctx > 0 ? n_ctx : DEFAULT_WINDOW;
    if (info.n_ctx_train > 0 && n_ctx > info.n_ctx_train)
        n_ctx = info.n_ctx_train;
    if (n_ctx < 2)
        return ts_fail(err, TIEFSEE_E_INVALID, "a window of %zu token", n_ctx);
    const tiefsee_session_options opt = {.size = sizeof opt, .n_ctx = n_ctx};
    window w = {.n_vocab = info.n_vocab};
    tiefsee_status st = take_tokens(model, path, &tokens, &n, &out->n_bytes, err);
    if (st == TIEFSEE_OK)
        st = tiefsee_session_open(&session, model, &opt, err);
    if (st == TIEFSEE_OK)
        st = predict(session, &w, tokens, n, n_ctx, on_progress, user, err);
    if (st == TIEFSEE_OK) {
        out->n_tokens = w.n;
        out->nll = w.nll / (double)w.n;
    }
    tiefsee_session_close(session);
    ts_free(tokens);
    return st;
}
