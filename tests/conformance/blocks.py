# SPDX-License-Identifier: MIT
"""Quantised blocks for the fixtures: whole tensors with sensible values, and awkward single blocks.

The `gguf` package quantises Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and MXFP4.  For the other types a tensor's
codes are random bits and only its scales are made: the result has the standard deviation of the
given weights (see random_k), not their values.  That is enough, because the reference
dequantises the same bytes.  The judge of every value is gguf.quants.dequantize.
"""

import os

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Q

IQ4_NL_VALUES = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], dtype=np.float32
)


def half_bytes(x):
    """(n,) floats -> (n, 2) bytes, IEEE half, little endian."""
    return np.asarray(x, dtype="<f2").reshape(-1, 1).view(np.uint8)


def random_bytes(rng, n, width):
    return rng.integers(0, 256, (n, width), dtype=np.uint8)


def pack_scales_k4(sc, m):
    """8 scales and 8 minima of 6 bits -> 12 bytes (Q4_K, Q5_K)."""
    low = (sc[:, :4] & 63) | (sc[:, 4:] >> 4 << 6)
    mid = (m[:, :4] & 63) | (m[:, 4:] >> 4 << 6)
    high = (sc[:, 4:] & 15) | (m[:, 4:] & 15) << 4
    return np.concatenate((low, mid, high), axis=1).astype(np.uint8)


def random_iq4_nl(w, rng):
    """Nearest code; the largest weight of a block maps to -127, so d may be negative."""
    w = w.reshape(-1, 32)
    peak = w[np.arange(len(w)), np.abs(w).argmax(1)]
    d = (peak / -127).astype(np.float16).astype(np.float32)
    scaled = w / np.where(d == 0, 1, d)[:, None]
    code = np.abs(scaled[:, :, None] - IQ4_NL_VALUES).argmin(-1).astype(np.uint8)
    return np.concatenate((half_bytes(d), code[:, :16] | code[:, 16:] << 4), axis=1)


def random_k(w, kind, rng):
    """Random codes; d chosen for the standard deviation of w."""
    n = w.size // 256
    d = w.std() * rng.uniform(0.8, 1.25, n)
    sign = rng.choice([-1.0, 1.0], n)
    if kind == Q.Q2_K:  # rms of sc (q - 1.5): 10.1 * 1.12
        sc = rng.integers(4, 16, (n, 16), dtype=np.uint8)
        m = np.clip(sc + rng.integers(-1, 2, sc.shape, dtype=np.int8), 0, 15).astype(np.uint8)
        d = d / 11.3
        return np.concatenate(
            (sc | m << 4, random_bytes(rng, n, 64), half_bytes(d), half_bytes(1.5 * d)), axis=1
        )
    if kind == Q.Q3_K:  # rms of (sc - 32)(q - 4): 18.5 * 2.35
        return np.concatenate(
            (random_bytes(rng, n, 32 + 64 + 12), half_bytes(sign * d / 43.5)), axis=1
        )
    if kind in (Q.Q4_K, Q.Q5_K):  # rms of sc (q - middle): 43.4 * 4.61 or 43.4 * 9.23
        middle, rms = (7.5, 200) if kind == Q.Q4_K else (15.5, 401)
        sc = rng.integers(20, 64, (n, 8), dtype=np.uint8)
        m = np.clip(sc + rng.integers(-2, 3, sc.shape, dtype=np.int8), 0, 63).astype(np.uint8)
        d = d / rms
        head = (half_bytes(d), half_bytes(middle * d), pack_scales_k4(sc, m))
        return np.concatenate((*head, random_bytes(rng, n, 128 if kind == Q.Q4_K else 160)), axis=1)
    if kind == Q.Q6_K:  # rms of sc (q - 32): 37 * 18.5
        sc = rng.integers(-64, 64, (n, 16), dtype=np.int8).view(np.uint8)
        return np.concatenate((random_bytes(rng, n, 192), sc, half_bytes(sign * d / 685)), axis=1)
    assert kind == Q.IQ4_XS, kind  # rms of (ls - 32) T[q]: 18.5 * 71
    return np.concatenate((half_bytes(sign * d / 1310), random_bytes(rng, n, 2 + 4 + 128)), axis=1)


