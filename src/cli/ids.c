/* ids.c - see ids.h. */
#include "cli/ids.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"

static const char BETWEEN[] = " \t\r\n,";

static bool is_between(char c)
{
    return c != '\0' && strchr(BETWEEN, c);
}

tiefsee_status ts_ids_parse(ts_ids *out, const ts_buf *text, tiefsee_error *err)
{
    const size_t cap = text->len / 2 + 1; /* a digit and what is between */
    tiefsee_token *ids = ts_alloc(cap * sizeof *ids);
    size_t n = 0;

    *out = (ts_ids){0};
    if (!ids)
        return ts_fail_nomem(err, cap * sizeof *ids, "token ids");
    for (size_t i = 0; i < text->len;) {
        char word[16];
        size_t len = 0;
        uint64_t id;

        if (is_between(text->ptr[i])) {
            i++;
            continue;
        }
        while (i + len < text->len && !is_between(text->ptr[i + len]))
            len++;
        const size_t kept = len < sizeof word ? len : sizeof word - 1;
        memcpy(word, text->ptr + i, kept);
        word[kept] = '\0';
        if (len != kept || !ts_parse_u64(word, 0, INT32_MAX, &id)) {
            ts_free(ids);
            return ts_fail(err, TIEFSEE_E_INVALID, "word %zu, '%s', is no token id", n + 1, word);
        }
        ids[n++] = (tiefsee_token)id;
        i += len;
    }
    *out = (ts_ids){ids, n};
    return TIEFSEE_OK;
}
