/* latent_avx2.c - latent attention on integers, 16 x 16 bits (vpmaddwd); see
 * latent.h and ref/latent_ref.c.
 *
 * Scores: tiles of 4 queries x 2 rows, a row's bytes widened once per tile.
 * Values: two rows are interleaved, so that one product adds both; tiles of 4
 * outputs x 16 columns.  128 columns of all rows at a time are widened once and
 * stay in the first-level cache while every output passes.
 */
#include "kernels/x86/latent_avx2.h"

void ts_latent_pack_avx2(void *row, const float *x, const ts_latent *l)
{
    int8_t *c = row;
    float d;

    const float factor = q_factor(largest_magnitude(x, l->n), LATENT_MAX, &d);
    for (size_t i = 0; i < l->n; i += 16) {
        const __m256i v = round_16(x + i, factor);
        store_128(c + i,
                  _mm_packs_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
    }
    latent_set_factor(row, l, 0, d);
    x += l->n;
    const float factor_rope = q_factor(largest_magnitude(x, l->n_rope), LATENT_ROPE_MAX, &d);
    for (size_t i = 0; i < l->n_rope; i += 16)
        store_256(c + l->n + 2 * i, round_16(x + i, factor_rope));
    latent_set_factor(row, l, 1, d);
}

void ts_latent_query_avx2(int16_t *q, float *d, const float *x, float scale, const ts_latent *l)
{
    const size_t n = l->n + l->n_rope;
    float step;

    const float factor = q_factor(largest_magnitude(x, n), LATENT_QUERY_MAX, &step);
    for (size_t i = 0; i < n; i += 16)
        store_256(q + i, round_16(x + i, factor));
    *d = step * scale;
}

/* --- scores --- */

enum { TILE_ROWS = 2, TILE_V = 2, COLUMNS = 128 };

INLINE __m256i widened(const int8_t *c)
{
    return _mm256_cvtepi8_epi16(load_128(c));
}

/* Lane 4 * row + query. */
INLINE __m256i sums_of_tile(const __m256i sum[TILE_ROWS][TILE_Q])
{
    const __m256i v[8] = {sum[0][0], sum[0][1], sum[0][2], sum[0][3],
                          sum[1][0], sum[1][1], sum[1][2], sum[1][3]};

    return sum_rows(v);
}

/* n products of 16 bits; the rows are bytes (latents) or words (rotary). */
INLINE __m256i products(const int16_t *q, size_t q_stride, const void *row_0, const void *row_1,
                        size_t n, int is_bytes)
{
    __m256i sum[TILE_ROWS][TILE_Q];

#pragma GCC unroll 4
    for (int i = 0; i < TILE_Q; i++)
        sum[0][i] = sum[1][i] = _mm256_setzero_si256();
    for (size_t j = 0; j < n; j += 16) {
        const __m256i a =
            is_bytes ? widened((const int8_t *)row_0 + j) : load_256((const int16_t *)row_0 + j);
        const __m256i b =
            is_bytes ? widened((const int8_t *)row_1 + j) : load_256((const int16_t *)row_1 + j);
#pragma GCC unroll 4
        for (int i = 0; i < TILE_Q; i++) {
            const __m256i v = load_256(q + (size_t)i * q_stride + j);
            sum[0][i] = _mm256_add_epi32(sum[0][i], _mm256_madd_epi16(a, v));
            sum[1][i] = _mm256_add_epi32(sum[1][i], _mm256_madd_epi16(b, v));
            KEEP(sum[0][i]);
            KEEP(sum[1][i]);
        }
    }
    return sums_of_tile((const __m256i(*)[TILE_Q])sum);
}

/* Four queries (or the last one again) with one or two rows. */
INLINE void score_tile(float *s, size_t s_stride, const int16_t *q, size_t q_stride, const float *d,
                       size_t n_q, const int8_t *row, size_t n_rows, const ts_latent *l)
{
    const int8_t *next = n_rows > 1 ? row + l->row_bytes : row;
    const __m256i latent = products(q, q_stride, row, next, l->n, 1);
    const __m256i rope =
        products(q + l->n, q_stride, latent_rope(row, l), latent_rope(next, l), l->n_rope, 0);

    store_scores(s, s_stride, latent, rope, d, n_q, row, n_rows, l);
}

void ts_latent_scores_avx2(float *s, size_t s_stride, const int16_t *q, const float *d, size_t n_q,
                           const void *rows, size_t n_rows, const ts_latent *l)
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

/* Columns [j, j + COLUMNS) of all rows as words, two rows interleaved. */
typedef struct widened_rows {
    __m256i pair[TS_LATENT_ROWS / 2][COLUMNS / 8];
} widened_rows;

static void widen_columns(widened_rows *w, const int8_t *c, size_t n_rows, size_t n,
                          size_t row_bytes)
{
    for (size_t r = 0; r < n_rows; r += 2, c += 2 * row_bytes)
        for (size_t j = 0; j < n; j += 16) {
            const __m128i a = load_128(c + j);
            const __m128i b = r + 1 < n_rows ? load_128(c + row_bytes + j) : _mm_setzero_si128();
            w->pair[r / 2][j / 8] = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b));
            w->pair[r / 2][j / 8 + 1] = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b));
        }
}

