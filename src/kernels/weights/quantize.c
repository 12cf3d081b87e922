/* quantize.c - see quantize.h. */
#include "kernels/weights/quantize.h"

#include <math.h>

#include "kernels/weights/quant_fit.h"
#include "kernels/weights/quant_pack.h"

/* What a type can say. */
typedef struct quant_shape {
    int block, group; /* weights per block and per scale */
    quant_codebook book;
    int scale_lo, scale_hi; /* of a superblock; 0, 0: the group is the block */
    int min_hi;             /* of a superblock */
    int has_min;
} quant_shape;

static const int8_t iq4_levels[16] = {QUANT_IQ4_VALUES};

static const quant_shape shape_q4_0 = {32, 32, {-8, 7, NULL}, 0, 0, 0, 0};
static const quant_shape shape_q4_1 = {32, 32, {0, 15, NULL}, 0, 0, 0, 1};
static const quant_shape shape_q5_0 = {32, 32, {-16, 15, NULL}, 0, 0, 0, 0};
static const quant_shape shape_q5_1 = {32, 32, {0, 31, NULL}, 0, 0, 0, 1};
static const quant_shape shape_q8_0 = {32, 32, {-127, 127, NULL}, 0, 0, 0, 0};
static const quant_shape shape_iq4_nl = {32, 32, {-127, 113, iq4_levels}, 0, 0, 0, 0};
static const quant_shape shape_q2_k = {256, 16, {0, 3, NULL}, 0, 15, 15, 1};
static const quant_shape shape_q3_k = {256, 16, {-4, 3, NULL}, -32, 31, 0, 0};
static const quant_shape shape_q4_k = {256, 32, {0, 15, NULL}, 0, 63, 63, 1};
static const quant_shape shape_q5_k = {256, 32, {0, 31, NULL}, 0, 63, 63, 1};
static const quant_shape shape_q6_k = {256, 16, {-32, 31, NULL}, -128, 127, 0, 0};
static const quant_shape shape_iq4_xs = {256, 32, {-127, 113, iq4_levels}, -32, 31, 0, 0};

static float rounded(float v)
{
    return half_f16(half_to_f16(v));
}

/* The codes for scales that are settled. */
static void code_group(int8_t *q, const float *x, int n, const quant_codebook *book, float d,
                       float m)
{
    const float inverse = d != 0 ? 1 / d : 0;

    for (int i = 0; i < n; i++)
        q[i] = (int8_t)ts_quant_nearest(book, isfinite(inverse) ? (x[i] + m) * inverse : 0);
}

static void fit_block_32(quant_codes *c, const quant_shape *s, const float *x)
{
    float d, m = 0;

    if (s->has_min)
        ts_quant_fit_affine(&d, &m, x, s->block, s->book.hi, 0);
    else
        d = ts_quant_fit_scale(x, s->block, &s->book);
    c->d = rounded(d);
    c->dmin = rounded(-m); /* these types add their minimum */
    code_group(c->q, x, s->block, &s->book, c->d, -c->dmin);
}

static int clamp(float v, int lo, int hi)
{
    const float r = rintf(v);

    return r <= (float)lo ? lo : r >= (float)hi ? hi : (int)r;
}

/* Scales of the groups as whole multiples of one float; the largest, whatever its
 * sign, sits at the end of the range that reaches further. */
static float share_scales(int16_t *out, const float *scale, int n_groups, int lo, int hi)
{
    float largest = 0;

    for (int g = 0; g < n_groups; g++)
        if (fabsf(scale[g]) > fabsf(largest))
            largest = scale[g];
    const float d = rounded(largest / (float)(lo < 0 ? lo : hi));
    for (int g = 0; g < n_groups; g++)
        out[g] = (int16_t)(d != 0 ? clamp(scale[g] / d, lo, hi) : 0);
    return d;
}

