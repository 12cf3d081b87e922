/* safetensors.c - see safetensors.h.
 *
 *     u64 n | n bytes of JSON | the data
 *
 * The JSON maps names to {"dtype", "shape", "data_offsets": [begin, end)}, from
 * the start of the data.  The spans must cover the data without holes and
 * without overlaps.  "__metadata__" maps texts to texts and is not used.
 */
#include "formats/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "formats/json_reader.h"
#include "formats/names.h"

static bool dtype_by_name(ts_dtype *out, ts_str name)
{
    static const struct {
        const char *name;
        ts_dtype type;
    } known[] = {{"F32", TS_F32},         {"F16", TS_F16},         {"BF16", TS_BF16},
                 {"F64", TS_F64},         {"F8_E4M3", TS_F8_E4M3}, {"F8_E5M2", TS_F8_E5M2},
                 {"F8_E8M0", TS_F8_E8M0}, {"I8", TS_I8},           {"I16", TS_I16},
                 {"I32", TS_I32},         {"I64", TS_I64},         {"U8", TS_U8},
                 {"U16", TS_U16},         {"U32", TS_U32},         {"U64", TS_U64},
                 {"BOOL", TS_BOOL}};

    for (size_t i = 0; i < TS_COUNT(known); i++)
        if (ts_str_is(name, known[i].name)) {
            *out = known[i].type;
            return true;
        }
    return false;
}

/* "shape" lists the slowest dimension first; ne[] the fastest. */
static tiefsee_status read_shape(ts_tensor *x, ts_json_reader *r, tiefsee_error *err)
{
    uint64_t dim[TS_MAX_DIMS];
    uint32_t n = 0;

    if (!ts_json_enter(r, '['))
        return TIEFSEE_OK; /* judged by the caller, as all of the reader's problems */
    while (ts_json_next_item(r)) {
        const uint64_t d = ts_json_read_size(r);
        if (n == TS_MAX_DIMS)
            return ts_fail(err, TIEFSEE_E_FORMAT, "more than %d dimensions", TS_MAX_DIMS);
        if (d == 0 && !r->problem)
            return ts_fail(err, TIEFSEE_E_FORMAT, "dimension %u is zero", n);
        dim[n++] = d;
    }
    for (uint32_t d = 0; d < TS_MAX_DIMS; d++)
        x->ne[d] = d < n ? dim[n - 1 - d] : 1;
    x->n_dims = n ? n : 1; /* a scalar is a row of one */
    return TIEFSEE_OK;
}

/* What an entry says, before it is put together. */
typedef struct entry {
    ts_tensor tensor;
    uint64_t begin, end;
    unsigned seen; /* 1: dtype, 2: shape, 4: data_offsets */
} entry;

static tiefsee_status read_field(entry *e, ts_str key, ts_json_reader *r, tiefsee_error *err)
{
    const unsigned bit = ts_str_is(key, "dtype")          ? 1
                         : ts_str_is(key, "shape")        ? 2
                         : ts_str_is(key, "data_offsets") ? 4
                                                          : 0;

    if (bit == 0 || e->seen & bit)
        return ts_fail(err, TIEFSEE_E_FORMAT, "'%.*s' %s", TS_STR_ARG(key),
                       bit ? "is there twice" : "is not dtype, shape or data_offsets");
    e->seen |= bit;
    if (bit == 2)
        return read_shape(&e->tensor, r, err);
    if (bit == 1) {
        const ts_str name = ts_json_read_text(r);
        if (!r->problem && !dtype_by_name(&e->tensor.type, name))
            return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "unknown dtype '%.*s'", TS_STR_ARG(name));
        return TIEFSEE_OK;
    }
    if (!ts_json_enter(r, '[') || !ts_json_next_item(r))
        return TIEFSEE_OK;
    e->begin = ts_json_read_size(r);
    if (!ts_json_next_item(r))
        return ts_fail(err, TIEFSEE_E_FORMAT, "data_offsets are not two numbers");
    e->end = ts_json_read_size(r);
    if (ts_json_next_item(r))
        return ts_fail(err, TIEFSEE_E_FORMAT, "data_offsets are not two numbers");
    return TIEFSEE_OK;
}

