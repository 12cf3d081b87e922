/* fuzz_credential.c - headers, keys, scopes and dates: what is taken is well formed
 * and prints back to itself. */
#include "fuzz.h"

#include <string.h>

#include "server/auth/auth.h"

static bool is_inside(ts_str part, const char *whole)
{
    return part.len == 0 ||
           (whole && part.ptr >= whole && part.ptr + part.len <= whole + strlen(whole));
}

static void check_headers(const char *a, const char *b)
{
    ts_str token;
    tiefsee_error err = {0};

    const ts_refusal refusal = ts_auth_credential(a, b, &token, &err);
    MUST(refusal == TS_REFUSAL_NONE || refusal == TS_REFUSAL_BAD_KEY);
    MUST(refusal == TS_REFUSAL_NONE ? err.message[0] == '\0' : err.message[0] != '\0');
    MUST(refusal == TS_REFUSAL_NONE || token.len == 0);
    MUST(is_inside(token, a) || is_inside(token, b));
}

static void check_texts(const char *text, const uint8_t *data, size_t size)
{
    char id[TS_KEY_ID_LEN + 1], day_text[11], scopes_text[TS_SCOPES_TEXT];
    uint8_t hash[TS_KEY_HASH_LEN];
    unsigned scopes = 0, again = 0;
    int64_t day = 0;

    if (ts_key_parse((const char *)data, size, id, hash))
        MUST(size == TS_KEY_TEXT_LEN && memcmp(id, data + 6, TS_KEY_ID_LEN) == 0);
    if (ts_scopes_parse(text, &scopes)) {
        MUST(scopes != 0 && (scopes & ~(unsigned)TS_SCOPE_ALL) == 0);
        ts_scopes_print(scopes_text, scopes);
        MUST(ts_scopes_parse(scopes_text, &again) && again == scopes);
    }
    if (ts_usage_parse_day(text, &day)) {
        ts_usage_print_day(day_text, day);
        MUST(strcmp(day_text, text) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size ? memchr(data, '\n', size) : NULL;
    const size_t n_first = cut ? (size_t)(cut - data) : size;
    char *first = malloc(n_first + 1), *second = malloc(size - n_first + 1);

    MUST(first && second);
    if (n_first)
        memcpy(first, data, n_first);
    first[n_first] = '\0';
    if (cut)
        memcpy(second, cut + 1, size - n_first - 1);
    second[cut ? size - n_first - 1 : 0] = '\0';
    check_headers(first, second);
    check_headers(first, NULL);
    check_headers(NULL, second);
    check_texts(first, data, n_first);
    free(first);
    free(second);
    return 0;
}
