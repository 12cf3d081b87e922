/* task.h - problems made from a seed, with their working, and judges of answers.
 *
 * An item is a function of its spec: the same everywhere, in any order, from any
 * thread.  A problem belongs to one split by the hash of its key, which names the
 * problem without its wording (operands, not sentences): what a model was trained
 * on is never among what it is tested with, in any language.  One problem in
 * fifty is for tests, one for validation.
 *
 * Judges take any bytes.  They read an answer; they never run or look up anything.
 */
#ifndef TS_TRAIN_TASK_H
#define TS_TRAIN_TASK_H

#include "core/error.h"
#include "core/str.h"
#include "train/tasks/scene.h"

typedef enum ts_lang { TS_LANG_EN, TS_LANG_DE, TS_LANG_ZH, TS_N_LANGS } ts_lang;
typedef enum ts_split { TS_SPLIT_TRAIN, TS_SPLIT_VALID, TS_SPLIT_TEST } ts_split;

extern const char *const ts_lang_names[TS_N_LANGS]; /* "en", "de", "zh" */

enum { TS_MAX_FAMILIES = 32, TS_MAX_LEVELS = 8 };

struct ts_maker;

typedef bool ts_judge_answer(ts_lang lang, ts_str truth, ts_str answer);

typedef struct ts_family {
    const char *name;
    const char *summary;
    unsigned share;    /* of a mixture, in thousandths */
    unsigned n_levels; /* difficulties 1..n_levels */
    unsigned n_usual;  /* a mixture has 1..n_usual; what is above is only asked for by name */
    bool thinks;       /* its traces are worth learning (not so for questions about itself) */
    bool has_scene;    /* something stands in front of its questions */
    /* Draws a problem; false: it is not wanted (another split), draw again. */
    bool (*make)(struct ts_maker *m);
    ts_judge_answer *judge;
} ts_family;

/* First the problems proper, ts_n_families of them: what rewards are given for.  Behind
 * them, up to ts_n_all_families, what only data and eval have: small talk, dialogues and
 * tools. */
extern const ts_family ts_families[];
extern const size_t ts_n_families, ts_n_all_families;
const ts_family *ts_family_find(const char *name); /* among all; NULL: none */

enum {
    TS_MAX_ITEM_BYTES = 8192, /* of each text */
    TS_MAX_UNLEARNED = 16
};

typedef struct ts_item {
    ts_scene scene;  /* what stands in front of the question */
    ts_buf question; /* what is asked */
    ts_buf trace;    /* the working, what stands between <think> and </think> */
    ts_buf answer;   /* what stands behind */
    ts_buf key;      /* the problem without its wording */
    ts_buf truth;    /* what the judge compares with */
    /* Bytes of the trace that are wrong on purpose, or lead nowhere: read, never learned. */
    struct {
        size_t begin, end;
    } unlearned[TS_MAX_UNLEARNED];
    size_t n_unlearned;
    const ts_family *family;
    ts_judge_answer *judge; /* NULL: the family's */
    bool teaches_all;       /* what was answered in the scene is worth learning too */
    bool has_calls;         /* the answer is calls of tools, with their markers as text */
    bool is_behind_tool;    /* the scene has the question and what a tool said to it; such an
                             * answer goes on with a turn, so it cannot think */
    ts_lang lang;
    unsigned level;
} ts_item;

ts_item ts_item_empty(void);
void ts_item_free(ts_item *it);

/* The conversation up to where the answer begins; valid until the item changes. */
void ts_item_look(ts_scene_view *out, const ts_item *it);

typedef struct ts_item_spec {
    uint64_t seed, index;
    const ts_family *family; /* NULL: by their shares */
    ts_split split;
    unsigned level;      /* 0: all of them */
    int lang;            /* -1: half English, a quarter German, a quarter Chinese */
    unsigned mistakes;   /* percent of traces with a mistake that is caught */
    bool has_new_phrase; /* worded as training never words it */
} ts_item_spec;

/* Replaces what is in *it.  Fails only when memory does, or if the family has no
 * such level. */
tiefsee_status ts_item_make(ts_item *it, const ts_item_spec *spec,
                            tiefsee_error *err) TS_MUST_CHECK;

/* By the hash, except where the wording is all that there is: keys that begin with '#' are for
 * training, '?' for validation, '!' for tests. */
ts_split ts_split_of(ts_str key);

/* What a model wrote behind a prompt that ended with <think> or </think>, markers as text. */
typedef struct ts_verdict {
    bool is_formed;  /* thinking: words, one </think>, an answer; else an answer without markers */
    bool is_correct; /* the answer is right; may be so without being formed */
} ts_verdict;

ts_verdict ts_judge(const ts_item *it, ts_str text, bool thinks);

#endif
