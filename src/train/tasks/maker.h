/* maker.h - what the families of tasks share: drawing, wording, working. */
#ifndef TS_TRAIN_MAKER_H
#define TS_TRAIN_MAKER_H

#include "core/rng.h"
#include "train/tasks/facts.h"
#include "train/tasks/task.h"

typedef struct ts_maker {
    ts_rng rng;
    ts_item *item;
    ts_lang lang;
    unsigned level;
    ts_split split;
    bool has_new_phrase, wants_any_lang;
    unsigned mistakes;            /* percent, as in the spec */
    uint64_t index;               /* of the item */
    bool is_full;                 /* a text was too long, or memory is out */
    unsigned n_steps, mistake_at; /* which step goes wrong first */
} ts_maker;

uint64_t ts_pick(ts_maker *m, uint64_t n);                  /* [0, n) */
int64_t ts_between(ts_maker *m, int64_t low, int64_t high); /* [low, high] */
int64_t ts_of_digits(ts_maker *m, unsigned n);              /* a number of n digits; 1: from 0 */
bool ts_chance(ts_maker *m, unsigned percent);

/* The key is written: is the problem of the split that is wanted? */
bool ts_maker_takes(const ts_maker *m);

void ts_put(ts_maker *m, ts_buf *b, const char *fmt, ...) TS_PRINTF(3, 4);

/* Fill {0}..{9} of a template with texts. */
void ts_fill(ts_maker *m, ts_buf *b, const char *form, const char *const *args);

/* Forms stand in one text, apart by '|'. */
size_t ts_n_forms(const char *forms);
ts_str ts_form_at(const char *forms, size_t at); /* at < ts_n_forms() */

/* One of "a|b|c"; the first only for a new phrase.  Texts without | are themselves. */
void ts_fill_one(ts_maker *m, ts_buf *b, const char *forms, const char *const *args);

/* The same as a text of at most size - 1 bytes. */
void ts_pick_one(ts_maker *m, char *out, size_t size, const char *forms);

/* ts_ask() with such forms. */
void ts_ask_one(ts_maker *m, const char *forms, const char *const *args);

/* Another problem, of a family, or NULL: of any that rewards are given for.  lang:
 * TS_N_LANGS: any.  False: memory is out.  What is only read, in front of what is asked, is
 * of the training split: then it is known to be none that is tested. */
bool ts_make_other(ts_maker *m, ts_item *out, const ts_family *f, ts_split split, ts_lang lang);

/* The question, in one of the forms (ended by NULL; the first is never trained
 * on), perhaps with a polite word around it. */
void ts_ask(ts_maker *m, const char *const *forms, const char *const *args);
void ts_ask_form(ts_maker *m, ts_str form, const char *const *args);

/* One step of working: "left=result".  Now and then a wrong result comes first,
 * marked and put right. */
void ts_step(ts_maker *m, int64_t result, const char *left, ...) TS_PRINTF(3, 4);
void ts_line(ts_maker *m); /* the next step stands on a new line */
/* What was written since the trace had begin bytes is read, never learned. */
void ts_unlearn(ts_maker *m, size_t begin);

/* Working in columns, from the right; each writes whole lines and returns the result. */
int64_t ts_work_sum(ts_maker *m, int64_t a, int64_t b);        /* a, b >= 0 */
int64_t ts_work_difference(ts_maker *m, int64_t a, int64_t b); /* any sign of the result */
int64_t ts_work_product(ts_maker *m, int64_t a, int64_t b);    /* a, b >= 0 */
/* Long division, a >= 0, b > 0; returns the quotient. */
int64_t ts_work_quotient(ts_maker *m, int64_t a, int64_t b);

unsigned ts_n_digits(int64_t a); /* of a >= 0; 1 for 0 */
int64_t ts_power10(unsigned n);

/* A question of facts.h.  What is trained on and what is tested are other wordings. */
bool ts_make_fact(ts_maker *m, const ts_facts *f);

/* What was made as another item becomes this one's: key, working, answer, what it is judged
 * by.  The question too, unless is_asked. */
void ts_take_other(ts_maker *m, const ts_item *other, bool is_asked);

static inline const char *ts_text_in(const ts_buf *b)
{
    return b->ptr ? b->ptr : "";
}

/* Judges that several families have (judge.c). */
bool ts_judge_number(ts_lang lang, ts_str truth, ts_str answer);  /* the last number */
bool ts_judge_numbers(ts_lang lang, ts_str truth, ts_str answer); /* the last ones, in order */
bool ts_judge_word(ts_lang lang, ts_str truth, ts_str answer);
bool ts_judge_facts(ts_lang lang, ts_str truth, ts_str answer);
bool ts_judge_countdown(ts_lang lang, ts_str truth, ts_str answer); /* judge_countdown.c */
bool ts_judge_date(ts_lang lang, ts_str truth, ts_str answer);      /* task_dates.c */
bool ts_judge_letters(ts_lang lang, ts_str truth, ts_str answer);   /* task_letters.c */
bool ts_judge_logic(ts_lang lang, ts_str truth, ts_str answer);     /* task_logic.c */
bool ts_judge_calls(ts_lang lang, ts_str truth, ts_str answer);     /* judge_calls.c */

#define TS_FAMILY_MAKER(name) bool ts_make_##name(ts_maker *m)
TS_FAMILY_MAKER(addition);
TS_FAMILY_MAKER(subtraction);
TS_FAMILY_MAKER(multiplication);
TS_FAMILY_MAKER(division);
TS_FAMILY_MAKER(expression);
TS_FAMILY_MAKER(ordering);
TS_FAMILY_MAKER(countdown3);
TS_FAMILY_MAKER(countdown4);
TS_FAMILY_MAKER(units);
TS_FAMILY_MAKER(dates);
TS_FAMILY_MAKER(percent);
TS_FAMILY_MAKER(stories);
TS_FAMILY_MAKER(letters);
TS_FAMILY_MAKER(logic);
TS_FAMILY_MAKER(self);
TS_FAMILY_MAKER(beyond);
TS_FAMILY_MAKER(smalltalk);
TS_FAMILY_MAKER(dialogue);
TS_FAMILY_MAKER(tools);

#endif
