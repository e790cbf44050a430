"""Batches for the tests, and how far two estimators are apart on them."""

import numpy as np
import torch

GROUPS = np.array(["a", "b", "a", "c", "b", "a", "b", "d", "c", "c", "a", "b"], dtype=object)  # d is alone


def batch(case, dtype, align="left", seed=0):
    """A batch of mixed groups with turns and padding. Cases: turns, one-turn, empty-row, equal, inside."""
    draw = torch.Generator().manual_seed(seed)
    rows, width = len(GROUPS), 24

    def whole(low, high):
        return int(torch.randint(low, high, (1,), generator=draw))

    mask = torch.zeros(rows, width, dtype=torch.int64)
    response = torch.zeros(rows, width, dtype=torch.int64)
    for row in range(rows):
        at = 0
        for _ in range(1 if case == "one-turn" else whole(1, 4)):
            length = whole(1, 5)
            mask[row, at : at + length] = 1
            response[row, : at + length] = 1
            at += length + whole(1, 3)
    if align == "right":
        for row in range(rows):
            shift = width - int(response[row].sum())
            mask[row], response[row] = mask[row].roll(shift), response[row].roll(shift)
    if case == "empty-row":
        mask[3] = 0
        response[3] = 0
    rewards = torch.zeros(rows, width, dtype=torch.float64)
    for row in range(rows):
        on = mask[row].nonzero()[:, 0].tolist()
        rewards[row, on[-1] if on else 0] = 0.9 if case == "equal" else torch.rand((), generator=draw).item()
        if case == "inside":
            rewards[row, on] += torch.rand(len(on), generator=draw).double() * 0.1
    values = torch.randn(rows, width, generator=draw).double()
    log_probs = -torch.rand(rows, width, generator=draw).double()
    return {
        "rewards": rewards.to(dtype),
        "mask": mask,
        "response": response,
        "values": values.to(dtype),
        "log_probs": log_probs.to(dtype),
    }


def apart(a, b, mask):
    """The largest difference where the mask is 1, in float64."""
    return float(((a.double() - b.double()) * mask).abs().max())
