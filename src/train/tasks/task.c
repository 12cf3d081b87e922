/* task.c - see task.h. */
#include "train/tasks/task.h"

#include <limits.h>
#include <string.h>

#include "core/hash.h"
#include "train/tasks/maker.h"

const char *const ts_lang_names[TS_N_LANGS] = {"en", "de", "zh"};

/* Shares follow what is hard to learn, not what is often asked. */
const ts_family ts_families[] = {
    {"addition", "two to three numbers of up to eight digits", 60, 8, 6, true, false,
     ts_make_addition, ts_judge_number},
    {"subtraction", "two numbers of up to eight digits, also below zero", 70, 8, 6, true, false,
     ts_make_subtraction, ts_judge_number},
    {"multiplication", "up to three by three digits", 80, 5, 5, true, false, ts_make_multiplication,
     ts_judge_number},
    {"division", "up to five digits by one or two, with remainder", 90, 5, 5, true, false,
     ts_make_division, ts_judge_numbers},
    {"expression", "brackets and precedence", 60, 4, 4, true, false, ts_make_expression,
     ts_judge_number},
    {"ordering", "compare and sort numbers, also decimals", 80, 4, 4, true, false, ts_make_ordering,
     ts_judge_numbers},
    {"countdown3", "reach a number with three others", 80, 2, 2, true, false, ts_make_countdown3,
     ts_judge_countdown},
    {"countdown4", "reach a number with four others", 100, 2, 2, true, false, ts_make_countdown4,
     ts_judge_countdown},
    {"units", "length, mass, volume, time, data, money, temperature", 70, 3, 3, true, false,
     ts_make_units, ts_judge_number},
    {"dates", "weekdays, days from and between dates, clock times", 80, 4, 4, true, false,
     ts_make_dates, ts_judge_date},
    {"percent", "percentages of numbers and prices", 30, 3, 3, true, false, ts_make_percent,
     ts_judge_number},
    {"stories", "small word problems: rule of three, sums of several steps", 100, 4, 4, true, false,
     ts_make_stories, ts_judge_number},
    {"letters", "count, spell and reverse the letters of words", 60, 3, 3, true, false,
     ts_make_letters, ts_judge_letters},
    {"logic", "who is taller, knights and knaves, sequences", 70, 4, 4, true, false, ts_make_logic,
     ts_judge_logic},
    {"self", "what this program is and how it is used", 60, 1, 1, false, false, ts_make_self,
     ts_judge_facts},
    {"beyond", "questions that a small model cannot answer", 60, 1, 1, false, false, ts_make_beyond,
     ts_judge_facts},
    {"smalltalk", "greetings, thanks, how are you", 30, 1, 1, false, false, ts_make_smalltalk,
     ts_judge_facts},
    {"dialogue", "questions that refer to earlier answers", 80, 3, 3, true, true, ts_make_dialogue,
     ts_judge_number},
    {"tools", "calls of tools, and what to make of their results", 12, 3, 3, true, true,
     ts_make_tools, ts_judge_calls},
};
enum { N_DATA_ONLY = 3 };
const size_t ts_n_all_families = TS_COUNT(ts_families);
const size_t ts_n_families = TS_COUNT(ts_families) - N_DATA_ONLY;

const ts_family *ts_family_find(const char *name)
{
    for (size_t i = 0; i < ts_n_all_families; i++)
        if (strcmp(name, ts_families[i].name) == 0)
            return &ts_families[i];
    return NULL;
}

ts_item ts_item_empty(void)
{
    return (ts_item){
        .scene = ts_scene_empty(),
        .question = ts_buf_make(TS_MAX_ITEM_BYTES),
        .trace = ts_buf_make(TS_MAX_ITEM_BYTES),
        .answer = ts_buf_make(TS_MAX_ITEM_BYTES),
        .key = ts_buf_make(TS_MAX_ITEM_BYTES),
        .truth = ts_buf_make(TS_MAX_ITEM_BYTES),
    };
}

void ts_item_free(ts_item *it)
{
    ts_scene_free(&it->scene);
    ts_buf_free(&it->question);
    ts_buf_free(&it->trace);
    ts_buf_free(&it->answer);
    ts_buf_free(&it->key);
    ts_buf_free(&it->truth);
}

