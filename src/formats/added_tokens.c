/* added_tokens.c - see added_tokens.h.
 *
 * The tokens are a sorted array; at a place of the text, the range of those that
 * agree with it is narrowed byte by byte.  Markers nearly always begin with one
 * or two characters, so most places are dismissed by the first byte.
 */
#include "formats/added_tokens.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    const ts_str a = ((const ts_added_token *)left)->text;
    const ts_str b = ((const ts_added_token *)right)->text;
    const int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    if (order)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

void ts_added_tokens_init(ts_added_tokens *a, ts_added_token *tokens, size_t n)
{
    *a = (ts_added_tokens){.token = tokens, .n = n};
    if (n)
        qsort(tokens, n, sizeof *tokens, compare);
    for (size_t b = 0, i = 0; b <= 256; b++) {
        while (i < n && (unsigned char)tokens[i].text.ptr[0] < b)
            i++;
        a->first[b] = (uint32_t)i;
    }
}

/* First of token[low, high), which agree up to depth, whose byte there is >= b
 * (their texts are longer than depth). */
static size_t lower_bound(const ts_added_tokens *a, size_t low, size_t high, size_t depth,
                          unsigned b)
{
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if ((unsigned char)a->token[mid].text.ptr[depth] < b)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The longest token that the text begins with. */
static const ts_added_token *longest_at(const ts_added_tokens *a, const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    const ts_added_token *longest = NULL;
    size_t low = a->first[p[0]], high = a->first[p[0] + 1];

    for (size_t depth = 1; low < high; depth++) {
        if (a->token[low].text.len == depth) /* the shortest comes first */
            longest = &a->token[low++];
        if (depth == n)
            break;
        low = lower_bound(a, low, high, depth, p[depth]);
        high = lower_bound(a, low, high, depth, p[depth] + 1u);
    }
    return longest;
}

const ts_added_token *ts_added_tokens_next(const ts_added_tokens *a, const char *text, size_t n,
                                           size_t *at)
{
    if (a->n == 0)
        return NULL;
    for (size_t i = *at; i < n; i++) {
        const unsigned char b = (unsigned char)text[i];
        if (a->first[b] == a->first[b + 1])
            continue;
        const ts_added_token *t = longest_at(a, text + i, n - i);
        if (t) {
            *at = i;
            return t;
        }
    }
    return NULL;
}

const ts_added_token *ts_added_tokens_find(const ts_added_tokens *a, ts_str text)
{
    const ts_added_token wanted = {.text = text};

    return text.len && a->n ? bsearch(&wanted, a->token, a->n, sizeof *a->token, compare) : NULL;
}
