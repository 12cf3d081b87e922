/* base_routes.c - see base_routes.h.
 *
 * GET /health          is the server up: cheap, for a balancer's every second
 * GET /health?deep=1   can the first model still say something: one real token
 *                      (a few at a time: nobody is asked for a key here)
 * GET /metrics         Prometheus
 */
#include "server/base_routes.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "server/jobs.h"
#include "server/server.h"

/* ------------------------------------------------------------------ health */

enum { MAX_DEEP = 4 };

static void deep_done(void *user, const ts_job_result *result)
{
    ts_reply *reply = user;
    char text[160];

    ts_server_of(ts_reply_request(reply))->n_deep--;
    if (result->status != TIEFSEE_OK) {
        ts_reply_fail_status(reply, &result->error);
        return;
    }
    if (result->n_generated == 0) {
        ts_reply_fail(reply, 503, "the model said nothing");
        return;
    }
    const int n = snprintf(text, sizeof text,
                           "{\"status\": \"ok\", \"queue_ms\": %.1f, \"token_ms\": %.1f}\n",
                           result->queue_s * 1e3, (result->prompt_s + result->answer_s) * 1e3);
    ts_reply_send(reply, 200, "application/json", text, (size_t)n);
}

static void deep_health(ts_http_request *req, ts_reply *reply)
{
    static const ts_job_events events = {.done = deep_done};
    ts_server *server = ts_server_of(req);
    const ts_served_model *model = ts_models_find(server->models, NULL);
    tiefsee_token token = model ? tiefsee_token_bos(model->model) : -1;
    tiefsee_error err = {0};

    if (!model) {
        ts_reply_fail(reply, 503, "no model is served");
        return;
    }
    token = token >= 0 ? token : 0;
    const ts_job_spec spec = {
        .tokens = &token,
        .n_tokens = 1,
        .generate = {.size = sizeof spec.generate,
                     .max_tokens = 1,
                     .ignore_eos = true,
                     .raw = true,
                     .sampling = {.size = sizeof spec.generate.sampling}},
        .user_name = "health",
    };
    if (server->n_deep++ >= MAX_DEEP) {
        server->n_deep--;
        ts_reply_fail_with(reply, &(ts_http_error){.status = 429,
                                                   .message = "other checks are under way",
                                                   .retry_after_s = 1});
    } else if (ts_jobs_submit(reply, model, &spec, &events, reply, &err) != TIEFSEE_OK) {
        server->n_deep--;
        ts_reply_fail_status(reply, &err);
    }
}

/* Numbers only: names are for those who may ask (/v1/models, /metrics). */
static void plain_health(ts_http_request *req, ts_reply *reply)
{
    ts_models *models = ts_server_of(req)->models;
    size_t n_loaded = 0;
    char text[96];

    for (size_t i = 0; i < ts_models_count(models); i++)
        n_loaded += ts_models_is_loaded(models, ts_models_at(models, i));
    const int n =
        snprintf(text, sizeof text, "{\"status\": \"ok\", \"models\": %zu, \"loaded\": %zu}\n",
                 ts_models_count(models), n_loaded);
    ts_reply_send(reply, 200, "application/json", text, (size_t)n);
}

static void health(ts_http_request *req, ts_reply *reply)
{
    ts_str deep;

    if (ts_http_query(req, "deep", &deep) && !ts_str_is(deep, "0"))
        deep_health(req, reply);
    else
        plain_health(req, reply);
}

/* ----------------------------------------------------------------- metrics */

static void set(ts_metrics *m, bool is_counter, const char *name, const char *help,
                const char *labels, double x)
{
    ts_metric_set(is_counter ? ts_metrics_counter(m, name, help, labels)
                             : ts_metrics_gauge(m, name, help, labels),
                  x);
}

static void measure_model(ts_metrics *m, ts_models *models, const ts_served_model *model)
{
    ts_models_stats all;
    char label[160];

    ts_models_read_stats(models, model, &all);
    const ts_engine_stats s = all.engine;
    (void)snprintf(label, sizeof label, "model=\"%s\"", model->name);
    set(m, false, "tiefsee_model_loaded", "1: the model is in memory.", label, all.is_loaded);
    set(m, false, "tiefsee_model_plan_bytes", "Weights, activations and one context.", label,
        (double)all.plan_bytes);
    set(m, true, "tiefsee_model_loads_total", "How often it was loaded.", label,
        (double)all.n_loads);
    set(m, true, "tiefsee_model_failures_total", "How often that failed.", label,
        (double)all.n_failed);
    set(m, false, "tiefsee_jobs_running", "Jobs that share the engine's steps.", label,
        (double)s.n_running);
    set(m, false, "tiefsee_jobs_queued", "Jobs that wait.", label, (double)s.n_queued);
    set(m, true, "tiefsee_jobs_total", "Jobs that have ended.", label, (double)s.n_jobs);
    set(m, true, "tiefsee_prompt_tokens_total", "Tokens of prompts.", label,
        (double)s.n_prompt_tokens);
    set(m, true, "tiefsee_cached_tokens_total", "Tokens of prompts that were remembered.", label,
        (double)s.n_cached_tokens);
    set(m, true, "tiefsee_disk_tokens_total", "Of those, read from the disk.", label,
        (double)s.n_disk_tokens);
    set(m, true, "tiefsee_generated_tokens_total", "Tokens of answers.", label,
        (double)s.n_generated_tokens);
    set(m, true, "tiefsee_steps_total", "Steps of the engine.", label, (double)s.n_steps);
    set(m, false, "tiefsee_cache_pages", "Pages of 64 tokens: room.", label, (double)s.cache_pages);
    set(m, false, "tiefsee_cache_pages_used", "Pages in use or remembered.", label,
        (double)s.cache_pages_used);
}

