/* encoding_v3.c - the chat format of DeepSeek-V2.5, V3 and V3-0324.
 *
 *     <bos>{system}<｜User｜>{question}<｜Assistant｜>{answer}<eos><｜User｜>...
 *     ... <｜Assistant｜>
 *
 * Calls and what the tools answered:
 *
 *     <｜Assistant｜>{content}<calls begin>...<calls end><eos><outputs begin>
 *     <output begin>{answer}<output end>\n<output begin>...<outputs end>{answer}<eos>
 *
 * as V3-0324's template has it; the first templates lost the ends of most calls.
 *
 * No other line breaks anywhere.  System messages are collected in front; the
 * published template of V2.5 keeps only the last of several, ours keeps all; it also
 * puts eight blanks before <bos> when there is one, which its model card does not.
 */
#include "formats/encoding_spans.h"

void ts_encoding_render_v3(ts_spans *out, const ts_chat *chat)
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
            ts_spans_text(out, ts_str_of(m->content));
            if (chat->continues && i == chat->n - 1)
                return;
            ts_spans_calls(out, m, TS_CALLS_FENCED);
            ts_spans_eos(out);
            in_outputs = false;
        }
    }
    ts_spans_marker(out, in_outputs ? TS_OUTPUTS_END : "<｜Assistant｜>");
}
