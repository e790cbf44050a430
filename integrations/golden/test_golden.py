"""Tests advantages against golden.jsonl, which `npx creditbench golden > golden.jsonl` writes.

Copy this file beside golden.jsonl and an advantages.py of yours. That has METHODS: from a method's name to a function from
the groups of a batch, each a list of trajectories, to a number or None per group, trajectory, turn and token.
"""

import json
import math
from pathlib import Path

from advantages import METHODS

LINES = [json.loads(line) for line in Path(__file__).with_name("golden.jsonl").open(encoding="utf-8")]
assert (LINES[0]["format"], LINES[0]["version"]) == ("creditbench-golden", 1)
BATCHES = {}
for line in LINES[1:]:
    BATCHES.setdefault(line["trajectories"][0]["batch"], []).append(line)


def is_close(one, other):
    return one is other if None in (one, other) else math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def pytest_generate_tests(metafunc):
    metafunc.parametrize("batch", BATCHES)
    metafunc.parametrize("method", METHODS)


def test_golden(method, batch):
    trees = [tree for tree in BATCHES[batch] if method not in tree["lacks"]]
    for tree, group in zip(trees, METHODS[method]([tree["trajectories"] for tree in trees]), strict=True):
        for golden, turns in zip(tree["credit"], group, strict=True):
            for index, (expected, found) in enumerate(zip(golden["advantages"][method], turns, strict=True)):
                expected, found = ([None] * len(found) if turn is None else turn for turn in (expected, found))
                same = len(found) == len(expected) and all(map(is_close, expected, found))
                assert same, f"{method} on {golden['group']}/{golden['id']} turn {index}: {found}, golden {expected}"
