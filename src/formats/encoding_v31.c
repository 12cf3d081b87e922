/* encoding_v31.c - the chat format of DeepSeek-V3.1 and V3.1-Terminus.
 *
 *     <bos>{system}<｜User｜>{question}<｜Assistant｜></think>{answer}<eos><｜User｜>...
 *     ... <｜Assistant｜><think>          to think
 *     ... <｜Assistant｜></think>         to answer at once
 *
 * Earlier answers always stand behind a "</think>", without their reasoning:
 * what stands before the first "</think>" of an answer is cut.  The markers
 * belong to the first answer behind a question; a second one in a row follows
 * its <eos> directly, as in the published template.
 */
#include <string.h>

#include "formats/encoding_spans.h"

/* The answer behind the first "</think>". */
static ts_str without_reasoning(ts_str content)
{
    static const char end[] = "</think>";
    const char *at = content.len ? memmem(content.ptr, content.len, end, sizeof end - 1) : NULL;

    if (!at)
        return content;
    at += sizeof end - 1;
    return (ts_str){at, content.len - (size_t)(at - content.ptr)};
}

void ts_encoding_render_v31(ts_spans *out, const tiefsee_message *messages, size_t n, bool thinking)
{
    bool is_last_user = false;

    ts_spans_bos(out);
    ts_spans_system(out, messages, n);
    for (size_t i = 0; i < n; i++) {
        if (messages[i].role == TIEFSEE_USER) {
            ts_spans_marker(out, "<｜User｜>");
            ts_spans_text(out, ts_str_of(messages[i].content));
            is_last_user = true;
        } else if (messages[i].role == TIEFSEE_ASSISTANT) {
            if (is_last_user) {
                ts_spans_marker(out, "<｜Assistant｜>");
                ts_spans_marker(out, "</think>");
            }
            ts_spans_text(out, without_reasoning(ts_str_of(messages[i].content)));
            ts_spans_eos(out);
            is_last_user = false;
        }
    }
    ts_spans_marker(out, "<｜Assistant｜>");
    ts_spans_marker(out, thinking ? "<think>" : "</think>");
}
