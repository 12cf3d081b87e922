/* ollama.c - see ollama.h. */
#include "server/api/ollama.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "engine/model.h"
#include "server/api/ollama_answer.h"
#include "server/server.h"

enum { MAX_LIST = 1 << 20, SECONDS_PER_YEAR = 31556952 };

/* Of Ollama's API, as clients look whether it is new enough for tools and thinking. */
static const char API_VERSION[] = "0.12.6";

/* ---- errors */

bool ts_ollama_render(const ts_http_request *req, const ts_http_error *error, ts_buf *out)
{
    ts_out o = ts_out_make(4096);

    (void)req;
    ts_out_raw(&o, "{\"error\":");
    ts_out_str(&o, error->message ? error->message : "");
    ts_out_raw(&o, "}");
    const bool is_good = !o.has_failed && ts_buf_append(out, o.buf.ptr, o.buf.len);
    ts_out_free(&o);
    return is_good;
}

const ts_protocol ts_protocol_ollama = {"ollama", "application/json", ts_ollama_render, 0, NULL};

/* ---- chat and generate */

static const bool is_chat_yes = true, is_chat_no = false;

static void ask(ts_http_request *req, ts_reply *reply)
{
    const bool *is_chat = req->route->data;
    ts_ollama_request r;
    ts_wrong wrong;

    if (!ts_ollama_request_read(&r, ts_server_of(req)->models, req->body, *is_chat,
                                ts_hash(req->id, strlen(req->id)), &wrong))
        ts_turn_refuse(reply, &wrong);
    else if (r.is_load)
        ts_ollama_answer_load(reply, &r);
    else
        ts_ollama_answer_run(reply, &r);
    ts_turn_close(&r.turn);
}

/* ---- models */

/* "7b:latest" for a name without a tag, as clients compare. */
static void write_name(ts_out *o, const char *name)
{
    ts_out_raw(o, "\"");
    ts_out_escaped(o, name, strlen(name));
    ts_out_raw(o, strchr(name, ':') ? "\"" : ":latest\"");
}

/* Not of the file's bytes, but as good as a digest to tell models apart. */
static void write_digest(ts_out *o, const ts_served_model *m)
{
    uint64_t h = ts_hash(m->name, strlen(m->name));

    ts_out_raw(o, "\"");
    for (int i = 0; i < 4; i++) {
        h = ts_hash_more(h, &m->bytes, sizeof m->bytes);
        ts_out_f(o, "%016llx", (unsigned long long)h);
    }
    ts_out_raw(o, "\"");
}

/* "q4_k 83%, f32 5%" is "Q4_K". */
static void write_quantisation(ts_out *o, const char *types)
{
    char text[16] = "";

    for (size_t i = 0; i + 1 < sizeof text && types[i] && types[i] != ' '; i++) {
        text[i] = (char)toupper((unsigned char)types[i]);
        text[i + 1] = '\0';
    }
    ts_out_str(o, text);
}

static void write_size(ts_out *o, uint64_t n)
{
    if (n >= 1000000000)
        ts_out_f(o, "\"%.1fB\"", (double)n / 1e9);
    else
        ts_out_f(o, "\"%.2fM\"", (double)n / 1e6);
}

static void write_details(ts_out *o, const ts_served_model *m)
{
    ts_out_raw(o, "{\"parent_model\":\"\",\"format\":\"gguf\",\"family\":");
    ts_out_str(o, m->info.architecture);
    ts_out_raw(o, ",\"families\":[");
    ts_out_str(o, m->info.architecture);
    ts_out_raw(o, "],\"parameter_size\":");
    write_size(o, m->info.n_parameters);
    ts_out_raw(o, ",\"quantization_level\":");
    write_quantisation(o, m->info.weight_types);
    ts_out_f(o, ",\"context_length\":%zu}", m->n_ctx);
}

static bool knows_tools(const ts_served_model *m)
{
    return *m->info.encoding &&
           ts_encoding_calls(m->model->encoding, m->model->bpe) != TS_CALLS_NONE;
}

static void write_capabilities(ts_out *o, const ts_served_model *m)
{
    ts_out_raw(o, "[\"completion\"");
    if (knows_tools(m))
        ts_out_raw(o, ",\"tools\"");
    if (m->info.can_think)
        ts_out_raw(o, ",\"thinking\"");
    ts_out_raw(o, "]");
}

