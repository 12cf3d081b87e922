/* task_letters.c - letters of words: how many, which one, the other way round.
 *
 * What is looked for stands first; then the word is spelled, each letter with a running
 * count or its place: a model sees tokens, not letters.  What is spelled backwards has
 * hyphens for the same reason. */
#include <stdio.h>
#include <string.h>

#include "train/tasks/maker.h"

static const char *const WORDS[] = {
    "strawberry", "banana",    "letter",  "mountain",  "computer", "window",   "yellow",
    "summer",     "winter",    "garden",  "kitchen",   "elephant", "butter",   "coffee",
    "school",     "teacher",   "pepper",  "tomato",    "potato",   "carrot",   "cheese",
    "bottle",     "little",    "middle",  "number",    "balloon",  "arrow",    "mirror",
    "hammer",     "ladder",    "river",   "forest",    "wasser",   "sommer",   "butter",
    "kaffee",     "messer",    "teller",  "zimmer",    "himmel",   "schule",   "lehrer",
    "garten",     "fenster",   "tomate",  "kartoffel", "banane",   "erdbeere", "brille",
    "koffer",     "schlitten", "kammer",  "donner",    "blitz",    "regen",    "wolke",
    "nihao",      "xiexie",    "pingguo", "xiangjiao", "beijing",  "shanghai", "diannao",
    "laoshi",
};

static const char *const COUNT[TS_N_LANGS][8] = {
    {"Count the {1} in {0}.", "How many {1}'s are in {0}?",
     "How many times does the letter {1} occur in \"{0}\"?", "How often is {1} in the word {0}?",
     "How many letters {1} does {0} have?", "In {0}, how many {1} are there?"},
    {"Zähle die {1} in {0}.", "Wie viele {1} sind in {0}?",
     "Wie oft kommt der Buchstabe {1} in \"{0}\" vor?", "Wie oft steht {1} im Wort {0}?",
     "Wie viele Buchstaben {1} hat {0}?"},
    {"数{0}里的{1}。", "{0}里有几个{1}？", "单词{0}中字母{1}出现几次？",
     "\"{0}\"里面有多少个字母{1}？", "{1}在{0}里出现了几次？"},
};
static const char *const PLACE[TS_N_LANGS][6] = {
    {"Name letter {1} of {0}.", "What is letter number {1} of {0}?",
     "Which letter is at place {1} in \"{0}\"?", "What is the letter at position {1} in {0}?"},
    {"Nenne Buchstabe {1} von {0}.", "Was ist der {1}. Buchstabe von {0}?",
     "Welcher Buchstabe steht in \"{0}\" an Stelle {1}?",
     "Welcher ist Buchstabe Nummer {1} im Wort {0}?"},
    {"说出{0}的字母{1}号。", "{0}的第{1}个字母是什么？", "单词\"{0}\"的第{1}个字母是哪个？",
     "{0}里第{1}个字母是？"},
};
static const char *const LENGTH[TS_N_LANGS][6] = {
    {"Give the length of {0}.", "How many letters does {0} have?", "How long is the word {0}?",
     "How many letters are in \"{0}\"?"},
    {"Gib die Länge von {0} an.", "Wie viele Buchstaben hat {0}?", "Wie lang ist das Wort {0}?",
     "Aus wie vielen Buchstaben besteht \"{0}\"?"},
    {"给出{0}的长度。", "{0}有几个字母？", "单词{0}有多长？", "\"{0}\"由多少个字母组成？"},
};
static const char *const REVERSE[TS_N_LANGS][6] = {
    {"Give {0} in reverse.", "Spell {0} backwards.", "Reverse the word {0}.",
     "What is {0} backwards?", "Write \"{0}\" backwards."},
    {"Gib {0} umgekehrt wieder.", "Buchstabiere {0} rückwärts.", "Drehe das Wort {0} um.",
     "Was ist {0} rückwärts?", "Schreibe \"{0}\" rückwärts."},
    {"给出{0}的逆序。", "把{0}倒过来拼写。", "将单词{0}反过来。", "{0}倒着写是什么？",
     "把\"{0}\"反着写出来。"},
};

enum { MAX_WORD = 12 };

/* A word that exists, or one that could. */
static void draw_word(ts_maker *m, char word[MAX_WORD + 1])
{
    if (ts_chance(m, 25)) {
        const char *w = WORDS[ts_pick(m, TS_COUNT(WORDS))];

        memcpy(word, w, strlen(w) + 1);
        return;
    }
    const size_t n = (size_t)ts_between(m, 3, m->level == 3 ? 8 : 10);
    for (size_t i = 0; i < n; i++)
        word[i] = ts_pick(m, 4) == 0 && i > 0 ? word[i - 1 - ts_pick(m, i)]
                  : i % 2                     ? "aeiou"[ts_pick(m, 5)]
                                              : "bcdfghjklmnpqrstvwxyz"[ts_pick(m, 21)];
    word[n] = '\0';
}

