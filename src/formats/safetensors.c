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
#include "formats/json.h"

static const ts_json_limits header_limits = {SAFETENSORS_MAX_HEADER, SAFETENSORS_MAX_VALUES, false};

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

/* A whole number that is not negative. */
static bool get_size(const json_t *j, uint64_t *out)
{
    if (!json_is_integer(j) || json_integer_value(j) < 0)
        return false;
    *out = (uint64_t)json_integer_value(j);
    return true;
}

/* "shape" lists the slowest dimension first; ne[] the fastest. */
static tiefsee_status read_shape(ts_tensor *x, const json_t *shape, tiefsee_error *err)
{
    const size_t n = json_array_size(shape);

    if (!json_is_array(shape))
        return ts_fail(err, TIEFSEE_E_FORMAT, "shape is no list");
    if (n > TS_MAX_DIMS)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%zu dimensions (%d allowed)", n, TS_MAX_DIMS);
    x->n_dims = n ? (uint32_t)n : 1; /* a scalar is a row of one */
    for (size_t d = 0; d < TS_MAX_DIMS; d++)
        x->ne[d] = 1;
    for (size_t d = 0; d < n; d++)
        if (!get_size(json_array_get(shape, n - 1 - d), &x->ne[d]) || x->ne[d] == 0)
            return ts_fail(err, TIEFSEE_E_FORMAT, "dimension %zu is not a positive number",
                           n - 1 - d);
    if (!ts_dtype_row_bytes(x->type, x->ne[0], &x->row_bytes) ||
        !ts_mul_u64(&x->bytes, x->row_bytes, x->ne[1]) ||
        !ts_mul_u64(&x->bytes, x->bytes, x->ne[2]) || !ts_mul_u64(&x->bytes, x->bytes, x->ne[3]))
        return ts_fail(err, TIEFSEE_E_FORMAT, "size overflows");
    return TIEFSEE_OK;
}

static tiefsee_status read_info(ts_tensor *x, json_t *info, const uint8_t *data, uint64_t size,
                                tiefsee_error *err)
{
    const json_t *offsets = json_object_get(info, "data_offsets");
    const ts_str dtype = ts_json_str(json_object_get(info, "dtype"));
    uint64_t begin, end;

    if (!json_is_object(info) || json_object_size(info) != 3)
        return ts_fail(err, TIEFSEE_E_FORMAT, "dtype, shape and data_offsets expected");
    if (!dtype_by_name(&x->type, dtype))
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "unknown dtype '%.*s'", TS_STR_ARG(dtype));
    const tiefsee_status st = read_shape(x, json_object_get(info, "shape"), err);
    if (st != TIEFSEE_OK)
        return st;
    if (json_array_size(offsets) != 2 || !get_size(json_array_get(offsets, 0), &begin) ||
        !get_size(json_array_get(offsets, 1), &end))
        return ts_fail(err, TIEFSEE_E_FORMAT, "data_offsets are not two numbers");
    if (begin > end || end > size)
        return ts_fail(err, TIEFSEE_E_FORMAT, "bytes %llu to %llu of %llu",
                       (unsigned long long)begin, (unsigned long long)end,
                       (unsigned long long)size);
    if (end - begin != x->bytes)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%llu bytes for a shape of %llu",
                       (unsigned long long)(end - begin), (unsigned long long)x->bytes);
    x->data = data + begin;
    return TIEFSEE_OK;
}

static tiefsee_status check_metadata(const json_t *metadata, tiefsee_error *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(metadata))
        return ts_fail(err, TIEFSEE_E_FORMAT, "__metadata__ is not an object");
    json_object_foreach(
        (json_t *)(uintptr_t)metadata, key,
        value) if (!json_is_string(value)) return ts_fail(err, TIEFSEE_E_FORMAT,
                                                          "__metadata__ '%.100s' is not a text",
                                                          key);
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

static tiefsee_status read_header(ts_safetensors *s, json_t *header, const uint8_t *data,
                                  uint64_t size, ts_arena *arena, tiefsee_error *err)
{
    const size_t n = json_object_size(header);
    size_t text_bytes = 0;
    const char *key;
    json_t *info;

    json_object_foreach(header, key, info) text_bytes += strlen(key);
    s->tensors = ts_arena_alloc_zero(arena, n, sizeof *s->tensors);
    char *text = ts_arena_alloc(arena, text_bytes);
    if (!s->tensors || !text)
        return ts_fail_nomem(err, n * sizeof *s->tensors + text_bytes, "the tensor table");
    json_object_foreach(header, key, info)
    {
        ts_named_tensor *t = &s->tensors[s->n_tensors];
        const size_t len = strlen(key);
        if (strcmp(key, "__metadata__") == 0) {
            const tiefsee_status st = check_metadata(info, err);
            if (st != TIEFSEE_OK)
                return st;
            continue;
        }
        if (len == 0 || len > SAFETENSORS_MAX_NAME)
            return ts_fail(err, TIEFSEE_E_FORMAT, "tensor '%.60s': a name of %zu bytes (1 to %d)",
                           key, len, SAFETENSORS_MAX_NAME);
        memcpy(text, key, len);
        t->name = (ts_str){text, len};
        text += len;
        const tiefsee_status st = read_info(&t->tensor, info, data, size, err);
        if (st != TIEFSEE_OK)
            return ts_while(err, st, "tensor '%.120s'", key);
        s->n_tensors++;
    }
    return check_cover(s, data, size, err);
}

tiefsee_status ts_safetensors_parse(ts_safetensors *out, const uint8_t *bytes, size_t size,
                                    ts_arena *arena, tiefsee_error *err)
{
    uint64_t n = 0;
    json_t *header;

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
    tiefsee_status st =
        ts_json_parse(&header, (const char *)bytes + 8, (size_t)n, header_limits, err);
    if (st != TIEFSEE_OK)
        return ts_while(err, st, "header");
    st = read_header(out, header, bytes + 8 + n, size - 8 - n, arena, err);
    json_decref(header);
    if (st != TIEFSEE_OK)
        *out = (ts_safetensors){0};
    return st;
}
