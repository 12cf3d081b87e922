/* cmd_inspect.c - what is in a model file, and what running it would take.
 *
 * The facts and the plan come from the public header; the lists of tensors and
 * of metadata need the file itself (formats/modelfile.h).
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "chat/view.h"
#include "cli/cli.h"
#include "formats/modelfile.h"

static bool tensors, metadata, as_json;
static char why_not[256]; /* why the model cannot be run; empty if it can */

static const ts_opt options[] = {
    {'m', "model", "MODEL", "the model, as the first argument", .text = &ts_settings_now.model},
    TS_OPTIONS_CTX,
    {'t', "tensors", .help = "list every tensor", .flag = &tensors},
    {0, "metadata", .help = "list every key of the file", .flag = &metadata},
    {'j', "json", .help = "print one JSON object", .flag = &as_json},
    {0}};

/* The context that the plan is for. */
static size_t planned_ctx(const tiefsee_model_info *info)
{
    if (ts_settings_now.n_ctx > 0)
        return (size_t)ts_settings_now.n_ctx;
    return info->n_ctx_train > 0 && info->n_ctx_train < 4096 ? info->n_ctx_train : 4096;
}

static void shape_of(const ts_tensor *t, char *text, size_t size)
{
    size_t n = 0;

    for (uint32_t d = 0; d < t->n_dims && n < size; d++)
        n += (size_t)snprintf(text + n, size - n, "%s%" PRIu64, d ? " x " : "", t->ne[d]);
}

static void print_tensors(const ts_modelfile *file)
{
    (void)printf("\ntensors    %zu\n", ts_modelfile_count(file));
    for (size_t i = 0; i < ts_modelfile_count(file); i++) {
        const ts_named_tensor *t = ts_modelfile_tensor(file, i);
        const char *type = ts_dtype_of(t->tensor.type).name;
        char shape[100] = "", bytes[TS_NUMBER_MAX];

        shape_of(&t->tensor, shape, sizeof shape);
        (void)printf("  %-48.*s %-8s %-20s %s\n", TS_STR_ARG(t->name), type ? type : "?", shape,
                     ts_text_of_bytes(bytes, t->tensor.bytes));
    }
}

static void print_metadata(const ts_modelfile *file)
{
    (void)printf("\nmetadata   %zu\n", ts_modelfile_meta_count(file));
    for (size_t i = 0; i < ts_modelfile_meta_count(file); i++) {
        ts_str key, value;

        ts_modelfile_meta(file, i, &key, &value);
        (void)printf("  %.*s = %.*s\n", TS_STR_ARG(key), TS_STR_ARG(value));
    }
}

static void print_plan(const tiefsee_plan *plan, size_t n_ctx)
{
    char a[TS_NUMBER_MAX], b[TS_NUMBER_MAX];

    if (plan->kv_bytes == 0)
        return; /* described only: it cannot be run */
    (void)printf("\nmemory for a context of %s tokens\n", ts_text_of_count(a, n_ctx));
    (void)printf("  weights  %s (mapped from the file)\n", ts_text_of_bytes(a, plan->weight_bytes));
    (void)printf("  cache    %s\n", ts_text_of_bytes(a, plan->kv_bytes));
    (void)printf("  scratch  %s\n", ts_text_of_bytes(a, plan->scratch_bytes));
    (void)printf(
        "  all      %s; this machine can give %s\n", ts_text_of_bytes(a, plan->total_bytes),
        plan->available_bytes ? ts_text_of_bytes(b, plan->available_bytes) : "an unknown amount");
}

static void print_text(const tiefsee_model *model, const ts_modelfile *file)
{
    tiefsee_model_info info = {0};
    tiefsee_plan plan = {0};
    char a[TS_NUMBER_MAX], b[TS_NUMBER_MAX];

    tiefsee_model_describe(model, &info);
    (void)printf("model      %s\n", info.name);
    (void)printf("kind       %s, %zu layers, vocabulary of %s\n", info.architecture, info.n_layers,
                 ts_text_of_count(a, info.n_vocab));
    (void)printf("size       %s parameters, %s of weights\n", ts_text_of_size(a, info.n_parameters),
                 ts_text_of_bytes(b, info.weight_bytes));
    (void)printf("types      %s\n", info.weight_types);
    (void)printf("context    %s tokens at most\n", ts_text_of_count(a, info.n_ctx_train));
    (void)printf("tokenizer  %s\n", info.has_tokenizer ? "yes" : "none");
    (void)printf("chat       %s%s\n", *info.encoding ? info.encoding : "no format that is known",
                 info.can_think ? ", thinks" : "");
    (void)printf("runs       %s%s\n", *why_not ? "no: " : "yes", why_not);
    const size_t n_ctx = planned_ctx(&info);
    tiefsee_model_plan(model, n_ctx, &plan);
    print_plan(&plan, n_ctx);
    if (metadata && file)
        print_metadata(file);
    if (tensors && file)
        print_tensors(file);
}