/* name, model, size, digest, details: without braces. */
static void write_model(ts_out *o, const ts_served_model *m)
{
    ts_out_raw(o, "\"name\":");
    write_name(o, m->name);
    ts_out_raw(o, ",\"model\":");
    write_name(o, m->name);
    ts_out_f(o, ",\"size\":%llu,\"digest\":", (unsigned long long)m->bytes);
    write_digest(o, m);
    ts_out_raw(o, ",\"details\":");
    write_details(o, m);
}

static void list_models(ts_http_request *req, ts_reply *reply)
{
    const ts_models *models = ts_server_of(req)->models;
    ts_out o = ts_out_make(MAX_LIST);

    ts_out_raw(&o, "{\"models\":[");
    for (size_t i = 0; i < ts_models_count(models); i++) {
        const ts_served_model *m = ts_models_at(models, i);

        ts_out_raw(&o, i ? ",{" : "{");
        write_model(&o, m);
        ts_out_raw(&o, ",\"modified_at\":");
        ts_ollama_write_time(&o, m->created, 0);
        ts_out_raw(&o, ",\"capabilities\":");
        write_capabilities(&o, m);
        ts_out_raw(&o, "}");
    }
    ts_out_raw(&o, "]}");
    ts_turn_send(reply, &o);
}

/* Those that are in memory; for how long depends on who asks. */
static void list_loaded(ts_http_request *req, ts_reply *reply)
{
    ts_models *models = ts_server_of(req)->models;
    ts_out o = ts_out_make(MAX_LIST);
    size_t n_listed = 0;

    ts_out_raw(&o, "{\"models\":[");
    for (size_t i = 0; i < ts_models_count(models); i++) {
        const ts_served_model *m = ts_models_at(models, i);

        if (!ts_models_is_loaded(models, m))
            continue;
        ts_out_raw(&o, n_listed++ ? ",{" : "{");
        write_model(&o, m);
        ts_out_raw(&o, ",\"expires_at\":");
        ts_ollama_write_time(&o, m->created + 100ll * SECONDS_PER_YEAR, 0);
        ts_out_f(&o, ",\"size_vram\":0,\"context_length\":%zu}", m->n_ctx);
    }
    ts_out_raw(&o, "]}");
    ts_turn_send(reply, &o);
}

static void write_info(ts_out *o, const ts_served_model *m)
{
    const tiefsee_model_info *i = &m->info;

    ts_out_raw(o, "{\"general.architecture\":");
    ts_out_str(o, i->architecture);
    ts_out_raw(o, ",\"general.basename\":");
    ts_out_str(o, i->name);
    ts_out_f(o, ",\"general.parameter_count\":%llu", (unsigned long long)i->n_parameters);
    ts_out_f(o, ",\"%.60s.context_length\":%zu,\"%.60s.block_count\":%zu", i->architecture,
             m->n_ctx, i->architecture, i->n_layers);
    ts_out_f(o, ",\"%.60s.vocab_size\":%zu,\"tiefsee.context_length_train\":%zu}", i->architecture,
             i->n_vocab, i->n_ctx_train);
}

static void write_shown(ts_out *o, const ts_served_model *m)
{
    tiefsee_sampling s = {.size = sizeof s};

    tiefsee_model_sampling(m->model, &s);
    ts_out_raw(o, "{\"license\":\"\",\"modelfile\":\"\",\"parameters\":");
    ts_out_f(o, "\"temperature %g\\ntop_p %g\",\"template\":", (double)s.temperature,
             (double)s.top_p);
    ts_out_str(o, m->info.encoding);
    ts_out_raw(o, ",\"details\":");
    write_details(o, m);
    ts_out_raw(o, ",\"model_info\":");
    write_info(o, m);
    ts_out_raw(o, ",\"capabilities\":");
    write_capabilities(o, m);
    ts_out_raw(o, ",\"modified_at\":");
    ts_ollama_write_time(o, m->created, 0);
    ts_out_raw(o, "}");
}

