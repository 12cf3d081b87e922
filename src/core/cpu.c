/* cpu.c - see cpu.h.
 *
 * x86: CPUID leaf 7 and XCR0 (Intel SDM volume 1, 13.3): an instruction set
 * counts only if the operating system saves its registers.
 */
#include "core/cpu.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1UL << 20)
#endif
#endif

#if defined(__x86_64__)
static uint64_t read_xcr0(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

unsigned ts_cpu_flags(void)
{
    unsigned a, b, c, d, b7, c7, d7, flags = 0;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) /* OSXSAVE */
        return 0;
    const bool has_fma_f16c = (c & (1u << 12)) && (c & (1u << 29));
    if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
        return 0;
    const uint64_t xcr0 = read_xcr0();
    if (has_fma_f16c && (b7 & (1u << 5)) && (xcr0 & 0x6) == 0x6)
        flags |= TS_CPU_AVX2;
    /* F 16, DQ 17, BW 30, VL 31 in ebx; VBMI 1, VNNI 11 in ecx. */
    const unsigned want_b = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    const unsigned want_c = 1u << 1 | 1u << 11;
    if ((flags & TS_CPU_AVX2) && (b7 & want_b) == want_b && (c7 & want_c) == want_c &&
        (xcr0 & 0xe6) == 0xe6)
        flags |= TS_CPU_AVX512;
    /* a: the last subleaf. */
    if ((flags & TS_CPU_AVX2) && a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
        (a & (1u << 4)))
        flags |= TS_CPU_AVXVNNI;
    return flags;
}
#elif defined(__aarch64__)
unsigned ts_cpu_flags(void)
{
    const unsigned long caps = getauxval(AT_HWCAP);
    return TS_CPU_NEON | (caps & HWCAP_ASIMDDP ? TS_CPU_DOTPROD : 0u);
}
#else
unsigned ts_cpu_flags(void)
{
    return 0;
}
#endif

int ts_cpu_limit(unsigned *flags, const char *level)
{
    static const struct {
        const char *name;
        unsigned keep;
    } levels[] = {
        {"ref", 0},
        {"avx2", TS_CPU_AVX2},
        {"avxvnni", TS_CPU_AVX2 | TS_CPU_AVXVNNI},
        {"avx512", TS_CPU_AVX2 | TS_CPU_AVX512},
        {"neon", TS_CPU_NEON},
        {"dotprod", TS_CPU_NEON | TS_CPU_DOTPROD},
    };

    if (!level || !*level)
        return 1;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(level, levels[i].name) == 0) {
            *flags &= levels[i].keep;
            return 1;
        }
    return 0;
}

const char *ts_cpu_level(unsigned flags)
{
    if (flags & TS_CPU_AVX512)
        return "avx512";
    if (flags & TS_CPU_AVXVNNI)
        return "avxvnni";
    if (flags & TS_CPU_AVX2)
        return "avx2";
    if (flags & TS_CPU_DOTPROD)
        return "dotprod";
    return flags & TS_CPU_NEON ? "neon" : "ref";
}

/* First line of a small file; false if it cannot be read. */
static bool read_line(const char *path, char *out, int size)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    const bool ok = fgets(out, size, f) != NULL;
    (void)fclose(f);
    return ok;
}

/* CPU time per period that the container grants, in cores; 0: unlimited. */
static int quota_cores(void)
{
    char line[128], old_quota[64], old_period[64];
    long long quota = 0, period = 0;

    if (read_line("/sys/fs/cgroup/cpu.max", line, sizeof line)) {
        char *end;
        quota = strtoll(line, &end, 10); /* "max 100000" gives 0 */
        period = strtoll(end, NULL, 10);
    } else if (read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", old_quota, sizeof old_quota) &&
               read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", old_period, sizeof old_period)) {
        quota = strtoll(old_quota, NULL, 10);
        period = strtoll(old_period, NULL, 10);
    }
    if (quota <= 0 || period <= 0)
        return 0;
    return (int)((quota + period - 1) / period);
}

/* A hyperthread counts only if it is the first allowed one of its core. */
static bool is_first_sibling(int cpu, const cpu_set_t *allowed)
{
    char path[96], line[256];

    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
                   cpu);
    if (!read_line(path, line, sizeof line))
        return true;
    for (char *p = line; *p && *p != '\n';) {
        long first = strtol(p, &p, 10), last = first;
        if (*p == '-')
            last = strtol(p + 1, &p, 10);
        for (long c = first; c <= last && c < CPU_SETSIZE; c++)
            if (CPU_ISSET((size_t)c, allowed))
                return c == cpu;
        if (*p != ',')
            break;
        p++;
    }
    return true;
}

int ts_cpu_cores(void)
{
    cpu_set_t allowed;
    int n = 0;

    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &allowed) && is_first_sibling(cpu, &allowed))
            n++;
    const int quota = quota_cores();
    if (quota > 0 && quota < n)
        n = quota;
    return n > 0 ? n : 1;
}

uint64_t ts_cpu_available_memory(void)
{
    char line[128];
    uint64_t available = 0;
    FILE *f = fopen("/proc/meminfo", "re");

    if (!f)
        return 0;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "MemAvailable:", 13) == 0)
            available = (uint64_t)strtoull(line + 13, NULL, 10) * 1024;
    (void)fclose(f);
    if (read_line("/sys/fs/cgroup/memory.max", line, sizeof line) && line[0] != 'm') {
        const uint64_t limit = strtoull(line, NULL, 10);
        uint64_t used = 0;
        if (read_line("/sys/fs/cgroup/memory.current", line, sizeof line))
            used = strtoull(line, NULL, 10);
        const uint64_t left = limit > used ? limit - used : 0;
        available = left < available ? left : available;
    }
    return available;
}

void ts_cpu_name(char *out, unsigned size)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");

    out[0] = '\0';
    if (!f)
        return;
    while (fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(out, size, "%s", colon + 2);
        break;
    }
    (void)fclose(f);
}
