/* tool_kinds.h - the tools that are offered in training: what they are called, take, say,
 * and how people ask for what they do. */
#ifndef TS_TRAIN_TOOL_KINDS_H
#define TS_TRAIN_TOOL_KINDS_H

#include "train/tasks/task.h"

enum { TS_TOOL_PARAMS = 3 };

/* What fills a gap in a question; the argument is the same text unless it is said. */
typedef enum ts_gap {
    TS_GAP_NONE,
    TS_GAP_PLACE,
    TS_GAP_PERSON,
    TS_GAP_MAIL,
    TS_GAP_TITLE,
    TS_GAP_TEXT,
    TS_GAP_TOPIC,
    TS_GAP_LANGUAGE,
    TS_GAP_ROOM,
    TS_GAP_CURRENCY,
    TS_GAP_SYMBOL,
    TS_GAP_FILE,
    TS_N_LISTS,                 /* those above have lists in tool_kinds.c */
    TS_GAP_SWITCH = TS_N_LISTS, /* a word of the language; "on" or "off" */
    TS_GAP_NUMBER,              /* an integer */
    TS_GAP_SUM,                 /* an expression, with its result */
} ts_gap;

/* Texts are "a|b|c": one is taken, the first only where wording is to be new. */
typedef struct ts_tool_kind {
    const char *names, *about;
    struct {
        const char *names, *about;
        ts_gap gap;
    } param[TS_TOOL_PARAMS];
    const char *ask[TS_N_LANGS]; /* {0} to {2}: the gaps */
    /* What it says: {3} a number, {4} a word, {5} a time, {6} a date, and so in what is told
     * of it.  NULL: nothing is made of it. */
    const char *result, *tell[TS_N_LANGS], *truth;
    bool is_broad;  /* it might help with problems that have nothing to do with it */
    bool takes_two; /* people ask for two in one question */
} ts_tool_kind;

extern const ts_tool_kind ts_tool_kinds[];
extern const size_t ts_n_tool_kinds;
extern const char *const ts_gap_lists[TS_N_LISTS][TS_N_LANGS];

#endif
