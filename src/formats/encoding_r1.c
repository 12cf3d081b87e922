/* encoding_r1.c - the chat format of DeepSeek-R1, R1-0528 and the distills.
 *
 *     <bos>{system}<｜User｜>{question}<｜Assistant｜>{answer}<eos><｜User｜>...
 *     ... <｜Assistant｜><think>\n
 *
 * Reasoning of earlier turns is never sent back: what stands before the last
 * "</think>" of an answer is cut, and the line breaks behind it are kept, as the
 * published template does.  The opening "<think>\n" is always written, since the
 * makers advise to force it; the model has no way to be asked not to think.  The
 * template of the distills keeps only the last of several system messages, R1's
 * own and ours keep all.  Calls are V3's; behind the answers of tools the template
 * writes neither <｜Assistant｜> nor <think>.
 */
#include <string.h>

#include "formats/encoding_spans.h"

/* The answer behind the last "</think>". */
static ts_str without_reasoning(ts_str content)
{
    static const char end[] = "</think>";
    const size_t n = sizeof end - 1;

    for (size_t at = content.len; at >= n; at--)
        if (memcmp(content.ptr + at - n, end, n) == 0)
            return (ts_str){content.ptr + at, content.len - at};
    return content;
}

/* The beginning of an answer that is to be continued. */
static void write_beginning(ts_spans *out, const tiefsee_message *m)
{
    ts_spans_marker(out, "<think>");
    ts_spans_literal(out, "\n");
    ts_spans_text(out, ts_str_of(m->reasoning));
    if (m->reasoning && (!m->content || !*m->content))
        return;
    ts_spans_literal(out, "\n");
    ts_spans_marker(out, "</think>");
    ts_spans_literal(out, "\n\n");
    ts_spans_text(out, ts_str_of(m->content));
}

void ts_encoding_render_r1(ts_spans *out, const ts_chat *chat)
{
    bool in_outputs = false;

    ts_spans_bos(out);
    ts_spans_system(out, chat->messages, chat->n);
    ts_spans_tools(out, chat, TS_CALLS_FENCED);
    for (size_t i = 0; i < chat->n; i++) {
        const tiefsee_message *m = &chat->messages[i];

        if (m->role == TIEFSEE_USER) {
            ts_spans_marker(out, "<｜User｜>");
            ts_spans_text(out, ts_str_of(m->content));
            in_outputs = false;
        } else if (m->role == TIEFSEE_TOOL) {
            ts_spans_output(out, m, &in_outputs);
        } else if (m->role == TIEFSEE_ASSISTANT) {
            ts_spans_marker(out, in_outputs ? TS_OUTPUTS_END : "<｜Assistant｜>");
            if (chat->continues && i == chat->n - 1) {
                write_beginning(out, m);
                return;
            }
            ts_spans_text(out, without_reasoning(ts_str_of(m->content)));
            ts_spans_calls(out, m, TS_CALLS_FENCED);
            ts_spans_eos(out);
            in_outputs = false;
        }
    }
    ts_spans_marker(out, in_outputs ? TS_OUTPUTS_END : "<｜Assistant｜>");
    if (in_outputs)
        return;
    ts_spans_marker(out, "<think>");
    ts_spans_literal(out, "\n");
}