/* The first n letters with their places. */
static void put_places(ts_maker *m, const char *word, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ts_put(m, &m->item->trace, "%s%zu%c", i ? " " : "", i + 1, word[i]);
}

static bool make_count(ts_maker *m, const char *word)
{
    const size_t n = strlen(word);
    const char c = ts_chance(m, 80) ? word[ts_pick(m, n)] : (char)('a' + ts_pick(m, 26));
    const char letter[] = {c, '\0'};
    const char *const args[] = {word, letter};
    int count = 0;

    ts_put(m, &m->item->key, "count %c %s", c, word);
    if (!ts_maker_takes(m))
        return false;
    ts_ask(m, COUNT[m->lang], args);
    ts_put(m, &m->item->trace, "%c:", c);
    for (size_t i = 0; i < n; i++) {
        count += word[i] == c;
        ts_put(m, &m->item->trace, " %c%c%d", word[i], word[i] == c ? '=' : '-', count);
    }
    ts_put(m, &m->item->answer, "%d", count);
    ts_put(m, &m->item->truth, "n%d", count);
    return true;
}

static bool make_place(ts_maker *m, const char *word)
{
    const size_t at = (size_t)ts_pick(m, strlen(word));
    char place[24];
    const char *const args[] = {word, place};

    ts_put(m, &m->item->key, "place %zu %s", at + 1, word);
    if (!ts_maker_takes(m))
        return false;
    (void)snprintf(place, sizeof place, "%zu", at + 1);
    ts_ask(m, PLACE[m->lang], args);
    ts_put(m, &m->item->trace, "%zu: ", at + 1);
    put_places(m, word, at + 1);
    ts_put(m, &m->item->answer, "%c", word[at]);
    ts_put(m, &m->item->truth, "s%c", word[at]);
    return true;
}

static bool make_length(ts_maker *m, const char *word)
{
    const char *const args[] = {word};

    ts_put(m, &m->item->key, "length %s", word);
    if (!ts_maker_takes(m))
        return false;
    ts_ask(m, LENGTH[m->lang], args);
    put_places(m, word, strlen(word));
    ts_put(m, &m->item->answer, "%zu", strlen(word));
    ts_put(m, &m->item->truth, "n%zu", strlen(word));
    return true;
}

static bool make_reverse(ts_maker *m, const char *word)
{
    const char *const args[] = {word};

    ts_put(m, &m->item->key, "reverse %s", word);
    if (!ts_maker_takes(m))
        return false;
    ts_ask(m, REVERSE[m->lang], args);
    put_places(m, word, strlen(word));
    ts_put(m, &m->item->trace, "\n");
    ts_put(m, &m->item->truth, "s");
    for (size_t i = strlen(word); i-- > 0;) {
        ts_put(m, &m->item->trace, "%zu%c%s", i + 1, word[i], i ? " " : "");
        ts_put(m, &m->item->answer, "%c%s", word[i], i ? "-" : "");
        ts_put(m, &m->item->truth, "%c", word[i]);
    }
    return true;
}

bool ts_make_letters(ts_maker *m)
{
    char word[MAX_WORD + 1];

    draw_word(m, word);
    if (m->level == 1)
        return make_count(m, word);
    if (m->level == 2)
        return ts_pick(m, 3) ? make_place(m, word) : make_length(m, word);
    return make_reverse(m, word);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The last word, or letters with hyphens between them: "s-t-r-a-w". */
static bool ends_in_word(ts_str word, ts_str s)
{
    size_t end = s.len, k = word.len;

    while (end > 0 && !is_letter(s.ptr[end - 1]))
        end--;
    while (end > 0 && (is_letter(s.ptr[end - 1]) || s.ptr[end - 1] == '-')) {
        const char c = s.ptr[--end];

        if (c == '-')
            continue;
        if (k == 0 || (c | 32) != word.ptr[k - 1])
            return false;
        k--;
    }
    return k == 0 && word.len > 0;
}

/* truth: n and a number, or s and a word. */
bool ts_judge_letters(ts_lang lang, ts_str truth, ts_str answer)
{
    if (truth.len < 2)
        return false;
    const ts_str rest = {truth.ptr + 1, truth.len - 1};

    return truth.ptr[0] == 'n' ? ts_judge_number(lang, rest, answer) : ends_in_word(rest, answer);
}
