/* fuzz_json_reader.c - our reader and jansson accept the same texts (but for the
 * depth and for numbers that jansson cannot hold), and read the same from them. */
#include "fuzz.h"

#include <string.h>

#include "formats/json_reader.h"
#include <jansson.h>

/* Walks both at once. */
static void compare(ts_json_reader *r, const json_t *j)
{
    const char c = ts_json_peek(r);
    ts_str key;

    if (c == '"') {
        const ts_str text = ts_json_read_text(r);
        char *out = malloc(text.len + 1);
        MUST(out && json_is_string(j));
        const size_t n = ts_json_unescape(text, out);
        MUST(n == json_string_length(j) && memcmp(out, json_string_value(j), n) == 0);
        free(out);
    } else if (c == '[') {
        size_t i = 0;
        MUST(json_is_array(j) && ts_json_enter(r, '['));
        while (ts_json_next_item(r))
            compare(r, json_array_get(j, i++));
        MUST(i == json_array_size(j));
    } else if (c == '{') {
        MUST(json_is_object(j) && ts_json_enter(r, '{'));
        while (ts_json_next_key(r, &key))
            (void)ts_json_read_any(r); /* duplicates differ */
    } else if (json_is_integer(j) && json_integer_value(j) > 0) {
        MUST(ts_json_read_size(r) == (uint64_t)json_integer_value(j));
    } else {
        (void)ts_json_read_any(r);
    }
    MUST(!r->problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size ? size : 1); /* exact size: ASan guards the end */
    json_error_t e = {0};

    MUST(text);
    if (size)
        memcpy(text, data, size);
    json_t *j = json_loadb(text, size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &e);
    json_t *exact = json_loadb(text, size, JSON_DECODE_ANY, NULL);
    ts_json_reader r = ts_json_reader_of((ts_str){text, size});
    (void)ts_json_read_any(&r);
    ts_json_end(&r);
    if (r.problem) /* jansson takes a zero byte for the end */
        MUST(!j || memchr(text, 0, size) || strstr(r.problem, "nested deeper"));
    else
        MUST(j || json_error_code(&e) == json_error_numeric_overflow);
    if (!r.problem && exact) {
        r = ts_json_reader_of((ts_str){text, size});
        compare(&r, exact);
    }
    json_decref(exact);
    json_decref(j);
    free(text);
    return 0;
}
