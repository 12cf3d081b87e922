/* latent_dotprod.c - scores and values of latent attention with ARMv8.2's sdot,
 * which takes bytes: the words on the other side are cut into two.
 *
 *     queries, |q| <= 8191:      q = 128 h + l,            h in [-64, 64], l in [-64, 63]
 *     weights, 0 <= u <= 32767:  u = 128 (h + 128) + l,    h in [-128, 127], l in [0, 127]
 *
 * Two products of sixteen bytes replace four of four words.  Sums are put together
 * modulo 2^32, where the result is exact (latent.h).  Rotary values stay words.
 */
#include "kernels/arm/latent_neon.h"

#ifdef __ARM_NEON

#define INLINE static inline __attribute__((always_inline))

/* --- scores --- */

enum { TILE_Q = 4, TILE_ROWS = 2 };

/* Queries side by side, in two bytes each. */
typedef struct query_bytes {
    int8_t h[TILE_Q][TS_LATENT_MAX], l[TILE_Q][TS_LATENT_MAX];
} query_bytes;

static void cut_query(query_bytes *b, size_t i, const int16_t *q, size_t n)
{
    const int16x8_t half = vdupq_n_s16(64), low = vdupq_n_s16(127);

    for (size_t j = 0; j < n; j += 8) {
        const int16x8_t v = vaddq_s16(vld1q_s16(q + j), half);
        vst1_s8(b->h[i] + j, vmovn_s16(vshrq_n_s16(v, 7)));
        vst1_s8(b->l[i] + j, vmovn_s16(vsubq_s16(vandq_s16(v, low), half)));
    }
}

INLINE int32_t word_product(const int16_t *a, const int16_t *b, size_t n)
{
    int32x4_t sum = vdupq_n_s32(0);

    for (size_t j = 0; j < n; j += 8) {
        const int16x8_t x = vld1q_s16(a + j), y = vld1q_s16(b + j);
        sum = vmlal_s16(sum, vget_low_s16(x), vget_low_s16(y));
        sum = vmlal_high_s16(sum, x, y);
    }
    return vaddvq_s32(sum);
}

/* out[r][i]: two rows with n_q queries. */
INLINE void latent_products(int32_t out[TILE_ROWS][TILE_Q], const query_bytes *b, size_t n_q,
                            const int8_t *row_0, const int8_t *row_1, size_t n)
{
    int32x4_t h[TILE_ROWS][TILE_Q], l[TILE_ROWS][TILE_Q];

    for (size_t i = 0; i < n_q; i++)
        h[0][i] = h[1][i] = l[0][i] = l[1][i] = vdupq_n_s32(0);
    for (size_t j = 0; j < n; j += 16) {
        const int8x16_t c_0 = vld1q_s8(row_0 + j), c_1 = vld1q_s8(row_1 + j);
#pragma GCC unroll 4
        for (size_t i = 0; i < n_q; i++) {
            const int8x16_t q_h = vld1q_s8(b->h[i] + j), q_l = vld1q_s8(b->l[i] + j);
            h[0][i] = vdotq_s32(h[0][i], c_0, q_h);
            h[1][i] = vdotq_s32(h[1][i], c_1, q_h);
            l[0][i] = vdotq_s32(l[0][i], c_0, q_l);
            l[1][i] = vdotq_s32(l[1][i], c_1, q_l);
        }
    }
    for (int r = 0; r < TILE_ROWS; r++)
        for (size_t i = 0; i < n_q; i++)
            out[r][i] = vaddvq_s32(vaddq_s32(vshlq_n_s32(h[r][i], 7), l[r][i]));
}

/* Up to four queries with all rows. */
INLINE void score_queries(float *s, size_t s_stride, const query_bytes *b, const int16_t *q,
                          const float *d, size_t n_q, const int8_t *rows, size_t n_rows,
                          const ts_latent *l)
{
    const size_t width = l->n + l->n_rope;

    for (size_t r = 0; r < n_rows; r += TILE_ROWS) {
        const size_t n_here = n_rows - r < TILE_ROWS ? n_rows - r : TILE_ROWS;
        const int8_t *row = rows + r * l->row_bytes;
        int32_t latent[TILE_ROWS][TILE_Q];

        latent_products(latent, b, n_q, row, row + (n_here - 1) * l->row_bytes, l->n);
        for (size_t k = 0; k < n_here; k++, row += l->row_bytes) {
            const float d_c = latent_factor(row, l, 0), d_r = latent_factor(row, l, 1);
            for (size_t i = 0; i < n_q; i++) {
                const int32_t rope =
                    word_product(q + i * width + l->n, latent_rope(row, l), l->n_rope);
                s[i * s_stride + r + k] = d[i] * fmaf(d_r, (float)rope, d_c * (float)latent[k][i]);
            }
        }
    }
}

void ts_latent_scores_dotprod(float *s, size_t s_stride, const int16_t *q, const float *d,
                              size_t n_q, const void *rows, size_t n_rows, const ts_latent *l)
{
    const size_t width = l->n + l->n_rope;
    query_bytes b;

    for (size_t i = 0, step; i < n_q; i += step) {
        step = n_q - i >= TILE_Q ? TILE_Q : 1;
        for (size_t k = 0; k < step; k++)
            cut_query(&b, k, q + (i + k) * width, l->n);
        if (step == TILE_Q)
            score_queries(s + i * s_stride, s_stride, &b, q + i * width, d + i, TILE_Q, rows,
                          n_rows, l);
        else
            score_queries(s + i * s_stride, s_stride, &b, q + i * width, d + i, 1, rows, n_rows, l);
    }
}

/* --- values --- */

