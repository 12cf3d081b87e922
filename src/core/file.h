/* file.h - files, read whole or mapped. */
#ifndef TS_CORE_FILE_H
#define TS_CORE_FILE_H

#include "core/error.h"
#include "core/str.h"

/* A read-only mapping of a whole regular file.  The pages are shared with the
 * page cache, so an unused model costs nothing but address space. */
typedef struct ts_map {
    const uint8_t *ptr;
    size_t size;
    int64_t changed_ns; /* when the file was changed last, since 1970 */
} ts_map;

tiefsee_status ts_map_open(ts_map *out, const char *path, tiefsee_error *err) TS_MUST_CHECK;
void ts_map_close(ts_map *m); /* a zeroed map is allowed */

/* Tell the kernel that this range will be read soon / is no longer needed. */
void ts_map_will_need(const void *p, size_t n);

/* Read a whole file of at most max_bytes; out is terminated.  Free with ts_buf_free. */
tiefsee_status ts_file_read(ts_buf *out, const char *path, size_t max_bytes,
                            tiefsee_error *err) TS_MUST_CHECK;

/* Replace path by these bytes: written beside it, synced, renamed; for its owner only. */
tiefsee_status ts_file_write(const char *path, const void *bytes, size_t n,
                             tiefsee_error *err) TS_MUST_CHECK;

bool ts_file_is_folder(const char *path);
bool ts_file_exists(const char *path);

#endif
