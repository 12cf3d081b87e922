/* adapter_write.c - writing; see adapter.h. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/outfile.h"
#include "formats/adapter.h"
#include "formats/json.h"

enum { MAX_HEADER = 64 << 20, ALIGN = 8 };

/* ---------------------------------------------------------------- tensors */

static const ts_tensor *part(const ts_adapter_pair *p, int is_B)
{
    return is_B ? &p->B : &p->A;
}

static bool add_entry(ts_buf *header, size_t i, int is_B, const ts_tensor *x, uint64_t at)
{
    char line[320];
    const int n =
        snprintf(line, sizeof line,
                 ",\"base_model.model.model.layers.%zu.%s.lora_%c.weight\":{\"dtype\":\"F32\","
                 "\"shape\":[%" PRIu64 ",%" PRIu64 "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}",
                 i / TS_N_TARGETS, ts_target_modules[i % TS_N_TARGETS], is_B ? 'B' : 'A', x->ne[1],
                 x->ne[0], at, at + x->bytes);

    return n > 0 && (size_t)n < sizeof line && ts_buf_append(header, line, (size_t)n);
}

static bool make_header(const ts_adapter *a, ts_buf *header)
{
    char begin[96];
    uint64_t at = 0;

    (void)snprintf(begin, sizeof begin, "{\"__metadata__\":{\"format\":\"pt\"%s%s%s}",
                   *a->base ? ",\"tiefsee.base\":\"" : "", a->base, *a->base ? "\"" : "");
    bool is_good = ts_buf_append_str(header, begin);
    for (size_t i = 0; i < a->n_layers * TS_N_TARGETS; i++)
        for (int is_B = 0; is_B < 2 && a->pair[i].A.data; is_B++) {
            const ts_tensor *x = part(&a->pair[i], is_B);
            is_good = is_good && add_entry(header, i, is_B, x, at);
            at += x->bytes;
        }
    is_good = is_good && ts_buf_append_str(header, "}");
    while (is_good && header->len % ALIGN != 0)
        is_good = ts_buf_append_str(header, " ");
    return is_good;
}

static tiefsee_status write_tensors(const ts_adapter *a, const ts_buf *header, const char *path,
                                    tiefsee_error *err)
{
    const uint64_t n = header->len;
    ts_outfile *f;
    tiefsee_status st = ts_outfile_open(&f, path, false, err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_outfile_write(f, &n, sizeof n, err);
    if (st == TIEFSEE_OK)
        st = ts_outfile_write(f, header->ptr, header->len, err);
    for (size_t i = 0; i < a->n_layers * TS_N_TARGETS; i++)
        for (int is_B = 0; is_B < 2 && a->pair[i].A.data && st == TIEFSEE_OK; is_B++) {
            const ts_tensor *x = part(&a->pair[i], is_B);
            st = ts_outfile_write(f, x->data, (size_t)x->bytes, err);
        }
    if (st == TIEFSEE_OK)
        return ts_outfile_commit(f, err);
    ts_outfile_drop(f);
    return st;
}

/* ----------------------------------------------------------------- config */

static json_t *targets_of(const ts_adapter *a)
{
    json_t *list = json_array();

    for (size_t t = 0; t < TS_N_TARGETS; t++)
        for (size_t l = 0; l < a->n_layers; l++)
            if (a->pair[l * TS_N_TARGETS + t].A.data) {
                (void)json_array_append_new(list, json_string(ts_target_names[t]));
                break;
            }
    return list;
}

static int take(const char *bytes, size_t n, void *user)
{
    return ts_buf_append(user, bytes, n) ? 0 : -1;
}

static json_t *config_of(const ts_adapter *a, const char *model)
{
    json_t *name = json_string(model); /* NULL: not UTF-8 */
    json_t *alpha =
        a->alpha == floor(a->alpha) ? json_integer((json_int_t)a->alpha) : json_real(a->alpha);

    return json_pack("{s:s, s:s, s:o, s:I, s:o, s:f, s:s, s:o, s:b, s:b, s:b, s:b, s:n}",
                     "peft_type", "LORA", "task_type", "CAUSAL_LM", "base_model_name_or_path",
                     name ? name : json_null(), "r", (json_int_t)a->rank, "lora_alpha", alpha,
                     "lora_dropout", 0.0, "bias", "none", "target_modules", targets_of(a),
                     "fan_in_fan_out", 0, "use_rslora", 0, "inference_mode", 1, "init_lora_weights",
                     1, "modules_to_save");
}

static tiefsee_status write_config(const ts_adapter *a, const char *path, const char *model,
                                   tiefsee_error *err)
{
    ts_buf text = ts_buf_make(1 << 20);
    json_t *j = config_of(a, model);
    const bool is_good = j && json_dump_callback(j, take, &text, JSON_INDENT(2)) == 0 &&
                         ts_buf_append_str(&text, "\n");
    ts_outfile *f = NULL;
    tiefsee_status st = is_good ? ts_outfile_open(&f, path, false, err)
                                : ts_fail_nomem(err, 4096, "an adapter's config");

    if (st == TIEFSEE_OK)
        st = ts_outfile_write(f, text.ptr, text.len, err);
    if (st == TIEFSEE_OK)
        st = ts_outfile_commit(f, err);
    else
        ts_outfile_drop(f);
    ts_buf_free(&text);
    json_decref(j);
    return st;
}

tiefsee_status ts_adapter_write(const ts_adapter *a, const char *folder, const char *model,
                                tiefsee_error *err)
{
    ts_buf header = ts_buf_make(MAX_HEADER);
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/adapter_model.safetensors", folder);
    tiefsee_status st = TIEFSEE_OK;

    if (n < 0 || (size_t)n >= sizeof path)
        st = ts_fail(err, TIEFSEE_E_INVALID, "the name of the folder is too long");
    else if (!make_header(a, &header))
        st = ts_fail_nomem(err, header.len, "an adapter's table");
    else
        st = write_tensors(a, &header, path, err);
    ts_buf_free(&header);
    if (st != TIEFSEE_OK)
        return st;
    (void)snprintf(path, sizeof path, "%s/adapter_config.json", folder);
    return write_config(a, path, model, err);
}
