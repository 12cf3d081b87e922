/* quant_tile.h - the shape of the scratch that gemm_<type> works in.
 *
 * A panel is TS_PANEL_ROWS rows, one superblock of 256 weights deep: decoded
 * once, then multiplied with up to TS_PANEL_TOKENS tokens while it lies in the
 * first-level cache.  The sums of these tokens wait beside it.
 */
#ifndef TS_KERNELS_QUANT_TILE_H
#define TS_KERNELS_QUANT_TILE_H

enum {
    TS_PANEL_ROWS = 16,
    TS_PANEL_DEPTH = 256,
    TS_PANEL_TOKENS = 256,
    TS_GEMM_SCRATCH_BYTES = 64 * 1024
};

#endif