/* z += the weighted sum, sixteen columns of n_q outputs. */
INLINE void value_tile(float *z, size_t z_stride, const weights *w, size_t n_q, const __m256i *rows,
                       size_t n_pairs)
{
    __m256i sum[TILE_V][TILE_Q];

#pragma GCC unroll 4
    for (size_t i = 0; i < n_q; i++)
#pragma GCC unroll 4
        for (size_t v = 0; v < TILE_V; v++)
            sum[v][i] = _mm256_setzero_si256();
    for (size_t r = 0; r < n_pairs; r++, rows += COLUMNS / 8) {
#pragma GCC unroll 4
        for (size_t i = 0; i < n_q; i++) {
            const __m256i u = broadcast_32(w->u[i] + 2 * r);
#pragma GCC unroll 4
            for (size_t v = 0; v < TILE_V; v++) {
                sum[v][i] = _mm256_add_epi32(sum[v][i], _mm256_madd_epi16(rows[v], u));
                KEEP(sum[v][i]);
            }
        }
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < n_q; i++) {
        const __m256 e = _mm256_set1_ps(w->e[i]);
#pragma GCC unroll 4
        for (size_t v = 0; v < TILE_V; v++) {
            float *to = z + i * z_stride + 8 * v;
            _mm256_storeu_ps(
                to, _mm256_fmadd_ps(e, _mm256_cvtepi32_ps(sum[v][i]), _mm256_loadu_ps(to)));
        }
    }
}

/* n columns of up to four outputs. */
INLINE void value_columns(float *z, size_t z_stride, const weights *w, size_t n_q,
                          const widened_rows *rows, size_t n_rows, size_t n)
{
    for (size_t j = 0; j < n; j += 8 * TILE_V)
        value_tile(z + j, z_stride, w, n_q, &rows->pair[0][j / 8], (n_rows + 1) / 2);
}

void ts_latent_values_avx2(float *z, size_t z_stride, const float *p, size_t p_stride, size_t n_q,
                           const void *rows, size_t n_rows, const ts_latent *l)
{
    enum { MAX_Q = 4 * TILE_Q };
    weights w[MAX_Q / TILE_Q];
    widened_rows wide;

    for (size_t i0 = 0; i0 < n_q; i0 += MAX_Q, z += MAX_Q * z_stride, p += MAX_Q * p_stride) {
        const size_t n_here = n_q - i0 < MAX_Q ? n_q - i0 : MAX_Q;

        for (size_t i = 0; i < n_here; i++)
            round_weights(&w[i / TILE_Q], i % TILE_Q, p + i * p_stride, rows, n_rows, l);
        for (size_t j = 0; j < l->n; j += COLUMNS) {
            const size_t n = l->n - j < COLUMNS ? l->n - j : COLUMNS;
            widen_columns(&wide, (const int8_t *)rows + j, n_rows, n, l->row_bytes);
            for (size_t i = 0; i < n_here; i += TILE_Q) {
                const weights *of = &w[i / TILE_Q];
                float *to = z + i * z_stride + j;
                switch (n_here - i) {
                case 1: value_columns(to, z_stride, of, 1, &wide, n_rows, n); break;
                case 2: value_columns(to, z_stride, of, 2, &wide, n_rows, n); break;
                case 3: value_columns(to, z_stride, of, 3, &wide, n_rows, n); break;
                default: value_columns(to, z_stride, of, 4, &wide, n_rows, n);
                }
            }
        }
    }
}
