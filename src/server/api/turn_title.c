/* turn_title.c - see turn_title.h. */
#include "server/api/turn_title.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char BLANKS[] = " \t\r\n", ELLIPSIS[] = "\xe2\x80\xa6";

/* How much of out[0..n) to keep where text goes on behind it: whole words, or of one
 * long word whole characters. */
static size_t cut(const char *out, size_t n, const char *text)
{
    size_t words = n;

    while (words > 0 && out[words - 1] != ' ')
        words--;
    if (words > 0)
        return words;
    if (((unsigned char)*text & 0xc0) != 0x80)
        return n;
    while (n > 0 && ((unsigned char)out[n - 1] & 0xc0) == 0x80)
        n--;
    return n > 0 ? n - 1 : 0;
}

void ts_turn_title(char out[TS_TITLE_SIZE], const char *text)
{
    const size_t room = TS_TITLE_SIZE - sizeof ELLIPSIS;
    size_t n = 0;

    text += strspn(text, " \t\r\n#*>-");
    for (; *text && n < room; text++) {
        const bool is_blank = strchr(BLANKS, *text) != NULL;

        if (!is_blank || out[n - 1] != ' ')
            out[n++] = is_blank ? ' ' : *text;
    }
    if (!strchr(BLANKS, *text) || text[strspn(text, BLANKS)] == '\0')
        text += strspn(text, BLANKS);
    const bool has_more = *text != '\0';
    if (has_more && !strchr(BLANKS, *text))
        n = cut(out, n, text);
    while (n > 0 && out[n - 1] == ' ')
        n--;
    memcpy(out + n, has_more ? ELLIPSIS : "", has_more ? sizeof ELLIPSIS : 1);
}
