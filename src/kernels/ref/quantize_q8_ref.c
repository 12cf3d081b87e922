/* quantize_q8_ref.c - the definition of quantize_q8; q8.h has the cases.
 *
 * Rounding adds and removes 1.5 * 2^23, which is round to nearest even for
 * |v| < 2^22 in the default rounding mode, as cvtps2dq and fcvtns do it. */
#include "kernels/kernels.h"
#include "kernels/q8.h"

static uint32_t largest_magnitude(const float *x, size_t n)
{
    uint32_t max = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffffu;
        max = bits > max ? bits : max;
    }
    return max;
}

void ts_quantize_q8_ref(int8_t *q, float *d, int16_t *s, const float *x, size_t n, size_t block)
{
    for (size_t start = 0; start < n; start += block) {
        const size_t end = n - start < block ? n : start + block;
        const float factor = q8_factor(largest_magnitude(x + start, end - start), d++);

        for (size_t i = start; i < end; i++) {
            if (i % 16 == 0)
                s[i / 16] = 0;
            q[i] = factor > 0 ? (int8_t)((x[i] * factor + 0x1.8p+23f) - 0x1.8p+23f) : 0;
            s[i / 16] = (int16_t)(s[i / 16] + q[i]);
        }
    }
}
