/* cmd_run.c - one question, one answer. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chat/talk.h"
#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/seal.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/utf8.h"

static const char *prompt;
static bool as_json;
static uint64_t n_logprobs;

static const ts_opt options[] = {
    TS_OPTIONS_MODEL,
    TS_OPTIONS_CTX,
    {'p', "prompt", "TEXT", "the question; text on stdin then is the document it is about",
     .text = &prompt},
    TS_OPTIONS_ANSWER,
    {'j', "json", .help = "print one JSON object instead of the text", .flag = &as_json},
    {0, "logprobs", "N", "with --json: log probabilities of each token and the N likeliest",
     .count = &n_logprobs, .max = 20},
    {0}};

/* What one run collects beside the answer. */
typedef struct collector {
    ts_view *view;
    json_t *logprobs; /* NULL: not asked for */
    size_t n_logged;  /* tokens that have an entry */
    const tiefsee_model *model;
} collector;

/* Text for JSON, in which a part of a character becomes U+FFFD. */
static json_t *json_text(const char *s, size_t n)
{
    ts_buf text = ts_buf_make(1 << 20);
    bool is_good = ts_buf_append(&text, "", 0);

    for (size_t i = 0; i < n && is_good;) {
        uint32_t code;
        const size_t bytes = ts_utf8_decode(s + i, n - i, &code);

        is_good =
            bytes ? ts_buf_append(&text, s + i, bytes) : ts_buf_append(&text, "\xef\xbf\xbd", 3);
        i += bytes ? bytes : 1;
    }
    json_t *json = is_good ? json_stringn(text.ptr, text.len) : NULL;
    ts_buf_free(&text);
    return json;
}

static json_t *json_logprob(const tiefsee_model *model, tiefsee_token token, float logprob)
{
    size_t n = 0;
    const char *bytes = tiefsee_token_bytes(model, token, &n);

    return json_pack("{s:i, s:o, s:f}", "id", (int)token, "token", json_text(bytes, bytes ? n : 0),
                     "logprob", (double)logprob);
}

static void on_piece(void *user, const tiefsee_piece *piece)
{
    collector *c = user;

    if (!as_json)
        ts_view_piece(c->view, piece);
    if (!c->logprobs || piece->index < c->n_logged) /* a token can give several pieces */
        return;

    c->n_logged = piece->index + 1;
    json_t *entry = json_logprob(c->model, piece->token, piece->logprob);
    json_t *top = json_array();
    for (size_t i = 0; i < piece->n_top; i++)
        (void)json_array_append_new(
            top, json_logprob(c->model, piece->top[i].token, piece->top[i].logprob));
    (void)json_object_set_new(entry, "top", top);
    (void)json_array_append_new(c->logprobs, entry);
}

static void on_progress(void *user, size_t done, size_t total)
{
    const collector *c = user;

    ts_view_progress(c->view, done, total);
}

static double rate(size_t n, double seconds)
{
    return n > 0 && seconds > 0 ? (double)n / seconds : 0;
}

static json_t *json_of(const ts_answer *a, double load_s, json_t *logprobs)
{
    static const char *const finish[] = {"stop", "length", "cancelled"};
    const size_t n_fed = a->n_prompt - a->n_reused;
    json_t *usage = json_pack("{s:I, s:I, s:I, s:I}", "prompt_tokens", (json_int_t)a->n_prompt,
                              "completion_tokens", (json_int_t)a->n_generated, "total_tokens",
                              (json_int_t)(a->n_prompt + a->n_generated), "reasoning_tokens",
                              (json_int_t)a->n_reasoning);
    json_t *timings =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "load_s", load_s, "prefill_s", a->prefill_s,
                  "first_token_s", a->first_token_s, "total_s", a->total_s, "prefill_tokens_per_s",
                  rate(n_fed, a->prefill_s), "decode_tokens_per_s",
                  rate(a->n_generated > 1 ? a->n_generated - 1 : 0, a->total_s - a->first_token_s));
    json_t *json = json_pack("{s:o, s:o, s:s, s:o, s:o}", "reasoning",
                             json_text(a->reasoning.ptr, a->reasoning.len), "content",
                             json_text(a->content.ptr, a->content.len), "finish_reason",
                             finish[a->finish], "usage", usage, "timings", timings);

    if (logprobs)
        (void)json_object_set(json, "logprobs", logprobs);
    return json;
}

