/* gguf_write.c - see gguf_write.h. */
#include "formats/gguf_write.h"

#include <assert.h>
#include <string.h>

#include "core/alloc.h"
#include "core/outfile.h"

enum { ALIGNMENT = 32, VERSION = 3, MAX_TABLE = 1 << 30 };

struct ts_gguf_writer {
    ts_outfile *file;
    ts_buf keys, tensors; /* as they lie in the file */
    ts_buf sizes;         /* uint64_t of every tensor: its bytes */
    uint64_t n_keys, n_tensors, next_offset;
    bool has_begun;
    uint64_t at, written; /* tensor at hand and what there is of it */
    tiefsee_status st;
    tiefsee_error err;
};

tiefsee_status ts_gguf_writer_open(ts_gguf_writer **out, const char *path, tiefsee_error *err)
{
    ts_gguf_writer *w = ts_alloc_zero(1, sizeof *w);

    *out = NULL;
    if (!w)
        return ts_fail_nomem(err, sizeof *w, path);
    const tiefsee_status st = ts_outfile_open(&w->file, path, false, err);
    if (st != TIEFSEE_OK) {
        ts_free(w);
        return st;
    }
    w->keys = ts_buf_make(MAX_TABLE);
    w->tensors = ts_buf_make(MAX_TABLE);
    w->sizes = ts_buf_make((size_t)GGUF_MAX_TENSORS * sizeof(uint64_t));
    *out = w;
    return TIEFSEE_OK;
}

void ts_gguf_writer_free(ts_gguf_writer *w)
{
    if (!w)
        return;
    ts_outfile_drop(w->file);
    ts_buf_free(&w->keys);
    ts_buf_free(&w->tensors);
    ts_buf_free(&w->sizes);
    ts_free(w);
}

/* ---- the table of keys */

static void put(ts_gguf_writer *w, ts_buf *to, const void *bytes, size_t n)
{
    if (w->st == TIEFSEE_OK && !ts_buf_append(to, bytes, n))
        w->st = ts_fail_nomem(&w->err, n, "the tables of a GGUF file");
}

void ts_gguf_writer_spoil(ts_gguf_writer *w, const char *what)
{
    if (w->st == TIEFSEE_OK)
        w->st = ts_fail_nomem(&w->err, 0, what);
}

static void put_u32(ts_gguf_writer *w, ts_buf *to, uint32_t v)
{
    const uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                              (uint8_t)(v >> 24)};
    put(w, to, bytes, sizeof bytes);
}

static void put_u64(ts_gguf_writer *w, ts_buf *to, uint64_t v)
{
    put_u32(w, to, (uint32_t)v);
    put_u32(w, to, (uint32_t)(v >> 32));
}

static void put_text(ts_gguf_writer *w, ts_buf *to, ts_str s)
{
    put_u64(w, to, s.len);
    put(w, to, s.len ? s.ptr : "", s.len);
}

static void begin_key(ts_gguf_writer *w, ts_str key, ts_gguf_type type)
{
    assert(!w->has_begun);
    if (w->st == TIEFSEE_OK && (key.len > GGUF_MAX_NAME || w->n_keys >= GGUF_MAX_KEYS))
        w->st = ts_fail(&w->err, TIEFSEE_E_INVALID, "key '%.*s': too long, or one too many",
                        TS_STR_ARG(key));
    w->n_keys++;
    put_text(w, &w->keys, key);
    put_u32(w, &w->keys, type);
}

void ts_gguf_put_uint(ts_gguf_writer *w, const char *key, uint32_t value)
{
    begin_key(w, ts_str_of(key), GGUF_U32);
    put_u32(w, &w->keys, value);
}

void ts_gguf_put_float(ts_gguf_writer *w, const char *key, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    begin_key(w, ts_str_of(key), GGUF_F32);
    put_u32(w, &w->keys, bits);
}

void ts_gguf_put_bool(ts_gguf_writer *w, const char *key, bool value)
{
    const uint8_t byte = value;

    begin_key(w, ts_str_of(key), GGUF_BOOL);
    put(w, &w->keys, &byte, 1);
}

void ts_gguf_put_str(ts_gguf_writer *w, const char *key, ts_str value)
{
    begin_key(w, ts_str_of(key), GGUF_STRING);
    put_text(w, &w->keys, value);
}

static void begin_array(ts_gguf_writer *w, const char *key, ts_gguf_type item, size_t n)
{
    begin_key(w, ts_str_of(key), GGUF_ARRAY);
    put_u32(w, &w->keys, item);
    put_u64(w, &w->keys, n);
}

void ts_gguf_put_strings(ts_gguf_writer *w, const char *key, const ts_str *values, size_t n)
{
    begin_array(w, key, GGUF_STRING, n);
    for (size_t i = 0; i < n; i++)
        put_text(w, &w->keys, values[i]);
}

