/* reject_state.c - see reject_state.h. */
#include "train/reject_state.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "formats/json.h"

enum { MAX_STATE = 1 << 20 };

static const struct {
    const char *name;
    size_t at;
} FIELDS[] = {
    {"problems", offsetof(ts_reject_count, n_problems)},
    {"answers", offsetof(ts_reject_count, n_answers)},
    {"cut", offsetof(ts_reject_count, n_cut)},
    {"kept", offsetof(ts_reject_count, n_kept)},
    {"tokens", offsetof(ts_reject_count, n_tokens)},
};

static uint64_t *field(ts_reject_count *c, size_t i)
{
    return (uint64_t *)(void *)((uint8_t *)c + FIELDS[i].at);
}

static void path_in(char out[4200], const char *folder, const char *name)
{
    (void)snprintf(out, 4200, "%s/%s", folder, name);
}

void ts_reject_add(ts_reject_made *made, const ts_family *f, unsigned level,
                   const ts_reject_count *more)
{
    ts_reject_count add = *more, *of = &made->of[f - ts_families][level - 1];

    for (size_t i = 0; i < TS_COUNT(FIELDS); i++) {
        *field(&made->all, i) += *field(&add, i);
        *field(of, i) += *field(&add, i);
    }
}

/* ------------------------------------------------------------------- write */

static json_t *levels_of(const ts_reject_made *made, size_t family)
{
    json_t *list = json_array();

    for (unsigned l = 0; l < TS_MAX_LEVELS; l++) {
        ts_reject_count c = made->of[family][l];
        json_t *j = c.n_problems ? json_pack("{s:i}", "level", (int)l + 1) : NULL;

        for (size_t i = 0; j && i < TS_COUNT(FIELDS); i++)
            (void)json_object_set_new(j, FIELDS[i].name, json_integer((json_int_t)*field(&c, i)));
        if (j)
            (void)json_array_append_new(list, j);
    }
    return list;
}

static int take(const char *bytes, size_t n, void *user)
{
    return ts_buf_append(user, bytes, n) ? 0 : -1;
}

static tiefsee_status write_state(const ts_reject_made *made, uint64_t key, bool is_done,
                                  const char *folder, tiefsee_error *err)
{
    char path[4200], hex[17];
    ts_buf text = ts_buf_make(MAX_STATE);
    json_t *families = json_object();

    (void)snprintf(hex, sizeof hex, "%016llx", (unsigned long long)key);
    for (size_t f = 0; f < ts_n_families; f++) {
        json_t *levels = levels_of(made, f);

        if (json_array_size(levels) > 0)
            (void)json_object_set(families, ts_families[f].name, levels);
        json_decref(levels);
    }
    json_t *all = json_pack("{s:s, s:b, s:I, s:o}", "key", hex, "done", is_done, "fresh_tokens",
                            (json_int_t)made->n_fresh_tokens, "families", families);
    const bool is_good = all && json_dump_callback(all, take, &text, JSON_INDENT(1)) == 0 &&
                         ts_buf_append_str(&text, "\n");
    json_decref(all);
    path_in(path, folder, "reject.json");
    const tiefsee_status st = is_good ? ts_file_write(path, text.ptr, text.len, err)
                                      : ts_fail_nomem(err, MAX_STATE, path);
    ts_buf_free(&text);
    return st;
}

tiefsee_status ts_reject_save(const ts_reject_made *made, ts_shard_writer *w, uint64_t key,
                              const char *folder, tiefsee_error *err)
{
    char path[4200];
    tiefsee_status st = TIEFSEE_OK;

    path_in(path, folder, "reject.part");
    if (w->n_docs > 0)
        st = ts_shard_write(w, path, err);
    return st == TIEFSEE_OK ? write_state(made, key, false, folder, err) : st;
}

tiefsee_status ts_reject_finish(const ts_reject_made *made, uint64_t key, const char *folder,
                                tiefsee_error *err)
{
    char path[4200];
    const tiefsee_status st = write_state(made, key, true, folder, err);

    path_in(path, folder, "reject.part");
    if (st == TIEFSEE_OK)
        (void)remove(path);
    return st;
}

/* -------------------------------------------------------------------- read */

