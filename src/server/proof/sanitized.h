/* sanitized.h - does this build open and call what it likes by itself? */
#ifndef TS_SERVER_SANITIZED_H
#define TS_SERVER_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TS_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define TS_IS_SANITIZED 1
#endif
#endif
#ifndef TS_IS_SANITIZED
#define TS_IS_SANITIZED 0
#endif

#endif
