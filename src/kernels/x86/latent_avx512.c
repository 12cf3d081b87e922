/* latent_avx512.c - scores and values of latent attention, 16 x 16 bits with VNNI
 * (vpdpwssd: a product, a sum of two and an addition in one); see latent.h.
 *
 * Scores: tiles of 4 queries x 4 rows.  Values: two rows are interleaved, tiles of
 * 8 outputs x 32 columns, 64 columns of all rows at a time.  What is left of a
 * row behind whole registers is 16 values, the upper half of a register then zero.
 */
#include "kernels/x86/latent_avx2.h"

#ifdef __AVX2__

enum { TILE_ROWS = 4, STEP = 32, TILE_OUT = 2 * TILE_Q };

INLINE __m512i lower_half(__m256i v)
{
    return _mm512_inserti64x4(_mm512_setzero_si512(), v, 0);
}

/* 32 (or the last 16) values as words; they are bytes (latents) or words. */
INLINE __m512i words(const void *p, size_t j, size_t n, int is_bytes)
{
    const int8_t *c = (const int8_t *)p + j;
    const int16_t *w = (const int16_t *)p + j;

    if (n - j < STEP)
        return lower_half(is_bytes ? _mm256_cvtepi8_epi16(load_128(c)) : load_256(w));
    return is_bytes ? _mm512_cvtepi8_epi16(load_256(c)) : _mm512_loadu_si512(w);
}

INLINE __m256i halves_added(__m512i v)
{
    return _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
}

/* Four rows with four queries: lane 4 * row + query of out, two rows in each. */
INLINE void products(__m256i out[2], const int16_t *q, size_t q_stride,
                     const void *const row[TILE_ROWS], size_t n, int is_bytes)
{
    __m512i sum[TILE_ROWS][TILE_Q];

#pragma GCC unroll 4
    for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 4
        for (int i = 0; i < TILE_Q; i++)
            sum[r][i] = _mm512_setzero_si512();
    for (size_t j = 0; j < n; j += STEP) {
        __m512i c[TILE_ROWS];
#pragma GCC unroll 4
        for (int r = 0; r < TILE_ROWS; r++)
            c[r] = words(row[r], j, n, is_bytes);
#pragma GCC unroll 4
        for (int i = 0; i < TILE_Q; i++) {
            const __m512i v = words(q + (size_t)i * q_stride, j, n, 0);
#pragma GCC unroll 4
            for (int r = 0; r < TILE_ROWS; r++)
                sum[r][i] = _mm512_dpwssd_epi32(sum[r][i], c[r], v);
        }
    }
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
        __m256i v[8];
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++)
            v[i] = halves_added(sum[2 * half + i / TILE_Q][i % TILE_Q]);
        out[half] = sum_rows(v);
    }
}

/* Four queries (or one, four times) with up to four rows. */
INLINE void score_tile(float *s, size_t s_stride, const int16_t *q, size_t q_stride, const float *d,
                       size_t n_q, const int8_t *rows, size_t n_rows, const ts_latent *l)
{
    const void *row[TILE_ROWS], *rope_row[TILE_ROWS];
    __m256i latent[2], rope[2];

    for (size_t r = 0; r < TILE_ROWS; r++) {
        row[r] = rows + (r < n_rows ? r : n_rows - 1) * l->row_bytes;
        rope_row[r] = latent_rope(row[r], l);
    }
    products(latent, q, q_stride, row, l->n, 1);
    products(rope, q + l->n, q_stride, rope_row, l->n_rope, 0);
    for (size_t r = 0; r < n_rows; r += 2)
        store_scores(s + r, s_stride, latent[r / 2], rope[r / 2], d, n_q, row[r],
                     n_rows - r < 2 ? 1 : 2, l);
}

void ts_latent_scores_avx512(float *s, size_t s_stride, const int16_t *q, const float *d,
                             size_t n_q, const void *rows, size_t n_rows, const ts_latent *l)
{
    const size_t width = l->n + l->n_rope;

    for (size_t r = 0; r < n_rows; r += TILE_ROWS) {
        const int8_t *row = (const int8_t *)rows + r * l->row_bytes;
        const size_t n_here = n_rows - r < TILE_ROWS ? n_rows - r : TILE_ROWS;
        size_t i = 0;

        for (; i + TILE_Q <= n_q; i += TILE_Q)
            score_tile(s + i * s_stride + r, s_stride, q + i * width, width, d + i, TILE_Q, row,
                       n_here, l);
        for (; i < n_q; i++)
            score_tile(s + i * s_stride + r, s_stride, q + i * width, 0, d + i, 1, row, n_here, l);
    }
}

/* --- values --- */

/* Rows a and b, 32 columns (or 16), weighted by pairs r and r + 1 of w.  Bytes are
 * interleaved within 128 bits: sum[0] has columns 0-7 and 16-23, sum[1] the others. */