static tiefsee_status read_info(ts_tensor *x, ts_json_reader *r, const uint8_t *data, uint64_t size,
                                tiefsee_error *err)
{
    entry e = {.seen = 0};
    ts_str key;

    if (ts_json_enter(r, '{'))
        while (ts_json_next_key(r, &key)) {
            const tiefsee_status st = read_field(&e, key, r, err);
            if (st != TIEFSEE_OK)
                return st;
        }
    const tiefsee_status st = ts_json_reader_status(r, "header", err);
    if (st != TIEFSEE_OK)
        return st;
    if (e.seen != 7)
        return ts_fail(err, TIEFSEE_E_FORMAT, "dtype, shape and data_offsets expected");
    *x = e.tensor;
    if (!ts_dtype_row_bytes(x->type, x->ne[0], &x->row_bytes) ||
        !ts_mul_u64(&x->bytes, x->row_bytes, x->ne[1]) ||
        !ts_mul_u64(&x->bytes, x->bytes, x->ne[2]) || !ts_mul_u64(&x->bytes, x->bytes, x->ne[3]))
        return ts_fail(err, TIEFSEE_E_FORMAT, "size overflows");
    if (e.begin > e.end || e.end > size)
        return ts_fail(err, TIEFSEE_E_FORMAT, "bytes %llu to %llu of %llu",
                       (unsigned long long)e.begin, (unsigned long long)e.end,
                       (unsigned long long)size);
    if (e.end - e.begin != x->bytes)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%llu bytes for a shape of %llu",
                       (unsigned long long)(e.end - e.begin), (unsigned long long)x->bytes);
    x->data = data + e.begin;
    return TIEFSEE_OK;
}

static int by_place(const void *a, const void *b)
{
    const ts_tensor *x = &((const ts_named_tensor *)a)->tensor;
    const ts_tensor *y = &((const ts_named_tensor *)b)->tensor;

    return (x->data > y->data) - (x->data < y->data);
}

/* Sorts, too. */
static tiefsee_status check_cover(const ts_safetensors *s, const uint8_t *data, uint64_t size,
                                  tiefsee_error *err)
{
    uint64_t end = 0;

    if (s->n_tensors)
        qsort(s->tensors, s->n_tensors, sizeof *s->tensors, by_place);
    for (size_t i = 0; i < s->n_tensors; i++) {
        const ts_named_tensor *t = &s->tensors[i];
        const uint64_t begin = (uint64_t)((const uint8_t *)t->tensor.data - data);
        if (begin != end)
            return ts_fail(err, TIEFSEE_E_FORMAT, "tensor '%.*s': %s between bytes %llu and %llu",
                           TS_STR_ARG(t->name), begin > end ? "a hole" : "an overlap",
                           (unsigned long long)(begin > end ? end : begin),
                           (unsigned long long)(begin > end ? begin : end));
        end = begin + t->tensor.bytes;
    }
    if (end != size)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%llu bytes behind the last tensor",
                       (unsigned long long)(size - end));
    return TIEFSEE_OK;
}

static bool is_metadata(ts_str key)
{
    return ts_str_is(key, "__metadata__");
}

/* Reads all of the header once: its grammar is sound behind this, and n and
 * text_bytes are what the table needs. */
