/* language.c - see language.h. */
#include "train/language.h"

#include <string.h>

enum { MAX_WORD = 12 };

/* Frequent in answers of one language (or of any text in it), no words of the other. */
static const char *const ENGLISH[] = {
    "and",     "answer",   "are",    "because", "cannot",   "friday",  "is",       "it",
    "know",    "leaves",   "monday", "not",     "nothing",  "of",      "only",     "or",
    "program", "question", "right",  "since",   "saturday", "sunday",  "that",     "the",
    "then",    "this",     "to",     "today",   "tomorrow", "tuesday", "what",     "wednesday",
    "with",    "wrong",    "you",    "your",    "thursday", "which",   "remainder"};
static const char *const GERMAN[] = {
    "aber",     "auf",        "aus",   "bin",     "das",      "dem",     "der",    "die",
    "dienstag", "ein",        "eine",  "etwas",   "freitag",  "frage",   "heute",  "ich",
    "ist",      "kann",       "keine", "klein",   "mittwoch", "modell",  "montag", "nicht",
    "noch",     "nur",        "oder",  "rechnen", "samstag",  "sonntag", "und",    "von",
    "weil",     "donnerstag", "weder", "wenn",    "zum",      "rechner"};

static bool is_among(const char *const *words, size_t n, ts_str word)
{
    for (size_t i = 0; i < n; i++)
        if (ts_str_is(word, words[i]))
            return true;
    return false;
}

static bool is_foreign(ts_lang lang, ts_str word)
{
    return (lang != TS_LANG_EN && is_among(ENGLISH, TS_COUNT(ENGLISH), word)) ||
           (lang != TS_LANG_DE && is_among(GERMAN, TS_COUNT(GERMAN), word));
}

/* Letters of ASCII and all bytes of other characters, so that "für" is one word. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0xc0 ||
           ((unsigned char)c >= 0x80 && (unsigned char)c < 0xc0);
}

/* U+4E00 to U+9FFF, or what could be their first bytes. */
static bool is_chinese(ts_str s, size_t at)
{
    return s.len - at >= 3 && (unsigned char)s.ptr[at] >= 0xe4 && (unsigned char)s.ptr[at] <= 0xe9;
}

bool ts_keeps_language(ts_lang lang, ts_str text)
{
    char word[MAX_WORD];
    size_t n = 0;

    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && lang != TS_LANG_ZH && is_chinese(text, i))
            return false;
        if (i < text.len && is_letter(text.ptr[i])) {
            const char c = text.ptr[i];

            if (n < MAX_WORD)
                word[n] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
            n++;
            continue;
        }
        if (n > 0 && n <= MAX_WORD && is_foreign(lang, (ts_str){word, n}))
            return false;
        n = 0;
    }
    return true;
}
