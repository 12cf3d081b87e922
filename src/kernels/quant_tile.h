/* quant_tile.h - the scratch that gemm_<type> works in.
 *
 * A panel is 16 rows, one superblock of 256 weights deep: decoded once, then
 * multiplied with up to 256 tokens while it lies in the first-level cache.  The
 * sums of these tokens wait beside it, so that a token's 16 sums are one cache
 * line, whatever the stride of y.
 *
 * "[16][2]": sixteen rows, each with two neighbours along k.  One 32-bit lane of
 * a vector then is one row, and the activations that meet it are one 32-bit
 * broadcast: no horizontal sums.
 */
#ifndef TS_KERNELS_QUANT_TILE_H
#define TS_KERNELS_QUANT_TILE_H

#include <stdint.h>

enum { TS_PANEL_ROWS = 16, TS_PANEL_DEPTH = 256, TS_PANEL_TOKENS = 256 };

typedef struct ts_panel {
    union {
        uint8_t u8[64][16][4];
        int16_t s16[128][16][2];
    } codes;
    int16_t scale[16][16][2]; /* per 16 weights, or per 32 where the type has no more */
    int16_t min[8][16][2];    /* of two groups of 16 weights */
    float d[8][16], m[8][16]; /* per block of 32; of 256: the first only */
    int16_t x[4][256];        /* activations of a tile, as wide as s16 */
    float acc[TS_PANEL_TOKENS][16];
} ts_panel;

/* A caller's scratch may start anywhere. */
static inline ts_panel *ts_panel_in(void *scratch)
{
    return (ts_panel *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
}

#endif
