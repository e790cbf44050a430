"""Batches of tensors as trajectories, and the answer as tensors."""

import json
import re
import warnings
from bisect import bisect_right

from .server import CreditError, post

# The rules that come with creditbench.
ALGORITHMS = (
    "a2tgpo", "actfocus", "aipo", "akbe", "appo", "arpo", "carl", "carl-exact", "carl-lite", "dapo", "dr-grpo",
    "eapo", "gigpo", "grpo", "grpo-vps", "gspo", "igpo", "mt-grpo", "pica", "ppo", "random-credit", "reinforce",
    "reinforce-pp", "reinforce-pp-baseline", "rloo", "shuffled-credit", "spa-rl", "tao-rl", "tree-grpo", "treerl",
    "vineppo",
)  # fmt: skip

# Rules whose critic is trained on GAE's returns.
_WITH_VALUES = ("ppo",)
# Rules that do not look at groups: a row without a token of the policy is nothing to them.
_WITHOUT_GROUPS = ("ppo", "reinforce-pp")


class Lacking(CreditError):
    """The batch has not what a rule reads."""


# Fields that a rule has asked for: they are sent at once the next time.
_asked_for = {}
_warned = set()


def estimate(
    algorithm, *, rewards, mask, groups, fields=None, ids=None, prompts=None, options=None, merge="none", seed=0
):
    """The advantages and returns of a batch, shaped as `rewards`; 0 where the mask is 0.

    rewards: [batch, tokens]. What is paid inside a turn, or for what it brought, is paid at the turn's last token.
    mask: [batch, tokens], 1 where the policy wrote. A run of ones is a turn; what is between two is what was read.
    groups: the question of every row, anything that makes a text.
    fields: tensors like `rewards` by the format's name (logprobs, entropies, reference, outputs.critic), sent if the
    rule reads them.
    ids: [batch, tokens]; prompts: a list of ids for every row. Needed if `merge` is 'turns' or 'tokens'.
    """
    import torch

    fields = {name: tensor for name, tensor in (fields or {}).items() if tensor is not None}
    if merge != "none" and ids is None:
        raise Lacking(f"creditbench/{algorithm}: merge '{merge}' needs the ids of the tokens, and the batch has none")
    if not torch.isfinite(rewards).all():
        raise CreditError(f"creditbench/{algorithm}: a reward is not finite")
    batch = _Batch(rewards, mask, groups, ids if merge != "none" else None, prompts, algorithm in _WITHOUT_GROUPS)
    if not batch.rows:
        return torch.zeros_like(rewards), torch.zeros_like(rewards)
    if batch.inner:
        _warn(algorithm, "rewards inside of turns are paid at their last tokens (a KL penalty in the reward is one)")
    asked = {"id": algorithm, "options": options or {}}
    methods = [asked]
    if algorithm in _WITH_VALUES:
        methods.append({"id": algorithm, "name": "returns", "options": {**asked["options"], "whiten": False}})
    head = json.dumps({"algorithms": methods, "merge": merge, "seed": seed})[:-1]
    sent = _asked_for.setdefault(algorithm, set())
    while True:
        given = {name: fields[name] for name in sorted(sent) if name in fields}
        answer = post(f'{head}, "trajectories": [{",".join(batch.trajectories(given))}]}}')
        lacks = answer["lacks"].get(algorithm)
        if lacks is None:
            break
        more = set(re.findall(r"\(([\w.]+)\)", lacks)) & fields.keys() - sent
        if not more:
            raise Lacking(f"creditbench/{algorithm}: the batch lacks {lacks}")
        sent |= more
    for what, count in answer["left"][algorithm].items():
        if count > 0:
            _warn(algorithm, f"what it says of {what} is not in its advantages (actions: {count})")
    if all(turn is None for row in answer["credit"][algorithm] for turn in row):
        _warn(algorithm, "it trains nothing of this batch (a rule may need forks: see merge, and the rule's page)")
    advantages = batch.tensor(answer["credit"][algorithm])
    if "returns" in answer["credit"]:
        trained = mask.bool()
        returns = torch.where(trained, batch.tensor(answer["credit"]["returns"]) + fields["outputs.critic"], 0)
        return advantages, returns.to(rewards.dtype)
    return advantages, batch.rewards_to_go()


