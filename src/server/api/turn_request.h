/* turn_request.h - what every protocol asks for: one turn of a model.
 *
 * How a dialect is written (the answer's half is in turn_answer.h; openai_request.c and
 * openai_answer.c are one):
 *
 *     static void handle(ts_http_request *req, ts_reply *reply)
 *     {
 *         ts_turn_request r;
 *         ts_wrong wrong;
 *
 *         if (ts_turn_open(&r, req->body, seed, &wrong) && read_fields(&r, ..., &wrong))
 *             ts_turn_run(reply, &r, &my_dialect, my_state);
 *         else
 *             ts_turn_refuse(reply, &wrong);
 *         ts_turn_close(&r);
 *     }
 *
 * read_fields takes what r.body says into the members below: first the model
 * (ts_turn_take_model), then the scalars (fields.h) and the trees.  Texts may stay in
 * r.body or go into r.arena.  Nothing of it is needed any more when ts_turn_run has
 * returned.  What is not supported by a model, or not yet by us, ts_turn_prepare refuses
 * by name; a dialect only refuses what it cannot express here.
 */
#ifndef TS_SERVER_TURN_REQUEST_H
#define TS_SERVER_TURN_REQUEST_H

#include "core/arena.h"
#include "server/api/fields.h"
#include "server/models.h"

enum { TS_TURN_MAX_MESSAGES = 1 << 16, TS_TURN_MAX_TOOLS = 1024, TS_TURN_MAX_TOOL_NAME = 128 };

typedef struct ts_turn_tool {
    const char *name;
    const char *description;  /* NULL: none */
    const json_t *parameters; /* a JSON Schema of an object; NULL: any object */
    bool is_strict;           /* refuse a schema that cannot be kept; else any object will do */
    bool is_withheld;         /* told to the model, but not to be called this time */
} ts_turn_tool;

typedef enum ts_tool_choice {
    TS_TOOLS_AUTO,
    TS_TOOLS_NONE,
    TS_TOOLS_REQUIRED, /* one call at least */
    TS_TOOLS_NAMED     /* a call of chosen_tool */
} ts_tool_choice;

typedef enum ts_thinking { TS_THINKING_DEFAULT, TS_THINKING_ON, TS_THINKING_OFF } ts_thinking;

typedef enum ts_output_kind {
    TS_OUTPUT_TEXT,
    TS_OUTPUT_JSON,   /* any JSON object */
    TS_OUTPUT_SCHEMA, /* text is a JSON Schema */
    TS_OUTPUT_REGEX,
    TS_OUTPUT_GBNF
} ts_output_kind;

/* How the client calls what an error is about; NULL: as OpenAI does. */
typedef struct ts_turn_names {
    const char *messages, *prompt, *tools, *tool_choice, *output;
} ts_turn_names;

typedef struct ts_turn_request {
    const ts_served_model *model;
    bool is_stream;
    const char *user_id; /* "": none; end users with different ones share no cache */
    ts_turn_names names;

    /* A conversation.  Developer messages are system messages. */
    const tiefsee_message *messages;
    size_t n_messages;
    bool is_prefix; /* the last message is the assistant's and is continued */
    ts_thinking thinking;
    const ts_turn_tool *tools;
    size_t n_tools;
    ts_tool_choice tool_choice;
    const char *chosen_tool;
    bool one_call;    /* no calls in parallel */
    bool wants_title; /* a name for the conversation */
    ts_output_kind output;
    ts_str output_text;

    /* Or a raw prompt: text, or token ids.  With a suffix: what belongs between the two. */
    bool is_raw;
    ts_str text;
    const char *suffix;          /* NULL: none */
    const tiefsee_token *tokens; /* NULL: text */
    size_t n_tokens;

    /* Set to the model's defaults by ts_turn_take_model.  Stop strings by
     * ts_turn_take_stops. */
    tiefsee_generate_options generate;

    /* Made by ts_turn_prepare. */
    tiefsee_token *prompt;
    size_t n_prompt;
    ts_constraint constraint; /* ctx NULL: none, or a job has taken it over */
    bool is_thinking;         /* the answer begins with reasoning */

    /* Owners of the above. */
    ts_arena *arena;
    json_t *body; /* an object */
    uint64_t seed;
} ts_turn_request;

/* Parses the body.  seed: for a request that names none.  In any case ts_turn_close. */
bool ts_turn_open(ts_turn_request *r, ts_str body, uint64_t seed, ts_wrong *w) TS_MUST_CHECK;
void ts_turn_close(ts_turn_request *r);

/* name: as the client says it; NULL is refused. */
bool ts_turn_take_model(ts_turn_request *r, const ts_models *models, const char *name,
                        ts_wrong *w) TS_MUST_CHECK;

/* The model of that name, of an alias, or of a name that DeepSeek once had (then the
 * first model); NULL: not served. */
const ts_served_model *ts_turn_find_model(const ts_models *models, const char *name);

/* The member `param` of the body: nothing, a string or an array of strings. */
bool ts_turn_take_stops(ts_turn_request *r, const char *param, ts_wrong *w) TS_MUST_CHECK;

/* The member "title": {"enabled": true} for a name of the conversation. */
bool ts_turn_take_title(ts_turn_request *r, ts_wrong *w) TS_MUST_CHECK;

/* The JSON text of a value, in the arena, as the models have seen it: ", " and ": ". */
const char *ts_turn_json_text(ts_turn_request *r, const json_t *value, ts_wrong *w) TS_MUST_CHECK;

bool ts_turn_no_memory(ts_wrong *w); /* false */

/* Prompt and constraint; all that is needed to count tokens.  ts_turn_run does it too. */
bool ts_turn_prepare(ts_turn_request *r, ts_wrong *w) TS_MUST_CHECK;

#endif