def quantise(w, kind, rng):
    """w (..., n) -> bytes (..., n / block * block bytes)."""
    per_block, n_bytes = gguf.GGML_QUANT_SIZES[kind]
    if kind == Q.IQ4_NL:
        raw = random_iq4_nl(w, rng)
    elif per_block == 256:
        raw = random_k(w, kind, rng)
    else:
        raw = gguf.quants.quantize(np.ascontiguousarray(w, dtype=np.float32), kind)
    return np.ascontiguousarray(raw.reshape(*w.shape[:-1], w.shape[-1] // per_block * n_bytes))


# ---- the quant_blocks fixture ----

# Where the f16 scales of a block are: offsets in bytes.
HALVES = {
    Q.Q4_0: (0,),
    Q.Q4_1: (0, 2),
    Q.Q5_0: (0,),
    Q.Q5_1: (0, 2),
    Q.Q8_0: (0,),
    Q.Q2_K: (80, 82),
    Q.Q3_K: (108,),
    Q.Q4_K: (0, 2),
    Q.Q5_K: (0, 2),
    Q.Q6_K: (208,),
    Q.IQ4_NL: (0,),
    Q.IQ4_XS: (0,),
    Q.IQ2_XXS: (0,),
    Q.IQ2_XS: (0,),
    Q.IQ2_S: (0,),
    Q.IQ3_XXS: (0,),
    Q.IQ3_S: (0,),
    Q.IQ1_S: (0,),
    Q.TQ1_0: (52,),
    Q.TQ2_0: (64,),
    Q.MXFP4: (),
    Q.NVFP4: (),
    Q.BF16: (),
}

# Zero, smallest and largest subnormal, smallest normal, one and largest, with both signs.
AWKWARD_HALVES = np.array(
    [
        0x0000,
        0x0001,
        0x03FF,
        0x0400,
        0x3C00,
        0x7BFF,
        0x8000,
        0x8001,
        0x83FF,
        0x8400,
        0xBC00,
        0xFBFF,
    ],
    dtype="<u2",
)
AWKWARD_E8M0 = np.array([0, 1, 2, 126, 127, 128, 240, 251], dtype=np.uint8)
N_BLOCKS = 16


def awkward_blocks(kind, rng):
    _, width = gguf.GGML_QUANT_SIZES[kind]
    raw = random_bytes(rng, N_BLOCKS, width)
    for k, at in enumerate(HALVES[kind]):
        ordinary = rng.normal(0, 0.01, N_BLOCKS).astype("<f2").view("<u2")
        ordinary[: len(AWKWARD_HALVES)] = np.roll(AWKWARD_HALVES, 5 * k)
        raw[:, at : at + 2] = ordinary.reshape(-1, 1).view(np.uint8)
    if kind == Q.MXFP4:
        raw[:, 0] = rng.integers(110, 130, N_BLOCKS)
        raw[: len(AWKWARD_E8M0), 0] = AWKWARD_E8M0
    if kind == Q.BF16:
        raw[:, 1] &= 0xBF  # no infinities and no NaN
    # All codes 0 and all codes at their highest, under an ordinary scale.
    scales = [at + i for at in HALVES[kind] for i in (0, 1)] + ([0] if kind == Q.MXFP4 else [])
    codes = [i for i in range(width) if i not in scales]
    if kind not in (Q.BF16, Q.NVFP4):
        raw[-2, codes], raw[-1, codes] = 0, 0xFF
    return raw


def write_quant_blocks(folder, seed):
    """One pair of files per type, and e4m3: the 256 codes."""
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(seed)
    lines = ["# type ggml-id n_blocks bytes_per_block weights_per_block\n"]
    for kind in HALVES:
        n, width = gguf.GGML_QUANT_SIZES[kind]
        raw = awkward_blocks(kind, rng)
        if kind == Q.BF16:
            n, width, raw = 1, 2, raw.reshape(-1, 2)
        with np.errstate(over="raise", invalid="raise"):
            values = gguf.quants.dequantize(raw.reshape(1, -1), kind).reshape(-1)
        assert np.isfinite(values).all(), kind
        assert values.size == len(raw) * n
        name = kind.name.lower()
        raw.tofile(os.path.join(folder, name + ".bin"))
        values.astype("<f4").tofile(os.path.join(folder, name + ".f32"))
        lines.append(f"{name} {kind.value} {len(raw)} {width} {n}\n")
    codes = np.arange(256, dtype=np.uint8)
    codes.tofile(os.path.join(folder, "f8_e4m3.bin"))
    e4m3_values(codes).astype("<f4").tofile(os.path.join(folder, "f8_e4m3.f32"))
    lines.append("f8_e4m3 -1 256 1 1\n")
    with open(os.path.join(folder, "manifest.txt"), "w") as f:
        f.writelines(lines)


def e4m3_values(codes):
    import torch

    return torch.from_numpy(codes).view(torch.float8_e4m3fn).to(torch.float32).numpy()
