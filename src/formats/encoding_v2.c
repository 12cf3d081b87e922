/* encoding_v2.c - the chat format of DeepSeek-V2 (also V2-Lite and Coder-V2).
 *
 *     <bos>{system}\n\nUser: {question}\n\nAssistant: {answer}<eos>User: ...
 *     ... \n\nAssistant:
 *
 * Roles are ordinary text here, which is the weakness of the format: whoever
 * writes "User:" into a message does forge a turn.  Later generations have
 * tokens for it.  System messages stay where they stand.
 */
#include "formats/encoding_spans.h"

void ts_encoding_render_v2(ts_spans *out, const ts_chat *chat)
{
    const tiefsee_message *messages = chat->messages;
    const size_t n = chat->n;

    ts_spans_bos(out);
    for (size_t i = 0; i < n; i++) {
        const ts_str content = ts_str_of(messages[i].content);

        switch (messages[i].role) {
        case TIEFSEE_SYSTEM:
            ts_spans_text(out, content);
            ts_spans_literal(out, "\n\n");
            break;
        case TIEFSEE_USER:
            ts_spans_literal(out, "User: ");
            ts_spans_text(out, content);
            ts_spans_literal(out, "\n\n");
            break;
        case TIEFSEE_ASSISTANT:
            ts_spans_literal(out, "Assistant: ");
            ts_spans_text(out, content);
            if (chat->continues && i == n - 1)
                return;
            ts_spans_eos(out);
            break;
        case TIEFSEE_TOOL: break; /* the format has none */
        }
    }
    ts_spans_literal(out, "Assistant:");
}
