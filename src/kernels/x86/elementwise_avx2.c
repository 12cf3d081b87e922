/* elementwise_avx2.c - axpy, add, scale, exp, sigmoid, swiglu, rope; see
 * ref/elementwise_ref.c.  The tails are the reference's own expressions. */
#include "kernels/kernels.h"
#include "kernels/x86/exp_avx2.h"

void ts_axpy_f32_avx2(float *y, float a, const float *x, size_t n)
{
    const __m256 factor = _mm256_set1_ps(a);
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i,
                         _mm256_fmadd_ps(factor, _mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i)));
    for (; i < n; i++)
        y[i] = fmaf(a, x[i], y[i]);
}

void ts_add_f32_avx2(float *y, const float *x, size_t n)
{
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(y + i), _mm256_loadu_ps(x + i)));
    for (; i < n; i++)
        y[i] += x[i];
}

void ts_scale_f32_avx2(float *y, float a, const float *x, size_t n)
{
    const __m256 factor = _mm256_set1_ps(a);
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_mul_ps(factor, _mm256_loadu_ps(x + i)));
    for (; i < n; i++)
        y[i] = a * x[i];
}

void ts_exp_f32_avx2(float *x, float shift, size_t n)
{
    const __m256 s = _mm256_set1_ps(shift);
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, avx2_exp(_mm256_sub_ps(_mm256_loadu_ps(x + i), s)));
    for (; i < n; i++)
        x[i] = exp_f32(x[i] - shift);
}

void ts_sigmoid_f32_avx2(float *y, const float *x, size_t n)
{
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        const __m256 below = avx2_one_plus_exp_minus(_mm256_loadu_ps(x + i));
        _mm256_storeu_ps(y + i, _mm256_div_ps(_mm256_set1_ps(1.0f), below));
    }
    for (; i < n; i++)
        y[i] = exp_sigmoid(x[i]);
}

void ts_swiglu_f32_avx2(float *y, const float *g, const float *u, size_t n)
{
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        const __m256 gate = _mm256_loadu_ps(g + i);
        const __m256 silu = _mm256_div_ps(gate, avx2_one_plus_exp_minus(gate));
        _mm256_storeu_ps(y + i, _mm256_mul_ps(silu, _mm256_loadu_ps(u + i)));
    }
    for (; i < n; i++)
        y[i] = exp_silu(g[i]) * u[i];
}

static void rope_halves(float *a, float *b, const float *cosine, const float *sine, size_t n)
{
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        const __m256 va = _mm256_loadu_ps(a + i), vb = _mm256_loadu_ps(b + i);
        const __m256 c = _mm256_loadu_ps(cosine + i), s = _mm256_loadu_ps(sine + i);
        _mm256_storeu_ps(a + i, _mm256_sub_ps(_mm256_mul_ps(va, c), _mm256_mul_ps(vb, s)));
        _mm256_storeu_ps(b + i, _mm256_add_ps(_mm256_mul_ps(va, s), _mm256_mul_ps(vb, c)));
    }
    for (; i < n; i++) {
        const float x = a[i], y = b[i];
        a[i] = x * cosine[i] - y * sine[i];
        b[i] = x * sine[i] + y * cosine[i];
    }
}

/* Four values twice each: v0 v0 v1 v1 v2 v2 v3 v3. */
static inline __m256 load_twice(const float *p)
{
    const __m256 v = _mm256_castps128_ps256(_mm_loadu_ps(p));

    return _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
}

/* addsub: even a cos - b sin, odd b cos + a sin. */
static void rope_interleaved(float *x, const float *cosine, const float *sine, size_t n)
{
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        const __m256 v = _mm256_loadu_ps(x + 2 * i);
        const __m256 swapped = _mm256_permute_ps(v, _MM_SHUFFLE(2, 3, 0, 1));
        _mm256_storeu_ps(x + 2 * i, _mm256_addsub_ps(_mm256_mul_ps(v, load_twice(cosine + i)),
                                                     _mm256_mul_ps(swapped, load_twice(sine + i))));
    }
    for (; i < n; i++) {
        const float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cosine[i] - b * sine[i];
        x[2 * i + 1] = a * sine[i] + b * cosine[i];
    }
}

void ts_rope_f32_avx2(float *x, const float *cosine, const float *sine, size_t n_pairs,
                      int is_interleaved)
{
    if (is_interleaved)
        rope_interleaved(x, cosine, sine, n_pairs);
    else
        rope_halves(x, x + n_pairs, cosine, sine, n_pairs);
}
