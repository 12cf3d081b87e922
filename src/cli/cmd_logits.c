/* cmd_logits.c - what a model predicts at every position, as a file of floats:
 * the command that a model is judged by. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/ids.h"
#include "core/alloc.h"
#include "core/error.h"
#include "core/file.h"
#include "core/outfile.h"

enum { MAX_TEXT = 64 << 20 };

static const char *tokens_path, *out_path;

static const ts_opt options[] = {
    TS_OPTIONS_MODEL,
    {0, "tokens", "FILE", "token ids as text, apart by blanks", .text = &tokens_path},
    {'o', "out", "FILE", "where the logits go: float32, little endian, [tokens, vocabulary]",
     .text = &out_path},
    {0}};

typedef struct sink {
    ts_outfile *file;
    size_t n_vocab;
    uint8_t *bytes;        /* one row */
    tiefsee_status status; /* after a failure nothing is written any more */
    tiefsee_error error;
} sink;

static void on_logits(void *user, size_t i, const float *row)
{
    sink *s = user;

    (void)i;
    if (s->status != TIEFSEE_OK)
        return;
    for (size_t k = 0; k < s->n_vocab; k++) {
        uint32_t bits;

        memcpy(&bits, &row[k], sizeof bits);
        for (int b = 0; b < 4; b++)
            s->bytes[4 * k + b] = (uint8_t)(bits >> (8 * b));
    }
    s->status = ts_outfile_write(s->file, s->bytes, s->n_vocab * 4, &s->error);
}

static tiefsee_status compute(tiefsee_model *model, const ts_ids *ids, sink *s, tiefsee_error *err)
{
    const tiefsee_session_options opt = {.size = sizeof opt, .n_ctx = ids->n};
    tiefsee_session *session = NULL;

    if (ids->n == 0)
        return ts_fail(err, TIEFSEE_E_INVALID, "%s holds no token ids", tokens_path);
    tiefsee_status st = tiefsee_session_open(&session, model, &opt, err);
    if (st == TIEFSEE_OK)
        st = tiefsee_session_feed_all(session, ids->at, ids->n, on_logits, s, err);
    tiefsee_session_close(session);
    if (st == TIEFSEE_OK && s->status != TIEFSEE_OK)
        return ts_fail(err, s->status, "%s", s->error.message);
    return st;
}

static tiefsee_status write_logits(tiefsee_model *model, const ts_ids *ids, tiefsee_error *err)
{
    tiefsee_model_info info = {0};

    tiefsee_model_describe(model, &info);
    sink s = {.n_vocab = info.n_vocab, .bytes = ts_alloc(info.n_vocab * 4)};
    if (!s.bytes)
        return ts_fail_nomem(err, info.n_vocab * 4, "a row of logits");
    tiefsee_status st = ts_outfile_open(&s.file, out_path, false, err);
    if (st == TIEFSEE_OK)
        st = compute(model, ids, &s, err);
    if (st == TIEFSEE_OK) {
        st = ts_outfile_commit(s.file, err);
        s.file = NULL;
    }
    ts_outfile_drop(s.file);
    ts_free(s.bytes);
    return st;
}

static int run(int argc, char **argv)
{
    tiefsee_model *model = NULL;
    tiefsee_error err = {0};
    ts_buf text = ts_buf_make(0);
    ts_ids ids = {0};

    if (!tokens_path || !out_path)
        return ts_cli_error(TS_EXIT_USAGE, "logits: --tokens FILE and --out FILE are needed");
    int code = ts_cli_take_model(argc, argv);
    if (code == TS_EXIT_NONE)
        code = ts_cli_open_model(&model, false);
    if (code != TS_EXIT_NONE)
        return code;

    tiefsee_status st = ts_file_read(&text, tokens_path, MAX_TEXT, &err);
    if (st == TIEFSEE_OK) {
        st = ts_ids_parse(&ids, &text, &err);
        if (st != TIEFSEE_OK)
            st = ts_while(&err, st, "%s", tokens_path);
    }
    if (st == TIEFSEE_OK)
        st = write_logits(model, &ids, &err);
    code = st == TIEFSEE_OK ? TS_EXIT_OK : ts_cli_fail(&err);
    ts_free(ids.at);
    ts_buf_free(&text);
    tiefsee_model_close(model);
    return code;
}

const ts_command ts_cmd_logits = {
    .name = "logits",
    .arguments = "[MODEL] --tokens FILE --out FILE",
    .summary = "write the logits of every position to a file",
    .details = "Feed the ids in FILE to the model, as they are, and write the logits of every "
               "position: float32, little endian, one row of the vocabulary per token. The model "
               "needs no tokenizer.",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
