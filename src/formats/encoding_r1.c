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
 * own and ours keep all.
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

void ts_encoding_render_r1(ts_spans *out, const tiefsee_message *messages, size_t n, bool thinking)
{
    (void)thinking;
    ts_spans_bos(out);
    ts_spans_system(out, messages, n);
    for (size_t i = 0; i < n; i++) {
        if (messages[i].role == TIEFSEE_USER) {
            ts_spans_marker(out, "<｜User｜>");
            ts_spans_text(out, ts_str_of(messages[i].content));
        } else if (messages[i].role == TIEFSEE_ASSISTANT) {
            ts_spans_marker(out, "<｜Assistant｜>");
            ts_spans_text(out, without_reasoning(ts_str_of(messages[i].content)));
            ts_spans_eos(out);
        }
    }
    ts_spans_marker(out, "<｜Assistant｜>");
    ts_spans_marker(out, "<think>");
    ts_spans_literal(out, "\n");
}