static void measure_disk(ts_metrics *m, ts_kvstore *disk)
{
    ts_kvstore_stats s;

    ts_kvstore_read_stats(disk, &s);
    set(m, false, "tiefsee_disk_pages", "Pages of the context cache on disk.", "",
        (double)s.n_pages);
    set(m, false, "tiefsee_disk_bytes", "Bytes of its files.", "", (double)s.n_bytes);
    set(m, true, "tiefsee_disk_writes_total", "Pages written.", "", (double)s.n_puts);
    set(m, true, "tiefsee_disk_reads_total", "Pages read.", "", (double)s.n_hits);
    set(m, true, "tiefsee_disk_misses_total", "Pages that were looked for in vain.", "",
        (double)s.n_misses);
    set(m, true, "tiefsee_disk_damaged_total", "Pages that were not what was written.", "",
        (double)s.n_damaged);
    set(m, true, "tiefsee_disk_evicted_total", "Pages that made room.", "", (double)s.n_evicted);
    set(m, true, "tiefsee_disk_dropped_total", "Pages that were not written.", "",
        (double)s.n_dropped);
    set(m, false, "tiefsee_disk_stopped", "1: a write failed, nothing is written any more.", "",
        s.is_stopped);
}

static void measure(ts_server *server)
{
    ts_http_stats s;

    ts_http_read_stats(server->http, &s);
    set(server->metrics, false, "tiefsee_connections", "Open connections.", "",
        (double)s.n_connections);
    set(server->metrics, false, "tiefsee_requests_active", "Requests being read or answered.", "",
        (double)s.n_active);
    set(server->metrics, false, "tiefsee_uptime_seconds", "Since the start.", "",
        ts_clock_seconds() - server->started);
    if (server->disk)
        measure_disk(server->metrics, server->disk);
    for (size_t i = 0; i < ts_models_count(server->models); i++)
        measure_model(server->metrics, server->models, ts_models_at(server->models, i));
}

static void metrics(ts_http_request *req, ts_reply *reply)
{
    ts_server *server = ts_server_of(req);
    ts_buf out = ts_buf_make(4 << 20);

    measure(server);
    if (ts_metrics_print(server->metrics, &out))
        ts_reply_send(reply, 200, "text/plain; version=0.0.4; charset=utf-8", out.ptr, out.len);
    else
        ts_reply_fail(reply, 503, "the metrics do not fit");
    ts_buf_free(&out);
}

void ts_base_count(void *app, const ts_http_request *req, const ts_http_summary *summary)
{
    static const double bounds[] = {0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300};
    ts_metrics *m = ((ts_server *)app)->metrics;
    const char *route = req->route ? req->route->pattern : "none";
    char labels[160];

    (void)snprintf(labels, sizeof labels, "route=\"%s\",code=\"%d\"", route, summary->status);
    ts_metric_add(
        ts_metrics_counter(m, "tiefsee_requests_total", "Requests that have ended.", labels), 1);
    if (summary->was_cut)
        ts_metric_add(ts_metrics_counter(m, "tiefsee_requests_cut_total",
                                         "Requests whose client left before the end.", ""),
                      1);
    if (summary->status == 101)
        return; /* how long a WebSocket was open says nothing; its messages are counted */
    (void)snprintf(labels, sizeof labels, "route=\"%s\"", route);
    ts_metric_observe(ts_metrics_histogram(m, "tiefsee_first_byte_seconds",
                                           "From headers to the first byte of the answer.", labels,
                                           bounds, TS_COUNT(bounds)),
                      summary->wait_s);
    ts_metric_observe(ts_metrics_histogram(m, "tiefsee_request_seconds", "From headers to the end.",
                                           labels, bounds, TS_COUNT(bounds)),
                      summary->total_s);
}

const ts_route ts_base_routes[] = {
    {"GET", "/health", health, TS_ROUTE_OPEN | TS_ROUTE_SILENT, NULL, NULL},
    {"GET", "/metrics", metrics, TS_ROUTE_SILENT, NULL, NULL},
};
const size_t ts_n_base_routes = TS_COUNT(ts_base_routes);
