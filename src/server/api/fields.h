/* fields.h - the fields of a JSON request, read by a table.
 *
 * Every field has a type, a minimum and a maximum.  What is missing or null keeps
 * its default; what is not in the table is the caller's to read, or ignored.
 */
#ifndef TS_SERVER_FIELDS_H
#define TS_SERVER_FIELDS_H

#include <jansson.h>

#include "core/compiler.h"
#include "core/str.h"

/* Why a request is refused. */
typedef struct ts_wrong {
    int status;       /* of HTTP */
    const char *code; /* a literal; NULL: by status */
    char param[64];   /* the field; "": none */
    char message[288];
} ts_wrong;

/* Returns false, for `return ts_wrong_set(...)`.  The field's name stands in front of
 * the message.  400 without a code: */
bool ts_wrong_field(ts_wrong *w, const char *param, const char *fmt, ...) TS_PRINTF(3, 4);
bool ts_wrong_set(ts_wrong *w, int status, const char *code, const char *param, const char *fmt,
                  ...) TS_PRINTF(5, 6);

typedef enum ts_field_kind {
    TS_FIELD_BOOL,   /* bool */
    TS_FIELD_INT,    /* int64_t */
    TS_FIELD_NUMBER, /* double */
    TS_FIELD_TEXT    /* const char *, lives as long as the object; min and max in bytes */
} ts_field_kind;

typedef struct ts_field {
    const char *name;
    ts_field_kind kind;
    double min, max;
    size_t offset; /* in the struct that ts_fields_read fills */
} ts_field;

bool ts_fields_read(const json_t *object, const ts_field *fields, size_t n, void *into,
                    ts_wrong *wrong) TS_MUST_CHECK;

/* The value; NULL also when it is null. */
json_t *ts_field_get(const json_t *object, const char *name);

const char *ts_json_kind(const json_t *value); /* "a string", "an object", ... */

#endif
