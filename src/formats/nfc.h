/* nfc.h - Unicode normalisation form C, as the published tokenizers have it. */
#ifndef TS_FORMATS_NFC_H
#define TS_FORMATS_NFC_H

#include "core/error.h"
#include "core/str.h"

/* True if NFC leaves the text as it is, by a look at single characters; false
 * may be a false alarm.  The text is valid UTF-8. */
bool ts_nfc_is_settled(const char *text, size_t n);

/* Append the NFC of n bytes of valid UTF-8: at most 3 * n bytes.  Time is linear
 * but for the sorting of marks on one letter, n log n. */
tiefsee_status ts_nfc_append(ts_buf *out, const char *text, size_t n,
                             tiefsee_error *err) TS_MUST_CHECK;

#endif
