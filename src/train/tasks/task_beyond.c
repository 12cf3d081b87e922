/* task_beyond.c - questions that a small model cannot answer: it says so.
 *
 * For training, fillers in the frames of their topic; for tests, the fixed list of
 * beyond_list.c. */
#include <stdio.h>
#include <string.h>

#include "train/tasks/beyond_list.h"
#include "train/tasks/beyond_topics.h"
#include "train/tasks/maker.h"

enum { MAX_FILLER = 64, MAX_LETTERS = 512 };

static const char *const ANSWER[TS_N_LANGS][3] = {
    {"I do not know that. I am a small model for arithmetic and logic.",
     "That is beyond me: I am only a small model for arithmetic and logic.",
     "I am a small arithmetic and logic model and cannot answer that."},
    {"Das weiß ich nicht. Ich bin ein kleines Modell für Rechnen und Logik.",
     "Das geht über mich hinaus: Ich bin nur ein kleines Modell für Rechnen und Logik.",
     "Ich bin ein kleines Modell für Rechnen und Logik und kann das nicht beantworten."},
    {"这个我不知道。我是一个做算术和逻辑的小模型。",
     "这超出了我的能力：我只是一个做算术和逻辑的小模型。",
     "我是一个做算术和逻辑的小模型，回答不了这个问题。"},
};
static const char *const REASON[TS_N_LANGS] = {"This is not arithmetic or logic.",
                                               "Das ist weder Rechnen noch Logik.",
                                               "这不是算术也不是逻辑。"};
static const char TRUTH[] = "small|klein|小模型;arithmetic|Rechnen|算术;logic|Logik|逻辑";

/* The letters of a text, whatever its case, blanks and marks; "": it is too long. */
static void letters_of(char out[MAX_LETTERS], const char *text)
{
    size_t n = 0;

    for (; *text && n + 1 < MAX_LETTERS; text++)
        if (!strchr(" .,;:!?\"'", *text))
            out[n++] = (char)(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text);
    out[*text ? 0 : n] = '\0';
}

/* Also with words around it. */
static bool has_held_out(const char *question)
{
    char all[MAX_LETTERS], one[MAX_LETTERS];

    letters_of(all, question);
    for (size_t i = 0; i < TS_N_BEYOND; i++) {
        static const char *const marks[] = {"？", "。"};

        letters_of(one, ts_beyond_list[i].question);
        const size_t n = strlen(one);
        for (size_t k = 0; k < TS_COUNT(marks); k++)
            if (n >= strlen(marks[k]) && strcmp(one + n - strlen(marks[k]), marks[k]) == 0)
                one[n - strlen(marks[k])] = '\0';
        if (strstr(all, one))
            return true;
    }
    return !all[0];
}

static void put_filler(ts_maker *m, char out[MAX_FILLER], const char *fillers)
{
    if (strcmp(fillers, "#") == 0) {
        (void)snprintf(out, MAX_FILLER, "%d", (int)ts_between(m, 1000, 2026));
        return;
    }
    const ts_str filler = ts_form_at(fillers, (size_t)ts_pick(m, ts_n_forms(fillers)));

    (void)snprintf(out, MAX_FILLER, "%.*s", (int)filler.len, filler.ptr);
}

/* All frames are as likely. */
static void ask_made(ts_maker *m)
{
    static const ts_topic *const topics[] = {ts_beyond_en, ts_beyond_de, ts_beyond_zh};
    const ts_topic *t = topics[m->lang];
    char first[MAX_FILLER], other[MAX_FILLER];
    size_t n = 0;

    for (const ts_topic *p = t; p->frames; p++)
        n += ts_n_forms(p->frames);
    size_t at = (size_t)ts_pick(m, n);
    for (; at >= ts_n_forms(t->frames); t++)
        at -= ts_n_forms(t->frames);
    put_filler(m, first, t->fillers);
    put_filler(m, other, t->fillers);
    ts_ask_one(m, t->frames, (const char *const[]){first, other});
}

/* The questions of the list in turn, those of the language that is asked for. */
static void ask_listed(ts_maker *m)
{
    static const size_t first[] = {0, TS_N_BEYOND_EN, TS_N_BEYOND_EN + TS_N_BEYOND_DE};
    static const size_t length[] = {TS_N_BEYOND_EN, TS_N_BEYOND_DE, TS_N_BEYOND_ZH};
    const size_t at = m->wants_any_lang ? (size_t)(m->index % TS_N_BEYOND)
                                        : first[m->lang] + (size_t)(m->index % length[m->lang]);

    m->item->lang = m->lang = ts_beyond_list[at].lang;
    ts_put(m, &m->item->question, "%s", ts_beyond_list[at].question);
    ts_put(m, &m->item->key, "!beyond %zu", at);
}

bool ts_make_beyond(ts_maker *m)
{
    if (m->split == TS_SPLIT_TEST) {
        ask_listed(m);
    } else {
        ask_made(m);
        const char *question = ts_text_in(&m->item->question);
        ts_put(m, &m->item->key, "beyond %s", question);
        if (!ts_maker_takes(m) || has_held_out(question))
            return false;
    }
    ts_put(m, &m->item->trace, "%s", REASON[m->lang]);
    ts_put(m, &m->item->answer, "%s", ANSWER[m->lang][ts_pick(m, 3)]);
    ts_put(m, &m->item->truth, "%s", TRUTH);
    return true;
}
