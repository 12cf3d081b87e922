/* answer_routes.c - see answer_routes.h.
 *
 * What the user said is in the store before anything is generated, and so is an empty
 * answer; live.c fills it.  A new turn, another answer to the same question, and the
 * rest of an answer that was cut differ only in where the two messages come from.
 */
#include "server/app/answer_routes.h"

#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "server/app/answer_prompt.h"
#include "server/app/live.h"

enum { MAX_CONTENT = 64 << 20 };

typedef struct asking {
    ts_work *w;
    ts_turn_request r;
    ts_dialog chat;
    json_t *meta, *tree;
    ts_branch branch;
    json_t *user;      /* the new user's message; NULL: none */
    json_t *texts;     /* of its files */
    json_t *answer;    /* without content and reasoning */
    json_t *continued; /* in the tree; NULL: none */
    int64_t answer_seq;
    ts_grant grant;
    ts_wrong wrong;
} asking;

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static void free_asking(asking *a)
{
    ts_chat_free(&a->chat);
    json_decref(a->meta);
    json_decref(a->tree);
    json_decref(a->user);
    json_decref(a->texts);
    json_decref(a->answer);
    ts_turn_close(&a->r);
}

/* ---- who asks what */

static bool take_id(asking *a, char id[TS_ID_MAX + 1], const char *name)
{
    bool is_wrong = false;
    const char *text = ts_app_text(a->r.body, name, TS_ID_MAX, &a->wrong, &is_wrong);

    if (is_wrong)
        return false;
    if (!text)
        ts_id_make(id);
    else if (!ts_id_is_valid(text))
        return ts_wrong_field(&a->wrong, name, "not an id (8 to 32 of 0-9 A-Z a-z _ -)");
    else if (ts_app_answer_find(a->tree, text))
        return ts_wrong_set(&a->wrong, 409, NULL, name, "there is a message of that id already");
    else
        (void)snprintf(id, TS_ID_MAX + 1, "%s", text);
    return true;
}

/* The message below which the new one goes: *parent NULL: it is the first. */
static bool take_parent(asking *a, json_t **parent)
{
    const json_t *said = json_object_get(a->r.body, "parent");
    const char *id = said ? json_string_value(said) : text_of(a->meta, "leaf");

    *parent = id && *id ? ts_app_answer_find(a->tree, id) : NULL;
    if (said && !json_is_null(said) && !*parent)
        return ts_wrong_set(&a->wrong, 404, NULL, "parent", "there is no such message");
    return true;
}

static json_t *new_message(const char *id, const char *role, const json_t *parent)
{
    json_t *m =
        json_pack("{s:s,s:s,s:I}", "id", id, "role", role, "created", (json_int_t)ts_app_now());

    (void)json_object_set_new(m, "parent",
                              parent ? json_string(text_of(parent, "id")) : json_null());
    return m;
}

static bool make_user_message(asking *a, const json_t *parent, const char *content)
{
    char id[TS_ID_MAX + 1];
    json_t *files =
        ts_chat_take_files(a->w, &a->chat, ts_field_get(a->r.body, "files"), &a->texts, &a->wrong);

    if (!files || !take_id(a, id, "user_id")) {
        json_decref(files);
        return false;
    }
    a->user = new_message(id, "user", parent);
    (void)json_object_set_new(a->user, "content", json_string(content));
    (void)json_object_set_new(a->user, "reasoning", json_string(""));
    (void)json_object_set_new(a->user, "files", files);
    return a->user || ts_turn_no_memory(&a->wrong);
}

static bool make_answer_message(asking *a, const json_t *parent)
{
    char id[TS_ID_MAX + 1];

    if (!take_id(a, id, "answer_id"))
        return false;
    a->answer = new_message(id, "assistant", parent);
    (void)json_object_set_new(a->answer, "files", json_array());
    (void)json_object_set_new(a->answer, "ai_generated", json_true());
    return a->answer || ts_turn_no_memory(&a->wrong);
}

