/* title.c - POST conversations/{id}/title: the model names a conversation. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "engine/model.h"
#include "formats/title_prompt.h"
#include "server/app/answer_prompt.h"
#include "server/app/answer_routes.h"
#include "server/jobs.h"

enum { MAX_SAID = 2000, MAX_TOKENS = 32, MAX_TITLE = 80, MAX_TEXT = 4096 };

typedef struct naming {
    ts_app *app;
    ts_reply *reply;
    int64_t user_n;
    char chat_id[TS_ID_MAX + 1];
    char question[MAX_TITLE + 1]; /* its beginning: the title if the model has none */
    const char *before;           /* the title as it was: who gives it another is not overruled */
    ts_buf text;
    bool has_failed;
    tiefsee_error error;
} naming;

/* ---- what the model said */

/* Its first line, without the quotes and stars that models put around titles.  A longer
 * line, or one with signs of markup, is no title (a small model answers instead): nothing. */
static void clean(char out[MAX_TITLE + 1], const char *text)
{
    static const char around[] = " \t\r\n\"'`*#_";

    text += strspn(text, around);
    char line[MAX_TITLE + 1];
    const size_t n = strcspn(text, "\r\n");
    if (n > MAX_TITLE || strcspn(text, "{}<>|") < n)
        return;
    char *copy = ts_strdup_n(text, n);
    ts_app_line(line, MAX_TITLE, copy ? copy : "");
    ts_free(copy);
    size_t len = strlen(line);
    while (len > 0 && strchr(around, line[len - 1]))
        line[--len] = '\0';
    (void)snprintf(out, MAX_TITLE + 1, "%s", line);
}

static tiefsee_status set_title(ts_app *app, const ts_owner *o, ts_dialog *c, json_t *meta,
                                const char *title, tiefsee_error *err)
{
    if (json_object_set_new(meta, "title", json_string(title)) != 0 || !ts_chat_set_meta(c, meta))
        return ts_fail_nomem(err, 0, "a title");
    tiefsee_status st = ts_chats_save(app->store, o, c, err);
    return st == TIEFSEE_OK ? ts_search_add(app->search, app->store, o, c, ts_str_of(title), err)
                            : st;
}

/* *title: what it is called now, which may be what somebody else has called it meanwhile; NULL
 * when there is no such conversation. */
static tiefsee_status save(naming *n, const char *wish, json_t **title, tiefsee_error *err)
{
    ts_app *app = n->app;
    ts_person person;
    ts_dialog c;

    if (!ts_people_by_n(app->people, n->user_n, &person))
        return TIEFSEE_OK;
    const ts_owner o = ts_person_owner(&person);
    tiefsee_status st = ts_store_begin(app->store, err);
    if (st == TIEFSEE_OK) {
        st = ts_chats_find(app->store, &o, n->chat_id, &c, err);
        if (st == TIEFSEE_OK && c.n != 0) {
            json_t *meta = ts_chat_meta(&c);
            const char *now = json_string_value(json_object_get(meta, "title"));
            now = now ? now : "";
            const bool is_mine = strcmp(now, n->before) == 0;
            *title = json_string(is_mine ? wish : now);
            if (!*title)
                st = ts_fail_nomem(err, 0, "a title");
            else if (is_mine)
                st = set_title(app, &o, &c, meta, wish, err);
            json_decref(meta);
        }
        ts_chat_free(&c);
        st = ts_store_end(app->store, st, err);
    }
    ts_person_wipe(&person);
    return st;
}

/* On the worker. */
static void finish(void *ctx)
{
    naming *n = ctx;
    char title[MAX_TITLE + 1] = "";
    json_t *now = NULL;
    tiefsee_status st = n->has_failed ? n->error.status : TIEFSEE_OK;

    if (st == TIEFSEE_OK) {
        clean(title, n->text.ptr ? n->text.ptr : "");
        if (!*title)
            (void)snprintf(title, sizeof title, "%s", n->question);
        ts_lock_take(n->app->store_lock);
        st = save(n, title, &now, &n->error);
        ts_lock_give(n->app->store_lock);
    }
    ts_buf_free(&n->text);
    ts_reply *reply = n->reply; /* n lives in its arena */
    if (st != TIEFSEE_OK)
        ts_reply_fail_status(reply, &n->error);
    else if (!now)
        ts_app_refuse(reply, 404, NULL, NULL, "there is no such conversation");
    else
        ts_app_send(reply, 200, json_pack("{s:O}", "title", now));
    json_decref(now);
    ts_reply_release(reply);
}

/* ---- the job */

static bool on_piece(void *user, const tiefsee_piece *piece)
{
    naming *n = user;

    if (piece->channel == TIEFSEE_CONTENT)
        n->has_failed = !ts_buf_append(&n->text, piece->text, piece->n);
    return !n->has_failed;
}

