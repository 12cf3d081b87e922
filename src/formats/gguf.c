/* gguf.c - see gguf.h.  The container as ggml's docs/gguf.md describes it:
 *
 *     "GGUF" | u32 version | u64 n_tensors | u64 n_entries
 *     n_entries of: string key | u32 type | value
 *     n_tensors of: string name | u32 n_dims | u64 dim[n_dims] | u32 type | u64 offset
 *     padding to general.alignment | the tensors, each aligned, in this order
 *
 * A string is u64 length and its bytes; an array is u32 type, u64 count and its
 * items.  Offsets count from the aligned start of the data.
 */
#include "formats/gguf.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/checked.h"
#include "core/utf8.h"
#include "formats/names.h"

enum {
    DEFAULT_ALIGNMENT = 32,
    MIN_ALIGNMENT = 8,
    MAX_ALIGNMENT = 1 << 16,
    MIN_ENTRY_BYTES = 8 + 1 + 4 + 1,
    MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8
};

/* Bytes of one item; 0: it says itself. */
static const struct {
    const char *name;
    uint8_t size;
} types[GGUF_TYPE_COUNT] = {
    [GGUF_U8] = {"u8", 1},       [GGUF_I8] = {"i8", 1},     [GGUF_U16] = {"u16", 2},
    [GGUF_I16] = {"i16", 2},     [GGUF_U32] = {"u32", 4},   [GGUF_I32] = {"i32", 4},
    [GGUF_F32] = {"f32", 4},     [GGUF_BOOL] = {"bool", 1}, [GGUF_STRING] = {"string", 0},
    [GGUF_ARRAY] = {"array", 0}, [GGUF_U64] = {"u64", 8},   [GGUF_I64] = {"i64", 8},
    [GGUF_F64] = {"f64", 8},
};

const char *ts_gguf_type_name(uint32_t type)
{
    return type < GGUF_TYPE_COUNT ? types[type].name : "unknown";
}

/* A read position that remembers having run off the end.  Reads past the end
 * return zeros, so a record is read field by field and judged once. */
typedef struct cursor {
    const uint8_t *base;
    size_t size, pos;
    size_t n_strings; /* walked so far, against GGUF_MAX_STRINGS */
    bool short_read;
} cursor;

static const uint8_t *take(cursor *c, uint64_t n)
{
    if (c->short_read || n > c->size - c->pos) {
        c->short_read = true;
        return NULL;
    }
    const uint8_t *p = c->base + c->pos;
    c->pos += (size_t)n;
    return p;
}

/* GGUF is little-endian and unaligned; so is this. */
static uint64_t load_uint(const uint8_t *p, int bytes)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint64_t take_uint(cursor *c, int bytes)
{
    const uint8_t *p = take(c, (uint64_t)bytes);

    return p ? load_uint(p, bytes) : 0;
}

static ts_str take_string(cursor *c)
{
    const uint64_t len = take_uint(c, 8);
    const uint8_t *p = take(c, len);

    return (ts_str){.ptr = (const char *)p, .len = p ? (size_t)len : 0};
}

/* Names and keys are printable ASCII without blanks. */
static bool is_plain(ts_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return false;
    return s.len > 0;
}

static tiefsee_status walk_value(cursor *c, ts_gguf_value *v, uint32_t type, int depth,
                                 tiefsee_error *err);