/* The body's `model` (once: `name`). */
static bool read_name(ts_turn_request *r, const ts_http_request *req, ts_wrong *w)
{
    static const char *const names[] = {"model", "name"};
    const json_t *name = NULL;

    if (!ts_turn_open(r, req->body, 0, w))
        return false;
    for (size_t i = 0; i < TS_COUNT(names) && !name; i++)
        name = ts_field_get(r->body, names[i]);
    if (name && !json_is_string(name))
        return ts_wrong_field(w, "model", "%s (a string expected)", ts_json_kind(name));
    const char *text = json_string_value(name);
    r->model = text ? ts_ollama_find_model(ts_server_of(req)->models, text) : NULL;
    if (!text || !*text)
        return ts_wrong_set(w, 400, NULL, NULL, "model is required");
    return r->model || ts_wrong_set(w, 404, NULL, NULL, "model '%.100s' not found", text);
}

static void show_model(ts_http_request *req, ts_reply *reply)
{
    ts_out o = ts_out_make(MAX_LIST);
    ts_turn_request r;
    ts_wrong wrong;

    if (read_name(&r, req, &wrong)) {
        write_shown(&o, r.model);
        ts_turn_send(reply, &o);
    } else {
        ts_out_free(&o);
        ts_turn_refuse(reply, &wrong);
    }
    ts_turn_close(&r);
}

static void show_version(ts_http_request *req, ts_reply *reply)
{
    ts_out o = ts_out_make(256);

    (void)req;
    ts_out_f(&o, "{\"version\":\"%s\",\"tiefsee\":\"%s\"}", API_VERSION, tiefsee_version());
    ts_turn_send(reply, &o);
}

/* ---- what there is not */

/* Clients pull before they ask; what is here is here. */
static void pull(ts_http_request *req, ts_reply *reply)
{
    static const char text[] = "{\"status\":\"success\"}\n";
    ts_turn_request r;
    ts_wrong wrong;

    if (read_name(&r, req, &wrong)) {
        const bool is_whole = json_is_false(ts_field_get(r.body, "stream"));
        ts_reply_send(reply, 200, is_whole ? "application/json" : "application/x-ndjson", text,
                      sizeof text - 1);
    } else {
        if (wrong.status == 404)
            (void)ts_wrong_set(&wrong, 404, NULL, NULL,
                               "models are not downloaded here: start `tiefsee serve` with the "
                               "model's file");
        ts_turn_refuse(reply, &wrong);
    }
    ts_turn_close(&r);
}

static void refuse(ts_http_request *req, ts_reply *reply)
{
    ts_reply_fail(reply, 400, req->route->data);
}

static const char no_embeddings[] =
    "embeddings are not supported: the models that are served here make none";
static const char no_changes[] =
    "models are neither made, copied, sent nor deleted here: `tiefsee serve` is started with "
    "their files";

#define ROUTE(method, path, handler, flags, data)               \
    {                                                           \
        method, path, handler, flags, &ts_protocol_ollama, data \
    }

const ts_route ts_ollama_routes[] = {
    ROUTE("POST", "/api/chat", ask, 0, &is_chat_yes),
    ROUTE("POST", "/api/generate", ask, 0, &is_chat_no),
    ROUTE("GET", "/api/tags", list_models, TS_ROUTE_QUICK, NULL),
    ROUTE("GET", "/api/ps", list_loaded, TS_ROUTE_QUICK, NULL),
    ROUTE("POST", "/api/show", show_model, 0, NULL),
    ROUTE("GET", "/api/version", show_version, TS_ROUTE_QUICK | TS_ROUTE_OPEN, NULL),
    ROUTE("POST", "/api/pull", pull, 0, NULL),
    ROUTE("POST", "/api/embed", refuse, TS_ROUTE_QUICK, no_embeddings),
    ROUTE("POST", "/api/embeddings", refuse, TS_ROUTE_QUICK, no_embeddings),
    ROUTE("POST", "/api/push", refuse, TS_ROUTE_QUICK, no_changes),
    ROUTE("POST", "/api/create", refuse, TS_ROUTE_QUICK, no_changes),
    ROUTE("POST", "/api/copy", refuse, TS_ROUTE_QUICK, no_changes),
    ROUTE("DELETE", "/api/delete", refuse, TS_ROUTE_QUICK, no_changes),
    {NULL, "/api/*", NULL, 0, &ts_protocol_ollama, NULL},
};
const size_t ts_n_ollama_routes = TS_COUNT(ts_ollama_routes);