static bool take_level(ts_reject_made *made, size_t family, const json_t *j)
{
    const json_int_t level = json_integer_value(json_object_get(j, "level"));
    ts_reject_count c = {0};

    if (level < 1 || level > TS_MAX_LEVELS)
        return false;
    for (size_t i = 0; i < TS_COUNT(FIELDS); i++) {
        const json_t *n = json_object_get(j, FIELDS[i].name);

        if (!json_is_integer(n) || json_integer_value(n) < 0 ||
            json_integer_value(n) > (json_int_t)1 << 40)
            return false;
        *field(&c, i) = (uint64_t)json_integer_value(n);
    }
    ts_reject_add(made, &ts_families[family], (unsigned)level, &c);
    return true;
}

static bool take_state(ts_reject_made *made, uint64_t key, const json_t *all)
{
    const json_t *families = json_object_get(all, "families");
    char hex[17];

    (void)snprintf(hex, sizeof hex, "%016llx", (unsigned long long)key);
    if (!ts_str_is(ts_json_str(json_object_get(all, "key")), hex) ||
        !json_is_false(json_object_get(all, "done")))
        return false;
    for (size_t f = 0; f < ts_n_families; f++) {
        const json_t *levels = json_object_get(families, ts_families[f].name);

        for (size_t i = 0; i < json_array_size(levels); i++)
            if (!take_level(made, f, json_array_get(levels, i)))
                return false;
    }
    return true;
}

/* The first n documents. */
static tiefsee_status copy_documents(ts_shard_writer *w, const ts_shard *s, uint64_t n,
                                     tiefsee_error *err)
{
    uint32_t *token = ts_alloc((size_t)s->longest_doc * sizeof *token);
    uint8_t *learned = ts_alloc((size_t)s->longest_doc);
    tiefsee_status st = token && learned ? TIEFSEE_OK : ts_fail_nomem(err, s->longest_doc, "text");

    for (uint64_t d = 0; d < n && st == TIEFSEE_OK; d++) {
        const uint64_t begin = ts_shard_offset(s, d), end = ts_shard_offset(s, d + 1);

        for (uint64_t t = begin; t < end; t++) {
            token[t - begin] = ts_shard_token(s, t);
            learned[t - begin] = t > begin && ts_shard_is_learned(s, t);
        }
        st = ts_shard_add(w, token, learned, (size_t)(end - begin), err);
    }
    ts_free(token);
    ts_free(learned);
    return st;
}

/* True if the answers that found counts are there. */
static bool open_part(ts_shard *s, const ts_reject_made *found, const ts_shard_writer *w,
                      const char *folder)
{
    char path[4200];
    tiefsee_error ignored;

    path_in(path, folder, "reject.part");
    if (!ts_file_exists(path) || ts_shard_open(s, path, &ignored) != TIEFSEE_OK)
        return false;
    if (s->n_vocab == w->n_vocab && s->tokenizer == w->tokenizer &&
        s->n_docs >= found->all.n_kept &&
        ts_shard_offset(s, found->all.n_kept) == found->all.n_tokens)
        return true;
    ts_shard_close(s);
    return false;
}

tiefsee_status ts_reject_load(ts_reject_made *made, ts_shard_writer *w, uint64_t key,
                              const char *folder, tiefsee_error *err)
{
    const ts_json_limits limits = {.bytes = MAX_STATE, .values = 10000};
    ts_reject_made found = *made;
    ts_shard part = {0};
    char path[4200];
    tiefsee_error ignored;
    json_t *all = NULL;
    tiefsee_status st = TIEFSEE_OK;

    path_in(path, folder, "reject.json");
    if (!ts_file_exists(path) || ts_json_load(&all, path, limits, &ignored) != TIEFSEE_OK)
        return TIEFSEE_OK;
    found.has_resumed = take_state(&found, key, all);
    if (found.has_resumed && found.all.n_kept > 0) {
        found.has_resumed = open_part(&part, &found, w, folder);
        if (found.has_resumed)
            st = copy_documents(w, &part, found.all.n_kept, err);
        ts_shard_close(&part);
    }
    json_decref(all);
    if (st == TIEFSEE_OK && found.has_resumed)
        *made = found;
    return st;
}
