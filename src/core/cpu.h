/* cpu.h - what this processor and this process may use. */
#ifndef TS_CORE_CPU_H
#define TS_CORE_CPU_H

#include <stdint.h>

enum {
    TS_CPU_AVX2 = 1u << 0,    /* AVX2, FMA, F16C, and the OS saves ymm */
    TS_CPU_AVX512 = 1u << 1,  /* F, BW, DQ, VL, VNNI, VBMI, and the OS saves zmm */
    TS_CPU_NEON = 1u << 2,    /* ARMv8 Advanced SIMD */
    TS_CPU_DOTPROD = 1u << 3, /* ARMv8.2 sdot/udot */
    TS_CPU_AVXVNNI = 1u << 4, /* vpdpbusd on ymm without AVX-512; AVX2 as well */
};

/* Detected once per call; cheap. */
unsigned ts_cpu_flags(void);

/* Keep only what the named level allows: "ref", "avx2", "avxvnni", "avx512", "neon",
 * "dotprod".  NULL or "" keeps all.  Returns 0 and leaves *flags alone if the name is
 * unknown, 1 otherwise. */
int ts_cpu_limit(unsigned *flags, const char *level);

/* "ref", "avx2", "avxvnni", "avx512", "neon", "dotprod": the highest level in flags. */
const char *ts_cpu_level(unsigned flags);

/* Physical cores that this process may run on: affinity mask, hyperthreads
 * counted once, and the container's CPU quota rounded up.  At least 1. */
int ts_cpu_cores(void);

/* Bytes that can still be allocated: the system's MemAvailable, capped by the
 * container's limit.  0 if unknown. */
uint64_t ts_cpu_available_memory(void);

/* "AMD EPYC 7B13": the model name, or "". */
void ts_cpu_name(char *out, unsigned size);

#endif
