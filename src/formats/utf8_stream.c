/* utf8_stream.c - the streaming half of bpe.h: bytes to whole characters.
 *
 * What cannot be a character is replaced as browsers and Rust do it: one U+FFFD
 * for the longest beginning of a character, or for a single byte.
 */
#include <string.h>

#include "core/utf8.h"
#include "formats/bpe.h"

/* True if n bytes (1..3) are a proper beginning of some character: then bytes can
 * be added that complete it. */
static bool is_beginning(const unsigned char *s, size_t n)
{
    char tried[4];
    uint32_t code;
    const size_t len = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

    if (n >= len)
        return false;
    memcpy(tried, s, n);
    /* The second byte has narrower ranges: 0x9f fits where 0xa0 or more does not. */
    for (size_t i = n; i < len; i++)
        tried[i] = '\x80';
    if (n == 1 && (s[0] == 0xe0 || s[0] == 0xf0))
        tried[1] = s[0] == 0xe0 ? '\xa0' : '\x90';
    return ts_utf8_decode(tried, len, &code) == len;
}

/* Take what is decided at the front of the pending bytes; returns bytes written. */
static size_t settle(ts_utf8_stream *s, char *out)
{
    size_t written = 0;

    while (s->n && !is_beginning(s->pending, s->n)) {
        uint32_t code;
        size_t taken = ts_utf8_decode((const char *)s->pending, s->n, &code);

        if (taken) {
            memcpy(out + written, s->pending, taken);
            written += taken;
        } else {
            memcpy(out + written, "\xef\xbf\xbd", 3);
            written += 3;
            taken = s->n - 1;
            while (taken > 1 && !is_beginning(s->pending, taken))
                taken--;
            taken = taken ? taken : 1;
        }
        memmove(s->pending, s->pending + taken, s->n - taken);
        s->n -= taken;
    }
    return written;
}

size_t ts_utf8_stream_feed(ts_utf8_stream *s, const char *bytes, size_t n, char *out)
{
    size_t written = 0;

    for (size_t i = 0; i < n; i++) {
        s->pending[s->n++] = (unsigned char)bytes[i];
        written += settle(s, out + written);
    }
    return written;
}

size_t ts_utf8_stream_end(ts_utf8_stream *s, char *out)
{
    const bool is_cut = s->n > 0; /* a beginning: settle() leaves nothing else */

    s->n = 0;
    if (is_cut)
        memcpy(out, "\xef\xbf\xbd", 3);
    return is_cut ? 3 : 0;
}