/* Items that do not have one size must be walked to find the end. */
static tiefsee_status walk_items(cursor *c, uint32_t item, uint64_t n, int depth,
                                 tiefsee_error *err)
{
    if (n > GGUF_MAX_STRINGS - c->n_strings)
        return ts_fail_at(err, TIEFSEE_E_LIMIT, c->pos, "more than %d strings in arrays",
                          GGUF_MAX_STRINGS);
    c->n_strings += (size_t)n;
    for (uint64_t i = 0; i < n && !c->short_read; i++) {
        ts_gguf_value v;
        if (item == GGUF_STRING) {
            (void)take_string(c);
            continue;
        }
        const tiefsee_status st = walk_value(c, &v, item, depth + 1, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    return TIEFSEE_OK;
}

static tiefsee_status walk_array(cursor *c, ts_gguf_value *v, int depth, tiefsee_error *err)
{
    const size_t start = c->pos;
    const uint32_t item = (uint32_t)take_uint(c, 4);
    const uint64_t n = take_uint(c, 8);
    uint64_t bytes = 0;

    if (c->short_read)
        return TIEFSEE_OK; /* judged by the caller */
    if (item >= GGUF_TYPE_COUNT)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, start, "array of unknown type %u", item);
    if (depth >= GGUF_MAX_DEPTH)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, start, "arrays nested deeper than %d",
                          GGUF_MAX_DEPTH);
    const size_t least = types[item].size ? types[item].size : item == GGUF_STRING ? 8 : 12;
    if (!ts_mul_u64(&bytes, n, least) || bytes > c->size - c->pos)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, start,
                          "array of %llu %s does not fit into the %zu bytes left",
                          (unsigned long long)n, types[item].name, c->size - c->pos);
    v->item = (ts_gguf_type)item;
    v->n = n;
    v->bytes = c->base + c->pos;
    if (types[item].size) {
        (void)take(c, bytes);
    } else {
        const tiefsee_status st = walk_items(c, item, n, depth, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    v->size = (size_t)(c->base + c->pos - v->bytes);
    return TIEFSEE_OK;
}

static tiefsee_status walk_value(cursor *c, ts_gguf_value *v, uint32_t type, int depth,
                                 tiefsee_error *err)
{
    *v = (ts_gguf_value){.type = (ts_gguf_type)type, .n = 1};
    if (type >= GGUF_TYPE_COUNT)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, c->pos, "unknown value type %u", type);
    if (type == GGUF_ARRAY)
        return walk_array(c, v, depth, err);
    if (type == GGUF_STRING) {
        const ts_str s = take_string(c);
        v->bytes = (const uint8_t *)s.ptr;
        v->n = v->size = s.len;
        return TIEFSEE_OK;
    }
    v->size = types[type].size;
    v->bytes = take(c, v->size);
    if (type == GGUF_BOOL && v->bytes && *v->bytes > 1)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, c->pos, "a bool of value %u", *v->bytes);
    return TIEFSEE_OK;
}

static tiefsee_status read_entry(cursor *c, ts_gguf_entry *e, tiefsee_error *err)
{
    const size_t start = c->pos;

    e->key = take_string(c);
    const uint32_t type = (uint32_t)take_uint(c, 4);
    if (c->short_read)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, start, "file ends inside a metadata entry");
    if (e->key.len > GGUF_MAX_NAME || !is_plain(e->key))
        return ts_fail_at(err, TIEFSEE_E_FORMAT, start,
                          "metadata key '%.*s' of %zu bytes is not a name (1 to %d of plain ASCII)",
                          TS_STR_ARG(e->key), e->key.len, GGUF_MAX_NAME);
    const tiefsee_status st = walk_value(c, &e->value, type, 0, err);
    if (st != TIEFSEE_OK)
        return ts_while(err, st, "key '%.*s'", TS_STR_ARG(e->key));
    if (c->short_read)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, start, "key '%.*s': file ends inside the value",
                          TS_STR_ARG(e->key));
    return TIEFSEE_OK;
}

static tiefsee_status fail_name(tiefsee_error *err, ts_names_result r, const char *what,
                                ts_str name)
{
    if (r == TS_NAMES_DUPLICATE)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%s '%.*s' is there twice", what, TS_STR_ARG(name));
    return ts_fail(err, TIEFSEE_E_LIMIT, "%s '%.*s': too many names collide", what,
                   TS_STR_ARG(name));
}

static tiefsee_status read_entries(ts_gguf *g, cursor *c, uint64_t n, ts_arena *arena,
                                   tiefsee_error *err)
{
    ts_names names;

    if (n > GGUF_MAX_KEYS || n > (c->size - c->pos) / MIN_ENTRY_BYTES)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%llu metadata entries in a file of %zu bytes",
                       (unsigned long long)n, c->size);
    ts_gguf_entry *e = ts_arena_alloc_zero(arena, (size_t)n, sizeof *e);
    if (!e || !ts_names_init(&names, e, sizeof *e, (size_t)n, arena))
        return ts_fail_nomem(err, n * sizeof *e, "metadata");
    for (size_t i = 0; i < n; i++) {
        const tiefsee_status st = read_entry(c, &e[i], err);
        if (st != TIEFSEE_OK)
            return st;
        const ts_names_result r = ts_names_add(&names, i);
        if (r != TS_NAMES_OK)
            return fail_name(err, r, "metadata key", e[i].key);
    }
    g->entries = e;
    g->n_entries = (size_t)n;
    return TIEFSEE_OK;
}