/* A cut answer: the branch ends with it, and its row is written on. */
static bool continue_answer(asking *a, const char *id)
{
    json_t *m = ts_app_answer_find(a->tree, id);

    if (!m || strcmp(text_of(m, "role"), "assistant") != 0)
        return ts_wrong_set(&a->wrong, 404, NULL, "continues", "there is no such answer");
    a->continued = m;
    a->answer = json_copy(m);
    a->answer_seq = json_integer_value(json_object_get(m, "seq"));
    for (size_t i = 0; i < 4; i++) {
        static const char *const own[] = {"seq", "content", "reasoning", "error"};
        (void)json_object_del(a->answer, own[i]);
    }
    json_t *parent = ts_app_answer_find(a->tree, text_of(m, "parent"));
    if (!ts_branch_add_path(&a->branch, &a->r, a->w, &a->chat, a->tree, parent, &a->wrong))
        return false;
    if (*text_of(m, "content")) {
        a->branch.at[a->branch.n++] = (tiefsee_message){.role = TIEFSEE_ASSISTANT,
                                                        .content = text_of(m, "content"),
                                                        .reasoning = text_of(m, "reasoning")};
        a->r.is_prefix = true;
    }
    return true;
}

static bool new_answer(asking *a, const char *content)
{
    json_t *parent = NULL;

    if (!take_parent(a, &parent))
        return false;
    if (!content && (!parent || strcmp(text_of(parent, "role"), "user") != 0))
        return ts_wrong_field(&a->wrong, "content", "nothing (or a parent that is the user's)");
    if (!ts_branch_add_path(&a->branch, &a->r, a->w, &a->chat, a->tree, parent, &a->wrong))
        return false;
    if (content && (!make_user_message(a, parent, content) ||
                    !ts_branch_add(&a->branch, &a->r, a->user, a->texts, &a->wrong)))
        return false;
    return make_answer_message(a, a->user ? a->user : parent);
}

/* The branch is whole; the answer is told which model and, of a branch that had to be
 * shortened, what it has read. */
static bool prepare(asking *a)
{
    const json_t *shorten = ts_field_get(a->r.body, "shorten");
    const char *since = NULL;

    if (shorten && !json_is_boolean(shorten))
        return ts_wrong_field(&a->wrong, "shorten", "not true or false");
    if (json_is_true(shorten) && !ts_branch_shorten(&a->branch, &a->r, &since, &a->wrong))
        return false;
    (void)json_object_set_new(a->answer, "model", json_string(a->r.model->name));
    (void)json_object_set_new(a->answer, "model_hash", json_string(a->r.model->hash));
    if (since)
        (void)json_object_set_new(a->answer, "since", json_string(since));
    else
        (void)json_object_del(a->answer, "since");
    a->r.messages = a->branch.at;
    a->r.n_messages = a->branch.n;
    return ts_turn_prepare(&a->r, &a->wrong);
}

static bool read_request(asking *a)
{
    bool is_wrong = false;
    const char *continues = ts_app_text(a->r.body, "continues", TS_ID_MAX, &a->wrong, &is_wrong);
    const char *content = ts_app_text(a->r.body, "content", MAX_CONTENT, &a->wrong, &is_wrong);
    const char *effort = ts_app_text(a->r.body, "effort", 16, &a->wrong, &is_wrong);
    const char *model = ts_app_text(a->r.body, "model", TS_MODEL_NAME_MAX, &a->wrong, &is_wrong);

    if (is_wrong)
        return false;
    if (!ts_branch_open(&a->branch, &a->r, json_array_size(a->tree), text_of(a->meta, "system")))
        return ts_turn_no_memory(&a->wrong);
    if (!ts_app_answer_options(&a->r, a->w->app->server->models,
                               model ? model : text_of(a->meta, "model"), effort, &a->wrong))
        return false;
    if (!(continues ? continue_answer(a, continues) : new_answer(a, content)))
        return false;
    a->r.names.messages = "content";
    if (!prepare(a))
        return false;
    /* It was cut while it thought. */
    return !a->continued || !a->r.is_thinking || !*text_of(a->continued, "reasoning") ||
           ts_app_answer_add_thoughts(&a->r, text_of(a->continued, "reasoning"), &a->wrong);
}

