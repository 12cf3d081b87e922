# SPDX-License-Identifier: MIT
"""Write quant_vectors.bin: blocks of every quantised type and the float32 values gguf-py gives them.

    python make_quant_vectors.py [--seed 20261124]

Needs the PyPI packages gguf (0.17 or newer, for MXFP4) and numpy.  The file, little endian:

    "TSQV" u32 n_types, then for each type
    char name[8], u32 weights_per_block, u32 bytes_per_block, u32 n_blocks, blocks, values as float32

Codes and integer scales are random bytes.  The f16 scales of the first blocks are awkward (zeros, the ends of the subnormal
and of the normal range, both signs), then subnormal at random, then of ordinary size.  Infinities and not-a-numbers are left
out: what they become is not a value.
"""

import argparse
import os
import struct

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Q

# Type -> offsets of its f16 scales.
TYPES = {
    Q.Q4_0: (0,),
    Q.Q4_1: (0, 2),
    Q.Q5_0: (0,),
    Q.Q5_1: (0, 2),
    Q.Q8_0: (0,),
    Q.IQ4_NL: (0,),
    Q.MXFP4: (),
    Q.Q2_K: (80, 82),
    Q.Q3_K: (108,),
    Q.Q4_K: (0, 2),
    Q.Q5_K: (0, 2),
    Q.Q6_K: (208,),
    Q.IQ4_XS: (0,),
}
AWKWARD = (0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x8400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF)
AWKWARD_E8M0 = (0, 1, 2, 126, 127, 128, 251)


def half_scales(rng, n_blocks, shift):
    """(n_blocks,) f16 bit patterns; shift makes the awkward values of d and dmin meet in different ways."""
    bits = rng.normal(0, 0.01, n_blocks).astype("<f2").view("<u2")
    n_awkward = min(n_blocks // 2, len(AWKWARD))
    bits[:n_awkward] = np.roll(AWKWARD, shift)[:n_awkward]
    n_subnormal = n_blocks // 4
    subnormal = rng.integers(0, 0x400, n_subnormal) | rng.integers(0, 2, n_subnormal) << 15
    bits[n_awkward : n_awkward + n_subnormal] = subnormal
    return bits


def make_blocks(rng, kind, n_blocks):
    _, width = gguf.GGML_QUANT_SIZES[kind]
    raw = rng.integers(0, 256, (n_blocks, width), dtype=np.uint8)
    for k, at in enumerate(TYPES[kind]):
        raw[:, at : at + 2] = half_scales(rng, n_blocks, 5 * k).reshape(-1, 1).view(np.uint8)
    if kind == Q.MXFP4:
        raw[:, 0] = rng.integers(100, 140, n_blocks)
        raw[: len(AWKWARD_E8M0), 0] = AWKWARD_E8M0
    return raw


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20261124)
    rng = np.random.default_rng(parser.parse_args().seed)

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quant_vectors.bin")
    with open(path, "wb") as out:
        out.write(b"TSQV" + struct.pack("<I", len(TYPES)))
        for kind in TYPES:
            weights, width = gguf.GGML_QUANT_SIZES[kind]
            n_blocks = 12 if weights == 256 else 48
            raw = make_blocks(rng, kind, n_blocks)
            with np.errstate(over="raise", invalid="raise"):
                values = gguf.quants.dequantize(raw, kind).astype("<f4")
            assert values.size == n_blocks * weights and np.isfinite(values).all()
            out.write(kind.name.lower().encode().ljust(8, b"\0") + struct.pack("<3I", weights, width, n_blocks))
            out.write(raw.tobytes() + values.tobytes())
    print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