static tiefsee_status read_alignment(ts_gguf *g, tiefsee_error *err)
{
    const ts_gguf_value *v = ts_gguf_find(g, "general.alignment");

    g->alignment = DEFAULT_ALIGNMENT;
    if (!v)
        return TIEFSEE_OK;
    if (v->type != GGUF_U32)
        return ts_fail(err, TIEFSEE_E_FORMAT, "general.alignment is a %s (u32 expected)",
                       types[v->type].name);
    const uint64_t a = load_uint(v->bytes, 4);
    if (a < MIN_ALIGNMENT || a > MAX_ALIGNMENT || (a & (a - 1)) != 0)
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "general.alignment is %llu (a power of two from %d to %d expected)",
                       (unsigned long long)a, MIN_ALIGNMENT, MAX_ALIGNMENT);
    g->alignment = a;
    return TIEFSEE_OK;
}

/* The shape and the size; the place is checked when the data's start is known. */
static tiefsee_status read_shape(cursor *c, ts_named_tensor *t, uint64_t *offset,
                                 tiefsee_error *err)
{
    const size_t start = c->pos;
    ts_tensor *x = &t->tensor;

    t->name = take_string(c);
    x->n_dims = (uint32_t)take_uint(c, 4);
    if (c->short_read)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, start, "file ends inside a tensor entry");
    if (t->name.len > GGUF_MAX_NAME || !is_plain(t->name))
        return ts_fail_at(err, TIEFSEE_E_FORMAT, start,
                          "tensor '%.*s': %zu bytes are not a name (1 to %d of plain ASCII)",
                          TS_STR_ARG(t->name), t->name.len, GGUF_MAX_NAME);
    if (x->n_dims < 1 || x->n_dims > TS_MAX_DIMS)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, start, "tensor '%.*s': %u dimensions (1 to %d)",
                          TS_STR_ARG(t->name), x->n_dims, TS_MAX_DIMS);
    for (uint32_t d = 0; d < TS_MAX_DIMS; d++) {
        x->ne[d] = d < x->n_dims ? take_uint(c, 8) : 1;
        if (x->ne[d] == 0 && !c->short_read)
            return ts_fail_at(err, TIEFSEE_E_FORMAT, start, "tensor '%.*s': dimension %u is zero",
                              TS_STR_ARG(t->name), d);
    }
    x->type = (ts_dtype)take_uint(c, 4);
    *offset = take_uint(c, 8);
    if (c->short_read)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, start, "file ends inside a tensor entry");
    return TIEFSEE_OK;
}

static tiefsee_status measure(ts_named_tensor *t, tiefsee_error *err)
{
    ts_tensor *x = &t->tensor;
    /* Ids from 64 on are our own and must not come from a file. */
    const ts_dtype_info info = x->type < TS_F8_E4M3 ? ts_dtype_of(x->type) : (ts_dtype_info){0};

    if (!info.name)
        return ts_fail(err, TIEFSEE_E_FORMAT, "tensor '%.*s': unknown type %u", TS_STR_ARG(t->name),
                       (unsigned)x->type);
    if (x->ne[0] % info.block != 0)
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "tensor '%.*s': rows of %llu are not whole blocks of %u (%s)",
                       TS_STR_ARG(t->name), (unsigned long long)x->ne[0], info.block, info.name);
    if (!ts_dtype_row_bytes(x->type, x->ne[0], &x->row_bytes) ||
        !ts_mul_u64(&x->bytes, x->row_bytes, x->ne[1]) ||
        !ts_mul_u64(&x->bytes, x->bytes, x->ne[2]) || !ts_mul_u64(&x->bytes, x->bytes, x->ne[3]))
        return ts_fail(err, TIEFSEE_E_FORMAT, "tensor '%.*s': size overflows", TS_STR_ARG(t->name));
    return TIEFSEE_OK;
}

