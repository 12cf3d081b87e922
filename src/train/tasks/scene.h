/* scene.h - what stands in front of a problem's question: earlier turns, and tools that
 * are offered. */
#ifndef TS_TRAIN_SCENE_H
#define TS_TRAIN_SCENE_H

#include "core/error.h"
#include "core/str.h"

enum {
    TS_SCENE_MESSAGES = 20,
    TS_SCENE_CALLS = 8,
    TS_SCENE_TOOLS = 4,
    TS_SCENE_BYTES = 1 << 16,
};

/* Texts lie in one buffer, each ended by a zero byte; numbers say where they begin. */
typedef struct ts_scene {
    ts_buf text;
    size_t n_messages, n_calls, n_tools;
    struct {
        tiefsee_role role;
        size_t content, first_call, n_calls;
    } message[TS_SCENE_MESSAGES];
    struct {
        size_t name, arguments;
    } call[TS_SCENE_CALLS];
    struct {
        size_t name, about, parameters;
        bool has_about;
    } tool[TS_SCENE_TOOLS];
} ts_scene;

ts_scene ts_scene_empty(void);
void ts_scene_free(ts_scene *s);
void ts_scene_clear(ts_scene *s);

/* False: there is no room.  A call belongs to the message that was added last. */
bool ts_scene_add(ts_scene *s, tiefsee_role role, const char *content) TS_MUST_CHECK;
bool ts_scene_add_call(ts_scene *s, const char *name, const char *arguments) TS_MUST_CHECK;
bool ts_scene_add_tool(ts_scene *s, const char *name, const char *about,
                       const char *parameters) TS_MUST_CHECK;

/* The same as the engine takes it; valid until the scene changes. */
typedef struct ts_scene_view {
    tiefsee_message messages[TS_SCENE_MESSAGES + 1];
    tiefsee_tool_call calls[TS_SCENE_CALLS];
    tiefsee_tool tools[TS_SCENE_TOOLS];
    size_t n, n_tools;
} ts_scene_view;

/* question: the last turn; NULL: the scene has it. */
void ts_scene_look(ts_scene_view *out, const ts_scene *s, const char *question);

#endif
