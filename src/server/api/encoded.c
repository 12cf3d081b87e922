/* encoded.c - see encoded.h. */
#include "server/api/encoded.h"

#include <sodium.h>
#include <string.h>

#include "core/alloc.h"

enum { VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

void ts_encoded_write(ts_out *o, const char *text, size_t n)
{
    const size_t size = sodium_base64_encoded_len(n, VARIANT);
    char *encoded = ts_alloc(size);

    if (!encoded) {
        o->has_failed = true;
        return;
    }
    (void)sodium_bin2base64(encoded, size, (const unsigned char *)text, n, VARIANT);
    ts_out_raw(o, encoded);
    ts_free(encoded);
}

bool ts_encoded_read(ts_arena *arena, ts_str encoded, const char **text)
{
    unsigned char *bytes = ts_arena_alloc(arena, encoded.len + 1);
    size_t n = 0;

    *text = NULL;
    if (!bytes)
        return true;
    if (sodium_base642bin(bytes, encoded.len, encoded.ptr, encoded.len, NULL, &n, NULL, VARIANT) !=
            0 ||
        memchr(bytes, '\0', n))
        return false;
    bytes[n] = '\0';
    *text = (const char *)bytes;
    return true;
}
