#!/usr/bin/env python3
"""Judge JSON Schema support by other people's cases.

    check_schemas.py --judge build/tests/grammar/judge_schemas [--tokenizer TOKENIZER.json]
                     [--suite FOLDER] [--bench FOLDER] [--draw SEED] [--show N]

FOLDER of --suite: tests/draft2020-12 of the JSON-Schema-Test-Suite (the package jsonschema on
PyPI carries it in its source distribution), files with lists of {schema, tests}.
FOLDER of --bench: maskbench/data of JSONSchemaBench, files with one {schema, tests} each, or
a .jsonl file with a case a line.

--draw: texts drawn under the masks must satisfy their schemas by the package jsonschema.

Prints how many schemas are handled and refused (by reason), how many instances are wrongly
rejected, and those that are wrongly accepted, of which there must be none: exit status 1.
"""
import argparse
import collections
import json
import pathlib
import re
import struct
import subprocess
import sys


def cases_of(folder, is_suite):
    if folder.endswith(".jsonl"):  # a case a line
        for line in pathlib.Path(folder).read_text(encoding="utf-8").splitlines():
            data = json.loads(line)
            yield data["description"], data["schema"], data["tests"]
        return
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        for group in data if is_suite else [data]:
            name = path.stem + (": " + group["description"] if is_suite else "")
            yield name, group["schema"], group.get("tests", [])


def frame(text):
    raw = text.encode("utf-8", "surrogatepass")
    return struct.pack("<I", len(raw)) + raw


def spell(value):
    return json.dumps(value, ensure_ascii=False)


def judge(program, tokenizer, cases, seed=None):
    out = []
    for _, schema, tests in cases:
        out.append(frame(spell(schema)) + struct.pack("<I", len(tests)))
        out += [frame(spell(t["data"])) for t in tests]
    command = [program] + ([tokenizer] if tokenizer else []) + ([str(seed)] if seed else [])
    done = subprocess.run(command, input=b"".join(out), stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8", "replace").splitlines()


def reason_of(message):
    keyword = re.search(r"/([^/ ]*): ", message)
    what = message.split(": ", 1)[-1]
    return re.sub(r'"[^"]*"|\d+', "*", (keyword.group(1) + ": " if keyword else "") + what)[:90]


def check(title, cases, verdicts, show, limits):
    refused, shown = collections.Counter(), collections.Counter()
    handled = passing = wrongly_accepted = wrongly_rejected = right = 0
    for (name, schema, tests), line in zip(cases, verdicts):
        kind, _, rest = line.split(" ", 2)
        if kind == "refused":
            refused[reason_of(rest)] += 1
            if "no text can satisfy it" in rest and any(t["valid"] for t in tests):
                print(f"WRONGLY EMPTY: {name}\n    schema {spell(schema)[:600]}")
                wrongly_rejected += 1
            continue
        handled += 1
        bad = 0
        for test, digit in zip(tests, rest):
            if (digit == "1") == test["valid"]:
                right += 1
                continue
            bad += 1
            what = "WRONGLY ACCEPTED" if digit == "1" else "wrongly rejected"
            wrongly_accepted += digit == "1"
            wrongly_rejected += digit == "0"
            shown[what] += 1
            if shown[what] <= show:
                print(f"{what}: {name}: {test.get('description', '')}\n    schema "
                      f"{spell(schema)[:600]}\n    data   {spell(test['data'])[:400]}")
        passing += bad == 0
    for reason, n in refused.most_common(show):
        print(f"    {n:5} refused: {reason}")
    print(f"{title}: {len(cases)} schemas, {handled} handled, {sum(refused.values())} refused, "
          f"{passing} passing; {right} instances right, {wrongly_accepted} wrongly accepted, "
          f"{wrongly_rejected} wrongly rejected")
    if limits and (handled < limits[0] or (limits[1] is not None and wrongly_rejected > limits[1])):
        return wrongly_accepted + 1
    return wrongly_accepted


def check_drawn(cases, verdicts, show):
    import jsonschema

    drawn = unfinished = wrong = unknown = 0
    for (name, schema, _), line in zip(cases, verdicts):
        kind, _, rest = line.split(" ", 2)
        text = rest.partition(" ")[2]
        if kind == "refused" or not text.strip():
            unfinished += kind != "refused"
            continue
        drawn += 1
        try:
            value = json.loads(text)
            cls = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
            checker = cls(schema, format_checker=cls.FORMAT_CHECKER)
            error = next(checker.iter_errors(value), None)
        except json.JSONDecodeError as e:
            error = e
        except Exception:  # the judge itself cannot read the schema
            unknown += 1
            continue
        if error:
            wrong += 1
            if wrong <= show:
                print(f"WRONGLY DRAWN: {name}\n    schema {spell(schema)[:600]}\n    text   "
                      f"{text[:300]}\n    {str(error)[:200]}")
    print(f"drawn: {drawn} texts, {unfinished} not finished in time, {wrong} wrong, "
          f"{unknown} that jsonschema could not judge")
    return wrong


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--judge", required=True)
    p.add_argument("--tokenizer")
    p.add_argument("--suite")
    p.add_argument("--bench")
    p.add_argument("--draw", type=int, help="a seed; needs --tokenizer and jsonschema")
    p.add_argument("--show", type=int, default=20)
    p.add_argument("--rejected", type=int, help="fail if more instances are wrongly rejected")
    p.add_argument("--handled", type=int, default=0, help="fail if fewer schemas are handled")
    p.add_argument("--limit", type=int, default=0, help="the first N cases of --bench")
    args = p.parse_args()
    failed = 0
    for title, folder, is_suite in (("suite", args.suite, True), ("bench", args.bench, False)):
        if folder:
            cases = list(cases_of(folder, is_suite))
            if args.limit and not is_suite:
                cases = cases[: args.limit]
            verdicts = judge(args.judge, args.tokenizer, cases, args.draw)
            if args.draw:
                failed += check_drawn(cases, verdicts, args.show)
                verdicts = [re.sub(r"^(ok \d+ [01]*) .*", r"\1", v) for v in verdicts]
            failed += check(title, cases, verdicts, args.show, (args.handled, args.rejected))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