void ts_gguf_put_ints(ts_gguf_writer *w, const char *key, const int32_t *values, size_t n)
{
    begin_array(w, key, GGUF_I32, n);
    for (size_t i = 0; i < n; i++)
        put_u32(w, &w->keys, (uint32_t)values[i]);
}

void ts_gguf_put_entry(ts_gguf_writer *w, const ts_gguf_entry *entry)
{
    const ts_gguf_value *v = &entry->value;

    begin_key(w, entry->key, v->type);
    if (v->type == GGUF_ARRAY)
        put_u32(w, &w->keys, v->item);
    if (v->type == GGUF_ARRAY || v->type == GGUF_STRING)
        put_u64(w, &w->keys, v->n);
    put(w, &w->keys, v->size ? (const void *)v->bytes : "", v->size);
}

/* ---- the table of tensors */

static uint64_t padded(uint64_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static bool size_of(uint64_t *bytes, ts_dtype type, uint32_t n_dims, const uint64_t *ne)
{
    if (type >= TS_F8_E4M3 || !ts_dtype_of(type).name || n_dims < 1 || n_dims > TS_MAX_DIMS ||
        !ts_dtype_row_bytes(type, ne[0], bytes) || ne[0] == 0)
        return false;
    for (uint32_t i = 1; i < n_dims; i++)
        if (ne[i] == 0 || __builtin_mul_overflow(*bytes, ne[i], bytes))
            return false;
    return *bytes < UINT64_MAX / 4;
}

void ts_gguf_declare(ts_gguf_writer *w, const char *name, ts_dtype type, uint32_t n_dims,
                     const uint64_t *ne)
{
    uint64_t bytes = 0;

    assert(!w->has_begun);
    if (w->st != TIEFSEE_OK)
        return;
    if (strlen(name) > GGUF_MAX_NAME || w->n_tensors >= GGUF_MAX_TENSORS ||
        !size_of(&bytes, type, n_dims, ne)) {
        w->st = ts_fail(&w->err, TIEFSEE_E_INVALID, "tensor '%.200s': a GGUF file cannot hold it",
                        name);
        return;
    }
    w->n_tensors++;
    put_text(w, &w->tensors, ts_str_of(name));
    put_u32(w, &w->tensors, n_dims);
    for (uint32_t i = 0; i < n_dims; i++)
        put_u64(w, &w->tensors, ne[i]);
    put_u32(w, &w->tensors, type);
    put_u64(w, &w->tensors, w->next_offset);
    put(w, &w->sizes, &bytes, sizeof bytes);
    w->next_offset += padded(bytes);
}

/* ---- the file */

static tiefsee_status write_padding(ts_gguf_writer *w, uint64_t n, tiefsee_error *err)
{
    static const char zeros[ALIGNMENT];

    return ts_outfile_write(w->file, zeros, (size_t)(padded(n) - n), err);
}

tiefsee_status ts_gguf_writer_begin(ts_gguf_writer *w, tiefsee_error *err)
{
    ts_buf head = ts_buf_make(64);

    assert(!w->has_begun);
    w->has_begun = true;
    put(w, &head, "GGUF", 4);
    put_u32(w, &head, VERSION);
    put_u64(w, &head, w->n_tensors);
    put_u64(w, &head, w->n_keys);
    tiefsee_status st = w->st;
    if (st != TIEFSEE_OK && err)
        *err = w->err;
    const ts_buf *const parts[] = {&head, &w->keys, &w->tensors};
    uint64_t n = 0;
    for (size_t i = 0; i < TS_COUNT(parts) && st == TIEFSEE_OK; i++) {
        st = ts_outfile_write(w->file, parts[i]->ptr, parts[i]->len, err);
        n += parts[i]->len;
    }
    if (st == TIEFSEE_OK)
        st = write_padding(w, n, err);
    ts_buf_free(&head);
    return st;
}

static uint64_t size_at(const ts_gguf_writer *w, uint64_t i)
{
    uint64_t bytes;

    memcpy(&bytes, w->sizes.ptr + i * sizeof bytes, sizeof bytes);
    return bytes;
}

tiefsee_status ts_gguf_write(ts_gguf_writer *w, const void *bytes, size_t n, tiefsee_error *err)
{
    assert(w->has_begun && w->at < w->n_tensors && n <= size_at(w, w->at) - w->written);
    const uint64_t size = size_at(w, w->at);
    tiefsee_status st = ts_outfile_write(w->file, bytes, n, err);

    w->written += n;
    if (st != TIEFSEE_OK || w->written < size)
        return st;
    w->at++;
    w->written = 0;
    return write_padding(w, size, err);
}

tiefsee_status ts_gguf_writer_commit(ts_gguf_writer *w, tiefsee_error *err)
{
    assert(w->has_begun && w->at == w->n_tensors);
    const tiefsee_status st = ts_outfile_commit(w->file, err);

    w->file = NULL;
    ts_gguf_writer_free(w);
    return st;
}
