/* tiny_vocab.c - see tiny_vocab.h. */
#include "support/tiny_vocab.h"

#include <assert.h>
#include <string.h>

#include "core/utf8.h"

static bool is_printed(unsigned b)
{
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
}

int32_t tiny_vocab_add(tiny_vocab *v, const char *text, ts_token_type type)
{
    const uint32_t id = v->vocab.n_tokens++;
    const size_t n = strlen(text);

    assert(id < TINY_MAX_TOKENS && n < TINY_MAX_TEXT);
    memcpy(v->chars[id], text, n + 1);
    v->text[id] = (ts_str){v->chars[id], n};
    v->type[id] = (uint8_t)type;
    return (int32_t)id;
}

void tiny_vocab_init(tiny_vocab *v, ts_pretokenizer pre, const char *const *merges)
{
    uint32_t next = 256;

    *v = (tiny_vocab){.vocab = {.pre = pre, .bos = -1, .eos = -1, .pad = -1}};
    v->vocab.text = v->text;
    v->vocab.type = v->type;
    v->vocab.merge_left = v->left;
    v->vocab.merge_right = v->right;
    for (unsigned b = 0; b < 256; b++) {
        char text[5] = {0};
        ts_utf8_encode(is_printed(b) ? b : next++, text);
        tiny_vocab_add(v, text, TS_TOKEN_NORMAL);
    }
    for (uint32_t i = 0; merges && merges[i]; i++) {
        const char *space = strchr(merges[i], ' ');
        char joined[TINY_MAX_TEXT] = {0};

        assert(space && strlen(merges[i]) < TINY_MAX_TEXT);
        v->left[i] = (ts_str){merges[i], (size_t)(space - merges[i])};
        v->right[i] = ts_str_of(space + 1);
        memcpy(joined, v->left[i].ptr, v->left[i].len);
        memcpy(joined + v->left[i].len, v->right[i].ptr, v->right[i].len);
        v->vocab.n_merges = i + 1;
        for (uint32_t t = 0; t < v->vocab.n_tokens; t++)
            if (ts_str_is(v->text[t], joined))
                joined[0] = '\0';
        if (joined[0])
            tiny_vocab_add(v, joined, TS_TOKEN_NORMAL);
    }
}
