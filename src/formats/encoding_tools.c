/* encoding_tools.c - what the system tells of tools, and calls in a conversation.
 *
 * V3.1's text on tools is that of its model card.  The makers published none for the
 * generations before it; theirs is the same text around their form of a call.
 */
#include "formats/encoding_spans.h"

static void describe(ts_spans *s, const tiefsee_tool *tool)
{
    ts_spans_literal(s, "### ");
    ts_spans_text(s, ts_str_of(tool->name));
    ts_spans_literal(s, "\nDescription: ");
    ts_spans_text(s, ts_str_of(tool->description));
    ts_spans_literal(s, "\n\nParameters: ");
    ts_spans_text(s, tool->parameters ? ts_str_of(tool->parameters) : TS_STR("{}"));
    ts_spans_literal(s, "\n\n");
}

static void write_call(ts_spans *s, ts_str name, ts_str arguments, ts_call_style style)
{
    ts_spans_marker(s, TS_CALL_BEGIN);
    if (style == TS_CALLS_FENCED) {
        ts_spans_literal(s, "function");
        ts_spans_marker(s, TS_CALL_SEP);
        ts_spans_text(s, name);
        ts_spans_literal(s, "\n```json\n");
        ts_spans_text(s, arguments);
        ts_spans_literal(s, "\n```");
    } else {
        ts_spans_text(s, name);
        ts_spans_marker(s, TS_CALL_SEP);
        ts_spans_text(s, arguments);
    }
    ts_spans_marker(s, TS_CALL_END);
}

void ts_spans_tools(ts_spans *s, const ts_chat *chat, ts_call_style style)
{
    if (chat->n_tools == 0)
        return;
    ts_spans_literal(s, "\n\n## Tools\nYou have access to the following tools:\n\n");
    for (size_t i = 0; i < chat->n_tools; i++)
        describe(s, &chat->tools[i]);
    ts_spans_literal(s, "IMPORTANT: ALWAYS adhere to this exact format for tool use:\n");
    ts_spans_marker(s, TS_CALLS_BEGIN);
    write_call(s, TS_STR("tool_call_name"), TS_STR("tool_call_arguments"), style);
    ts_spans_literal(s, "{additional_tool_calls}");
    ts_spans_marker(s, TS_CALLS_END);
    ts_spans_literal(s,
                     "\n\nWhere:\n"
                     "- `tool_call_name` must be an exact match to one of the available tools\n"
                     "- `tool_call_arguments` must be valid JSON that strictly follows the tool's "
                     "Parameters Schema\n");
    ts_spans_literal(s, style == TS_CALLS_FENCED
                            ? "- For multiple tool calls, put a line break between them"
                            : "- For multiple tool calls, chain them directly without separators "
                              "or spaces");
}

void ts_spans_calls(ts_spans *s, const tiefsee_message *message, ts_call_style style)
{
    if (message->n_calls == 0)
        return;
    ts_spans_marker(s, TS_CALLS_BEGIN);
    for (size_t i = 0; i < message->n_calls; i++) {
        const tiefsee_tool_call *call = &message->calls[i];

        if (i > 0 && style == TS_CALLS_FENCED)
            ts_spans_literal(s, "\n");
        write_call(s, ts_str_of(call->name), ts_str_of(call->arguments), style);
    }
    ts_spans_marker(s, TS_CALLS_END);
}

void ts_spans_output(ts_spans *s, const tiefsee_message *message, bool *in_outputs)
{
    if (*in_outputs)
        ts_spans_literal(s, "\n");
    else
        ts_spans_marker(s, TS_OUTPUTS_BEGIN);
    ts_spans_marker(s, TS_OUTPUT_BEGIN);
    ts_spans_text(s, ts_str_of(message->content));
    ts_spans_marker(s, TS_OUTPUT_END);
    *in_outputs = true;
}
