/* probe.h - how fast this core multiplies: loops without memory or dependencies.
 *
 * The product instruction that a kernel level is built on, alone: no kernel of
 * that level can do better.  AVX2: vpmaddubsw; AVX-VNNI and AVX-512: vpdpbusd;
 * ARM: sdot.
 */
#ifndef TS_KERNELS_PROBE_H
#define TS_KERNELS_PROBE_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t ts_probe_fn(size_t n_rounds);

uint64_t ts_probe_int8_ref(size_t n_rounds);
uint64_t ts_probe_int8_avx2(size_t n_rounds);
uint64_t ts_probe_int8_avxvnni(size_t n_rounds);
uint64_t ts_probe_int8_avx512(size_t n_rounds);
uint64_t ts_probe_int8_dotprod(size_t n_rounds);
uint64_t ts_probe_f32_ref(size_t n_rounds);
uint64_t ts_probe_f32_avx2(size_t n_rounds);
uint64_t ts_probe_f32_avx512(size_t n_rounds);

typedef struct ts_probes {
    ts_probe_fn *int8; /* multiply-adds done, 8-bit integers */
    ts_probe_fn *f32;  /* multiply-adds done, float */
} ts_probes;

void ts_probes_select(ts_probes *p, unsigned cpu_flags);

#endif
