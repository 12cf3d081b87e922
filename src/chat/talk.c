/* talk.c - see talk.h. */
#include "chat/talk.h"

#include <signal.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"

enum { MAX_ANSWER_BYTES = 256 << 20 };

/* The handler may run on any thread, at any time. */
static tiefsee_session *volatile running;
static volatile sig_atomic_t was_interrupted;

static void on_interrupt(int signal_number)
{
    tiefsee_session *s = running;

    (void)signal_number;
    was_interrupted = 1;
    if (s)
        tiefsee_session_cancel(s);
}

void ts_interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL); /* no SA_RESTART: reading stdin ends too */
}

bool ts_interrupt_taken(void)
{
    const bool taken = was_interrupted;

    was_interrupted = 0;
    return taken;
}

tiefsee_status ts_talk_open(ts_talk *t, tiefsee_model *model, size_t n_ctx, tiefsee_error *err)
{
    const tiefsee_session_options options = {.size = sizeof options, .n_ctx = n_ctx};

    *t = (ts_talk){.model = model, .sampling = {.size = sizeof t->sampling}};
    return tiefsee_session_open(&t->session, model, &options, err);
}

void ts_talk_close(ts_talk *t)
{
    tiefsee_session_close(t->session);
    ts_conversation_free(&t->messages);
    *t = (ts_talk){0};
}

void ts_answer_free(ts_answer *a)
{
    ts_buf_free(&a->reasoning);
    ts_buf_free(&a->content);
}

/* What one call of generate needs to hand its pieces on. */
typedef struct asking {
    const ts_talk_events *events;
    ts_answer *answer;
    double started;
    bool is_out_of_memory;
} asking;

static void on_progress(void *user, size_t done, size_t total)
{
    const asking *a = user;

    if (a->events->on_progress)
        a->events->on_progress(a->events->user, done, total);
}

static bool on_piece(void *user, const tiefsee_piece *piece)
{
    asking *a = user;
    ts_answer *answer = a->answer;
    ts_buf *to = piece->channel == TIEFSEE_REASONING ? &answer->reasoning : &answer->content;

    if (!ts_buf_append(to, piece->text, piece->n)) {
        a->is_out_of_memory = true;
        return false;
    }
    if (a->events->on_piece)
        a->events->on_piece(a->events->user, piece);
    return true;
}

/* The conversation as ids, refused when it does not fit. */
static tiefsee_status feed(ts_talk *t, const tiefsee_chat_options *chat, asking *a,
                           tiefsee_error *err)
{
    const size_t cap = tiefsee_session_capacity(t->session);
    tiefsee_token *ids = ts_alloc(cap * sizeof *ids);
    size_t n = 0;

    if (!ids)
        return ts_fail_nomem(err, cap * sizeof *ids, "the tokens of a conversation");
    tiefsee_status st =
        tiefsee_chat_encode(t->model, t->messages.at, t->messages.n, chat, ids, cap, &n, err);
    if (st == TIEFSEE_OK && n > cap)
        st = ts_fail(err, TIEFSEE_E_LIMIT,
                     "the conversation has %zu tokens, the context only %zu (-c sets it)", n, cap);
    if (st == TIEFSEE_OK) {
        tiefsee_session_on_progress(t->session, on_progress, a);
        st = tiefsee_session_set(t->session, ids, n, &a->answer->n_reused, err);
        tiefsee_session_on_progress(t->session, NULL, NULL);
    }
    a->answer->n_prompt = n;
    ts_free(ids);
    return st;
}

static tiefsee_status generate(ts_talk *t, const tiefsee_chat_options *chat, asking *a,
                               tiefsee_error *err)
{
    const tiefsee_generate_options options = {
        .size = sizeof options,
        .sampling = t->sampling,
        .max_tokens = t->max_tokens,
        .stop = t->stop,
        .n_stop = t->n_stop,
        .n_top_logprobs = t->n_top_logprobs,
        .in_reasoning = tiefsee_chat_opens_reasoning(t->model, chat),
        .on_piece = on_piece,
        .user = a,
    };
    tiefsee_generate_result result = {0};
    const tiefsee_status st = tiefsee_session_generate(t->session, &options, &result, err);

    if (st != TIEFSEE_OK)
        return st;
    if (a->is_out_of_memory)
        return ts_fail_nomem(err, a->answer->content.len, "the answer");
    a->answer->finish = result.finish;
    a->answer->n_generated = result.n_generated;
    a->answer->n_reasoning = result.n_reasoning;
    a->answer->first_token_s = a->answer->prefill_s + result.first_token_s;
    a->answer->total_s = a->answer->prefill_s + result.total_s;
    return TIEFSEE_OK;
}

static tiefsee_status answer_question(ts_talk *t, asking *a, tiefsee_error *err)
{
    const tiefsee_chat_options chat = {.size = sizeof chat, .no_thinking = t->no_thinking};
    tiefsee_status st = feed(t, &chat, a, err);

    a->answer->prefill_s = ts_clock_seconds() - a->started;
    if (st == TIEFSEE_OK)
        st = generate(t, &chat, a, err);
    if (st == TIEFSEE_E_CANCELLED) {
        a->answer->finish = TIEFSEE_FINISH_CANCELLED;
        st = TIEFSEE_OK;
    }
    return st;
}

tiefsee_status ts_talk_ask(ts_talk *t, const char *question, size_t n, const ts_talk_events *events,
                           ts_answer *out, tiefsee_error *err)
{
    *out = (ts_answer){.reasoning = ts_buf_make(MAX_ANSWER_BYTES),
                       .content = ts_buf_make(MAX_ANSWER_BYTES)};
    asking a = {.events = events, .answer = out, .started = ts_clock_seconds()};
    /* Empty texts are texts too. */
    if (!ts_buf_append(&out->reasoning, "", 0) || !ts_buf_append(&out->content, "", 0))
        return ts_fail_nomem(err, 1, "the answer");

    tiefsee_status st = ts_conversation_add(&t->messages, TIEFSEE_USER, question, n, NULL, err);
    if (st != TIEFSEE_OK)
        return st;
    running = t->session;
    st = answer_question(t, &a, err);
    running = NULL;

    const bool is_kept =
        st == TIEFSEE_OK && (out->finish != TIEFSEE_FINISH_CANCELLED || out->content.len > 0);
    if (is_kept)
        st = ts_conversation_add(&t->messages, TIEFSEE_ASSISTANT, out->content.ptr,
                                 strlen(out->content.ptr),
                                 out->reasoning.len ? out->reasoning.ptr : NULL, err);
    if (!is_kept || st != TIEFSEE_OK)
        ts_conversation_drop_last(&t->messages);
    return st;
}