INLINE void add_pair(__m512i sum[2][TILE_OUT], const weights *w, size_t n_q, __m256i a, __m256i b,
                     size_t r)
{
    const __m512i low = _mm512_cvtepi8_epi16(_mm256_unpacklo_epi8(a, b));
    const __m512i high = _mm512_cvtepi8_epi16(_mm256_unpackhi_epi8(a, b));

#pragma GCC unroll 8
    for (size_t i = 0; i < n_q; i++) {
        const __m512i u = _mm512_set1_epi32((int)load_u32(w[i / TILE_Q].u[i % TILE_Q] + r));
        sum[0][i] = _mm512_dpwssd_epi32(sum[0][i], low, u);
        sum[1][i] = _mm512_dpwssd_epi32(sum[1][i], high, u);
    }
}

INLINE __m256i columns(const int8_t *c, int n)
{
    return n == STEP ? load_256(c)
                     : _mm256_inserti128_si256(_mm256_setzero_si256(), load_128(c), 0);
}

INLINE void add_16(float *z, float e, __m512i sum)
{
    _mm512_storeu_ps(
        z, _mm512_fmadd_ps(_mm512_set1_ps(e), _mm512_cvtepi32_ps(sum), _mm512_loadu_ps(z)));
}

/* z += the weighted sum, n = 32 or 16 columns of n_q outputs. */
INLINE void value_tile(float *z, size_t z_stride, const weights *w, size_t n_q, const int8_t *c,
                       size_t n_rows, size_t row_bytes, int n)
{
    __m512i sum[2][TILE_OUT];
    size_t r = 0;

#pragma GCC unroll 8
    for (size_t i = 0; i < n_q; i++)
        sum[0][i] = sum[1][i] = _mm512_setzero_si512();
    for (; r + 2 <= n_rows; r += 2, c += 2 * row_bytes)
        add_pair(sum, w, n_q, columns(c, n), columns(c + row_bytes, n), r);
    if (r < n_rows)
        add_pair(sum, w, n_q, columns(c, n), _mm256_setzero_si256(), r);
#pragma GCC unroll 8
    for (size_t i = 0; i < n_q; i++) {
        const float e = w[i / TILE_Q].e[i % TILE_Q];
        float *to = z + i * z_stride;
        add_16(to, e, _mm512_inserti64x4(sum[0][i], _mm512_castsi512_si256(sum[1][i]), 1));
        if (n == STEP)
            add_16(to + 16, e,
                   _mm512_inserti64x4(sum[1][i], _mm512_extracti64x4_epi64(sum[0][i], 1), 0));
    }
}

/* Columns [j, end) of n_q outputs, as a constant each. */
INLINE void value_columns(float *z, size_t z_stride, const weights *w, size_t n_q,
                          const int8_t *rows, size_t n_rows, const ts_latent *l, size_t j,
                          size_t end)
{
    for (; j + STEP <= end; j += STEP)
        value_tile(z + j, z_stride, w, n_q, rows + j, n_rows, l->row_bytes, STEP);
    if (j < end)
        value_tile(z + j, z_stride, w, n_q, rows + j, n_rows, l->row_bytes, 16);
}

void ts_latent_values_avx512(float *z, size_t z_stride, const float *p, size_t p_stride, size_t n_q,
                             const void *rows, size_t n_rows, const ts_latent *l)
{
    enum { MAX_Q = 2 * TILE_OUT, COLUMNS = 64 };
    weights w[MAX_Q / TILE_Q];

    for (size_t i0 = 0; i0 < n_q; i0 += MAX_Q, z += MAX_Q * z_stride, p += MAX_Q * p_stride) {
        const size_t n_here = n_q - i0 < MAX_Q ? n_q - i0 : MAX_Q;

        for (size_t i = 0; i < n_here; i++)
            round_weights(&w[i / TILE_Q], i % TILE_Q, p + i * p_stride, rows, n_rows, l);
        for (size_t j = 0; j < l->n; j += COLUMNS)
            for (size_t i = 0, step; i < n_here; i += step) {
                const size_t end = l->n - j < COLUMNS ? l->n : j + COLUMNS, left = n_here - i;
                const weights *of = &w[i / TILE_Q];
                float *to = z + i * z_stride;
                step = left >= TILE_OUT ? TILE_OUT : left >= TILE_Q ? TILE_Q : left;
                switch (step) {
                case 1: value_columns(to, z_stride, of, 1, rows, n_rows, l, j, end); break;
                case 2: value_columns(to, z_stride, of, 2, rows, n_rows, l, j, end); break;
                case 3: value_columns(to, z_stride, of, 3, rows, n_rows, l, j, end); break;
                case 4: value_columns(to, z_stride, of, 4, rows, n_rows, l, j, end); break;
                default: value_columns(to, z_stride, of, TILE_OUT, rows, n_rows, l, j, end);
                }
            }
    }
}

#endif