/* data: offset of the data section.  *end: end of the last tensor, from data. */
static tiefsee_status place(const ts_gguf *g, const uint8_t *file, size_t size, size_t data,
                            const uint64_t *offset, uint64_t *end, tiefsee_error *err)
{
    *end = 0;
    for (size_t i = 0; i < g->n_tensors; i++) {
        ts_named_tensor *t = &g->tensors[i];
        const uint64_t at = offset[i], bytes = t->tensor.bytes;

        if (at % g->alignment != 0)
            return ts_fail(err, TIEFSEE_E_FORMAT,
                           "tensor '%.*s': offset %llu is no multiple of the alignment %llu",
                           TS_STR_ARG(t->name), (unsigned long long)at,
                           (unsigned long long)g->alignment);
        if (at > size - data || bytes > size - data - at)
            return ts_fail(err, TIEFSEE_E_FORMAT,
                           "tensor '%.*s': %llu bytes at %llu end behind the file (%zu bytes)",
                           TS_STR_ARG(t->name), (unsigned long long)bytes,
                           (unsigned long long)at + data, size);
        if (at < *end)
            return ts_fail(err, TIEFSEE_E_FORMAT,
                           "tensor '%.*s': offset %llu lies inside or before the tensor in front",
                           TS_STR_ARG(t->name), (unsigned long long)at);
        t->tensor.data = file + data + at;
        *end = at + bytes;
    }
    return TIEFSEE_OK;
}

static tiefsee_status read_tensors(ts_gguf *g, cursor *c, uint64_t n, ts_arena *arena,
                                   tiefsee_error *err)
{
    ts_names names;
    uint64_t end = 0;

    if (n > GGUF_MAX_TENSORS || n > (c->size - c->pos) / MIN_TENSOR_BYTES)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%llu tensors in a file of %zu bytes",
                       (unsigned long long)n, c->size);
    g->tensors = ts_arena_alloc_zero(arena, (size_t)n, sizeof *g->tensors);
    uint64_t *offset = ts_arena_alloc_zero(arena, (size_t)n, sizeof *offset);
    if (!g->tensors || !offset ||
        !ts_names_init(&names, g->tensors, sizeof *g->tensors, (size_t)n, arena))
        return ts_fail_nomem(err, n * sizeof *g->tensors, "the tensor table");
    for (size_t i = 0; i < n; i++) {
        ts_named_tensor *t = &g->tensors[i];
        tiefsee_status st = read_shape(c, t, &offset[i], err);
        if (st == TIEFSEE_OK)
            st = measure(t, err);
        if (st != TIEFSEE_OK)
            return st;
        const ts_names_result r = ts_names_add(&names, i);
        if (r != TS_NAMES_OK)
            return fail_name(err, r, "tensor", t->name);
    }
    g->n_tensors = (size_t)n;

    /* c->pos is at most SIZE_MAX / 2 (an object in memory): no overflow. */
    const uint64_t data = (c->pos + g->alignment - 1) / g->alignment * g->alignment;
    if (n > 0 && data > c->size)
        return ts_fail(err, TIEFSEE_E_FORMAT, "file ends before its data section");
    const size_t begin = data < c->size ? (size_t)data : c->size;
    const tiefsee_status st = place(g, c->base, c->size, begin, offset, &end, err);
    if (st != TIEFSEE_OK)
        return st;
    /* Writers pad the last tensor too, or not; anything more is not GGUF. */
    if (c->size - begin - end >= g->alignment)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, begin + end, "%zu bytes behind the last tensor",
                          (size_t)(c->size - begin - end));
    return TIEFSEE_OK;
}

static tiefsee_status check_version(ts_gguf *g, cursor *c, tiefsee_error *err)
{
    const uint8_t *magic = take(c, 4);

    if (!magic || memcmp(magic, "GGUF", 4) != 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "not a GGUF file (no magic number)");
    g->version = (uint32_t)take_uint(c, 4);
    if (c->short_read)
        return ts_fail(err, TIEFSEE_E_FORMAT, "file ends inside the header");
    if (g->version != 0 && (g->version & 0xffff) == 0)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "a big-endian GGUF file (version 0x%08x)",
                       g->version);
    if (g->version != 2 && g->version != 3)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "GGUF version %u (2 and 3 are supported)",
                       g->version);
    return TIEFSEE_OK;
}

