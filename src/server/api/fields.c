/* fields.c - see fields.h. */
#include "server/api/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set(ts_wrong *w, int status, const char *code, const char *param, const char *text)
{
    w->status = status;
    w->code = code;
    (void)snprintf(w->param, sizeof w->param, "%s", param ? param : "");
    (void)snprintf(w->message, sizeof w->message, "%.63s%s%.220s", w->param, *w->param ? ": " : "",
                   text);
}

bool ts_wrong_field(ts_wrong *w, const char *param, const char *fmt, ...)
{
    char text[224];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    set(w, 400, NULL, param, text);
    return false;
}

bool ts_wrong_set(ts_wrong *w, int status, const char *code, const char *param, const char *fmt,
                  ...)
{
    char text[224];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    set(w, status, code, param, text);
    return false;
}

const char *ts_json_kind(const json_t *value)
{
    if (!value)
        return "nothing";
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    default: return "null";
    }
}

json_t *ts_field_get(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

static bool read_bool(const ts_field *f, const json_t *value, bool *out, ts_wrong *w)
{
    if (!json_is_boolean(value))
        return ts_wrong_field(w, f->name, "%s (true or false expected)", ts_json_kind(value));
    *out = json_is_true(value);
    return true;
}

static bool read_int(const ts_field *f, const json_t *value, int64_t *out, ts_wrong *w)
{
    const json_int_t i = json_integer_value(value);

    if (!json_is_integer(value))
        return ts_wrong_field(w, f->name, "%s (an integer from %.0f to %.0f expected)",
                              ts_json_kind(value), f->min, f->max);
    if ((double)i < f->min || (double)i > f->max)
        return ts_wrong_field(w, f->name, "%lld (%.0f to %.0f allowed)", (long long)i, f->min,
                              f->max);
    *out = i;
    return true;
}

static bool read_number(const ts_field *f, const json_t *value, double *out, ts_wrong *w)
{
    const double x = json_number_value(value);

    if (!json_is_number(value))
        return ts_wrong_field(w, f->name, "%s (a number from %g to %g expected)",
                              ts_json_kind(value), f->min, f->max);
    if (!(x >= f->min && x <= f->max))
        return ts_wrong_field(w, f->name, "%g (%g to %g allowed)", x, f->min, f->max);
    *out = x;
    return true;
}

static bool read_text(const ts_field *f, const json_t *value, const char **out, ts_wrong *w)
{
    const size_t n = json_string_length(value);

    if (!json_is_string(value))
        return ts_wrong_field(w, f->name, "%s (a string expected)", ts_json_kind(value));
    if ((double)n < f->min || (double)n > f->max)
        return ts_wrong_field(w, f->name, "a string of %zu bytes (%.0f to %.0f allowed)", n, f->min,
                              f->max);
    *out = json_string_value(value);
    return true;
}

bool ts_fields_read(const json_t *object, const ts_field *fields, size_t n, void *into,
                    ts_wrong *wrong)
{
    bool is_good = true;

    for (size_t i = 0; i < n && is_good; i++) {
        const ts_field *f = &fields[i];
        const json_t *value = ts_field_get(object, f->name);
        void *at = (char *)into + f->offset;

        if (!value)
            continue;
        switch (f->kind) {
        case TS_FIELD_BOOL: is_good = read_bool(f, value, at, wrong); break;
        case TS_FIELD_INT: is_good = read_int(f, value, at, wrong); break;
        case TS_FIELD_NUMBER: is_good = read_number(f, value, at, wrong); break;
        case TS_FIELD_TEXT: is_good = read_text(f, value, at, wrong); break;
        default: break;
        }
    }
    return is_good;
}
