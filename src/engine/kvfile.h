/* kvfile.h - bytes in and out of segment files, and which there are. */
#ifndef TS_ENGINE_KVFILE_H
#define TS_ENGINE_KVFILE_H

#include "core/error.h"
#include "core/str.h"

/* All n bytes, or false and errno. */
bool ts_kvfile_write(int fd, const uint8_t *p, size_t n, uint64_t offset) TS_MUST_CHECK;
bool ts_kvfile_read(int fd, uint8_t *p, size_t n, uint64_t offset) TS_MUST_CHECK;

/* The numbers (uint64_t) of all segment files, sorted; the caller frees the buffer. */
tiefsee_status ts_kvfile_list(const char *folder, ts_buf *numbers,
                              tiefsee_error *err) TS_MUST_CHECK;

#endif
