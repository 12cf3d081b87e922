/* unicode_tables.h - the few properties of characters that tokenizers ask for.
 *
 * The data is generated (tools/unicode/make_tables.py) and says what the
 * published tokenizers library says, which is not one version of Unicode: its
 * regexes, its digits and its normaliser each have their own.  That is why no
 * regex or Unicode library can stand in: PCRE2 10.42 differs in 10,000 letters.
 */
#ifndef TS_FORMATS_UNICODE_TABLES_H
#define TS_FORMATS_UNICODE_TABLES_H

#include <stdint.h>

enum {
    UNI_LETTER = 0x01,     /* \p{L} */
    UNI_MARK = 0x02,       /* \p{M} */
    UNI_NUMBER = 0x04,     /* \p{N} */
    UNI_PUNCT = 0x08,      /* \p{P} */
    UNI_SYMBOL = 0x10,     /* \p{S} */
    UNI_SPACE = 0x20,      /* \s */
    UNI_NUMERIC = 0x40,    /* the pre-tokenizer Digits */
    UNI_LLM_LETTER = 0x80, /* the letters that deepseek-llm lists */
    UNI_BLOCK = 128,       /* code points per block of the tables */
    UNI_UNSETTLED = 255    /* class 0, but NFC may change it */
};

extern const uint16_t ts_unicode_class_block[];
extern const uint8_t ts_unicode_class_bits[];
extern const uint8_t ts_unicode_mark_block[];
extern const uint8_t ts_unicode_mark_bits[];

/* first + second give composed; sorted. */
typedef struct ts_unicode_pair {
    uint32_t first, second, composed;
} ts_unicode_pair;
extern const ts_unicode_pair ts_unicode_pairs[];
extern const uint32_t ts_unicode_n_pairs;

/* code is ts_unicode_parts[at .. at + n), fully decomposed; sorted. */
typedef struct ts_unicode_split {
    uint32_t code;
    uint16_t at, n;
} ts_unicode_split;
extern const ts_unicode_split ts_unicode_splits[];
extern const uint32_t ts_unicode_n_splits;
extern const uint32_t ts_unicode_parts[];

/* UNI_ bits of a code point below 0x110000. */
static inline unsigned ts_unicode_class(uint32_t code)
{
    return ts_unicode_class_bits[ts_unicode_class_block[code / UNI_BLOCK] * UNI_BLOCK +
                                 code % UNI_BLOCK];
}

/* The combining class, or UNI_UNSETTLED; 0: NFC keeps the character, and what
 * stands before it, as they are. */
static inline unsigned ts_unicode_mark(uint32_t code)
{
    return ts_unicode_mark_bits[ts_unicode_mark_block[code / UNI_BLOCK] * UNI_BLOCK +
                                code % UNI_BLOCK];
}

#endif
