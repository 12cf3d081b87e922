/* scene.c - see scene.h. */
#include "train/tasks/scene.h"

#include <string.h>

ts_scene ts_scene_empty(void)
{
    return (ts_scene){.text = ts_buf_make(TS_SCENE_BYTES)};
}

void ts_scene_free(ts_scene *s)
{
    ts_buf_free(&s->text);
}

void ts_scene_clear(ts_scene *s)
{
    ts_buf_clear(&s->text);
    s->n_messages = s->n_calls = s->n_tools = 0;
}

static bool keep(ts_scene *s, size_t *at, const char *text)
{
    *at = s->text.len;
    return ts_buf_append(&s->text, text, strlen(text) + 1);
}

bool ts_scene_add(ts_scene *s, tiefsee_role role, const char *content)
{
    if (s->n_messages == TS_SCENE_MESSAGES)
        return false;
    s->message[s->n_messages].role = role;
    s->message[s->n_messages].first_call = s->n_calls;
    s->message[s->n_messages].n_calls = 0;
    return keep(s, &s->message[s->n_messages++].content, content);
}

bool ts_scene_add_call(ts_scene *s, const char *name, const char *arguments)
{
    if (s->n_calls == TS_SCENE_CALLS || s->n_messages == 0)
        return false;
    s->message[s->n_messages - 1].n_calls++;
    return keep(s, &s->call[s->n_calls].name, name) &&
           keep(s, &s->call[s->n_calls++].arguments, arguments);
}

bool ts_scene_add_tool(ts_scene *s, const char *name, const char *about, const char *parameters)
{
    if (s->n_tools == TS_SCENE_TOOLS)
        return false;
    s->tool[s->n_tools].has_about = about != NULL;
    return keep(s, &s->tool[s->n_tools].name, name) &&
           keep(s, &s->tool[s->n_tools].about, about ? about : "") &&
           keep(s, &s->tool[s->n_tools++].parameters, parameters);
}

void ts_scene_look(ts_scene_view *out, const ts_scene *s, const char *question)
{
    const char *text = s->text.ptr;

    *out = (ts_scene_view){.n = s->n_messages, .n_tools = s->n_tools};
    for (size_t i = 0; i < s->n_calls; i++)
        out->calls[i] = (tiefsee_tool_call){.name = text + s->call[i].name,
                                            .arguments = text + s->call[i].arguments};
    for (size_t i = 0; i < s->n_messages; i++) {
        tiefsee_message *m = &out->messages[i];

        *m = (tiefsee_message){.role = s->message[i].role, .content = text + s->message[i].content};
        if (s->message[i].n_calls > 0) {
            m->calls = out->calls + s->message[i].first_call;
            m->n_calls = s->message[i].n_calls;
        }
    }
    for (size_t i = 0; i < s->n_tools; i++)
        out->tools[i] =
            (tiefsee_tool){.name = text + s->tool[i].name,
                           .description = s->tool[i].has_about ? text + s->tool[i].about : NULL,
                           .parameters = text + s->tool[i].parameters};
    if (question)
        out->messages[out->n++] = (tiefsee_message){.role = TIEFSEE_USER, .content = question};
}
