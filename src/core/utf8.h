/* utf8.h - validate and walk UTF-8 (RFC 3629: no surrogates, no overlong forms). */
#ifndef TS_CORE_UTF8_H
#define TS_CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at s (1..4) and its code point; 0 if the n bytes do
 * not begin with a whole valid character. */
size_t ts_utf8_decode(const char *s, size_t n, uint32_t *code);

/* Write code (a valid scalar value) to out[4]; returns 1..4. */
size_t ts_utf8_encode(uint32_t code, char *out);

bool ts_utf8_is_valid(const char *s, size_t n);

/* Length of the longest prefix that ends on a character border: a character
 * begun but not finished at the end is left out, invalid bytes are kept. */
size_t ts_utf8_whole(const char *s, size_t n);

#endif
