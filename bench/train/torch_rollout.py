#!/usr/bin/env python3
"""Batched answers in PyTorch with a cache of keys and values, beside the rollouts of `tiefsee train grpo`.

    torch_rollout.py [--preset r-5m] [--vocab 2048] [--batch 128] [--tokens 192] [--prompt 40] [--threads 2]"""
import argparse
import time

import torch

from torch_model import Model, config


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="r-5m")
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=192)
    parser.add_argument("--prompt", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    model = Model(config(args.preset, args.vocab)).eval()
    prompts = torch.randint(args.vocab, (args.batch, args.prompt))
    model.sample(prompts, 4)
    for _ in range(args.repeats):
        start, cpu = time.time(), time.process_time()
        n = model.sample(prompts, args.tokens).numel()
        print(f"{args.batch} answers of {args.tokens} tokens, {args.threads} threads: {n / (time.time() - start):.0f} tokens/s, "
              f"{n / (time.process_time() - cpu):.0f} per second of processor time", flush=True)


main()