void ts_item_look(ts_scene_view *out, const ts_item *it)
{
    const char *question = it->question.ptr ? it->question.ptr : "";

    ts_scene_look(out, &it->scene, it->is_behind_tool ? NULL : question);
}

ts_split ts_split_of(ts_str key)
{
    const uint64_t rest = ts_hash(key.ptr, key.len) % 50;

    switch (key.len > 0 ? key.ptr[0] : 0) {
    case '#': return TS_SPLIT_TRAIN;
    case '?': return TS_SPLIT_VALID;
    case '!': return TS_SPLIT_TEST;
    default: return rest == 0 ? TS_SPLIT_TEST : rest == 1 ? TS_SPLIT_VALID : TS_SPLIT_TRAIN;
    }
}

static void clear(ts_item *it)
{
    ts_buf *const texts[] = {&it->question, &it->trace, &it->answer, &it->key, &it->truth};

    for (size_t i = 0; i < TS_COUNT(texts); i++)
        ts_buf_clear(texts[i]);
    ts_scene_clear(&it->scene);
    it->n_unlearned = 0;
    it->judge = NULL;
    it->teaches_all = it->has_calls = it->is_behind_tool = false;
}

static const ts_family *pick_family(ts_rng *rng)
{
    unsigned total = 0;

    for (size_t i = 0; i < ts_n_families; i++)
        total += ts_families[i].share;
    uint64_t at = ts_rng_below(rng, total);
    for (size_t i = 0;; i++) {
        if (at < ts_families[i].share)
            return &ts_families[i];
        at -= ts_families[i].share;
    }
}

/* What does not depend on the split: the same index has the same family, language
 * and level in every split. */
static void start(ts_maker *m, ts_item *it, const ts_item_spec *spec)
{
    static const uint8_t langs[] = {TS_LANG_EN, TS_LANG_EN, TS_LANG_DE, TS_LANG_ZH};

    *m = (ts_maker){.item = it,
                    .split = spec->split,
                    .mistakes = spec->mistakes,
                    .index = spec->index,
                    .wants_any_lang = spec->lang < 0,
                    .has_new_phrase = spec->has_new_phrase};
    const uint64_t seed[] = {spec->seed, spec->index, spec->family != NULL};
    ts_rng_seed(&m->rng, ts_hash(seed, sizeof seed));
    it->family = spec->family ? spec->family : pick_family(&m->rng);
    const uint64_t lang = langs[ts_pick(m, TS_COUNT(langs))];
    const unsigned level = 1 + (unsigned)ts_pick(m, it->family->n_usual);
    it->lang = m->lang = (ts_lang)(spec->lang < 0 ? lang : (uint64_t)spec->lang);
    it->level = m->level = spec->level ? spec->level : level;
    m->mistake_at = ts_chance(m, spec->mistakes) ? (unsigned)ts_pick(m, 5) : UINT_MAX;
}

tiefsee_status ts_item_make(ts_item *it, const ts_item_spec *spec, tiefsee_error *err)
{
    ts_maker m;

    if (spec->lang >= TS_N_LANGS)
        return ts_fail(err, TIEFSEE_E_INVALID, "language %d (%d known)", spec->lang, TS_N_LANGS);
    if (spec->level > (spec->family ? spec->family->n_levels : 0))
        return ts_fail(err, TIEFSEE_E_INVALID, "%s has no level %u",
                       spec->family ? spec->family->name : "a mixture", spec->level);
    start(&m, it, spec);
    for (int i = 0; i < 1 << 16 && !m.is_full; i++) {
        clear(it);
        m.n_steps = 0;
        if (it->family->make(&m) && !m.is_full)
            return TIEFSEE_OK;
    }
    if (m.is_full)
        return ts_fail(err, TIEFSEE_E_NOMEM, "%s: an item does not fit %d bytes", it->family->name,
                       TS_MAX_ITEM_BYTES);
    return ts_fail(err, TIEFSEE_E_LIMIT, "%s at level %u has no problem in this split",
                   it->family->name, it->level);
}
