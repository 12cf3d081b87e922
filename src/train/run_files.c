/* run_files.c - see run_files.h. */
#include "train/run_files.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "formats/json.h"

static const ts_json_limits LIMITS = {.bytes = 1 << 20, .values = 1000};

static bool name_of(char out[4096], const char *folder)
{
    const int n = snprintf(out, 4096, "%s/files.json", folder);

    return n > 0 && n < 4096;
}

static json_t *full_name(const char *path)
{
    char full[PATH_MAX];

    if (!path)
        return json_null();
    return json_string(realpath(path, full) ? full : path);
}

static int take(const char *bytes, size_t n, void *user)
{
    return ts_buf_append(user, bytes, n) ? 0 : -1;
}

tiefsee_status ts_run_files_save(const char *folder, const ts_run_file_names *f, tiefsee_error *err)
{
    ts_buf text = ts_buf_make(LIMITS.bytes);
    json_t *data = json_array();
    char path[4096];

    for (size_t i = 0; i < f->n_data; i++)
        (void)json_array_append_new(data, full_name(f->data[i]));
    json_t *all = json_pack("{s:o, s:o, s:o}", "data", data, "tokenizer", full_name(f->tokenizer),
                            "teacher", full_name(f->teacher));
    const bool is_good =
        all && name_of(path, folder) && json_dump_callback(all, take, &text, JSON_INDENT(1)) == 0;
    const tiefsee_status st =
        is_good ? ts_file_write(path, text.ptr, text.len, err)
                : ts_fail(err, TIEFSEE_E_INVALID, "%s: names that are no text", folder);
    json_decref(all);
    ts_buf_free(&text);
    return st;
}

void ts_run_files_load(const char *folder, ts_run_file_names *f)
{
    static json_t *all; /* until the program ends */
    tiefsee_error err;
    char path[4096];

    if (all || !name_of(path, folder) || !ts_file_exists(path) ||
        ts_json_load(&all, path, LIMITS, &err) != TIEFSEE_OK)
        return;
    const json_t *data = json_object_get(all, "data");
    const size_t n = f->n_data ? 0 : json_array_size(data);
    for (size_t i = 0; i < n && f->n_data < TS_RUN_MAX_SHARDS; i++)
        if (json_is_string(json_array_get(data, i)))
            f->data[f->n_data++] = json_string_value(json_array_get(data, i));
    if (!f->tokenizer)
        f->tokenizer = json_string_value(json_object_get(all, "tokenizer"));
    if (!f->teacher)
        f->teacher = json_string_value(json_object_get(all, "teacher"));
}
