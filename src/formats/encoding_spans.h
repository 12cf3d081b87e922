/* encoding_spans.h - a conversation between its renderer and its ids.
 *
 * Renderers append spans; what is TEXT can never become a special token, what
 * is a marker must be one.  Neighbouring texts are one text for the tokenizer,
 * as they are in a rendered template.  Spans borrow from messages and literals.
 */
#ifndef TS_FORMATS_ENCODING_SPANS_H
#define TS_FORMATS_ENCODING_SPANS_H

#include "core/str.h"
#include "formats/encoding.h"
#include "formats/toolcalls.h"

typedef enum ts_span_kind {
    TS_SPAN_TEXT = 0,
    TS_SPAN_MARKER,
    TS_SPAN_BOS,
    TS_SPAN_EOS
} ts_span_kind;

typedef struct ts_span {
    ts_span_kind kind;
    ts_str text;
} ts_span;

/* has_failed is sticky (out of memory), so that a renderer reads like the
 * format it writes and is judged once. */
typedef struct ts_spans {
    ts_span *at;
    size_t n, cap;
    bool has_failed;
} ts_spans;

void ts_spans_free(ts_spans *s);

void ts_spans_text(ts_spans *s, ts_str text); /* nothing for an empty text */
void ts_spans_literal(ts_spans *s, const char *text);
void ts_spans_marker(ts_spans *s, const char *token);
void ts_spans_bos(ts_spans *s);
void ts_spans_eos(ts_spans *s);

/* All system messages, wherever they stand, with an empty line between. */
void ts_spans_system(ts_spans *s, const tiefsee_message *messages, size_t n);

/* "\n\n## Tools\n..." behind the system's text; nothing without tools. */
void ts_spans_tools(ts_spans *s, const ts_chat *chat, ts_call_style style);

/* Calls of a message of the assistant, with their markers. */
void ts_spans_calls(ts_spans *s, const tiefsee_message *message, ts_call_style style);

/* A tool's answer, fenced style: the first one opens the list. */
void ts_spans_output(ts_spans *s, const tiefsee_message *message, bool *in_outputs);

/* One per generation, each in its file. */
typedef void ts_encoding_renderer(ts_spans *out, const ts_chat *chat);
ts_encoding_renderer ts_encoding_render_v2, ts_encoding_render_v3, ts_encoding_render_r1,
    ts_encoding_render_v31;

#endif
