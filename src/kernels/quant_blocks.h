/* quant_blocks.h - the bytes of a quantised block, as a file holds them.
 *
 * Little-endian, without padding, at any address: rows have a stride in bytes.
 * Halves are IEEE half precision.  Layouts: ggml's format description
 * (src/ggml-common.h); what a block means is written in quant_unpack.h.
 */
#ifndef TS_KERNELS_QUANT_BLOCKS_H
#define TS_KERNELS_QUANT_BLOCKS_H

#include <stdint.h>

#define TS_PACKED __attribute__((packed))

/* Nibbles of 32 weights: byte j holds weight j (low) and weight j + 16 (high). */
typedef struct TS_PACKED ts_block_q4_0 {
    uint16_t d;
    uint8_t qs[16];
} ts_block_q4_0;

typedef struct TS_PACKED ts_block_q4_1 {
    uint16_t d, m;
    uint8_t qs[16];
} ts_block_q4_1;

/* Bit j of qh is bit 4 of weight j. */
typedef struct TS_PACKED ts_block_q5_0 {
    uint16_t d;
    uint8_t qh[4];
    uint8_t qs[16];
} ts_block_q5_0;

typedef struct TS_PACKED ts_block_q5_1 {
    uint16_t d, m;
    uint8_t qh[4];
    uint8_t qs[16];
} ts_block_q5_1;

typedef struct TS_PACKED ts_block_q8_0 {
    uint16_t d;
    int8_t qs[32];
} ts_block_q8_0;

typedef struct TS_PACKED ts_block_iq4_nl {
    uint16_t d;
    uint8_t qs[16];
} ts_block_iq4_nl;

typedef struct TS_PACKED ts_block_mxfp4 {
    uint8_t e;
    uint8_t qs[16];
} ts_block_mxfp4;

typedef struct TS_PACKED ts_block_q2_k {
    uint8_t scales[16]; /* low nibble: scale, high nibble: minimum */
    uint8_t qs[64];
    uint16_t d, dmin;
} ts_block_q2_k;

typedef struct TS_PACKED ts_block_q3_k {
    uint8_t hmask[32];
    uint8_t qs[64];
    uint8_t scales[12]; /* sixteen six-bit scales */
    uint16_t d;
} ts_block_q3_k;

typedef struct TS_PACKED ts_block_q4_k {
    uint16_t d, dmin;
    uint8_t scales[12]; /* eight six-bit scales and minima */
    uint8_t qs[128];
} ts_block_q4_k;

typedef struct TS_PACKED ts_block_q5_k {
    uint16_t d, dmin;
    uint8_t scales[12]; /* as in q4_k */
    uint8_t qh[32];
    uint8_t qs[128];
} ts_block_q5_k;

typedef struct TS_PACKED ts_block_q6_k {
    uint8_t ql[128];
    uint8_t qh[64];
    int8_t scales[16];
    uint16_t d;
} ts_block_q6_k;

typedef struct TS_PACKED ts_block_iq4_xs {
    uint16_t d;
    uint16_t scales_h;
    uint8_t scales_l[4];
    uint8_t qs[128];
} ts_block_iq4_xs;

_Static_assert(sizeof(ts_block_q4_0) == 18, "q4_0");
_Static_assert(sizeof(ts_block_q4_1) == 20, "q4_1");
_Static_assert(sizeof(ts_block_q5_0) == 22, "q5_0");
_Static_assert(sizeof(ts_block_q5_1) == 24, "q5_1");
_Static_assert(sizeof(ts_block_q8_0) == 34, "q8_0");
_Static_assert(sizeof(ts_block_iq4_nl) == 18, "iq4_nl");
_Static_assert(sizeof(ts_block_mxfp4) == 17, "mxfp4");
_Static_assert(sizeof(ts_block_q2_k) == 84, "q2_k");
_Static_assert(sizeof(ts_block_q3_k) == 110, "q3_k");
_Static_assert(sizeof(ts_block_q4_k) == 144, "q4_k");
_Static_assert(sizeof(ts_block_q5_k) == 176, "q5_k");
_Static_assert(sizeof(ts_block_q6_k) == 210, "q6_k");
_Static_assert(sizeof(ts_block_iq4_xs) == 136, "iq4_xs");

#endif