enum { GROUP = 4, TILE_OUT = 2 }; /* rows per product, outputs per tile */

typedef struct weight_bytes {
    int8_t h[TS_LATENT_ROWS], l[TS_LATENT_ROWS];
    float e;
} weight_bytes;

/* Weights of one output; behind the last row anything. */
static void cut_weights(weight_bytes *w, const float *p, const int8_t *rows, size_t n_rows,
                        const ts_latent *l)
{
    float v[TS_LATENT_ROWS] = {0};

    for (size_t r = 0; r < n_rows; r++)
        v[r] = p[r] * latent_factor(rows + r * l->row_bytes, l, 0);
    const float factor = q_factor(largest_of_floats(v, TS_LATENT_ROWS), LATENT_WEIGHT_MAX, &w->e);
    for (size_t r = 0; r < TS_LATENT_ROWS; r += 8) {
        const int16x8_t u = round_8(v + r, factor);
        const int16x8_t h = vsubq_s16(vshrq_n_s16(u, 7), vdupq_n_s16(128));
        vst1_s8(w->h + r, vmovn_s16(h));
        vst1_s8(w->l + r, vmovn_s16(vandq_s16(u, vdupq_n_s16(127))));
    }
}

/* Four rows' bytes of sixteen columns, a column in each 32-bit lane. */
INLINE void columns_of_rows(int8x16_t c[4], const int8x16_t row[GROUP])
{
    const int16x8_t a_low = vreinterpretq_s16_s8(vzip1q_s8(row[0], row[1]));
    const int16x8_t a_high = vreinterpretq_s16_s8(vzip2q_s8(row[0], row[1]));
    const int16x8_t b_low = vreinterpretq_s16_s8(vzip1q_s8(row[2], row[3]));
    const int16x8_t b_high = vreinterpretq_s16_s8(vzip2q_s8(row[2], row[3]));

    c[0] = vreinterpretq_s8_s16(vzip1q_s16(a_low, b_low));
    c[1] = vreinterpretq_s8_s16(vzip2q_s16(a_low, b_low));
    c[2] = vreinterpretq_s8_s16(vzip1q_s16(a_high, b_high));
    c[3] = vreinterpretq_s8_s16(vzip2q_s16(a_high, b_high));
}

INLINE int8x16_t four_bytes(const int8_t *p)
{
    int32_t v;

    memcpy(&v, p, sizeof v);
    return vreinterpretq_s8_s32(vdupq_n_s32(v));
}

/* z += the weighted sum, sixteen columns of n_out outputs. */
INLINE void value_tile(float *z, size_t z_stride, const weight_bytes *w, size_t n_out,
                       const int8_t *c, size_t n_rows, size_t row_bytes)
{
    int32x4_t h[TILE_OUT][4], l[TILE_OUT][4], ones[4];

    for (int k = 0; k < 4; k++) {
        ones[k] = vdupq_n_s32(0);
        for (size_t i = 0; i < n_out; i++)
            h[i][k] = l[i][k] = vdupq_n_s32(0);
    }
    for (size_t r = 0; r < n_rows; r += GROUP) {
        int8x16_t row[GROUP], column[4];
#pragma GCC unroll 4
        for (size_t k = 0; k < GROUP; k++)
            row[k] = r + k < n_rows ? vld1q_s8(c + (r + k) * row_bytes) : vdupq_n_s8(0);
        columns_of_rows(column, row);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            ones[k] = vdotq_s32(ones[k], column[k], vdupq_n_s8(1));
#pragma GCC unroll 2
            for (size_t i = 0; i < n_out; i++) {
                h[i][k] = vdotq_s32(h[i][k], column[k], four_bytes(w[i].h + r));
                l[i][k] = vdotq_s32(l[i][k], column[k], four_bytes(w[i].l + r));
            }
        }
    }
    for (size_t i = 0; i < n_out; i++)
        for (int k = 0; k < 4; k++) {
            float *to = z + i * z_stride + 4 * k;
            const int32x4_t high = vaddq_s32(h[i][k], vshlq_n_s32(ones[k], 7));
            const int32x4_t sum = vaddq_s32(l[i][k], vshlq_n_s32(high, 7));
            vst1q_f32(to, vfmaq_n_f32(vld1q_f32(to), vcvtq_f32_s32(sum), w[i].e));
        }
}

void ts_latent_values_dotprod(float *z, size_t z_stride, const float *p, size_t p_stride,
                              size_t n_q, const void *rows, size_t n_rows, const ts_latent *l)
{
    enum { MAX_Q = 16, COLUMNS = 64 };
    weight_bytes w[MAX_Q];

    for (size_t i0 = 0; i0 < n_q; i0 += MAX_Q, z += MAX_Q * z_stride, p += MAX_Q * p_stride) {
        const size_t n_here = n_q - i0 < MAX_Q ? n_q - i0 : MAX_Q;

        for (size_t i = 0; i < n_here; i++)
            cut_weights(&w[i], p + i * p_stride, rows, n_rows, l);
        for (size_t j0 = 0; j0 < l->n; j0 += COLUMNS)
            for (size_t i = 0; i < n_here; i += TILE_OUT)
                for (size_t j = j0; j < l->n && j < j0 + COLUMNS; j += 16) {
                    const int8_t *c = (const int8_t *)rows + j;
                    if (n_here - i >= TILE_OUT)
                        value_tile(z + i * z_stride + j, z_stride, &w[i], TILE_OUT, c, n_rows,
                                   l->row_bytes);
                    else
                        value_tile(z + i * z_stride + j, z_stride, &w[i], 1, c, n_rows,
                                   l->row_bytes);
                }
    }
}

#endif