static void print_answer(ts_view *view, const ts_answer *a, double load_s, json_t *logprobs)
{
    if (as_json) {
        json_t *json = json_of(a, load_s, logprobs);

        (void)json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
        (void)putchar('\n');
        json_decref(json);
    }
    if (ts_settings_now.timings)
        ts_view_timings(view, a);
    if (a->finish == TIEFSEE_FINISH_LENGTH && !as_json)
        ts_view_note(view, "(stopped after %zu token%s, before the answer ended)", a->n_generated,
                     a->n_generated == 1 ? "" : "s");
}

static int ask(ts_talk *talk, const ts_buf *text, double load_s)
{
    ts_view view = ts_cli_view();
    collector c = {.view = &view, .model = talk->model};
    const ts_talk_events events = {.on_progress = on_progress, .on_piece = on_piece, .user = &c};
    tiefsee_error err = {0};
    ts_answer answer;
    int code = TS_EXIT_OK;

    if (n_logprobs > 0)
        c.logprobs = json_array();
    ts_interrupt_install();
    ts_view_begin(&view);
    const tiefsee_status st = ts_talk_ask(talk, text->ptr, text->len, &events, &answer, &err);
    ts_view_end(&view);
    if (st != TIEFSEE_OK)
        code = ts_cli_fail(&err);
    else {
        print_answer(&view, &answer, load_s, c.logprobs);
        if (answer.finish == TIEFSEE_FINISH_CANCELLED)
            code = TS_EXIT_INTERRUPTED;
    }
    json_decref(c.logprobs);
    ts_answer_free(&answer);
    return code;
}

/* The prompt, the document, or the one in front of the other. */
static int read_question(ts_buf *text)
{
    tiefsee_error err = {0};
    ts_buf document = ts_buf_make(0);
    const size_t n_prompt = prompt ? strlen(prompt) : 0;
    int code = TS_EXIT_NONE;

    *text = ts_buf_make(SIZE_MAX / 2);
    if (!isatty(STDIN_FILENO)) {
        if (ts_cli_read_stdin(&document, &err) != TIEFSEE_OK)
            code = ts_cli_fail(&err);
        else
            (void)ts_cli_trim_end(&document);
    }
    if (code == TS_EXIT_NONE &&
        (!ts_buf_append(text, prompt ? prompt : "", n_prompt) ||
         (n_prompt > 0 && document.len > 0 && !ts_buf_append_str(text, "\n\n")) ||
         !ts_buf_append(text, document.ptr, document.len)))
        code = ts_cli_error(TS_EXIT_ERROR, "out of memory for the question");
    if (code == TS_EXIT_NONE && text->len == 0)
        code = ts_cli_error(TS_EXIT_USAGE, "run: no question (-p TEXT, or text on stdin)");
    ts_buf_free(&document);
    return code;
}

static int run(int argc, char **argv)
{
    const double started = ts_clock_seconds();
    tiefsee_model *model = NULL;
    ts_talk talk = {0};
    ts_buf text = ts_buf_make(0);

    if (n_logprobs > 0 && !as_json)
        return ts_cli_error(TS_EXIT_USAGE, "run: --logprobs needs --json");
    int code = ts_cli_take_model(argc, argv);
    if (code == TS_EXIT_NONE)
        ts_cli_seal();
    if (code == TS_EXIT_NONE)
        code = read_question(&text);
    if (code == TS_EXIT_NONE)
        code = ts_cli_open_model(&model, false);
    if (code == TS_EXIT_NONE)
        code = ts_cli_open_talk(&talk, model);
    if (code == TS_EXIT_NONE) {
        talk.n_top_logprobs = (size_t)n_logprobs;
        code = ask(&talk, &text, ts_clock_seconds() - started);
        ts_talk_close(&talk);
    }
    ts_buf_free(&text);
    tiefsee_model_close(model);
    return code;
}

const ts_command ts_cmd_run = {
    .name = "run",
    .arguments = "[MODEL] [-p TEXT] [options]",
    .summary = "answer one question",
    .details = "Answer one question. Text that is piped in is the question, or, beside -p, the "
               "document that stands behind it; white space at its end is dropped. stdout carries "
               "only the answer; thinking and timings go to stderr. Ctrl-C ends it with exit "
               "code 130.",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
