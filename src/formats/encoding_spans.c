/* encoding_spans.c - see encoding_spans.h. */
#include "formats/encoding_spans.h"

#include "core/alloc.h"

void ts_spans_free(ts_spans *s)
{
    ts_free(s->at);
    *s = (ts_spans){0};
}

static void append(ts_spans *s, ts_span_kind kind, ts_str text)
{
    if (s->has_failed)
        return;
    if (s->n == s->cap) {
        const size_t cap = s->cap ? 2 * s->cap : 32;
        ts_span *grown = ts_realloc(s->at, s->n * sizeof *s->at, cap * sizeof *s->at);

        if (!grown) {
            s->has_failed = true;
            return;
        }
        s->at = grown;
        s->cap = cap;
    }
    s->at[s->n++] = (ts_span){kind, text};
}

void ts_spans_text(ts_spans *s, ts_str text)
{
    if (text.len > 0)
        append(s, TS_SPAN_TEXT, text);
}

void ts_spans_literal(ts_spans *s, const char *text)
{
    ts_spans_text(s, ts_str_of(text));
}

void ts_spans_marker(ts_spans *s, const char *token)
{
    append(s, TS_SPAN_MARKER, ts_str_of(token));
}

void ts_spans_bos(ts_spans *s)
{
    append(s, TS_SPAN_BOS, TS_STR("<｜begin▁of▁sentence｜>"));
}

void ts_spans_eos(ts_spans *s)
{
    append(s, TS_SPAN_EOS, TS_STR("<｜end▁of▁sentence｜>"));
}

void ts_spans_system(ts_spans *s, const tiefsee_message *messages, size_t n)
{
    bool is_first = true;

    for (size_t i = 0; i < n; i++) {
        if (messages[i].role != TIEFSEE_SYSTEM)
            continue;
        if (!is_first)
            ts_spans_literal(s, "\n\n");
        ts_spans_text(s, ts_str_of(messages[i].content));
        is_first = false;
    }
}
