/* answer_prompt.c - see answer_prompt.h. */
#include "server/app/answer_prompt.h"

#include <string.h>

#include "core/alloc.h"
#include "engine/model.h"
#include "formats/json.h"

enum { MAX_TEXT = 256 << 20 };

/* ---- the tree */

typedef struct reading {
    json_t *list;
    ts_work *w;
    bool has_failed;
} reading;

static bool read_message(void *ctx, const ts_chat_message *m)
{
    reading *r = ctx;
    json_t *message = ts_chat_message_json(m, "");

    (void)json_object_set_new(message, "seq", json_integer(m->seq));
    r->has_failed = !message || json_array_append_new(r->list, message) != 0;
    return !r->has_failed;
}

json_t *ts_app_answer_tree(ts_work *w, const ts_dialog *c)
{
    reading r = {.list = json_array(), .w = w};
    tiefsee_status st = ts_chats_read(w->store, &w->owner, c, read_message, &r, &w->err);

    if (st == TIEFSEE_OK && (r.has_failed || !r.list))
        st = ts_fail_nomem(&w->err, 0, "a conversation");
    if (st == TIEFSEE_OK)
        return r.list;
    json_decref(r.list);
    return NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

json_t *ts_app_answer_find(const json_t *tree, const char *id)
{
    for (size_t i = json_array_size(tree); i-- > 0;) {
        json_t *m = json_array_get(tree, i);
        if (strcmp(text_of(m, "id"), id) == 0)
            return m;
    }
    return NULL;
}

size_t ts_app_answer_path(const json_t *tree, const char *id, json_t **up)
{
    size_t n = 0;

    for (size_t i = json_array_size(tree); i-- > 0 && *id;) {
        json_t *m = json_array_get(tree, i);
        if (strcmp(text_of(m, "id"), id) == 0) {
            up[n++] = m;
            id = text_of(m, "parent");
        }
    }
    return n;
}

/* ---- the branch */

bool ts_branch_open(ts_branch *b, ts_turn_request *r, size_t n_messages, const char *system)
{
    *b = (ts_branch){0};
    b->at = ts_arena_alloc_zero(r->arena, n_messages + 4, sizeof *b->at);
    b->id = ts_arena_alloc_zero(r->arena, n_messages + 4, sizeof *b->id);
    b->since = "";
    if (!b->at || !b->id)
        return false;
    for (size_t i = 0; i < n_messages + 4; i++)
        b->id[i] = "";
    if (system && *system)
        b->at[b->n++] = (tiefsee_message){.role = TIEFSEE_SYSTEM, .content = system};
    return true;
}

/* Files stand before the question, as DeepSeek's own app puts them. */
static bool add_file(ts_buf *out, const json_t *meta, const char *text)
{
    return ts_buf_append_str(out, "[file name]: ") &&
           ts_buf_append_str(out, text_of(meta, "name")) &&
           ts_buf_append_str(out, "\n[file content begin]\n") && ts_buf_append_str(out, text) &&
           ts_buf_append_str(out, "\n[file content end]\n");
}

static const char *with_files(ts_turn_request *r, json_t *message, const json_t *texts)
{
    const json_t *files = json_object_get(message, "files");
    ts_buf all = ts_buf_make(MAX_TEXT);
    bool is_good = true;
    char *out = NULL;

    if (json_array_size(files) == 0)
        return text_of(message, "content");
    for (size_t i = 0; i < json_array_size(files) && is_good; i++) {
        const json_t *file = json_array_get(files, i);
        const char *text = texts ? json_string_value(json_array_get(texts, i)) : NULL;
        is_good = add_file(&all, file, text ? text : text_of(file, "text"));
    }
    if (is_good && ts_buf_append_str(&all, text_of(message, "content")))
        out = ts_arena_strdup(r->arena, all.ptr, all.len);
    ts_buf_free(&all);
    return out;
}

bool ts_branch_add(ts_branch *b, ts_turn_request *r, json_t *message, const json_t *file_texts,
                   ts_wrong *wrong)
{
    const bool is_user = strcmp(text_of(message, "role"), "user") == 0;
    const char *content =
        is_user ? with_files(r, message, file_texts) : text_of(message, "content");

    if (!content)
        return ts_turn_no_memory(wrong);
    if (!is_user && *text_of(message, "since"))
        b->since = text_of(message, "since");
    if (is_user || *content) { /* an answer that never began is no answer */
        b->id[b->n] = text_of(message, "id");
        b->at[b->n++] = (tiefsee_message){.role = is_user ? TIEFSEE_USER : TIEFSEE_ASSISTANT,
                                          .content = content};
    }
    return true;
}

static bool add_stored(ts_branch *b, ts_turn_request *r, ts_work *w, const ts_dialog *c,
                       json_t *message, ts_wrong *wrong)
{
    const int64_t seq = json_integer_value(json_object_get(message, "seq"));

    if (w && json_array_size(json_object_get(message, "files")) > 0 &&
        ts_chat_add_file_texts(w, c, seq, message) != TIEFSEE_OK)
        return ts_wrong_set(wrong, 500, NULL, NULL, "a file could not be read");
    return ts_branch_add(b, r, message, NULL, wrong);
}

bool ts_branch_add_path(ts_branch *b, ts_turn_request *r, ts_work *w, const ts_dialog *c,
                        const json_t *tree, json_t *message, ts_wrong *wrong)
{
    json_t **path = ts_arena_alloc_zero(r->arena, json_array_size(tree) + 1, sizeof *path);

    if (!path)
        return ts_turn_no_memory(wrong);
    for (size_t depth = ts_app_answer_path(tree, text_of(message, "id"), path); depth-- > 0;)
        if (!add_stored(b, r, w, c, path[depth], wrong))
            return false;
    return true;
}

/* ---- a branch that does not fit */

enum { TOKENS_AROUND = 4 }; /* markers of a turn, about */

/* The tokens of a turn as the model will see it, without older thoughts. */
static bool count_turn(const tiefsee_model *model, const tiefsee_message *m, size_t *n,
                       ts_wrong *wrong)
{
    tiefsee_error err = {0};

    *n = 0;
    if (tiefsee_tokenize(model, m->content, strlen(m->content), false, NULL, 0, n, &err) !=
        TIEFSEE_OK)
        return ts_wrong_set(wrong, 500, NULL, NULL, "the conversation could not be counted");
    *n += TOKENS_AROUND;
    return true;
}

/* The next question behind i; the number of messages: there is none. */
static size_t next_question(const ts_branch *b, size_t i)
{
    do
        i++;
    while (i < b->n && b->at[i].role != TIEFSEE_USER);
    return i;
}

static size_t first_turn(const ts_branch *b)
{
    return b->n > 0 && b->at[0].role == TIEFSEE_SYSTEM ? 1 : 0;
}

/* Where the newest answer's prompt began. */
static size_t begun_at(const ts_branch *b)
{
    for (size_t i = first_turn(b); *b->since && i < b->n; i++)
        if (strcmp(b->id[i], b->since) == 0)
            return i;
    return first_turn(b);
}

bool ts_branch_shorten(ts_branch *b, const ts_turn_request *r, const char **since, ts_wrong *wrong)
{
    const size_t begin = first_turn(b), n_ctx = r->model->n_ctx;
    size_t *n = ts_arena_alloc_zero(r->arena, b->n + 1, sizeof *n), sum = 0, from = begun_at(b);

    *since = NULL;
    if (!n)
        return ts_turn_no_memory(wrong);
    for (size_t i = 0; i < b->n; i++) {
        if (!count_turn(r->model->model, &b->at[i], &n[i], wrong))
            return false;
        sum += n[i];
    }
    if (sum <= n_ctx / 2) /* perhaps a model with more room than the one before */
        return true;
    for (size_t i = begin; i < from; i++)
        sum -= n[i];
    const size_t most = sum > n_ctx - n_ctx / 4 ? n_ctx / 2 : sum;
    for (size_t next; sum > most && (next = next_question(b, from)) < b->n; from = next)
        for (size_t i = from; i < next; i++)
            sum -= n[i];
    if (from == begin)
        return true;
    *since = b->id[from];
    memmove(&b->at[begin], &b->at[from], (b->n - from) * sizeof *b->at);
    memmove(&b->id[begin], &b->id[from], (b->n - from) * sizeof *b->id);
    b->n -= from - begin;
    return true;
}

/* ---- options */

typedef struct scalars {
    int64_t max_tokens, seed;
    double temperature, top_p;
} scalars;

#define SCALAR(name, kind, min, max)                   \
    {                                                  \
#name, kind, min, max, offsetof(scalars, name) \
    }
static const ts_field fields[] = {
    SCALAR(max_tokens, TS_FIELD_INT, 1, 2147483647.0),
    SCALAR(seed, TS_FIELD_INT, -9.2e18, 9.2e18),
    SCALAR(temperature, TS_FIELD_NUMBER, 0, 2),
    SCALAR(top_p, TS_FIELD_NUMBER, 0, 1),
};

bool ts_app_answer_options(ts_turn_request *r, const ts_models *models, const char *model,
                           const char *effort, ts_wrong *wrong)
{
    scalars s = {.temperature = -1, .top_p = -1};
    const ts_served_model *first = ts_models_at(models, 0);

    if (!first)
        return ts_wrong_set(wrong, 503, NULL, NULL, "no model is served");
    /* A conversation whose model is gone goes on with the first one. */
    if (!model || !*model || !ts_turn_find_model(models, model))
        model = first->name;
    s.seed = (int64_t)r->seed;
    if (!ts_turn_take_model(r, models, model, wrong) ||
        !ts_fields_read(r->body, fields, TS_COUNT(fields), &s, wrong))
        return false;
    r->generate.max_tokens = (size_t)s.max_tokens;
    r->generate.sampling.seed = (uint64_t)s.seed;
    if (s.temperature >= 0)
        r->generate.sampling.temperature = (float)s.temperature;
    if (s.top_p >= 0)
        r->generate.sampling.top_p = (float)s.top_p;
    if (effort && strcmp(effort, "off") == 0)
        r->thinking = TS_THINKING_OFF;
    else if (effort && (strcmp(effort, "low") == 0 || strcmp(effort, "high") == 0 ||
                        strcmp(effort, "max") == 0))
        r->thinking = TS_THINKING_ON;
    else if (effort)
        return ts_wrong_field(wrong, "effort", "'%.20s' (off, low, high or max)", effort);
    return true;
}

bool ts_app_answer_add_thoughts(ts_turn_request *r, const char *text, ts_wrong *wrong)
{
    const size_t room = r->model->n_ctx;
    size_t n = 0;

    if (tiefsee_tokenize(r->model->model, text, strlen(text), false, r->prompt + r->n_prompt,
                         room - r->n_prompt, &n, NULL) != TIEFSEE_OK ||
        r->n_prompt + n >= room)
        return ts_wrong_set(wrong, 400, "context_length_exceeded", NULL,
                            "this model's maximum context length is %zu tokens, answer included; "
                            "the prompt has %zu tokens",
                            room, r->n_prompt + n);
    r->n_prompt += n;
    return true;
}
