/* outfile.h - write a file so that its name always means a whole one.
 *
 * The bytes go into a file beside it; commit syncs and renames.  Until then, and
 * after any failure, what was there under the name before is untouched.
 */
#ifndef TS_CORE_OUTFILE_H
#define TS_CORE_OUTFILE_H

#include <stdbool.h>

#include "core/error.h"

typedef struct ts_outfile ts_outfile;

/* is_private: nobody but the owner may read it; else as the umask says.  Errors name
 * the path, not the file beside it. */
tiefsee_status ts_outfile_open(ts_outfile **out, const char *path, bool is_private,
                               tiefsee_error *err) TS_MUST_CHECK;

/* Buffered; n == 0 is allowed. */
tiefsee_status ts_outfile_write(ts_outfile *f, const void *bytes, size_t n,
                                tiefsee_error *err) TS_MUST_CHECK;

/* All bytes on the disk under the name, or an error and the old file.  Frees f. */
tiefsee_status ts_outfile_commit(ts_outfile *f, tiefsee_error *err) TS_MUST_CHECK;

/* Forget what was written.  Frees f; NULL allowed. */
void ts_outfile_drop(ts_outfile *f);

#endif
