/* cmd_tokenize.c - text to ids and back. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/ids.h"
#include "core/alloc.h"
#include "core/error.h"

static bool decodes, with_special, counts, as_chat;

static const ts_opt options[] = {
    {'m', "model", "MODEL", "the model, as the first argument", .text = &ts_settings_now.model},
    {'d', "decode", .help = "ids on stdin, their bytes on stdout", .flag = &decodes},
    {0, "special", .help = "read texts such as <think> as their special token",
     .flag = &with_special},
    {0, "chat", .help = "the text is a question: ids of the prompt that chat would make of it",
     .flag = &as_chat},
    {0, "system", "TEXT", "with --chat: what the model is told before",
     .text = &ts_settings_now.system},
    {0, "no-think", .help = "with --chat: ask for an answer without thinking",
     .flag = &ts_settings_now.no_thinking},
    {0, "count", .help = "print only how many tokens there are", .flag = &counts},
    {0}};

/* As tiefsee_tokenize, or tiefsee_chat_encode with the text as question. */
static tiefsee_status encode_into(const tiefsee_model *model, const ts_buf *text, ts_ids *out,
                                  size_t *n, tiefsee_error *err)
{
    const tiefsee_chat_options chat = {.size = sizeof chat,
                                       .no_thinking = ts_settings_now.no_thinking};
    const tiefsee_message messages[] = {{.role = TIEFSEE_SYSTEM, .content = ts_settings_now.system},
                                        {.role = TIEFSEE_USER, .content = text->ptr}};
    const size_t skip = ts_settings_now.system ? 0 : 1;

    if (!as_chat)
        return tiefsee_tokenize(model, text->ptr, text->len, with_special, out->at, out->n, n, err);
    if (strlen(text->ptr) != text->len)
        return ts_fail(err, TIEFSEE_E_INVALID, "a zero byte in the question");
    return tiefsee_chat_encode(model, messages + skip, TS_COUNT(messages) - skip, &chat, out->at,
                               out->n, n, err);
}

static tiefsee_status encode(const tiefsee_model *model, const ts_buf *text, ts_ids *out,
                             tiefsee_error *err)
{
    size_t cap = text->len + 1, n = 0;

    *out = (ts_ids){0};
    for (;;) {
        tiefsee_token *ids = ts_alloc(cap * sizeof *ids);
        if (!ids)
            return ts_fail_nomem(err, cap * sizeof *ids, "token ids");

        ts_ids room = {ids, cap};
        const tiefsee_status st = encode_into(model, text, &room, &n, err);
        if (st == TIEFSEE_OK && n <= cap) {
            *out = (ts_ids){ids, n};
            return TIEFSEE_OK;
        }
        ts_free(ids);
        if (st != TIEFSEE_OK)
            return st;
        cap = n;
    }
}

static int print_ids(const tiefsee_model *model, const ts_buf *text)
{
    tiefsee_error err = {0};
    ts_ids ids;

    if (encode(model, text, &ids, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    if (counts)
        (void)printf("%zu", ids.n);
    for (size_t i = 0; i < ids.n && !counts; i++)
        (void)printf("%s%d", i ? " " : "", (int)ids.at[i]);
    (void)putchar('\n');
    ts_free(ids.at);
    return TS_EXIT_OK;
}

static int print_bytes(const tiefsee_model *model, const ts_buf *text)
{
    tiefsee_error err = {0};
    ts_ids ids;

    if (ts_ids_parse(&ids, text, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);

    int code = TS_EXIT_OK;
    for (size_t i = 0; i < ids.n && code == TS_EXIT_OK; i++) {
        size_t n = 0;
        const char *bytes = tiefsee_token_bytes(model, ids.at[i], &n);

        if (bytes)
            (void)fwrite(bytes, 1, n, stdout);
        else
            code = ts_cli_error(TS_EXIT_ERROR, "no token has the id %d", (int)ids.at[i]);
    }
    ts_free(ids.at);
    return code;
}

static int run(int argc, char **argv)
{
    tiefsee_model *model = NULL;
    tiefsee_model_info info = {0};
    tiefsee_error err = {0};
    ts_buf text = ts_buf_make(0);

    int code = ts_cli_take_model(argc, argv);
    if (code == TS_EXIT_NONE)
        code = ts_cli_open_model(&model, true);
    if (code != TS_EXIT_NONE)
        return code;

    tiefsee_model_describe(model, &info);
    if (!info.has_tokenizer)
        code = ts_cli_error(TS_EXIT_ERROR, "%s has no tokenizer", info.name);
    else if (ts_cli_read_stdin(&text, &err) != TIEFSEE_OK)
        code = ts_cli_fail(&err);
    else
        code = decodes ? print_bytes(model, &text) : print_ids(model, &text);
    ts_buf_free(&text);
    tiefsee_model_close(model);
    return code;
}

const ts_command ts_cmd_tokenize = {
    .name = "tokenize",
    .arguments = "[MODEL] [--decode]",
    .summary = "turn text on stdin into token ids, or back",
    .details =
        "Turn text on stdin, any bytes, into the ids of its tokens, in one line; with "
        "--decode, ids into bytes. No token for the beginning of a text is added, and "
        "special tokens are read as plain text unless --special is given. With --chat the text is "
        "a question, and the ids are those of the whole prompt in the model's chat format.",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
