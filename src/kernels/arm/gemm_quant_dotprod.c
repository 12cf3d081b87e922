/* gemm_quant_dotprod.c - products of the quantised types with ARMv8.2's sdot.
 *
 * Four rows of a superblock are decoded once and multiplied with all tokens;
 * the four integer sums of a token become one vector, so that the float part of
 * quant.def is done once for four rows.
 */
#include "kernels/arm/quant_neon.h"
#include "kernels/kernels.h"
#include "kernels/quant_tile.h"

enum { ROWS = 4, DEPTH = 256, TOKENS = 256 };

/* Lies in the scratch of the call. */
typedef struct rows {
    quant_codes codes[ROWS]; /* of blocks of 32: q alone is used */
    float d[DEPTH / 32][ROWS], m[DEPTH / 32][ROWS];
    float acc[TOKENS][ROWS];
} rows;

_Static_assert(sizeof(rows) <= sizeof(ts_panel), "the scratch holds the rows");

typedef struct product {
    float *y;
    const void *w;
    const ts_q8_rows *x;
    size_t y_stride, w_stride, n_rows, n_tokens, n;
} product;

INLINE void decode_rows(quant_id id, size_t block, rows *p, const uint8_t *const row[ROWS],
                        size_t k, size_t depth)
{
    for (size_t r = 0; r < ROWS; r++) {
        const uint8_t *w = row[r] + k / block * block_bytes(id);
        quant_codes *c = &p->codes[r];

        for (size_t i = 0; i < depth / 32; i++) {
            const codes_32 v =
                block == 256 ? decode_256(id, w, (int)i) : decode_32(id, w + i * block_bytes(id));
            vst1q_s8(c->q + 32 * i, v.half[0]);
            vst1q_s8(c->q + 32 * i + 16, v.half[1]);
            if (block == 32) {
                p->d[i][r] = scale_32(id, w + i * block_bytes(id), 0);
                if (has_min(id))
                    p->m[i][r] = scale_32(id, w + i * block_bytes(id), 1);
            }
        }
        if (block == 256) {
            scales_256(id, c, w);
            p->d[0][r] = c->d;
            if (has_min(id))
                p->m[0][r] = c->dmin;
        }
    }
}

/* Lane r is the sum of v[r]'s lanes. */
INLINE int32x4_t sum_rows(const int32x4_t v[ROWS])
{
    return vpaddq_s32(vpaddq_s32(v[0], v[1]), vpaddq_s32(v[2], v[3]));
}

INLINE int32x4_t minima_product(const int16_t min[16], const int16_t *s)
{
    int32x4_t sum = vmull_s16(vld1_s16(min), vld1_s16(s));

    for (int i = 4; i < 16; i += 4)
        sum = vmlal_s16(sum, vld1_s16(min + i), vld1_s16(s + i));
    return sum;
}

INLINE float32x4_t add_256(quant_id id, float32x4_t acc, const rows *p, const int8_t *q,
                           const int16_t *s, float d)
{
    int32x4_t sum[ROWS];

    for (int r = 0; r < ROWS; r++) {
        const quant_codes *c = &p->codes[r];
        sum[r] = vdupq_n_s32(0);
        for (int g = 0; g < 16; g++) {
            const int32x4_t v =
                vdotq_s32(vdupq_n_s32(0), vld1q_s8(c->q + 16 * g), vld1q_s8(q + 16 * g));
            sum[r] = vmlaq_n_s32(sum[r], v, c->scale[g]);
        }
    }
    acc = vfmaq_f32(acc, vmulq_n_f32(vld1q_f32(p->d[0]), d), vcvtq_f32_s32(sum_rows(sum)));
    if (!has_min(id))
        return acc;
    for (int r = 0; r < ROWS; r++)
        sum[r] = minima_product(p->codes[r].min, s);
    return vfmsq_f32(acc, vmulq_n_f32(vld1q_f32(p->m[0]), d), vcvtq_f32_s32(sum_rows(sum)));
}

INLINE float32x4_t add_32(quant_id id, float32x4_t acc, const rows *p, size_t b, const int8_t *q,
                          const int16_t *s, float d)
{
    const int8x16_t x0 = vld1q_s8(q), x1 = vld1q_s8(q + 16);
    int32x4_t sum[ROWS];

    for (int r = 0; r < ROWS; r++) {
        const int8_t *w = p->codes[r].q + 32 * b;
        sum[r] = vdotq_s32(vdotq_s32(vdupq_n_s32(0), vld1q_s8(w), x0), vld1q_s8(w + 16), x1);
    }
    acc = vfmaq_f32(acc, vmulq_n_f32(vld1q_f32(p->d[b]), d), vcvtq_f32_s32(sum_rows(sum)));
    if (!has_min(id))
        return acc;
    return vfmaq_f32(acc, vmulq_n_f32(vld1q_f32(p->m[b]), d), vdupq_n_f32((float)(s[0] + s[1])));
}

INLINE void multiply(quant_id id, size_t block, rows *p, const product *a, size_t t, size_t k,
                     size_t depth, float *sums)
{
    const int8_t *q = a->x->q + t * a->x->q_stride + k;
    const int16_t *s = a->x->s + t * a->x->s_stride + k / 16;
    const float *d = a->x->d + t * a->x->d_stride + k / block;
    float32x4_t acc = vld1q_f32(sums);

    if (block == 256)
        acc = add_256(id, acc, p, q, s, *d);
    else
        for (size_t b = 0; b < depth / 32; b++)
            acc = add_32(id, acc, p, b, q + 32 * b, s + 2 * b, d[b]);
    vst1q_f32(sums, acc);
}

INLINE void gemm(quant_id id, size_t block, const product *a, rows *p)
{
    for (size_t t0 = 0; t0 < a->n_tokens; t0 += TOKENS)
        for (size_t r0 = 0; r0 < a->n_rows; r0 += ROWS) {
            const size_t n_tokens = a->n_tokens - t0 < TOKENS ? a->n_tokens - t0 : TOKENS;
            const size_t n_rows = a->n_rows - r0 < ROWS ? a->n_rows - r0 : ROWS;
            const uint8_t *row[ROWS];

            /* Rows beyond the last stand for the last one and are not stored. */
            for (size_t r = 0; r < ROWS; r++)
                row[r] = (const uint8_t *)a->w + (r0 + (r < n_rows ? r : n_rows - 1)) * a->w_stride;
            memset(p->acc, 0, n_tokens * sizeof *p->acc);
            for (size_t k = 0; k < a->n; k += DEPTH) {
                const size_t depth = a->n - k < DEPTH ? a->n - k : DEPTH;
                decode_rows(id, block, p, row, k, depth);
                for (size_t t = 0; t < n_tokens; t++)
                    multiply(id, block, p, a, t0 + t, k, depth, p->acc[t]);
            }
            for (size_t t = 0; t < n_tokens; t++)
                memcpy(a->y + (t0 + t) * a->y_stride + r0, p->acc[t], n_rows * sizeof(float));
        }
}

#define QUANT(type, block)                                                                       \
    void ts_gemm_##type##_dotprod(float *y, size_t y_stride, const void *w, size_t w_stride,     \
                                  size_t n_rows, const ts_q8_rows *x, size_t n_tokens, size_t n, \
                                  void *scratch)                                                 \
    {                                                                                            \
        const product a = {y, w, x, y_stride, w_stride, n_rows, n_tokens, n};                    \
        gemm(QUANT_##type, block, &a, (rows *)(void *)ts_panel_in(scratch));                     \
    }
#include "kernels/quant.def"
#undef QUANT
