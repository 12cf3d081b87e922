/* gguf.h - one GGUF file: its metadata and its tensor table.
 *
 * Versions 2 and 3, little-endian.  Everything is proven against the length of
 * the file: no count is believed that the bytes left could not hold, no span
 * is handed out that does not lie inside.  Strings and arrays stay in the file.
 */
#ifndef TS_FORMATS_GGUF_H
#define TS_FORMATS_GGUF_H

#include "core/arena.h"
#include "core/error.h"
#include "formats/modelfile.h"

enum {
    GGUF_MAX_KEYS = 1 << 16,
    GGUF_MAX_TENSORS = 1 << 18,
    GGUF_MAX_NAME = 255,
    GGUF_MAX_DEPTH = 4,        /* arrays of arrays of ... */
    GGUF_MAX_STRINGS = 1 << 22 /* strings and arrays in arrays, in the whole file */
};

/* Ids of the file format. */
typedef enum ts_gguf_type {
    GGUF_U8 = 0,
    GGUF_I8 = 1,
    GGUF_U16 = 2,
    GGUF_I16 = 3,
    GGUF_U32 = 4,
    GGUF_I32 = 5,
    GGUF_F32 = 6,
    GGUF_BOOL = 7,
    GGUF_STRING = 8,
    GGUF_ARRAY = 9,
    GGUF_U64 = 10,
    GGUF_I64 = 11,
    GGUF_F64 = 12,
    GGUF_TYPE_COUNT = 13
} ts_gguf_type;

const char *ts_gguf_type_name(uint32_t type);

typedef struct ts_gguf_value {
    ts_gguf_type type;
    ts_gguf_type item;    /* of an array */
    uint64_t n;           /* items of an array, bytes of a string, else 1 */
    const uint8_t *bytes; /* of the string, the items or the number */
    size_t size;          /* of bytes */
} ts_gguf_value;

typedef struct ts_gguf_entry {
    ts_str key;
    ts_gguf_value value;
} ts_gguf_entry;

typedef struct ts_gguf {
    uint32_t version;
    uint64_t alignment;
    size_t n_entries, n_tensors;
    const ts_gguf_entry *entries;
    ts_named_tensor *tensors; /* the caller's to change */
} ts_gguf;

/* The bytes and the arena outlive out.  Tables come from the arena. */
tiefsee_status ts_gguf_parse(ts_gguf *out, const uint8_t *bytes, size_t size, ts_arena *arena,
                             tiefsee_error *err) TS_MUST_CHECK;

const ts_gguf_value *ts_gguf_find(const ts_gguf *g, const char *key); /* NULL: none */
const ts_tensor *ts_gguf_find_tensor(const ts_gguf *g, const char *name);

/* Typed access.  A missing key, another type or a value outside [min, max] is
 * an error that names the key.  Integers may have any width and sign. */
tiefsee_status ts_gguf_uint(const ts_gguf *g, const char *key, uint64_t min, uint64_t max,
                            uint64_t *out, tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_gguf_double(const ts_gguf *g, const char *key, double min, double max,
                              double *out, tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_gguf_bool(const ts_gguf *g, const char *key, bool *out,
                            tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_gguf_string(const ts_gguf *g, const char *key, ts_str *out,
                              tiefsee_error *err) TS_MUST_CHECK;

/* An array of at most max_items items of this very type; its n items. */
tiefsee_status ts_gguf_array(const ts_gguf *g, const char *key, ts_gguf_type item,
                             uint64_t max_items, const ts_gguf_value **out,
                             tiefsee_error *err) TS_MUST_CHECK;

/* Walk the strings of an array that ts_gguf_array() accepted: *pos starts at 0. */
ts_str ts_gguf_next_string(const ts_gguf_value *array, size_t *pos);

/* Item i of an array of integers (any width), sign-extended. */
int64_t ts_gguf_int_item(const ts_gguf_value *array, uint64_t i);

/* A short printable text of a value: cut strings, "[3 x i32]"; at most size - 1
 * bytes.  Returns its length. */
size_t ts_gguf_print(const ts_gguf_value *v, char *out, size_t size);

#endif