tiefsee_status ts_gguf_parse(ts_gguf *out, const uint8_t *bytes, size_t size, ts_arena *arena,
                             tiefsee_error *err)
{
    cursor c = {.base = bytes, .size = size};

    *out = (ts_gguf){0};
    tiefsee_status st = check_version(out, &c, err);
    if (st != TIEFSEE_OK)
        return st;
    const uint64_t n_tensors = take_uint(&c, 8);
    const uint64_t n_entries = take_uint(&c, 8);
    if (c.short_read)
        return ts_fail(err, TIEFSEE_E_FORMAT, "file ends inside the header");
    st = read_entries(out, &c, n_entries, arena, err);
    if (st == TIEFSEE_OK)
        st = read_alignment(out, err);
    if (st == TIEFSEE_OK)
        st = read_tensors(out, &c, n_tensors, arena, err);
    if (st != TIEFSEE_OK)
        *out = (ts_gguf){0};
    return st;
}

const ts_gguf_value *ts_gguf_find(const ts_gguf *g, const char *key)
{
    const ts_str want = ts_str_of(key);

    for (size_t i = 0; i < g->n_entries; i++)
        if (ts_str_eq(g->entries[i].key, want))
            return &g->entries[i].value;
    return NULL;
}

const ts_tensor *ts_gguf_find_tensor(const ts_gguf *g, const char *name)
{
    const ts_str want = ts_str_of(name);

    for (size_t i = 0; i < g->n_tensors; i++)
        if (ts_str_eq(g->tensors[i].name, want))
            return &g->tensors[i].tensor;
    return NULL;
}

static bool is_integer(ts_gguf_type type)
{
    return type != GGUF_F32 && type != GGUF_F64 && type != GGUF_BOOL && type != GGUF_STRING &&
           type != GGUF_ARRAY;
}

static bool is_signed(ts_gguf_type type)
{
    return type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32 || type == GGUF_I64;
}

static int64_t load_int(const uint8_t *p, ts_gguf_type type)
{
    const int bits = 8 * types[type].size;
    const uint64_t v = load_uint(p, bits / 8);

    if (is_signed(type) && bits < 64 && v >> (bits - 1))
        return (int64_t)(v | ~(uint64_t)0 << bits);
    return (int64_t)v;
}

static tiefsee_status require(const ts_gguf *g, const char *key, const ts_gguf_value **v,
                              tiefsee_error *err)
{
    *v = ts_gguf_find(g, key);
    if (!*v)
        return ts_fail(err, TIEFSEE_E_FORMAT, "key '%s' is missing", key);
    return TIEFSEE_OK;
}

static tiefsee_status fail_type(tiefsee_error *err, const char *key, const ts_gguf_value *v,
                                const char *expected)
{
    return ts_fail(err, TIEFSEE_E_FORMAT, "key '%s' is of type %s (%s expected)", key,
                   types[v->type].name, expected);
}

tiefsee_status ts_gguf_uint(const ts_gguf *g, const char *key, uint64_t min, uint64_t max,
                            uint64_t *out, tiefsee_error *err)
{
    const ts_gguf_value *v;
    const tiefsee_status st = require(g, key, &v, err);

    if (st != TIEFSEE_OK)
        return st;
    if (!is_integer(v->type))
        return fail_type(err, key, v, "an integer");
    const int64_t i = load_int(v->bytes, v->type);
    const uint64_t u = (uint64_t)i;
    if (is_signed(v->type) && i < 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "key '%s' is %lld (%llu to %llu allowed)", key,
                       (long long)i, (unsigned long long)min, (unsigned long long)max);
    if (u < min || u > max)
        return ts_fail(err, TIEFSEE_E_FORMAT, "key '%s' is %llu (%llu to %llu allowed)", key,
                       (unsigned long long)u, (unsigned long long)min, (unsigned long long)max);
    *out = u;
    return TIEFSEE_OK;
}

