/* chat_json.h - conversations as the page sees them. */
#ifndef TS_SERVER_CHAT_JSON_H
#define TS_SERVER_CHAT_JSON_H

#include "server/app/app.h"

enum { TS_TITLE_MAX = 200, TS_SYSTEM_MAX = 256 << 10, TS_MODEL_NAME_MAX = 127, TS_MAX_FILES = 32 };

/* The meta object; an empty one if it does not parse.  New reference; NULL: no memory. */
json_t *ts_chat_meta(const ts_dialog *c);
bool ts_chat_set_meta(ts_dialog *c, const json_t *meta) TS_MUST_CHECK;

/* New references; NULL: no memory. */
json_t *ts_chat_summary(ts_app *app, int64_t user_n, const ts_dialog *c);

/* A stored message as it is now: "broken" if it says live and is not.  NULL: no memory. */
json_t *ts_chat_message_json(const ts_chat_message *m, const char *live_id);

/* Conversation with its messages, appended to o. */
tiefsee_status ts_chat_write(ts_work *w, const ts_dialog *c, ts_out *o);

/* The same in parts, with the texts of files: the beginning up to the messages, and messages
 * behind *seq (0: from the first) until o has max_bytes.  *is_done: that was the last.  The
 * caller writes "]}". */
void ts_chat_write_head(ts_work *w, const ts_dialog *c, ts_out *o);
tiefsee_status ts_chat_write_some(ts_work *w, const ts_dialog *c, int64_t *seq, size_t max_bytes,
                                  ts_out *o, bool *is_done);

/* Finds the conversation in the path; false: answered and left. */
bool ts_chat_of_path(ts_work *w, ts_dialog *c) TS_MUST_CHECK;

/* Put the texts of files into the message's "files" (by index in the store). */
tiefsee_status ts_chat_add_file_texts(ts_work *w, const ts_dialog *c, int64_t seq, json_t *message);

/* What a client sent as "files": to metadata (new reference) and, by index, texts.
 * {"of", "index"} are looked up.  NULL: *wrong says why. */
json_t *ts_chat_take_files(ts_work *w, const ts_dialog *c, const json_t *files, json_t **texts,
                           ts_wrong *wrong);
tiefsee_status ts_chat_put_files(ts_work *w, const ts_dialog *c, int64_t seq, const json_t *texts);

#endif
