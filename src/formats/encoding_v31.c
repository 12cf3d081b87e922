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

/* The beginning of an answer that is to be continued. */
static void write_beginning(ts_spans *out, const ts_chat *chat, bool is_last_user)
{
    const tiefsee_message *m = &chat->messages[chat->n - 1];
    const bool thinks = chat->thinking && m->reasoning;
    const bool has_content = m->content && *m->content;

    if (is_last_user) {
        ts_spans_marker(out, "<｜Assistant｜>");
        ts_spans_marker(out, thinks ? "<think>" : "</think>");
        if (thinks)
            ts_spans_text(out, ts_str_of(m->reasoning));
        if (thinks && has_content)
            ts_spans_marker(out, "</think>");
    }
    ts_spans_text(out, ts_str_of(m->content));
}

/* In a list of a tool's answers the template does not look for "</think>". */
static void write_answer(ts_spans *out, const tiefsee_message *m, bool is_last_user,
                         bool is_behind_tool)
{
    const ts_str content = ts_str_of(m->content);

    if (is_last_user) {
        ts_spans_marker(out, "<｜Assistant｜>");
        ts_spans_marker(out, "</think>");
    }
    ts_spans_text(out, m->n_calls > 0 || is_behind_tool ? content : without_reasoning(content));
    ts_spans_calls(out, m, TS_CALLS_PLAIN);
    ts_spans_eos(out);
}

void ts_encoding_render_v31(ts_spans *out, const ts_chat *chat)
{
    bool is_last_user = false, is_behind_tool = false;

    ts_spans_bos(out);
    ts_spans_system(out, chat->messages, chat->n);
    ts_spans_tools(out, chat, TS_CALLS_PLAIN);
    for (size_t i = 0; i < chat->n; i++) {
        const tiefsee_message *m = &chat->messages[i];

        if (m->role == TIEFSEE_USER) {
            ts_spans_marker(out, "<｜User｜>");
            ts_spans_text(out, ts_str_of(m->content));
        } else if (m->role == TIEFSEE_TOOL) {
            ts_spans_marker(out, TS_OUTPUT_BEGIN);
            ts_spans_text(out, ts_str_of(m->content));
            ts_spans_marker(out, TS_OUTPUT_END);
        } else if (m->role == TIEFSEE_ASSISTANT) {
            if (chat->continues && i == chat->n - 1) {
                write_beginning(out, chat, is_last_user);
                return;
            }
            write_answer(out, m, is_last_user, is_behind_tool);
        } else
            continue;
        is_last_user = m->role == TIEFSEE_USER;
        is_behind_tool = m->role == TIEFSEE_TOOL;
    }
    if (is_behind_tool)
        return; /* the same turn goes on */
    ts_spans_marker(out, "<｜Assistant｜>");
    ts_spans_marker(out, chat->thinking ? "<think>" : "</think>");
}
