/* ids.h - token ids as text. */
#ifndef TS_CLI_IDS_H
#define TS_CLI_IDS_H

#include "core/str.h"
#include "tiefsee/tiefsee.h"

typedef struct ts_ids {
    tiefsee_token *at;
    size_t n;
} ts_ids;

/* Numbers apart by white space or commas.  Free at with ts_free. */
tiefsee_status ts_ids_parse(ts_ids *out, const ts_buf *text, tiefsee_error *err) TS_MUST_CHECK;

#endif
