/* scratch.h - a folder of one test, with everything in it removed at the end. */
#ifndef TS_TESTS_SCRATCH_H
#define TS_TESTS_SCRATCH_H

#include <stddef.h>

typedef struct scratch {
    char folder[256];
} scratch;

void scratch_make(scratch *s);
void scratch_remove(scratch *s);

/* "FOLDER/name", in one of a few buffers that are used in turn. */
const char *scratch_path(const scratch *s, const char *name);

#endif
