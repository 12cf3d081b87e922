/* chat.c - see chat.h: the loop. */
#include "chat/chat.h"

#include <stdio.h>
#include <string.h>

#include "chat/editor.h"

enum { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_INTERRUPTED = 130, MAX_MESSAGE = 16 << 20 };

void ts_chat_introduce(const ts_chat *c)
{
    tiefsee_model_info info = {0};
    char size[TS_NUMBER_MAX], ctx[TS_NUMBER_MAX];

    tiefsee_model_describe(c->talk.model, &info);
    ts_view_note(&c->view, "%s (%s, %s parameters), context %s tokens, %s kernels, %d thread%s",
                 info.name, info.architecture, ts_text_of_size(size, info.n_parameters),
                 ts_text_of_count(ctx, tiefsee_session_capacity(c->talk.session)), info.kernels,
                 info.n_threads, info.n_threads == 1 ? "" : "s");
}

static void on_piece(void *user, const tiefsee_piece *piece)
{
    ts_view_piece(user, piece);
}

static void on_progress(void *user, size_t done, size_t total)
{
    ts_view_progress(user, done, total);
}

bool ts_chat_ask(ts_chat *c, const char *text, size_t n, ts_answer *answer)
{
    const ts_talk_events events = {
        .on_progress = on_progress, .on_piece = on_piece, .user = &c->view};
    tiefsee_error err = {0};

    (void)ts_interrupt_taken();
    ts_view_begin(&c->view);
    const tiefsee_status st = ts_talk_ask(&c->talk, text, n, &events, answer, &err);
    ts_view_end(&c->view);
    if (st != TIEFSEE_OK) {
        (void)fprintf(stderr, "tiefsee: %s\n", err.message);
        return false;
    }
    if (c->shows_timings)
        ts_view_timings(&c->view, answer);
    return true;
}

/* Why an answer ended before its end, in words; nothing is cut silently. */
static void explain_end(const ts_chat *c, const ts_answer *a)
{
    const size_t n = tiefsee_session_capacity(c->talk.session);

    if (a->finish != TIEFSEE_FINISH_LENGTH)
        return;
    if (a->n_prompt + a->n_generated >= n)
        ts_view_note(&c->view,
                     "(the context of %zu tokens is full, so the answer ends here; /clear begins "
                     "anew, -c N at the start gives more room)",
                     n);
    else
        ts_view_note(&c->view, "(stopped after %zu token%s)", a->n_generated,
                     a->n_generated == 1 ? "" : "s");
}

int ts_chat_once(ts_chat *c, const char *text, size_t n)
{
    ts_answer answer;
    const bool is_good = ts_chat_ask(c, text, n, &answer);
    const bool is_stopped = is_good && answer.finish == TIEFSEE_FINISH_CANCELLED;

    if (is_good)
        explain_end(c, &answer);
    ts_answer_free(&answer);
    return is_stopped ? EXIT_INTERRUPTED : is_good ? EXIT_OK : EXIT_ERROR;
}

static void ask_and_explain(ts_chat *c, ts_editor *editor, const ts_buf *text)
{
    ts_answer answer;

    ts_editor_hush(editor, true);
    const bool is_good = ts_chat_ask(c, text->ptr, text->len, &answer);
    ts_editor_hush(editor, false);
    if (is_good) {
        if (answer.finish == TIEFSEE_FINISH_CANCELLED)
            ts_view_note(&c->view, "(stopped)");
        explain_end(c, &answer);
    }
    ts_answer_free(&answer);
    (void)fputc('\n', stderr);
}

int ts_chat_interactive(ts_chat *c)
{
    ts_editor *editor = ts_editor_open(c->history, c->view.is_err_pretty, c->has_escapes);
    ts_buf text = ts_buf_make(MAX_MESSAGE);
    int n_idle_interrupts = 0;
    bool goes_on = true;

    if (!editor) {
        (void)fprintf(stderr, "tiefsee: the terminal cannot be used for typing\n");
        return EXIT_ERROR;
    }
    ts_chat_introduce(c);
    ts_view_note(&c->view, "/help says what there is; Ctrl-C stops an answer, Ctrl-D leaves\n");
    while (goes_on) {
        const ts_typed typed = ts_editor_read(editor, &text);

        n_idle_interrupts = typed == TS_TYPED_NOTHING ? n_idle_interrupts + 1 : 0;
        if (n_idle_interrupts >= 2)
            ts_view_note(&c->view, "(Ctrl-D or /bye leaves)");
        if (typed == TS_TYPED_END) {
            (void)fputc('\n', stderr);
            break;
        }
        if (typed != TS_TYPED_MESSAGE || strspn(text.ptr, " \t\n") == text.len)
            continue;
        if (ts_chat_is_command(text.ptr))
            goes_on = ts_chat_command(c, text.ptr);
        else
            ask_and_explain(c, editor, &text);
    }
    ts_buf_free(&text);
    ts_editor_close(editor);
    return EXIT_OK;
}
