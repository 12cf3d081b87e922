/* quant_ref.c - the definition of widen_<type> and gemm_<type>.
 *
 * One text for all quantised types: a block is unpacked into the canonical form
 * of quant_unpack.h, integers are summed exactly, and floats are combined in
 * the order that quant.def writes down.  The variants do the same sums of
 * integers in another order and the same operations on floats in this one.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"
#include "kernels/quant_tile.h"
#include "kernels/quant_unpack.h"

typedef struct quant_type {
    void (*unpack)(quant_codes *c, const void *w);
    size_t block, block_bytes;
    int has_min;
} quant_type;

size_t ts_gemm_scratch_bytes(size_t n)
{
    (void)n; /* a panel is one superblock deep, however long a row is */
    return sizeof(ts_panel) + 63;
}

static void widen(const quant_type *type, float *y, const void *w, size_t n)
{
    const uint8_t *p = w;
    quant_codes c;

    for (size_t b = 0; b < n / type->block; b++, p += type->block_bytes, y += type->block) {
        type->unpack(&c, p);
        for (size_t i = 0; i < type->block; i++) {
            if (type->block == 256) {
                y[i] = c.d * (float)c.scale[i / 16] * (float)c.q[i];
                if (type->has_min)
                    y[i] -= c.dmin * (float)c.min[i / 16];
            } else {
                y[i] = c.d * (float)c.q[i];
                if (type->has_min)
                    y[i] += c.dmin;
            }
        }
    }
}

static int32_t dot(const int8_t *a, const int8_t *b, size_t n)
{
    int32_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static float add_block_256(float acc, const quant_codes *c, const int8_t *q, const int16_t *s,
                           float d, int has_min)
{
    int32_t products = 0, minima = 0;

    for (size_t g = 0; g < 16; g++) {
        products += c->scale[g] * dot(c->q + 16 * g, q + 16 * g, 16);
        if (has_min)
            minima += c->min[g] * s[g];
    }
    acc = fmaf(c->d * d, (float)products, acc);
    return has_min ? fmaf(-(c->dmin * d), (float)minima, acc) : acc;
}

static float add_block_32(float acc, const quant_codes *c, const int8_t *q, const int16_t *s,
                          float d, int has_min)
{
    acc = fmaf(c->d * d, (float)dot(c->q, q, 32), acc);
    return has_min ? fmaf(c->dmin * d, (float)(s[0] + s[1]), acc) : acc;
}

/* One row against all tokens. */
static void gemm_row(const quant_type *type, float *y, size_t y_stride, const uint8_t *w,
                     const ts_q8_rows *x, size_t n_tokens, size_t n)
{
    quant_codes c;

    for (size_t t = 0; t < n_tokens; t++)
        y[t * y_stride] = 0.0f;
    for (size_t b = 0; b < n / type->block; b++) {
        type->unpack(&c, w + b * type->block_bytes);
        for (size_t t = 0; t < n_tokens; t++) {
            const int8_t *q = x->q + t * x->q_stride + b * type->block;
            const int16_t *s = x->s + t * x->s_stride + b * (type->block / 16);
            const float d = x->d[t * x->d_stride + b];
            float *acc = &y[t * y_stride];
            *acc = type->block == 256 ? add_block_256(*acc, &c, q, s, d, type->has_min)
                                      : add_block_32(*acc, &c, q, s, d, type->has_min);
        }
    }
}

#define QUANT(name, n_block)                                                                      \
    static const quant_type type_##name = {quant_unpack_##name, n_block, sizeof(ts_block_##name), \
                                           QUANT_HAS_MIN_##name};                                 \
                                                                                                  \
    void ts_widen_##name##_ref(float *y, const void *w, size_t n)                                 \
    {                                                                                             \
        widen(&type_##name, y, w, n);                                                             \
    }                                                                                             \
                                                                                                  \
    void ts_gemm_##name##_ref(float *y, size_t y_stride, const void *w, size_t w_stride,          \
                              size_t n_rows, const ts_q8_rows *x, size_t n_tokens, size_t n,      \
                              void *scratch)                                                      \
    {                                                                                             \
        (void)scratch;                                                                            \
        for (size_t r = 0; r < n_rows; r++)                                                       \
            gemm_row(&type_##name, y + r, y_stride, (const uint8_t *)w + r * w_stride, x,         \
                     n_tokens, n);                                                                \
    }
#include "kernels/quant.def"
#undef QUANT
