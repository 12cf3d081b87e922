/* widen_float_ref.c - the definitions of widen_f16, widen_bf16 and
 * widen_f8_e4m3: every value of a narrow float is a float, so this is exact. */
#include "kernels/half.h"
#include "kernels/kernels.h"

void ts_widen_f16_ref(float *y, const void *w, size_t n)
{
    const unsigned char *p = w;

    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, p + 2 * i, sizeof h);
        y[i] = half_f16(h);
    }
}

void ts_widen_bf16_ref(float *y, const void *w, size_t n)
{
    const unsigned char *p = w;

    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, p + 2 * i, sizeof h);
        y[i] = half_bf16(h);
    }
}

void ts_widen_f8_e4m3_ref(float *y, const void *w, size_t n)
{
    const unsigned char *p = w;

    for (size_t i = 0; i < n; i++)
        y[i] = half_f8_e4m3(p[i]);
}
