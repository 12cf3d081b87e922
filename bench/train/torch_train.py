#!/usr/bin/env python3
"""Steps of pre-training in PyTorch beside `tiefsee train pretrain`: the same sizes, the same shard, 8,192 tokens a step.

    torch_train.py SHARD [--preset r-5m] [--steps 12] [--threads 2] [--compile]

Documents are sorted by length into groups that are padded, which is faster here than one mask over all."""
import argparse
import statistics
import time

import torch
import torch.nn.functional as F

from torch_model import Model, config, read_shard


def batches(docs, n_tokens, n_groups):
    """Steps of whole documents, in order; each as groups of padded (ids, targets)."""
    step, used = [], 0
    for doc in docs:
        if used + len(doc[0]) > n_tokens:
            step.sort(key=lambda d: len(d[0]))
            size = (len(step) + n_groups - 1) // n_groups
            groups = []
            for i in range(0, len(step), size):
                some = step[i:i + size]
                length = (max(len(d[0]) for d in some) + 15) // 16 * 16
                ids, targets = torch.zeros(len(some), length, dtype=torch.long), torch.full((len(some), length), -100)
                for row, (token, learned) in enumerate(some):
                    ids[row, :len(token)] = token
                    targets[row, :len(token) - 1] = torch.where(learned[1:], token[1:], -100)
                groups.append((ids, targets))
            yield groups, used
            step, used = [], 0
        step.append(doc)
        used += len(doc[0])


def orthogonal(x):
    """Newton-Schulz of a batch of wide matrices."""
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return x


class Muon:
    """Matrices of one shape together; a stack of experts is as many matrices."""

    def __init__(self, parameters, lr, project):
        self.lr, self.project, self.shapes = lr, project, {}
        for p in parameters:
            self.shapes.setdefault(tuple(p.shape[-2:]), []).append((p, torch.zeros_like(p)))

    @torch.no_grad()
    def step(self):
        for (rows, columns), members in self.shapes.items():
            updates = []
            for p, momentum in members:
                momentum.lerp_(p.grad, 0.05)
                updates.append(p.grad.lerp(momentum, 0.95).view(-1, rows, columns))
            u = torch.cat(updates)
            u = self.project(u.mT).mT if rows > columns else self.project(u)
            u = u * (0.2 * max(rows, columns) ** 0.5 * self.lr)
            at = 0
            for p, _ in members:
                n = p.numel() // (rows * columns)
                p.mul_(1 - 0.1 * self.lr).sub_(u[at:at + n].view_as(p))
                at += n


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shard")
    parser.add_argument("--preset", default="r-5m")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--groups", type=int, default=6)
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    docs, n_vocab = read_shard(args.shard)
    model = Model(config(args.preset, n_vocab))
    matrices = [p for n, p in model.named_parameters() if p.ndim >= 2 and n.startswith("layers") and ".gate.weight" not in n]
    rest = [p for p in model.parameters() if all(p is not m for m in matrices)]

    def loss_of(ids, targets):
        rows = targets.flatten() != -100
        return F.cross_entropy(model.head(model(ids).flatten(0, 1)[rows]), targets.flatten()[rows], reduction="sum")

    begin, seconds = time.time(), []
    compiled = (lambda f: torch.compile(f, dynamic=True)) if args.compile else (lambda f: f)
    forward, project = compiled(loss_of), compiled(orthogonal)
    muon, adam = Muon(matrices, 3e-4, project), torch.optim.AdamW(rest, 3e-4, betas=(0.9, 0.98), weight_decay=0, foreach=True)
    for step, (groups, n_tokens) in enumerate(batches(docs, 8192, args.groups)):
        if step == args.steps:
            break
        start, cpu, total = time.time(), time.process_time(), 0.0
        n_learned = sum(int((targets != -100).sum()) for _, targets in groups)
        for ids, targets in groups:
            loss = forward(ids, targets) / n_learned
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        muon.step()
        adam.step()
        model.zero_grad()
        seconds.append((n_tokens / (time.time() - start), n_tokens / (time.process_time() - cpu)))
        print(f"step {step + 1}  loss {total:.4f}  {seconds[-1][0]:.0f} tokens/s  {time.time() - begin:.0f} s in all", flush=True)
    late = seconds[len(seconds) // 3:]
    by_clock, by_cpu = (statistics.median(column) for column in zip(*late))
    print(f"{'compiled' if args.compile else 'eager'}, {args.threads} threads: {by_clock:.0f} tokens/s, "
          f"{by_cpu:.0f} per second of processor time (medians of {len(late)})")


main()
