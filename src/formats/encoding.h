/* encoding.h - chat formats, one per generation, as C code (never a template).
 *
 * An encoding turns a conversation into a list of spans: marker texts, which
 * must become special tokens, and texts of people and models, which must never
 * (a user cannot forge a turn).  encoding_tokens() maps spans to ids.
 *
 * The other direction splits what the model says into reasoning and content.
 */
#ifndef TS_FORMATS_ENCODING_H
#define TS_FORMATS_ENCODING_H

#include "core/error.h"
#include "core/str.h"
#include "formats/bpe.h"
#include "formats/toolcalls.h"
#include "formats/vocab.h"

typedef enum ts_encoding {
    TS_ENCODING_NONE = 0,
    TS_ENCODING_V2,  /* "User: ...\n\nAssistant:"  (V2, V2-Lite chat) */
    TS_ENCODING_V25, /* V2.5 */
    TS_ENCODING_V3,  /* V3, V3-0324 */
    TS_ENCODING_R1,  /* R1, R1-0528, and the distills: <think>\n is forced */
    TS_ENCODING_V31, /* V3.1: <think> or </think> */
    TS_ENCODING_COUNT
} ts_encoding;

const char *ts_encoding_name(ts_encoding e); /* "deepseek-v3.1", ...; "" for none */
bool ts_encoding_by_name(ts_encoding *out, ts_str name);

/* Which encoding a model wants: the name in the file, else its chat template
 * (compared by hash with the published ones), else its special tokens.
 * Returns TS_ENCODING_NONE when nothing decides. */
ts_encoding ts_encoding_detect(const ts_vocab *vocab, const ts_bpe *bpe);

bool ts_encoding_can_think(ts_encoding e); /* may open a reasoning block */
bool ts_encoding_can_skip(ts_encoding e);  /* knows how not to think */

/* How the model calls tools; none also where the vocabulary lacks a marker. */
ts_call_style ts_encoding_calls(ts_encoding e, const ts_bpe *bpe);

/* Recommended sampling: temperature and top-p (models.md section 10). */
void ts_encoding_sampling(ts_encoding e, float *temperature, float *top_p);

/* A conversation to be rendered: it ends with a turn of the user or of a tool, or,
 * if it continues, with the beginning of the assistant's. */
typedef struct ts_chat {
    const tiefsee_message *messages;
    size_t n;
    const tiefsee_tool *tools;
    size_t n_tools;
    bool thinking, continues;
} ts_chat;

/* Appends ids to out. */
tiefsee_status ts_encoding_render(ts_encoding e, const ts_bpe *bpe, const ts_chat *chat,
                                  ts_tokens *out, tiefsee_error *err) TS_MUST_CHECK;

/* The same as text, for golden tests and `--show-prompt`. */
tiefsee_status ts_encoding_render_text(ts_encoding e, const ts_chat *chat, ts_buf *out,
                                       tiefsee_error *err) TS_MUST_CHECK;

/* What belongs between two texts ("fill in the middle"), as DeepSeek-Coder-V2 and V3
 * have it; UNSUPPORTED where the vocabulary lacks the markers.  Appends ids to out. */
tiefsee_status ts_encoding_render_middle(const ts_bpe *bpe, ts_str before, ts_str behind,
                                         ts_tokens *out, tiefsee_error *err) TS_MUST_CHECK;

/* Splits generated text into reasoning and content.  The marker "</think>" (and
 * a leading "<think>") is removed, also when it arrives in pieces of text; the
 * line breaks directly behind it are dropped, as the templates do.  With
 * splits_calls, "<｜tool▁calls▁begin｜>" in the content is removed too, and what
 * follows it is calls to the end. */
typedef struct ts_splitter {
    bool splits_calls;
    bool in_reasoning, in_calls;
    bool trims;     /* swallow line breaks at the start of the content */
    bool has_begun; /* something but white space was seen */
    char held[32];  /* a beginning of a marker */
    size_t n_held;
} ts_splitter;

void ts_splitter_start(ts_splitter *s, bool in_reasoning);

typedef void ts_on_split(void *user, tiefsee_channel channel, const char *text, size_t n);
void ts_splitter_feed(ts_splitter *s, const char *text, size_t n, ts_on_split *on_text, void *user);
void ts_splitter_end(ts_splitter *s, ts_on_split *on_text, void *user);

#endif