static void fit_block_256(quant_codes *c, const quant_shape *s, const float *x)
{
    const int n_groups = s->block / s->group, repeat = s->group / 16;
    float d[16], m[16] = {0};
    int16_t scale[16], min[16] = {0};

    for (int g = 0; g < n_groups; g++) {
        if (s->has_min)
            ts_quant_fit_affine(&d[g], &m[g], x + g * s->group, s->group, s->book.hi, 1);
        else
            d[g] = ts_quant_fit_scale(x + g * s->group, s->group, &s->book);
    }
    c->d = share_scales(scale, d, n_groups, s->scale_lo, s->scale_hi);
    c->dmin = s->has_min ? share_scales(min, m, n_groups, 0, s->min_hi) : 0;
    for (int g = 0; g < n_groups; g++) {
        code_group(c->q + g * s->group, x + g * s->group, s->group, &s->book,
                   c->d * (float)scale[g], c->dmin * (float)min[g]);
        for (int i = 0; i < repeat; i++) {
            c->scale[g * repeat + i] = scale[g];
            c->min[g * repeat + i] = min[g];
        }
    }
}

static void fit_block(quant_codes *c, const quant_shape *s, const float *x)
{
    if (s->block == 32)
        fit_block_32(c, s, x);
    else
        fit_block_256(c, s, x);
}

/* A power of two: the best of the three around the largest weight. */
static void quantize_mxfp4_block(void *out, const float *x)
{
    /* Ascending, as ts_quant_nearest wants them; both zeros are the same value. */
    static const int8_t levels[16] = {-12, -8, -6, -4, -3, -2, -1, 0, 0, 1, 2, 3, 4, 6, 8, 12};
    static const quant_codebook book = {-12, 12, levels};
    quant_codes c, best;
    float largest = 0, least = -1;
    int e = 0;

    for (int i = 0; i < 32; i++)
        largest = fmaxf(largest, fabsf(x[i]));
    while (e < 252 && quant_e8m0((uint8_t)e) * 12 < largest)
        e++;
    for (int k = e < 2 ? 0 : e - 2; k <= e; k++) {
        float error = 0;
        c.d = quant_e8m0((uint8_t)k);
        code_group(c.q, x, 32, &book, c.d, 0);
        for (int i = 0; i < 32; i++)
            error += (c.d * (float)c.q[i] - x[i]) * (c.d * (float)c.q[i] - x[i]);
        if (least < 0 || error < least) {
            least = error;
            best = c;
        }
    }
    quant_pack_mxfp4(out, &best);
}

#define QUANTIZE(name)                                             \
    static void quantize_##name##_block(void *out, const float *x) \
    {                                                              \
        quant_codes c;                                             \
                                                                   \
        fit_block(&c, &shape_##name, x);                           \
        quant_pack_##name(out, &c);                                \
    }
QUANTIZE(q4_0)
QUANTIZE(q4_1)
QUANTIZE(q5_0)
QUANTIZE(q5_1)
QUANTIZE(q8_0)
QUANTIZE(iq4_nl)
QUANTIZE(q2_k)
QUANTIZE(q3_k)
QUANTIZE(q4_k)
QUANTIZE(q5_k)
QUANTIZE(q6_k)
QUANTIZE(iq4_xs)

#define QUANT(name, block)                                       \
    void ts_quantize_##name(void *out, const float *x, size_t n) \
    {                                                            \
        ts_block_##name *b = out;                                \
                                                                 \
        for (size_t i = 0; i < n; i += (block), b++)             \
            quantize_##name##_block(b, x + i);                   \
    }
#include "kernels/quant.def"
#undef QUANT

void ts_narrow_f16(void *out, const float *x, size_t n)
{
    uint8_t *p = out;

    for (size_t i = 0; i < n; i++) {
        const uint16_t h = half_to_f16(x[i]);
        memcpy(p + i * sizeof h, &h, sizeof h);
    }
}

void ts_narrow_bf16(void *out, const float *x, size_t n)
{
    uint8_t *p = out;

    for (size_t i = 0; i < n; i++) {
        const uint16_t h = half_to_bf16(x[i]);
        memcpy(p + i * sizeof h, &h, sizeof h);
    }
}
