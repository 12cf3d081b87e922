#!/usr/bin/env python3
"""Tiefsee beside llama.cpp on the same GGUF file, interleaved A B A B.

    npm install --omit=optional --ignore-scripts    (once, in this folder)
    python3 compare.py MODEL.gguf [-p 512] [-n 32] [-r 3] [-t 2] [--json]

llama.cpp is the one in the npm package node-llama-cpp (package.json has the
version).  Each round runs both programs once, in turn, so that both meet the
same minutes of a shared machine; medians, spread and the median of the rounds'
ratios are printed.  A ratio above 1 means that Tiefsee is faster."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 1800


def output_of(command):
    try:
        done = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S,
                              check=False)
    except FileNotFoundError as e:
        sys.exit(f"compare: {e.filename} is not there")
    if done.returncode != 0:
        sys.exit(f"compare: {command[0]} ended with {done.returncode}")
    return json.loads(done.stdout[done.stdout.index("{"):])


def run_tiefsee(o):
    out = output_of([o.tiefsee, "bench", o.model, "-p", str(o.prompt), "-n", str(o.tokens), "-r", "1",
                     "-t", str(o.threads), "--json"])
    speeds = {name: out[name]["tokens_per_s"] for name in ("prefill", "decode") if name in out}
    shares = {name: out[name]["share_of_limit"] for name in speeds}
    return speeds, shares, out["limits"]


def run_peer(o):
    out = output_of([o.node, "peer.mjs", json.dumps({
        "model": o.model, "prompt": o.prompt, "tokens": o.tokens, "threads": o.threads})])
    return {name: out[name] for name in ("prefill", "decode") if name in out}


def spread(values):
    return 50 * (max(values) - min(values)) / statistics.median(values)


def summary(rounds):
    result = {}
    for name in rounds[0]["tiefsee"]:
        ours = [r["tiefsee"][name] for r in rounds]
        theirs = [r["peer"][name] for r in rounds]
        result[name] = {
            "tiefsee": statistics.median(ours), "tiefsee_spread_percent": spread(ours),
            "llama.cpp": statistics.median(theirs), "llama.cpp_spread_percent": spread(theirs),
            "ratio": statistics.median(a / b for a, b in zip(ours, theirs)),
            "share_of_limit": statistics.median(r["shares"][name] for r in rounds),
        }
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("-p", "--prompt", type=int, default=512)
    parser.add_argument("-n", "--tokens", type=int, default=32)
    parser.add_argument("-r", "--rounds", type=int, default=3)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--tiefsee", default=str(HERE.parent.parent / "build" / "tiefsee"))
    parser.add_argument("--node", default="node")
    parser.add_argument("--json", action="store_true")
    o = parser.parse_args()
    o.model = str(pathlib.Path(o.model).resolve())
    if not (HERE / "node_modules").is_dir():
        sys.exit(f"compare: run npm install --omit=optional --ignore-scripts in {HERE} first")

    rounds = []
    for i in range(o.rounds):
        ours, shares, limits = run_tiefsee(o)
        rounds.append({"tiefsee": ours, "shares": shares, "limits": limits, "peer": run_peer(o)})
        print(f"round {i + 1} of {o.rounds}", file=sys.stderr)
    result = summary(rounds)
    if o.json:
        print(json.dumps({"model": o.model, "threads": o.threads, "rounds": rounds, **result}, indent=2))
        return
    print(f"{pathlib.Path(o.model).name}, {o.threads} threads, {o.rounds} rounds, tok/s\n")
    print(f"  {'':14}{'tiefsee':>18}{'llama.cpp':>18}{'ratio':>8}{'share of limit':>16}")
    for name, r in result.items():
        what = f"{name} {o.prompt if name == 'prefill' else o.tokens}"
        print(f"  {what:14}"
              f"{r['tiefsee']:>10.2f} +-{r['tiefsee_spread_percent']:3.0f} %"
              f"{r['llama.cpp']:>10.2f} +-{r['llama.cpp_spread_percent']:3.0f} %"
              f"{r['ratio']:>7.2f}x{100 * r['share_of_limit']:>14.1f} %")


if __name__ == "__main__":
    main()