static json_t *json_str(ts_str s)
{
    json_t *json = json_stringn(s.ptr ? s.ptr : "", s.len);
    return json ? json : json_string("(not UTF-8)");
}

static json_t *json_tensors(const ts_modelfile *file)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ts_modelfile_count(file); i++) {
        const ts_named_tensor *t = ts_modelfile_tensor(file, i);
        const char *type = ts_dtype_of(t->tensor.type).name;
        json_t *shape = json_array();

        for (uint32_t d = 0; d < t->tensor.n_dims; d++)
            (void)json_array_append_new(shape, json_integer((json_int_t)t->tensor.ne[d]));
        (void)json_array_append_new(list,
                                    json_pack("{s:o, s:s, s:o, s:I}", "name", json_str(t->name),
                                              "type", type ? type : "?", "shape", shape, "bytes",
                                              (json_int_t)t->tensor.bytes));
    }
    return list;
}

static json_t *json_metadata(const ts_modelfile *file)
{
    json_t *object = json_object();

    for (size_t i = 0; i < ts_modelfile_meta_count(file); i++) {
        ts_str key, value;
        char name[256];

        ts_modelfile_meta(file, i, &key, &value);
        (void)snprintf(name, sizeof name, "%.*s", TS_STR_ARG(key));
        (void)json_object_set_new(object, name, json_str(value));
    }
    return object;
}

static json_t *json_plan(const tiefsee_model *model, size_t n_ctx)
{
    tiefsee_plan plan = {0};

    tiefsee_model_plan(model, n_ctx, &plan);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "context", (json_int_t)n_ctx, "weight_bytes",
                     (json_int_t)plan.weight_bytes, "kv_bytes", (json_int_t)plan.kv_bytes,
                     "scratch_bytes", (json_int_t)plan.scratch_bytes, "total_bytes",
                     (json_int_t)plan.total_bytes, "available_bytes",
                     (json_int_t)plan.available_bytes);
}

static void print_json(const tiefsee_model *model, const ts_modelfile *file)
{
    tiefsee_model_info info = {0};

    tiefsee_model_describe(model, &info);
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:b, s:o}", "name", info.name,
        "architecture", info.architecture, "encoding", info.encoding, "can_think", info.can_think,
        "parameters", (json_int_t)info.n_parameters, "weight_bytes", (json_int_t)info.weight_bytes,
        "layers", (json_int_t)info.n_layers, "vocabulary", (json_int_t)info.n_vocab, "context",
        (json_int_t)info.n_ctx_train, "weight_types", info.weight_types, "has_tokenizer",
        info.has_tokenizer, "plan", json_plan(model, planned_ctx(&info)));

    (void)json_object_set_new(json, "runs", json_boolean(!*why_not));
    if (*why_not)
        (void)json_object_set_new(json, "why_not", json_string(why_not));
    if (metadata && file)
        (void)json_object_set_new(json, "metadata", json_metadata(file));
    if (tensors && file)
        (void)json_object_set_new(json, "tensors", json_tensors(file));
    (void)json_dumpf(json, stdout, JSON_INDENT(1));
    (void)putchar('\n');
    json_decref(json);
}

/* With its weights bound, which only maps them; a model that cannot be run is
 * still described. */
static int open_model(tiefsee_model **out)
{
    tiefsee_error err = {0};

    ts_settings_now.n_threads = 1;
    int code = ts_cli_try_model(out, false, &err);
    if (code == TS_EXIT_NONE || err.status == TIEFSEE_OK)
        return code;
    if (err.status == TIEFSEE_E_UNSUPPORTED || err.status == TIEFSEE_E_NOMEM) {
        (void)snprintf(why_not, sizeof why_not, "%s", err.message);
        code = ts_cli_try_model(out, true, &err);
    }
    return code == TS_EXIT_NONE ? code : ts_cli_error(code, "%s", err.message);
}

static int run(int argc, char **argv)
{
    tiefsee_model *model = NULL;
    ts_modelfile *file = NULL;
    char path[4096];
    tiefsee_error err = {0};

    int code = ts_cli_take_model(argc, argv);
    if (code == TS_EXIT_NONE)
        code = open_model(&model);
    if (code != TS_EXIT_NONE)
        return code;

    code = TS_EXIT_OK;
    if ((tensors || metadata) && !ts_cli_model_path(path, sizeof path))
        code = ts_cli_error(TS_EXIT_USAGE,
                            "inspect: --tensors and --metadata need a model file as argument");
    else if ((tensors || metadata) && ts_modelfile_open(&file, path, &err) != TIEFSEE_OK)
        code = ts_cli_fail(&err);
    else if (as_json)
        print_json(model, file);
    else
        print_text(model, file);
    ts_modelfile_close(file);
    tiefsee_model_close(model);
    return code;
}

const ts_command ts_cmd_inspect = {
    .name = "inspect",
    .arguments = "[MODEL] [options]",
    .summary = "what is in a model file, and what running it takes",
    .details = "Show architecture, size, types and chat format of a model, and the memory that a "
               "context would take. Weights are mapped for it, not read.",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
