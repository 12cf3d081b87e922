/* calls.h - the constraint of an answer that may, or must, call tools.
 *
 * Content is free until the marker of calls was sampled (or forced to be it); from
 * there the form of a call, the names of the tools and the schemas of their arguments
 * rule, up to the end of the answer.  Reasoning before the content is not seen here.
 */
#ifndef TS_ENGINE_CALLS_H
#define TS_ENGINE_CALLS_H

#include "engine/grammar.h"
#include "engine/model.h"

typedef struct ts_calls_tool {
    const char *name;
    ts_str schema;  /* JSON Schema of the arguments; empty: any object */
    bool is_strict; /* fail where the schema is not supported; else any object will do */
} ts_calls_tool;

typedef struct ts_calls_spec {
    const ts_calls_tool *tools; /* those that may be called */
    size_t n_tools;
    bool must_call, one_call;
    ts_constraint content; /* of an answer without calls; taken over on success */
} ts_calls_spec;

/* On failure *failed is the strict tool whose schema is to blame, or n_tools. */
tiefsee_status ts_calls_new(ts_constraint *out, const tiefsee_model *m,
                            const ts_grammar_vocab *vocab, const ts_calls_spec *spec,
                            size_t *failed, tiefsee_error *err) TS_MUST_CHECK;

#endif
