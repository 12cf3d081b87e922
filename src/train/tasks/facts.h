/* facts.h - questions that have one answer each, and how they are worded. */
#ifndef TS_TRAIN_FACTS_H
#define TS_TRAIN_FACTS_H

#include "train/tasks/task.h"

/* Of one question in one language.  Forms are apart by '|'. */
typedef struct ts_wording {
    const char *trained;
    const char *held; /* never trained on: the first is for validation, the others for tests */
    const char *answer;
} ts_wording;

typedef struct ts_facts {
    const char *name; /* what the keys begin with */
    size_t n;
    const ts_wording *in[TS_N_LANGS];
    const char *const *truths;      /* as ts_judge_facts() reads them */
    const char *reason[TS_N_LANGS]; /* what is thought */
    bool has_marks;                 /* "Hello", "Hello!", "Hello." */
} ts_facts;

extern const ts_facts ts_self_facts, ts_smalltalk_facts;

/* What is asked about the program. */
enum {
    TS_SELF_NAME,
    TS_SELF_PROGRAM,
    TS_SELF_SKILLS,
    TS_SELF_LIMITS,
    TS_SELF_PRIVACY,
    TS_SELF_CHAT,
    TS_SELF_SERVE,
    TS_SELF_RUN,
    TS_SELF_FORMATS,
    TS_SELF_THINKING,
    TS_SELF_LEAVE,
    TS_SELF_LICENCE,
    TS_SELF_ORIGIN,
    TS_SELF_SIZE,
    TS_SELF_LANGUAGES,
    TS_SELF_ARCHITECTURE,
    TS_SELF_INSPECT,
    TS_SELF_BENCH,
    TS_SELF_DOCTOR,
    TS_SELF_HUMAN,
    TS_SELF_OTHER,
    TS_SELF_TRUST,
    TS_SELF_CONTEXT,
    TS_SELF_QUANTIZE,
    TS_SELF_TRAIN,
    TS_SELF_TUNE,
    TS_SELF_KEYS,
    TS_SELF_PROOF,
    TS_SELF_HARDWARE,
    TS_SELF_EVAL,
    TS_SELF_COMMANDS,
    TS_SELF_MEMORY,
    TS_SELF_SENSES,
    TS_SELF_AGE,
    TS_SELF_HOME,
    TS_SELF_WORD,
    TS_N_SELF
};

/* What people say that is no question. */
enum {
    TS_TALK_HELLO,
    TS_TALK_THANKS,
    TS_TALK_BYE,
    TS_TALK_MOOD,
    TS_TALK_SORRY,
    TS_TALK_YES,
    TS_TALK_NO,
    TS_TALK_MEET,
    TS_TALK_PRAISE,
    TS_TALK_INSULT,
    TS_TALK_TEST,
    TS_TALK_MARKS,
    TS_TALK_NOISE,
    TS_TALK_EMOJI,
    TS_TALK_LAUGH,
    TS_TALK_FEELING,
    TS_TALK_WISH,
    TS_TALK_WAIT,
    TS_TALK_PUZZLED,
    TS_N_TALK
};

extern const ts_wording ts_self_en[TS_N_SELF], ts_self_de[TS_N_SELF], ts_self_zh[TS_N_SELF];
extern const ts_wording ts_talk_en[TS_N_TALK], ts_talk_de[TS_N_TALK], ts_talk_zh[TS_N_TALK];

#endif
