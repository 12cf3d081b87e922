/* dispatch.c - fill the table of kernels for a set of CPU flags.
 *
 * Levels are tried from the lowest up, so the last one that has a variant wins.
 * The build defines TS_HAVE_<ISA> for the instruction sets that the compiler
 * knows for this processor; a plain compile of this file knows the reference.
 */
#include "kernels/kernels.h"

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
#ifndef TS_HAVE_NEON
#define TS_HAVE_NEON 0
#endif
#ifndef TS_HAVE_DOTPROD
#define TS_HAVE_DOTPROD 0
#endif

/* VARIANT(isa, name) ends in USE(ts_name_isa) for the isa that PICK_<isa> keeps. */
#define USE(name, isa) k->name = ts_##name##_##isa;
#define SKIP(name, isa)
#define VARIANT(isa, name) PICK_##isa(name, isa)

void ts_kernels_select(ts_kernels *k, unsigned cpu_flags)
{
#define KERNEL(name, result, params) k->name = ts_##name##_ref;
#include "kernels/kernels.def"
#undef KERNEL

#define PICK_avx2    SKIP
#define PICK_avxvnni SKIP
#define PICK_avx512  SKIP
#define PICK_neon    SKIP
#define PICK_dotprod SKIP

#if TS_HAVE_AVX2
#undef PICK_avx2
#define PICK_avx2 USE
    if (cpu_flags & TS_CPU_AVX2) {
#include "kernels/variants.def"
    }
#undef PICK_avx2
#define PICK_avx2 SKIP
#endif
#if TS_HAVE_AVXVNNI
#undef PICK_avxvnni
#define PICK_avxvnni USE
    if (cpu_flags & TS_CPU_AVXVNNI) {
#include "kernels/variants.def"
    }
#undef PICK_avxvnni
#define PICK_avxvnni SKIP
#endif
#if TS_HAVE_AVX512
#undef PICK_avx512
#define PICK_avx512 USE
    if (cpu_flags & TS_CPU_AVX512) {
#include "kernels/variants.def"
    }
#undef PICK_avx512
#define PICK_avx512 SKIP
#endif
#if TS_HAVE_NEON
#undef PICK_neon
#define PICK_neon USE
    if (cpu_flags & TS_CPU_NEON) {
#include "kernels/variants.def"
    }
#undef PICK_neon
#define PICK_neon SKIP
#endif
#if TS_HAVE_DOTPROD
#undef PICK_dotprod
#define PICK_dotprod USE
    if (cpu_flags & TS_CPU_DOTPROD) {
#include "kernels/variants.def"
    }
#undef PICK_dotprod
#define PICK_dotprod SKIP
#endif
    (void)cpu_flags;
}
