/* embed.c - rows of a table; backward, a token adds to its row, in order. */
#include <string.h>

#include "train/layers.h"

void ts_embed_forward(ts_rows y, const real *table, const uint32_t *token, size_t n, size_t d)
{
    for (size_t t = 0; t < n; t++)
        memcpy(y.v + t * y.stride, table + token[t] * d, d * sizeof *table);
}

void ts_embed_backward(real *dtable, ts_rows dy, const uint32_t *token, size_t n, size_t d,
                       size_t begin, size_t end)
{
    for (size_t t = 0; t < n; t++)
        for (size_t i = begin; i < end; i++)
            dtable[token[t] * d + i] += dy.v[t * dy.stride + i];
}
