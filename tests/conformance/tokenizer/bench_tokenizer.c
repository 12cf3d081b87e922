/* bench_tokenizer.c - how fast text becomes tokens.
 *
 *     bench_tokenizer TOKENIZER.json [megabytes] [kind]
 *
 * One line per kind of text: seconds, processor seconds, MB per processor second
 * and tokens.  Prose and code are the files of
 * the source tree, repeated; the rest are the hostile kinds, above all one
 * character again and again, which some tokenizers need quadratic time for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/utf8.h"
#include "formats/bpe.h"
#include "support/json_vocab.h"

typedef struct kind {
    const char *name;
    const char *unit;     /* repeated */
    const char *file;     /* or this one, repeated */
    const char *alphabet; /* or random characters of these bytes */
} kind;

static const kind kinds[] = {
    {.name = "english", .file = "README.md"},
    {.name = "code", .file = "src/formats/bpe.c"},
    {.name = "spaces", .unit = " "},
    {.name = "newlines", .unit = "\n"},
    {.name = "space-newline", .unit = " \n"},
    {.name = "tabs", .unit = "\t"},
    {.name = "letter a", .unit = "a"},
    {.name = "letter Z", .unit = "Z"},
    {.name = "digits", .unit = "7"},
    {.name = "full stops", .unit = "."},
    {.name = "dashes", .unit = "-"},
    {.name = "apostrophes", .unit = "'"},
    {.name = "less-than", .unit = "<"},
    {.name = "marker", .unit = "<\xef\xbd\x9c"},
    {.name = "cjk", .unit = "\xe4\xb8\xad"},
    {.name = "kana", .unit = "\xe3\x83\xbc"},
    {.name = "hangul", .unit = "\xea\xb0\x80"},
    {.name = "emoji", .unit = "\xf0\x9f\x98\x80"},
    {.name = "family", .unit = "\xf0\x9f\x91\xa8\xe2\x80\x8d"},
    {.name = "marks", .unit = "\xcc\x81"},
    {.name = "two marks", .unit = "\xcc\x81\xcc\xa3"},
    {.name = "control", .unit = "\x01"},
    {.name = "nul", .alphabet = "\0"},
    {.name = "ideographic space", .unit = "\xe3\x80\x80"},
    {.name = "invalid", .unit = "\xff"},
    {.name = "lower case", .alphabet = "abcdefghijklmnopqrstuvwxyz"},
    {.name = "ab", .alphabet = "ab"},
    {.name = "hexadecimal", .alphabet = "0123456789abcdef"},
    {.name = "white space", .alphabet = " \t\r\n"},
    {.name = "punctuation", .alphabet = "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"},
};

static void fill(char *text, size_t n, const kind *k)
{
    uint64_t random = 1;
    ts_map file = {0};
    const char *from = k->unit;
    size_t unit = from ? strlen(from) : 0;

    if (k->file) {
        if (ts_map_open(&file, k->file, NULL) != TIEFSEE_OK) {
            from = "The quick brown fox jumps over the lazy dog, and nobody minds.\n";
            unit = strlen(from);
        } else {
            from = (const char *)file.ptr;
            unit = file.size;
        }
    }
    const size_t n_letters = k->alphabet && *k->alphabet ? strlen(k->alphabet) : 1;
    for (size_t i = 0; i < n; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        text[i] = k->alphabet ? k->alphabet[(random >> 33) % n_letters] : from[i % unit];
    }
    ts_map_close(&file);
}

int main(int argc, char **argv)
{
    json_vocab v;
    tiefsee_error err = {0};
    ts_bpe *b;

    if (argc < 2 || !json_vocab_open(&v, argv[1]))
        return 77;
    const double begun = ts_clock_seconds();
    if (ts_bpe_new(&b, &v.vocab, &err) != TIEFSEE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("%-20s %8.3f s\n", "compiling", ts_clock_seconds() - begun);
    const size_t n = (size_t)(argc > 2 ? strtoul(argv[2], NULL, 10) : 10) * 1000000;
    char *text = malloc(n + 1);
    if (!text)
        return 1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ts_tokens ids = {.max = SIZE_MAX / 8};
        if (argc > 3 && strcmp(argv[3], kinds[i].name) != 0)
            continue;
        fill(text, n, &kinds[i]);
        const double start = ts_clock_seconds();
        const clock_t cpu_start = clock();
        if (ts_bpe_encode(b, text, n, true, &ids, &err) != TIEFSEE_OK) {
            fprintf(stderr, "%s: %s\n", kinds[i].name, err.message);
            return 1;
        }
        const double seconds = ts_clock_seconds() - start;
        const double cpu = (double)(clock() - cpu_start) / CLOCKS_PER_SEC;
        printf("%-20s %8.3f s %8.3f s %8.1f MB/s %10zu tokens\n", kinds[i].name, seconds, cpu,
               (double)n / 1e6 / cpu, ids.n);
        fflush(stdout);
        ts_tokens_free(&ids);
    }
    free(text);
    ts_bpe_free(b);
    json_vocab_close(&v);
    return 0;
}
