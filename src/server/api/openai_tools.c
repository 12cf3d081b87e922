/* openai_tools.c - see openai_tools.h. */
#include "server/api/openai_tools.h"

#include <stdio.h>
#include <string.h>

#include "formats/json.h"

static bool read_name(const char **out, const json_t *name, const char *path, ts_wrong *w)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *s = json_string_value(name);

    if (!s)
        return ts_wrong_field(w, path, "name is %s (a string expected)", ts_json_kind(name));
    if (!*s || strlen(s) > TS_TURN_MAX_TOOL_NAME || s[strspn(s, allowed)] != '\0')
        return ts_wrong_field(w, path,
                              "the name '%.40s' (1 to %d letters, digits, '_' and '-' allowed)", s,
                              TS_TURN_MAX_TOOL_NAME);
    *out = s;
    return true;
}

static bool read_tool(ts_turn_tool *out, const json_t *tool, const char *path, ts_wrong *w)
{
    const json_t *type = ts_field_get(tool, "type"), *function = ts_field_get(tool, "function");

    if (!json_is_object(tool))
        return ts_wrong_field(w, path, "%s (an object expected)", ts_json_kind(tool));
    if (type && !ts_str_is(ts_json_str(type), "function"))
        return ts_wrong_field(w, path, "the type '%.40s' (only function is supported)",
                              json_is_string(type) ? json_string_value(type) : ts_json_kind(type));
    if (!json_is_object(function))
        return ts_wrong_field(w, path, "function is %s (an object expected)",
                              ts_json_kind(function));
    const json_t *text = ts_field_get(function, "description");
    const json_t *strict = ts_field_get(function, "strict");
    if (text && !json_is_string(text))
        return ts_wrong_field(w, path, "description is %s (a string expected)", ts_json_kind(text));
    if (strict && !json_is_boolean(strict))
        return ts_wrong_field(w, path, "strict is %s (true or false expected)",
                              ts_json_kind(strict));
    out->description = json_string_value(text);
    out->is_strict = json_is_true(strict);
    out->parameters = ts_field_get(function, "parameters");
    if (out->parameters && !json_is_object(out->parameters))
        return ts_wrong_field(w, path, "parameters is %s (an object expected)",
                              ts_json_kind(out->parameters));
    return read_name(&out->name, ts_field_get(function, "name"), path, w);
}

static bool has_name(const ts_turn_tool *tools, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(tools[i].name, name) == 0)
            return true;
    return false;
}

static bool read_tools(ts_turn_request *r, ts_wrong *w)
{
    const json_t *list = ts_field_get(r->body, "tools");
    const size_t n = json_array_size(list);
    char path[32];

    if (list && !json_is_array(list))
        return ts_wrong_field(w, "tools", "%s (an array expected)", ts_json_kind(list));
    if (n == 0)
        return true;
    if (n > TS_TURN_MAX_TOOLS)
        return ts_wrong_field(w, "tools", "%zu tools (%d allowed)", n, TS_TURN_MAX_TOOLS);
    ts_turn_tool *tools = ts_arena_alloc_zero(r->arena, n, sizeof *tools);
    if (!tools)
        return ts_turn_no_memory(w);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "tools[%zu]", i);
        if (!read_tool(&tools[i], json_array_get(list, i), path, w))
            return false;
        if (has_name(tools, i, tools[i].name))
            return ts_wrong_field(w, path, "the name '%.60s' is there twice", tools[i].name);
    }
    r->tools = tools;
    r->n_tools = n;
    return true;
}

static ts_turn_tool *find_tool(ts_turn_tool *tools, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(tools[i].name, name) == 0)
            return &tools[i];
    return NULL;
}

/* {"mode": "auto" or "required", "tools": [{"type": "function", "function": {"name"}}, ...]}:
 * the others are withheld. */
static bool read_allowed(ts_turn_request *r, const json_t *allowed, ts_wrong *w)
{
    const json_t *list = ts_field_get(allowed, "tools");
    const ts_str mode = ts_json_str(ts_field_get(allowed, "mode"));
    ts_turn_tool *tools = ts_arena_alloc_zero(r->arena, r->n_tools + 1, sizeof *tools);
    size_t i;
    json_t *item;

    if (!tools)
        return ts_turn_no_memory(w);
    if (!ts_str_is(mode, "auto") && !ts_str_is(mode, "required"))
        return ts_wrong_field(w, "tool_choice",
                              "allowed_tools: mode 'auto' or 'required' expected");
    if (json_array_size(list) == 0)
        return ts_wrong_field(w, "tool_choice", "allowed_tools: no tools");
    for (size_t k = 0; k < r->n_tools; k++) {
        tools[k] = r->tools[k];
        tools[k].is_withheld = true;
    }
    json_array_foreach(list, i, item)
    {
        const json_t *name = ts_field_get(ts_field_get(item, "function"), "name");
        ts_turn_tool *found =
            json_is_string(name) ? find_tool(tools, r->n_tools, json_string_value(name)) : NULL;

        if (!found)
            return ts_wrong_field(w, "tool_choice", "allowed_tools: entry %zu is none of the tools",
                                  i);
        if (!found->is_withheld) /* which also bounds the list */
            return ts_wrong_field(w, "tool_choice", "allowed_tools: entry %zu is there twice", i);
        found->is_withheld = false;
    }
    r->tools = tools;
    r->tool_choice = ts_str_is(mode, "required") ? TS_TOOLS_REQUIRED : TS_TOOLS_AUTO;
    return true;
}

static bool read_choice(ts_turn_request *r, ts_wrong *w)
{
    static const struct {
        const char *name;
        ts_tool_choice choice;
    } words[] = {{"auto", TS_TOOLS_AUTO}, {"none", TS_TOOLS_NONE}, {"required", TS_TOOLS_REQUIRED}};
    const json_t *choice = ts_field_get(r->body, "tool_choice");
    const json_t *name = ts_field_get(ts_field_get(choice, "function"), "name");

    if (!choice)
        return true;
    for (size_t i = 0; i < TS_COUNT(words); i++)
        if (ts_str_is(ts_json_str(choice), words[i].name)) {
            r->tool_choice = words[i].choice;
            return r->n_tools > 0 || words[i].choice != TS_TOOLS_REQUIRED ||
                   ts_wrong_field(w, "tool_choice", "'required' needs tools");
        }
    if (ts_str_is(ts_json_str(ts_field_get(choice, "type")), "allowed_tools"))
        return read_allowed(r, ts_field_get(choice, "allowed_tools"), w);
    if (!ts_str_is(ts_json_str(ts_field_get(choice, "type")), "function") || !json_is_string(name))
        return ts_wrong_field(w, "tool_choice",
                              "'none', 'auto', 'required', a function with its name or "
                              "allowed_tools expected");
    r->tool_choice = TS_TOOLS_NAMED;
    r->chosen_tool = json_string_value(name);
    return has_name(r->tools, r->n_tools, r->chosen_tool) ||
           ts_wrong_field(w, "tool_choice", "no tool has the name '%.60s'", r->chosen_tool);
}

bool ts_openai_tools_read(ts_turn_request *r, ts_wrong *wrong)
{
    if (json_array_size(ts_field_get(r->body, "functions")) > 0)
        return ts_wrong_field(wrong, "functions", "not supported (send them as tools)");
    return read_tools(r, wrong) && read_choice(r, wrong);
}
