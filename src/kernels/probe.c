/* probe.c - which probes this CPU can run; see probe.h. */
#include "kernels/probe.h"

#include "core/cpu.h"

#ifndef TS_HAVE_AVX2
#define TS_HAVE_AVX2 0
#endif
#ifndef TS_HAVE_AVXVNNI
#define TS_HAVE_AVXVNNI 0
#endif
#ifndef TS_HAVE_AVX512
#define TS_HAVE_AVX512 0
#endif
#ifndef TS_HAVE_DOTPROD
#define TS_HAVE_DOTPROD 0
#endif

void ts_probes_select(ts_probes *p, unsigned cpu_flags)
{
    *p = (ts_probes){ts_probe_int8_ref, ts_probe_f32_ref};
#if TS_HAVE_AVX2
    if (cpu_flags & TS_CPU_AVX2)
        *p = (ts_probes){ts_probe_int8_avx2, ts_probe_f32_avx2};
#endif
#if TS_HAVE_AVXVNNI
    if (cpu_flags & TS_CPU_AVXVNNI)
        p->int8 = ts_probe_int8_avxvnni;
#endif
#if TS_HAVE_AVX512
    if (cpu_flags & TS_CPU_AVX512)
        *p = (ts_probes){ts_probe_int8_avx512, ts_probe_f32_avx512};
#endif
#if TS_HAVE_DOTPROD
    if (cpu_flags & TS_CPU_DOTPROD)
        p->int8 = ts_probe_int8_dotprod;
#endif
    (void)cpu_flags;
}
