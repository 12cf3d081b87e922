/* utf8.c - see utf8.h. */
#include "core/utf8.h"

/* Length that the lead byte promises; 0 if it cannot lead. */
static size_t promised(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    if (lead >= 0xf0 && lead <= 0xf4)
        return 4;
    return 0;
}

/* The second byte has a narrower range behind some lead bytes. */
static bool is_second(unsigned char lead, unsigned char b)
{
    if (lead == 0xe0)
        return b >= 0xa0 && b <= 0xbf;
    if (lead == 0xed)
        return b >= 0x80 && b <= 0x9f;
    if (lead == 0xf0)
        return b >= 0x90 && b <= 0xbf;
    if (lead == 0xf4)
        return b >= 0x80 && b <= 0x8f;
    return (b & 0xc0) == 0x80;
}

size_t ts_utf8_decode(const char *s, size_t n, uint32_t *code)
{
    const unsigned char *p = (const unsigned char *)s;
    static const uint8_t lead_mask[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};

    *code = 0;
    if (n == 0)
        return 0;
    const size_t len = promised(p[0]);
    if (len == 0 || len > n || (len > 1 && !is_second(p[0], p[1])))
        return 0;
    uint32_t c = p[0] & lead_mask[len];
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = (c << 6) | (p[i] & 0x3f);
    }
    *code = c;
    return len;
}

size_t ts_utf8_encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | (code >> 12));
        out[1] = (char)(0x80 | ((code >> 6) & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (code >> 18));
    out[1] = (char)(0x80 | ((code >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((code >> 6) & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

bool ts_utf8_is_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t code;
        const size_t len = ts_utf8_decode(s + i, n - i, &code);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

size_t ts_utf8_whole(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;

    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const unsigned char b = p[n - back];
        if ((b & 0xc0) == 0x80)
            continue;
        if (promised(b) <= back)
            return n;
        /* Begun, not finished: only worth waiting for if valid so far. */
        if (back >= 2 && !is_second(b, p[n - back + 1]))
            return n;
        return n - back;
    }
    return n;
}