/* The right to run; false: answered. */
static bool ask_grant(ts_work *w, ts_turn_request *r, ts_grant *grant)
{
    ts_auth *auth = w->app->server->auth;
    const size_t room = r->model->n_ctx - r->n_prompt;
    const size_t wanted = r->generate.max_tokens;
    tiefsee_error why = {0};

    if (!auth)
        return true;
    const ts_refusal no =
        ts_auth_begin(auth, &ts_app_caller_of(w->req)->who, r->model->name, r->n_prompt,
                      wanted > 0 && wanted < room ? wanted : room, grant, &why);
    if (no == TS_REFUSAL_NONE) {
        if (wanted > grant->n_completion || (wanted == 0 && grant->n_completion < room))
            r->generate.max_tokens = grant->n_completion;
        return true;
    }
    const ts_http_error error = {.status = ts_refusal_http(no),
                                 .code = no == TS_REFUSAL_QUOTA     ? "insufficient_quota"
                                         : no == TS_REFUSAL_CONTEXT ? "context_length_exceeded"
                                                                    : NULL,
                                 .message = why.message,
                                 .retry_after_s = (int)grant->retry_after_s};
    ts_app_leave(w);
    ts_reply_fail_with(w->reply, &error);
    return false;
}

/* ---- writing down */

static tiefsee_status put_message(asking *a, json_t *message, bool is_live, int64_t *seq)
{
    ts_work *w = a->w;
    ts_buf text = ts_buf_make(2 * MAX_CONTENT);
    ts_chat_message m = {.seq = *seq, .is_live = is_live};
    tiefsee_status st = TIEFSEE_OK;

    (void)snprintf(m.id, sizeof m.id, "%s", text_of(message, "id"));
    if (!ts_app_dump(&text, message))
        st = ts_fail_nomem(&w->err, 0, "a message");
    m.json = (ts_str){text.ptr, text.len};
    if (st == TIEFSEE_OK)
        st = ts_chats_put(w->store, &w->owner, &a->chat, &m, &w->err);
    if (st == TIEFSEE_OK && !is_live)
        st = ts_search_add_message(w->app->search, w->store, &w->owner, &a->chat, m.json, &w->err);
    ts_buf_free(&text);
    *seq = m.seq;
    return st;
}

/* As it is while nothing is there yet; the texts of one that is continued stay. */
static tiefsee_status put_answer(asking *a)
{
    json_t *m = json_copy(a->answer);

    (void)json_object_set_new(m, "content", json_string(text_of(a->continued, "content")));
    (void)json_object_set_new(m, "reasoning", json_string(text_of(a->continued, "reasoning")));
    (void)json_object_set_new(m, "finish", json_string("live"));
    const tiefsee_status st = put_message(a, m, true, &a->answer_seq);
    json_decref(m);
    return st;
}

static tiefsee_status write_all(asking *a)
{
    ts_work *w = a->w;
    int64_t seq = 0;
    tiefsee_status st = ts_store_begin(w->store, &w->err);

    if (st != TIEFSEE_OK)
        return st;
    if (a->user)
        st = put_message(a, a->user, false, &seq);
    if (st == TIEFSEE_OK && a->user)
        st = ts_chat_put_files(w, &a->chat, seq, a->texts);
    if (st == TIEFSEE_OK)
        st = put_answer(a);
    (void)json_object_set_new(a->meta, "leaf", json_string(text_of(a->answer, "id")));
    if (st == TIEFSEE_OK && !ts_chat_set_meta(&a->chat, a->meta))
        st = ts_fail_nomem(&w->err, 0, "a conversation");
    a->chat.updated = ts_app_now();
    if (st == TIEFSEE_OK)
        st = ts_chats_save(w->store, &w->owner, &a->chat, &w->err);
    return ts_store_end(w->store, st, &w->err);
}

/* ---- POST conversations/{id}/answers */

/* The answer gets copies: what it frees later must share no count with what this thread
 * frees now. */
