/* chat_line.c - see chat_line.h. */
#include "train/chat_line.h"

#include <string.h>

static const char *const roles[] = {"system", "user", "assistant", "tool"};

/* "tool_calls" as a text of calls is taken apart. */
typedef struct call_list {
    json_t *calls;
    char name[TS_CALL_NAME_MAX + 1];
    ts_buf arguments;
    bool is_good;
} call_list;

static json_t *call_of(const char *name, const char *arguments)
{
    return json_pack("{s:s, s:{s:s, s:s}}", "type", "function", "function", "name", name,
                     "arguments", arguments);
}

static void on_begin(void *user, const char *name)
{
    call_list *l = user;

    memcpy(l->name, name, strlen(name) + 1);
    ts_buf_clear(&l->arguments);
}

static void on_arguments(void *user, const char *text, size_t n)
{
    call_list *l = user;

    l->is_good = ts_buf_append(&l->arguments, text, n) && l->is_good;
}

static void on_end(void *user)
{
    call_list *l = user;
    json_t *call = ts_buf_append(&l->arguments, "", 1) ? call_of(l->name, l->arguments.ptr) : NULL;

    l->is_good = json_array_append_new(l->calls, call) == 0 && l->is_good;
}

/* The text in front of the calls, and they themselves. */
static bool split_calls(json_t *message, const char *content)
{
    static const ts_call_events events = {on_begin, on_arguments, on_end};
    const char *begin = strstr(content, TS_CALLS_BEGIN);
    ts_call_parser p = {.style = TS_CALLS_PLAIN};
    call_list l = {.arguments = ts_buf_make(1 << 16), .is_good = true};

    if (!begin)
        return json_object_set_new(message, "content", json_string(content)) == 0;
    l.calls = json_array();
    begin += strlen(TS_CALLS_BEGIN);
    ts_call_parser_feed(&p, begin, strlen(begin), &events, &l);
    ts_call_parser_end(&p, &events, &l);
    ts_buf_free(&l.arguments);
    return json_object_set_new(
               message, "content",
               json_stringn(content, (size_t)(begin - content) - strlen(TS_CALLS_BEGIN))) == 0 &&
           json_object_set_new(message, "tool_calls", l.calls) == 0 && l.is_good;
}

static json_t *message_of(const tiefsee_message *m)
{
    json_t *out = json_pack("{s:s}", "role", roles[m->role]), *calls = NULL;
    bool is_good = out && split_calls(out, m->content ? m->content : "");

    if (is_good && m->reasoning && *m->reasoning)
        is_good = json_object_set_new(out, "reasoning_content", json_string(m->reasoning)) == 0;
    if (is_good && m->n_calls > 0) {
        calls = json_array();
        for (size_t i = 0; i < m->n_calls; i++)
            is_good = json_array_append_new(
                          calls, call_of(m->calls[i].name, m->calls[i].arguments)) == 0 &&
                      is_good;
        is_good = json_object_set_new(out, "tool_calls", calls) == 0 && is_good;
    }
    if (!is_good) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static json_t *tool_of(const tiefsee_tool *t)
{
    json_t *parameters = json_loads(t->parameters ? t->parameters : "{}", 0, NULL);
    json_t *f = json_pack("{s:s, s:o}", "name", t->name, "parameters", parameters);

    if (f && t->description)
        (void)json_object_set_new(f, "description", json_string(t->description));
    return json_pack("{s:s, s:o}", "type", "function", "function", f);
}

json_t *ts_chat_line(const ts_chat *chat, const tiefsee_message *answer)
{
    json_t *messages = json_array(), *line = json_object(), *tools;
    bool is_good = messages && line;

    for (size_t i = 0; is_good && i < chat->n; i++)
        is_good = json_array_append_new(messages, message_of(&chat->messages[i])) == 0;
    if (is_good)
        is_good = json_array_append_new(messages, message_of(answer)) == 0;
    is_good = json_object_set_new(line, "messages", messages) == 0 && is_good;
    if (is_good && chat->n_tools > 0) {
        tools = json_array();
        for (size_t i = 0; i < chat->n_tools; i++)
            is_good = json_array_append_new(tools, tool_of(&chat->tools[i])) == 0 && is_good;
        is_good = json_object_set_new(line, "tools", tools) == 0 && is_good;
    }
    if (!is_good) {
        json_decref(line);
        return NULL;
    }
    return line;
}
