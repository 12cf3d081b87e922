/* wsframe.c - see wsframe.h. */
#include "server/http/wsframe.h"

#include <gnutls/crypto.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "core/utf8.h"

enum { KEY_BYTES = 16, MAX_KEY_TEXT = 24, SHA1_BYTES = 20 };

/* ---- frames */

static size_t head_bytes(const ts_ws_parser *p)
{
    static const size_t more[] = {[126] = 2, [127] = 8};

    return p->n_head < 2 ? 2 : 2 + more[p->head[1] & 0x7f] + sizeof p->mask;
}

static uint64_t payload_bytes(const ts_ws_parser *p)
{
    const unsigned word = p->head[1] & 0x7f;
    const size_t n = word == 126 ? 2 : word == 127 ? 8 : 0;
    uint64_t length = 0;

    for (size_t i = 0; i < n; i++)
        length = length << 8 | p->head[2 + i];
    return n ? length : word;
}

/* Of a frame that has all of its head. */
static ts_ws_code judge(const ts_ws_parser *p)
{
    const bool is_control = p->opcode >= TS_WS_CLOSE;

    if ((p->head[0] & 0x70) || p->opcode > TS_WS_PONG ||
        (p->opcode > TS_WS_BINARY && !is_control) || p->left >> 63)
        return TS_WS_PROTOCOL;
    if (is_control)
        return p->is_final && p->left <= TS_WS_MAX_CONTROL ? 0 : TS_WS_PROTOCOL;
    if ((p->opcode == TS_WS_CONTINUATION) != p->is_in_message)
        return TS_WS_PROTOCOL;
    return p->opcode == TS_WS_BINARY ? TS_WS_UNSUPPORTED : 0;
}

static void begin_frame(ts_ws_parser *p)
{
    p->is_final = p->head[0] & 0x80;
    p->opcode = (ts_ws_opcode)(p->head[0] & 0x0f);
    p->left = payload_bytes(p);
    memcpy(p->mask, p->head + p->n_head - sizeof p->mask, sizeof p->mask);
    p->mask_at = 0;
    p->n_head = 0;
    p->n_control = 0;
    p->error = judge(p);
    p->is_in_payload = p->error == 0;
    if (p->opcode == TS_WS_TEXT)
        p->is_in_message = true;
}

static bool end_frame(ts_ws_parser *p, const ts_ws_events *events, void *user)
{
    p->is_in_payload = false;
    if (p->opcode >= TS_WS_CLOSE)
        return events->control(user, p->opcode, p->control, p->n_control);
    if (!p->is_final)
        return true;
    p->is_in_message = false;
    return events->end(user);
}

/* Bytes of the payload, not more than are left. */
static bool take_payload(ts_ws_parser *p, char *bytes, size_t n, const ts_ws_events *events,
                         void *user)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(bytes[i] ^ p->mask[p->mask_at++ & 3]);
    p->left -= n;
    if (n == 0)
        return true;
    if (p->opcode < TS_WS_CLOSE)
        return events->text(user, bytes, n);
    memcpy(p->control + p->n_control, bytes, n);
    p->n_control += n;
    return true;
}

static size_t take_head(ts_ws_parser *p, const char *bytes, size_t n)
{
    size_t at = 0;

    while (at < n && p->n_head < head_bytes(p))
        p->head[p->n_head++] = (uint8_t)bytes[at++];
    if (p->n_head >= 2 && !(p->head[1] & 0x80))
        p->error = TS_WS_PROTOCOL; /* no mask, so that its bytes need not come */
    else if (p->n_head >= 2 && p->n_head == head_bytes(p))
        begin_frame(p);
    return at;
}

size_t ts_ws_feed(ts_ws_parser *p, char *bytes, size_t n, const ts_ws_events *events, void *user)
{
    size_t at = 0;
    bool goes_on = true;

    /* A frame without a payload ends when its head does. */
    while (goes_on && !p->error && (at < n || (p->is_in_payload && p->left == 0))) {
        if (!p->is_in_payload) {
            at += take_head(p, bytes + at, n - at);
            continue;
        }
        const size_t part = p->left < n - at ? (size_t)p->left : n - at;

        goes_on = take_payload(p, bytes + at, part, events, user);
        at += part;
        if (goes_on && p->left == 0)
            goes_on = end_frame(p, events, user);
    }
    return at;
}

ts_ws_code ts_ws_close_code(const char *bytes, size_t n)
{
    const unsigned code =
        n >= 2 ? (unsigned)(uint8_t)bytes[0] << 8 | (unsigned)(uint8_t)bytes[1] : 0;
    const bool is_known =
        (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
        (code >= 3000 && code <= 4999);

    if (n == 0)
        return TS_WS_NO_CODE;
    return is_known && ts_utf8_is_valid(bytes + 2, n - 2) ? (ts_ws_code)code : TS_WS_PROTOCOL;
}

size_t ts_ws_head(uint8_t out[TS_WS_MAX_HEAD], ts_ws_opcode opcode, uint64_t n)
{
    const size_t more = n < 126 ? 0 : n <= UINT16_MAX ? 2 : 8;

    out[0] = (uint8_t)(0x80 | opcode);
    out[1] = (uint8_t)(more == 0 ? n : more == 2 ? 126 : 127);
    for (size_t i = 0; i < more; i++)
        out[2 + i] = (uint8_t)(n >> 8 * (more - 1 - i));
    return 2 + more;
}

/* ---- handshake */

bool ts_ws_has_token(ts_str list, const char *token)
{
    const size_t n = strlen(token);

    for (size_t at = 0; at < list.len;) {
        size_t end = at;

        while (end < list.len && list.ptr[end] != ',')
            end++;
        size_t from = at, to = end;
        while (from < to && (list.ptr[from] == ' ' || list.ptr[from] == '\t'))
            from++;
        while (to > from && (list.ptr[to - 1] == ' ' || list.ptr[to - 1] == '\t'))
            to--;
        if (to - from == n && strncasecmp(list.ptr + from, token, n) == 0)
            return true;
        at = end + 1;
    }
    return false;
}

bool ts_ws_accept(ts_str key, char out[TS_WS_ACCEPT_SIZE])
{
    static const char fixed[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */
    unsigned char bytes[KEY_BYTES], hash[SHA1_BYTES];
    char text[MAX_KEY_TEXT + sizeof fixed];
    size_t n = 0;

    if (key.len != MAX_KEY_TEXT ||
        sodium_base642bin(bytes, sizeof bytes, key.ptr, key.len, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        n != sizeof bytes)
        return false;
    memcpy(text, key.ptr, key.len);
    memcpy(text + key.len, fixed, sizeof fixed);
    /* SHA-1 is the protocol's; it protects nothing here. */
    if (gnutls_hash_fast(GNUTLS_DIG_SHA1, text, key.len + sizeof fixed - 1, hash) < 0)
        return false;
    (void)sodium_bin2base64(out, TS_WS_ACCEPT_SIZE, hash, sizeof hash,
                            sodium_base64_VARIANT_ORIGINAL);
    return true;
}
