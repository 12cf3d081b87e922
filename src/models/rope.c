/* rope.c - see rope.h.  YaRN: arXiv:2309.00071, section 3; DeepSeek-V2 report,
 * section 3.1.4; Llama 3: the published rope_scaling "llama3". */
#include "models/rope.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

/* Dimension at which a wavelength makes `rotations` turns in the original context. */
static double correction(const ts_rope_config *r, double rotations)
{
    return r->n_dims * log(r->original_context / (rotations * 2 * PI)) / (2 * log(r->theta));
}

static void yarn(float *frequency, const ts_rope_config *r)
{
    double lo = correction(r, r->beta_fast), hi = correction(r, r->beta_slow);

    if (!r->no_truncate) {
        lo = floor(lo);
        hi = ceil(hi);
    }
    lo = lo < 0 ? 0 : lo;
    hi = hi > r->n_dims - 1 ? r->n_dims - 1 : hi;
    if (lo == hi)
        hi += 0.001;
    for (uint32_t i = 0; i < r->n_dims / 2; i++) {
        double ramp = (i - lo) / (hi - lo);
        ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
        const double f = (double)frequency[i];
        frequency[i] = (float)(f * (1 - ramp) + f / r->factor * ramp);
    }
}

static void llama3(float *frequency, const ts_rope_config *r)
{
    const double low_wavelength = r->original_context / r->low_freq_factor;
    const double high_wavelength = r->original_context / r->high_freq_factor;

    for (uint32_t i = 0; i < r->n_dims / 2; i++) {
        const double f = (double)frequency[i], wavelength = 2 * PI / f;
        if (wavelength < high_wavelength)
            continue;
        if (wavelength > low_wavelength) {
            frequency[i] = (float)(f / r->factor);
            continue;
        }
        const double t = (r->original_context / wavelength - r->low_freq_factor) /
                         (r->high_freq_factor - r->low_freq_factor);
        frequency[i] = (float)((1 - t) * f / r->factor + t * f);
    }
}

void ts_rope_frequencies(float *frequency, const ts_rope_config *r, const float *divisors)
{
    const uint32_t n = r->n_dims / 2;

    for (uint32_t i = 0; i < n; i++)
        frequency[i] = 1.0f / (float)pow(r->theta, (double)((float)(2 * i) / (float)r->n_dims));
    switch (r->kind) {
    case TS_ROPE_PLAIN: break;
    case TS_ROPE_LINEAR:
        for (uint32_t i = 0; i < n; i++)
            frequency[i] /= (float)r->factor;
        break;
    case TS_ROPE_YARN: yarn(frequency, r); break;
    case TS_ROPE_LLAMA3: llama3(frequency, r); break;
    case TS_ROPE_DIVISORS:
        for (uint32_t i = 0; i < n; i++)
            frequency[i] /= divisors[i];
        break;
    }
}

static double yarn_gain(double factor, double mscale)
{
    return factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1;
}

float ts_rope_amplitude(const ts_rope_config *r)
{
    if (r->kind != TS_ROPE_YARN)
        return 1;
    if (r->attention_factor > 0)
        return (float)r->attention_factor;
    if (r->mscale > 0 && r->mscale_all_dim > 0)
        return (float)(yarn_gain(r->factor, r->mscale) / yarn_gain(r->factor, r->mscale_all_dim));
    return (float)yarn_gain(r->factor, 1);
}

double ts_rope_softmax_factor(const ts_rope_config *r)
{
    if (r->kind != TS_ROPE_YARN || r->mscale_all_dim == 0)
        return 1;
    const double g = yarn_gain(r->factor, r->mscale_all_dim);
    return g * g;
}

/* Sine and cosine of x in [0, 2^31): x minus a multiple of pi/2 in three parts
 * (Cody and Waite), then Taylor polynomials on [-pi/4, pi/4]; below 1e-15 off. */
static void sine_cosine(double x, double *sine, double *cosine)
{
    const double k = rint(x * (2 / PI));
    double r = fma(-k, 1.5707963267341256e+00, x);
    r = fma(-k, 6.0771005063039660e-11, r);
    r = fma(-k, 2.0222662487959506e-21, r);

    const double z = r * r;
    double s = -1.0 / 1307674368000.0, c = 1.0 / 20922789888000.0;
    s = fma(s, z, 1.0 / 6227020800.0);
    s = fma(s, z, -1.0 / 39916800.0);
    s = fma(s, z, 1.0 / 362880.0);
    s = fma(s, z, -1.0 / 5040.0);
    s = fma(s, z, 1.0 / 120.0);
    s = fma(s, z, -1.0 / 6.0);
    s = fma(s * z, r, r);
    c = fma(c, z, -1.0 / 87178291200.0);
    c = fma(c, z, 1.0 / 479001600.0);
    c = fma(c, z, -1.0 / 3628800.0);
    c = fma(c, z, 1.0 / 40320.0);
    c = fma(c, z, -1.0 / 720.0);
    c = fma(c, z, 1.0 / 24.0);
    c = fma(c, z, -0.5);
    c = fma(c, z, 1.0);

    switch ((uint64_t)k & 3) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
    }
}

void ts_rope_angles(float *cosine, float *sine, const float *frequency, size_t n_pairs,
                    uint32_t position, float amplitude)
{
    for (size_t i = 0; i < n_pairs; i++) {
        double s, c;
        sine_cosine((double)((float)position * frequency[i]), &s, &c);
        cosine[i] = (float)c * amplitude;
        sine[i] = (float)s * amplitude;
    }
}
