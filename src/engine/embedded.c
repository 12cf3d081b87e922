/* embedded.c - see embedded.h.  The assembler copies the file into read-only
 * data; TS_EMBEDDED_PATH comes from the build. */
#include "engine/embedded.h"

#ifdef TS_EMBEDDED_PATH
__asm__(".section .rodata\n"
        ".balign 64\n"
        ".hidden ts_embedded_begin\n"
        ".globl ts_embedded_begin\n"
        "ts_embedded_begin:\n"
        ".incbin \"" TS_EMBEDDED_PATH "\"\n"
        ".hidden ts_embedded_end\n"
        ".globl ts_embedded_end\n"
        "ts_embedded_end:\n"
        ".previous\n");

extern const char ts_embedded_begin[], ts_embedded_end[];

const void *ts_embedded_model(void)
{
    return ts_embedded_begin;
}

size_t ts_embedded_size(void)
{
    return (size_t)(ts_embedded_end - ts_embedded_begin);
}
#else
const void *ts_embedded_model(void)
{
    return NULL;
}

size_t ts_embedded_size(void)
{
    return 0;
}
#endif