def _warn(algorithm, message):
    if (algorithm, message) not in _warned:
        _warned.add((algorithm, message))
        warnings.warn(f"creditbench/{algorithm}: {message}", stacklevel=4)


class _Batch:
    def __init__(self, rewards, mask, groups, ids, prompts, drop_empty):
        import torch

        self.rewards, self.mask = rewards, mask
        self.groups = [str(group) for group in groups]
        on = torch.nn.functional.pad(mask.bool().to("cpu", torch.int8), (1, 1))
        step = on[:, 1:] - on[:, :-1]
        # By row: first token and end of every turn.
        self.turns = [[] for _ in self.groups]
        for (row, start), (_, end) in zip((step == 1).nonzero().tolist(), (step == -1).nonzero().tolist()):
            self.turns[row].append((start, end))
        # The rows that are sent.
        self.rows = [row for row, turns in enumerate(self.turns) if turns or not drop_empty]
        self.paid = [[0.0] * max(1, len(turns)) for turns in self.turns]
        self.inner = False
        found = rewards.to("cpu", torch.float64)
        for (row, at), reward in zip(found.nonzero().tolist(), found[found != 0].tolist()):
            turn = max(0, bisect_right(self.turns[row], (at, rewards.shape[1])) - 1)
            self.paid[row][turn] += reward
            if self.turns[row] and self.turns[row][turn][0] <= at < self.turns[row][turn][1] - 1:
                self.inner = True
        self.ids = None if ids is None else ids.tolist()
        self.prompts = prompts

    def trajectories(self, fields):
        """Their JSON. A row without a token of the policy has one that counts, so that its group knows its reward."""
        values = {name: tensor.tolist() for name, tensor in fields.items()}
        for row in self.rows:
            turns = self.turns[row]
            texts = []
            for turn, (start, end) in enumerate(turns or [(0, 1)]):
                parts = ['{"tokens":', _zeros(end - start) if self.ids is None else _text(self.ids[row][start:end])]
                if self.ids is not None:
                    before = self.ids[row][turns[turn - 1][1] if turn > 0 else 0 : start] if turns else []
                    if turn == 0 and self.prompts is not None:
                        before = [*self.prompts[row], *before]
                    parts.append(f',"observation":{{"tokens":{_text(before)}}}')
                outputs = []
                for name, rows in values.items():
                    numbers = _text(rows[row][start:end])
                    if name.startswith("outputs."):
                        outputs.append(f"{_text(name.removeprefix('outputs.'))}:{numbers}")
                    else:
                        parts.append(f',"{name}":{numbers}')
                if outputs:
                    parts.append(f',"outputs":{{{",".join(outputs)}}}')
                if self.paid[row][turn] != 0:
                    parts.append(f',"reward":{self.paid[row][turn]!r}')
                texts.append("".join([*parts, "}"]))
            group = _text(self.groups[row])
            yield (
                f'{{"format":"creditbench-trajectory","version":1,"group":{group},"id":"{row}",'
                f'"turns":[{",".join(texts)}]}}'
            )

    def tensor(self, credit):
        import torch

        result = torch.zeros(self.rewards.shape, dtype=torch.float64)
        for row, values in zip(self.rows, credit):
            for (start, end), tokens in zip(self.turns[row], values):
                if tokens is not None:
                    result[row, start:end] = torch.tensor([0.0 if a is None else a for a in tokens], dtype=torch.float64)
        return result.to(self.rewards.device, self.rewards.dtype)

    def rewards_to_go(self):
        """What is paid from a token on, undiscounted."""
        import torch

        result = torch.zeros(self.rewards.shape, dtype=torch.float64)
        for row, turns in enumerate(self.turns):
            to_go = 0.0
            for (start, end), reward in zip(reversed(turns), reversed(self.paid[row])):
                to_go += reward
                result[row, start:end] = to_go
        return result.to(self.rewards.device, self.rewards.dtype)


def _text(value):
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _zeros(count):
    return "[" + "0," * (count - 1) + "0]"