static tiefsee_status measure(ts_str header, size_t *n, size_t *text_bytes, tiefsee_error *err)
{
    ts_json_reader r = ts_json_reader_of(header);
    ts_str key, name;

    *n = *text_bytes = 0;
    if (ts_json_enter(&r, '{'))
        while (ts_json_next_key(&r, &key)) {
            if (is_metadata(key) && ts_json_enter(&r, '{')) {
                while (ts_json_next_key(&r, &name))
                    (void)ts_json_read_text(&r);
                continue;
            }
            (void)ts_json_read_any(&r);
            if (r.problem)
                break;
            if (key.len == 0 || key.len > SAFETENSORS_MAX_NAME)
                return ts_fail(
                    err, TIEFSEE_E_FORMAT, "tensor '%.*s': a name of %zu bytes (1 to %d)",
                    (int)(key.len < 60 ? key.len : 60), key.ptr, key.len, SAFETENSORS_MAX_NAME);
            if (++*n > SAFETENSORS_MAX_TENSORS)
                return ts_fail(err, TIEFSEE_E_LIMIT, "more than %d tensors",
                               SAFETENSORS_MAX_TENSORS);
            *text_bytes += key.len;
        }
    ts_json_end(&r);
    return ts_json_reader_status(&r, "header", err);
}

static tiefsee_status read_tensors(ts_safetensors *s, ts_str header, char *text, ts_names *names,
                                   const uint8_t *data, uint64_t size, tiefsee_error *err)
{
    ts_json_reader r = ts_json_reader_of(header);
    ts_str key;

    (void)ts_json_enter(&r, '{');
    while (ts_json_next_key(&r, &key)) {
        ts_named_tensor *t = &s->tensors[s->n_tensors];
        if (is_metadata(key)) {
            (void)ts_json_read_any(&r);
            continue;
        }
        t->name = (ts_str){text, ts_json_unescape(key, text)};
        text += t->name.len;
        const tiefsee_status st = read_info(&t->tensor, &r, data, size, err);
        if (st != TIEFSEE_OK)
            return ts_while(err, st, "tensor '%.*s'", (int)(t->name.len < 120 ? t->name.len : 120),
                            t->name.ptr);
        const ts_names_result result = ts_names_add(names, s->n_tensors);
        if (result != TS_NAMES_OK)
            return ts_fail(err, TIEFSEE_E_FORMAT, "tensor '%.*s' %s", TS_STR_ARG(t->name),
                           result == TS_NAMES_DUPLICATE ? "is there twice"
                                                        : "and others have colliding names");
        s->n_tensors++;
    }
    return TIEFSEE_OK;
}

static tiefsee_status read_header(ts_safetensors *s, ts_str header, const uint8_t *data,
                                  uint64_t size, ts_arena *arena, tiefsee_error *err)
{
    size_t n, text_bytes;
    ts_names names;

    tiefsee_status st = measure(header, &n, &text_bytes, err);
    if (st != TIEFSEE_OK)
        return st;
    s->tensors = ts_arena_alloc_zero(arena, n, sizeof *s->tensors);
    char *text = ts_arena_alloc(arena, text_bytes);
    if (!s->tensors || !text || !ts_names_init(&names, s->tensors, sizeof *s->tensors, n, arena))
        return ts_fail_nomem(err, n * sizeof *s->tensors + text_bytes, "the tensor table");
    st = read_tensors(s, header, text, &names, data, size, err);
    return st == TIEFSEE_OK ? check_cover(s, data, size, err) : st;
}

tiefsee_status ts_safetensors_parse(ts_safetensors *out, const uint8_t *bytes, size_t size,
                                    ts_arena *arena, tiefsee_error *err)
{
    uint64_t n = 0;

    *out = (ts_safetensors){0};
    if (size < 8)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%zu bytes are no safetensors file", size);
    for (int i = 0; i < 8; i++)
        n |= (uint64_t)bytes[i] << (8 * i);
    if (n > SAFETENSORS_MAX_HEADER || n > size - 8)
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "a header of %llu bytes in a file of %zu (%d allowed)",
                       (unsigned long long)n, size, SAFETENSORS_MAX_HEADER);
    if (n == 0 || bytes[8] != '{')
        return ts_fail(err, TIEFSEE_E_FORMAT, "the header does not begin with {");
    const ts_str header = {(const char *)bytes + 8, (size_t)n};
    const tiefsee_status st = read_header(out, header, bytes + 8 + n, size - 8 - n, arena, err);
    if (st != TIEFSEE_OK)
        *out = (ts_safetensors){0};
    return st;
}
