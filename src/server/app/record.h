/* record.h - the record of processing activities (GDPR, article 30), from the store. */
#ifndef TS_SERVER_RECORD_H
#define TS_SERVER_RECORD_H

#include "core/error.h"
#include "core/str.h"

/* Markdown, appended.  path: the database, which must exist. */
tiefsee_status ts_record_write(const char *path, ts_buf *out, tiefsee_error *err) TS_MUST_CHECK;

#endif