static double load_double(const uint8_t *p, ts_gguf_type type)
{
    const uint64_t bits = load_uint(p, types[type].size);

    if (type == GGUF_F32) {
        const uint32_t low = (uint32_t)bits;
        float f;
        memcpy(&f, &low, sizeof f);
        return (double)f;
    }
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

tiefsee_status ts_gguf_double(const ts_gguf *g, const char *key, double min, double max,
                              double *out, tiefsee_error *err)
{
    const ts_gguf_value *v;
    const tiefsee_status st = require(g, key, &v, err);

    if (st != TIEFSEE_OK)
        return st;
    if (v->type != GGUF_F32 && v->type != GGUF_F64)
        return fail_type(err, key, v, "a float");
    const double d = load_double(v->bytes, v->type);
    if (!(d >= min && d <= max)) /* also NaN */
        return ts_fail(err, TIEFSEE_E_FORMAT, "key '%s' is %g (%g to %g allowed)", key, d, min,
                       max);
    *out = d;
    return TIEFSEE_OK;
}

tiefsee_status ts_gguf_bool(const ts_gguf *g, const char *key, bool *out, tiefsee_error *err)
{
    const ts_gguf_value *v;
    const tiefsee_status st = require(g, key, &v, err);

    if (st != TIEFSEE_OK)
        return st;
    if (v->type != GGUF_BOOL)
        return fail_type(err, key, v, "a bool");
    *out = *v->bytes != 0;
    return TIEFSEE_OK;
}

tiefsee_status ts_gguf_string(const ts_gguf *g, const char *key, ts_str *out, tiefsee_error *err)
{
    const ts_gguf_value *v;
    const tiefsee_status st = require(g, key, &v, err);

    if (st != TIEFSEE_OK)
        return st;
    if (v->type != GGUF_STRING)
        return fail_type(err, key, v, "a string");
    *out = (ts_str){(const char *)v->bytes, v->size};
    if (!ts_utf8_is_valid(out->ptr, out->len) || memchr(out->ptr, 0, out->len))
        return ts_fail(err, TIEFSEE_E_FORMAT, "key '%s' is not UTF-8 text", key);
    return TIEFSEE_OK;
}

tiefsee_status ts_gguf_array(const ts_gguf *g, const char *key, ts_gguf_type item,
                             uint64_t max_items, const ts_gguf_value **out, tiefsee_error *err)
{
    const ts_gguf_value *v;
    const tiefsee_status st = require(g, key, &v, err);

    if (st != TIEFSEE_OK)
        return st;
    if (v->type != GGUF_ARRAY)
        return fail_type(err, key, v, "an array");
    if (v->item != item)
        return ts_fail(err, TIEFSEE_E_FORMAT, "key '%s' is an array of %s (%s expected)", key,
                       types[v->item].name, types[item].name);
    if (v->n > max_items)
        return ts_fail(err, TIEFSEE_E_LIMIT, "key '%s' has %llu items (%llu allowed)", key,
                       (unsigned long long)v->n, (unsigned long long)max_items);
    *out = v;
    return TIEFSEE_OK;
}

ts_str ts_gguf_next_string(const ts_gguf_value *array, size_t *pos)
{
    assert(array->type == GGUF_ARRAY && array->item == GGUF_STRING && *pos < array->size);
    const size_t len = (size_t)load_uint(array->bytes + *pos, 8);
    const ts_str s = {(const char *)array->bytes + *pos + 8, len};

    *pos += 8 + len;
    return s;
}

int64_t ts_gguf_int_item(const ts_gguf_value *array, uint64_t i)
{
    assert(array->type == GGUF_ARRAY && is_integer(array->item) && i < array->n);
    return load_int(array->bytes + i * types[array->item].size, array->item);
}

size_t ts_gguf_print(const ts_gguf_value *v, char *out, size_t size)
{
    int n;

    if (v->type == GGUF_ARRAY)
        n = snprintf(out, size, "[%llu x %s]", (unsigned long long)v->n, types[v->item].name);
    else if (v->type == GGUF_STRING)
        n = snprintf(out, size, "%.*s", (int)(v->size < 200 ? v->size : 200),
                     v->size ? (const char *)v->bytes : "");
    else if (v->type == GGUF_BOOL)
        n = snprintf(out, size, "%s", *v->bytes ? "true" : "false");
    else if (is_signed(v->type))
        n = snprintf(out, size, "%lld", (long long)load_int(v->bytes, v->type));
    else if (is_integer(v->type))
        n = snprintf(out, size, "%llu", (unsigned long long)load_int(v->bytes, v->type));
    else
        n = snprintf(out, size, "%.9g", load_double(v->bytes, v->type));
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}
