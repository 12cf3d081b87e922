/* compiler.h - what we ask of the compiler beyond C11. */
#ifndef TS_CORE_COMPILER_H
#define TS_CORE_COMPILER_H

#if defined(__GNUC__)
#define TS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define TS_MUST_CHECK        __attribute__((warn_unused_result))
#define TS_LIKELY(x)         __builtin_expect(!!(x), 1)
#define TS_UNLIKELY(x)       __builtin_expect(!!(x), 0)
#define TS_UNUSED            __attribute__((unused))
#else
#define TS_PRINTF(fmt, args)
#define TS_MUST_CHECK
#define TS_LIKELY(x)   (x)
#define TS_UNLIKELY(x) (x)
#define TS_UNUSED
#endif

#define TS_COUNT(array) (sizeof(array) / sizeof *(array))

#endif