static void run(asking *a, bool stays)
{
    ts_work *w = a->w;
    json_t *answer = json_deep_copy(a->answer), *user = json_deep_copy(a->user);
    const bool is_whole = answer && (user || !a->user);
    ts_live_spec spec = {.caller = ts_app_caller_of(w->req),
                         .chat_id = a->chat.id,
                         .seq = a->answer_seq,
                         .answer = answer,
                         .user_message = user,
                         .content = ts_str_of(text_of(a->continued, "content")),
                         .reasoning = ts_str_of(text_of(a->continued, "reasoning")),
                         .stays = stays,
                         .request = &a->r,
                         .grant = a->grant};

    if (is_whole && ts_live_start(w->app, w->reply, &spec))
        return;
    if (!is_whole) {
        json_decref(answer);
        json_decref(user);
    }
    if (a->grant.is_open)
        ts_auth_end(w->app->server->auth, &a->grant);
    ts_app_refuse(w->reply, 503, NULL, NULL, "out of memory for this request");
}

static bool stays_of(const json_t *body, bool otherwise)
{
    const json_t *stays = ts_field_get(body, "stays");

    return stays ? json_is_true(stays) : otherwise;
}

static void start(asking *a)
{
    ts_work *w = a->w;

    if (ts_live_is_busy(w->app, w->person.n, a->chat.id, NULL)) {
        (void)ts_app_no(w, 409, NULL, NULL, "an answer is being written in this conversation");
        return;
    }
    a->meta = ts_chat_meta(&a->chat);
    a->tree = ts_app_answer_tree(w, &a->chat);
    if (!a->tree) {
        (void)ts_app_fail(w, w->err.status);
        return;
    }
    if (!read_request(a)) {
        ts_app_leave(w);
        ts_app_refuse_wrong(w->reply, &a->wrong);
        return;
    }
    if (!ask_grant(w, &a->r, &a->grant))
        return;
    const tiefsee_status st = write_all(a);
    if (st != TIEFSEE_OK) {
        if (a->grant.is_open)
            ts_auth_end(w->app->server->auth, &a->grant);
        (void)ts_app_fail(w, st);
        return;
    }
    /* Still owning the store: until it is among the running ones, nobody else may ask
     * whether one runs, or delete what it writes. */
    run(a, stays_of(a->r.body, true));
    ts_app_leave(w);
}

static uint64_t seed_of(const ts_http_request *req)
{
    return ts_hash(req->id, strlen(req->id));
}

static ts_str body_of(const ts_http_request *req)
{
    return req->body.len ? req->body : TS_STR("{}");
}

void ts_app_answer_start(ts_http_request *req, ts_reply *reply)
{
    asking a = {0};
    ts_work w;

    a.w = &w;
    if (!ts_turn_open(&a.r, body_of(req), seed_of(req), &a.wrong))
        ts_app_refuse_wrong(reply, &a.wrong);
    else if (ts_app_enter(&w, req, reply) && ts_chat_of_path(&w, &a.chat))
        start(&a);
    free_asking(&a);
}

/* ---- joining and steering */

void ts_app_answer_join(ts_http_request *req, ts_reply *reply)
{
    ts_buf text = ts_buf_make(2 * MAX_CONTENT);
    ts_chat_message m;
    ts_work w;
    ts_dialog c;

    if (!ts_app_enter(&w, req, reply) || !ts_chat_of_path(&w, &c))
        return;
    /* Owning the store, so that one that ends now is in there. */
    const bool has_joined = ts_live_join(w.app, reply, w.person.n, c.id, req->params[1]);
    const tiefsee_status st = has_joined ? TIEFSEE_OK
                                         : ts_chats_find_message(w.store, &w.owner, &c,
                                                                 req->params[1], &m, &text, &w.err);
    ts_chat_free(&c);
    if (has_joined)
        ts_app_leave(&w);
    else if (st != TIEFSEE_OK)
        (void)ts_app_fail(&w, st);
    else if (m.seq == 0)
        (void)ts_app_no(&w, 404, NULL, NULL, "there is no such answer");
    else {
        json_t *answer = ts_chat_message_json(&m, "");
        ts_buf events = ts_buf_make(4 * MAX_CONTENT);
        json_t *start = json_pack("{s:s,s:n,s:O}", "type", "start", "user", "answer", answer);
        bool is_good = start && ts_buf_append_str(&events, "data: ") &&
                       ts_app_dump(&events, start) && ts_buf_append_str(&events, "\n\ndata: ");
        (void)json_object_del(answer, "content");
        (void)json_object_del(answer, "reasoning");
        json_t *done = json_pack("{s:s,s:b,s:O}", "type", "done", "is_saved", 1, "answer", answer);
        is_good =
            is_good && done && ts_app_dump(&events, done) && ts_buf_append_str(&events, "\n\n");
        ts_app_leave(&w);
        if (is_good)
            ts_reply_send(reply, 200, "text/event-stream", events.ptr, events.len);
        else
            ts_app_refuse(reply, 503, NULL, NULL, "out of memory for this request");
        json_decref(start);
        json_decref(done);
        json_decref(answer);
        ts_buf_free(&events);
    }
    ts_buf_free(&text);
}

