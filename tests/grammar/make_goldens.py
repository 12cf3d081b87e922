#!/usr/bin/env python3
"""Random schemas with instances and what the package jsonschema says of them.

    make_goldens.py > goldens.jsonl     (jsonschema 4.26, seed 20261124)

Each line is one case {schema, tests} as check_schemas.py reads them.  Instances are made to
fit and then changed in one place, so that both verdicts are common.  Properties keep the
order of their schema, for our grammars ask for it.
"""
import copy
import json
import random

import jsonschema

R = random.Random(20261124)
WORDS = ["", "a", "ab", "abc", "a-1", "Zoe", "x y", "\u00e9t\u00e9", "q\"", "2024-02-29", "10.0.0.1"]
PATTERNS = ["^[a-z]*$", "b", "^.{2,4}$", "[0-9]$", "^(a|ab)(-[0-9])?$", "^[^a]"]
NAMES = ["id", "name", "n", "tags", "sub", "x-y", "a"]


def scalar():
    return R.choice([None, True, False, 0, 1, -3, 7, 12, 99, 100, 0.5, 2.25, -1.5, R.choice(WORDS)])


def schema(depth):
    kind = R.choice(["string", "integer", "number", "enum", "object", "array", "any", "choice"]
                    if depth else ["string", "integer", "number", "enum", "any"])
    s = {}
    if kind == "string":
        s["type"] = "string"
        if R.random() < 0.4:
            s["minLength"] = R.randrange(3)
        if R.random() < 0.4:
            s["maxLength"] = R.randrange(2, 6)
        if R.random() < 0.4:
            s["pattern"] = R.choice(PATTERNS)
        if R.random() < 0.15:
            s = {"type": "string", "format": R.choice(["date", "ipv4"])}
        if R.random() < 0.2:
            s["not"] = R.choice([{"const": "ab"}, {"pattern": "^x"}, {"enum": ["", "a"]}])
    elif kind in ("integer", "number"):
        s["type"] = kind
        low = R.choice([-20, -3, 0, 1, 5])
        if R.random() < 0.6:
            s[R.choice(["minimum", "exclusiveMinimum"])] = low
        if R.random() < 0.6:
            s[R.choice(["maximum", "exclusiveMaximum"])] = low + R.choice([1, 7, 12, 96, 0.5, 13.75])
        if kind == "integer" and R.random() < 0.2:
            s["multipleOf"] = R.choice([2, 3, 5])
    elif kind == "enum":
        s["enum"] = [scalar() for _ in range(R.randrange(1, 5))]
    elif kind == "object":
        s["type"] = "object"
        names = R.sample(NAMES, R.randrange(1, 5))
        s["properties"] = {n: schema(depth - 1) for n in names}
        s["required"] = [n for n in names if R.random() < 0.5]
        if R.random() < 0.7:
            s["additionalProperties"] = R.choice([False, False, {"type": "integer"}])
        if R.random() < 0.2:
            s["dependentRequired"] = {names[0]: [names[-1]]}
        if R.random() < 0.2:
            s["maxProperties"] = R.randrange(1, 4)
    elif kind == "array":
        s["type"] = "array"
        s["items"] = schema(depth - 1)
        if R.random() < 0.4:
            s["prefixItems"] = [schema(depth - 1)]
        if R.random() < 0.4:
            s["minItems"] = R.randrange(3)
        if R.random() < 0.4:
            s["maxItems"] = R.randrange(2, 4)
    elif kind == "choice":
        s[R.choice(["anyOf", "oneOf", "allOf"])] = [schema(depth - 1) for _ in range(2)]
    return s


def instance(s):
    if s is True or s is False or not s:
        return scalar()
    for word in ("anyOf", "oneOf", "allOf"):
        if word in s:
            return instance(R.choice(s[word]))
    if "enum" in s:
        return R.choice(s["enum"])
    t = s.get("type")
    if t == "string":
        return R.choice(WORDS)
    if t == "integer":
        return R.randrange(-25, 110)
    if t == "number":
        return R.choice([R.randrange(-25, 110), R.randrange(-100, 200) / 4])
    if t == "object":
        out = {n: instance(v) for n, v in s["properties"].items()
               if n in s["required"] or R.random() < 0.5}
        if R.random() < 0.3:
            out["zz"] = R.choice([1, "s"])
        return out
    if t == "array":
        n = R.randrange(0, 5)
        prefix = s.get("prefixItems", [])
        return [instance(prefix[i] if i < len(prefix) else s["items"]) for i in range(n)]
    return scalar()


def main():
    for number in range(200):
        s = schema(3)
        validator = jsonschema.Draft202012Validator(s, format_checker=jsonschema.FormatChecker())
        tests, seen = [], set()
        for _ in range(16):
            data = instance(copy.deepcopy(s))
            text = json.dumps(data)
            if text not in seen:
                seen.add(text)
                tests.append({"data": data, "valid": validator.is_valid(data)})
        print(json.dumps({"description": str(number), "schema": s, "tests": tests},
                         ensure_ascii=False, separators=(",", ":")))


main()