static void on_done(void *user, const ts_job_result *r)
{
    naming *n = user;

    n->has_failed = n->has_failed || r->status != TIEFSEE_OK;
    n->error = r->error;
    ts_app_later(n->app, finish, n);
}

static bool make_prompt(ts_turn_request *r, naming *n, const json_t *tree, ts_wrong *wrong)
{
    tiefsee_message *m = ts_arena_alloc_zero(r->arena, 1, sizeof *m);
    char *text = ts_arena_alloc(r->arena, 3 * MAX_SAID);
    const char *said[2] = {"", ""};

    for (size_t i = json_array_size(tree); i-- > 0;) {
        const json_t *at = json_array_get(tree, i);
        const char *role = json_string_value(json_object_get(at, "role"));
        const char *content = json_string_value(json_object_get(at, "content"));
        said[role && strcmp(role, "user") != 0] = content ? content : "";
    }
    if (!m || !text)
        return ts_turn_no_memory(wrong);
    if (!*said[0])
        return ts_wrong_set(wrong, 409, NULL, NULL, "nothing was said yet");
    ts_app_line(n->question, 48, said[0]);
    char question[MAX_SAID], answer[MAX_SAID / 2];
    ts_app_line(question, sizeof question - 1, said[0]);
    ts_app_line(answer, sizeof answer - 1, said[1]);
    (void)snprintf(text, (size_t)3 * MAX_SAID, TS_TITLE_PROMPT, question, answer);
    *m = (tiefsee_message){.role = TIEFSEE_USER, .content = text};
    r->messages = m;
    r->n_messages = 1;
    r->thinking = TS_THINKING_OFF;
    r->generate.max_tokens = MAX_TOKENS;
    r->generate.sampling.temperature = 0;
    if (!ts_turn_prepare(r, wrong))
        return false;
    /* One that always thinks is told that it has. */
    if (r->is_thinking && r->n_prompt < r->model->n_ctx) {
        r->prompt[r->n_prompt++] = r->model->model->think_end;
        r->generate.in_reasoning = false;
    }
    return true;
}

static void submit(ts_reply *reply, ts_turn_request *r, naming *n)
{
    static const ts_job_events events = {.piece = on_piece, .done = on_done};
    const ts_job_spec spec = {.tokens = r->prompt,
                              .n_tokens = r->n_prompt,
                              .generate = r->generate,
                              .user_name = ts_reply_request(reply)->user_name,
                              .topic = n->chat_id};
    tiefsee_error err = {0};

    ts_reply_hold(reply); /* until finish */
    if (ts_jobs_submit(reply, r->model, &spec, &events, n, &err) == TIEFSEE_OK)
        return;
    ts_buf_free(&n->text);
    ts_reply_fail_status(reply, &err);
    ts_reply_release(reply);
}

void ts_app_answer_title(ts_http_request *req, ts_reply *reply)
{
    naming *n = ts_arena_alloc_zero(req->arena, 1, sizeof *n);
    ts_turn_request r = {0};
    ts_wrong wrong;
    ts_work w;
    ts_dialog c;

    if (!n || !ts_turn_open(&r, req->body.len ? req->body : TS_STR("{}"), 1, &wrong))
        ts_app_refuse(reply, 400, NULL, NULL, n ? wrong.message : "out of memory");
    else if (ts_app_enter(&w, req, reply) && ts_chat_of_path(&w, &c)) {
        json_t *tree = ts_app_answer_tree(&w, &c), *meta = ts_chat_meta(&c);
        const char *model = json_string_value(json_object_get(meta, "model"));
        const char *title = json_string_value(json_object_get(meta, "title"));

        title = title ? title : "";
        *n = (naming){.app = w.app,
                      .reply = reply,
                      .user_n = w.person.n,
                      .before = ts_arena_strdup(req->arena, title, strlen(title)),
                      .text = ts_buf_make(MAX_TEXT)};
        memcpy(n->chat_id, c.id, sizeof n->chat_id);
        ts_chat_free(&c);
        ts_app_leave(&w);
        if (tree && n->before &&
            ts_app_answer_options(&r, w.app->server->models, model, NULL, &wrong) &&
            make_prompt(&r, n, tree, &wrong))
            submit(reply, &r, n);
        else if (!tree)
            ts_reply_fail_status(reply, &w.err);
        else if (!n->before)
            ts_app_refuse(reply, 503, NULL, NULL, "out of memory for this request");
        else
            ts_app_refuse_wrong(reply, &wrong);
        json_decref(tree);
        json_decref(meta);
    }
    ts_turn_close(&r);
}