static void control(ts_http_request *req, ts_reply *reply, const char *chat_id, const char *id)
{
    json_t *body = ts_app_body(req, reply);
    ts_app *app = ts_server_of(req)->app;
    const int64_t user_n = ts_app_caller_of(req)->user_n;
    const char *action = text_of(body, "action");

    if (!body)
        return;
    const bool is_stop = strcmp(action, "stop") == 0;
    if (!is_stop && strcmp(action, "answer_now") != 0)
        ts_app_refuse(reply, 400, NULL, "action", "action is stop or answer_now");
    else
        switch (is_stop ? ts_live_stop(app, user_n, chat_id, id)
                        : ts_live_answer_now(app, user_n, chat_id, id)) {
        case TS_LIVE_DONE: ts_reply_send(reply, 202, "application/json", "{}", 2); break;
        case TS_LIVE_NOT_THINKING:
            ts_app_refuse(reply, 409, NULL, NULL, "it is not thinking");
            break;
        default: ts_app_refuse(reply, 404, NULL, NULL, "no such answer is being written"); break;
        }
    json_decref(body);
}

void ts_app_answer_control(ts_http_request *req, ts_reply *reply)
{
    control(req, reply, req->params[0], req->params[1]);
}

void ts_app_answer_control_temporary(ts_http_request *req, ts_reply *reply)
{
    control(req, reply, "", req->params[0]);
}

/* ---- POST answers: a temporary chat */

static bool read_temporary(asking *a)
{
    const json_t *messages = ts_field_get(a->r.body, "messages");
    bool is_wrong = false;
    const char *effort = ts_app_text(a->r.body, "effort", 16, &a->wrong, &is_wrong);
    const char *model = ts_app_text(a->r.body, "model", TS_MODEL_NAME_MAX, &a->wrong, &is_wrong);
    const char *system = ts_app_text(a->r.body, "system", TS_SYSTEM_MAX, &a->wrong, &is_wrong);

    if (is_wrong)
        return false;
    if (!json_is_array(messages) || json_array_size(messages) > TS_MAX_BRANCH)
        return ts_wrong_field(&a->wrong, "messages", "no array of at most %d", TS_MAX_BRANCH);
    if (!ts_branch_open(&a->branch, &a->r, json_array_size(messages), system))
        return ts_turn_no_memory(&a->wrong);
    for (size_t i = 0; i < json_array_size(messages); i++)
        if (!ts_branch_add(&a->branch, &a->r, json_array_get(messages, i), NULL, &a->wrong))
            return false;
    a->tree = json_array();
    if (!ts_app_answer_options(&a->r, a->w->app->server->models, model, effort, &a->wrong) ||
        !make_answer_message(a, NULL))
        return false;
    return prepare(a);
}

void ts_app_answer_temporary(ts_http_request *req, ts_reply *reply)
{
    asking a = {0};
    ts_work w = {.app = ts_server_of(req)->app, .req = req, .reply = reply}; /* not entered */

    a.w = &w;
    if (!ts_turn_open(&a.r, body_of(req), seed_of(req), &a.wrong) || !read_temporary(&a))
        ts_app_refuse_wrong(reply, &a.wrong);
    else if (ask_grant(&w, &a.r, &a.grant))
        run(&a, false);
    free_asking(&a);
}
