/* encoding_v3.c - the chat format of DeepSeek-V2.5, V3 and V3-0324.
 *
 *     <bos>{system}<｜User｜>{question}<｜Assistant｜>{answer}<eos><｜User｜>...
 *     ... <｜Assistant｜>
 *
 * No line breaks anywhere.  System messages are collected in front; the
 * published template of V2.5 keeps only the last of several, ours keeps all; it also
 * puts eight blanks before <bos> when there is one, which its model card does not.
 */
#include "formats/encoding_spans.h"

void ts_encoding_render_v3(ts_spans *out, const tiefsee_message *messages, size_t n, bool thinking)
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
            ts_spans_text(out, ts_str_of(messages[i].content));
            ts_spans_eos(out);
        }
    }
    ts_spans_marker(out, "<｜Assistant｜>");
}
