"""Prints as JSON how far SkyRL's estimators are from creditbench's, both called by SkyRL's own functions."""

import json
import typing
import warnings
from importlib.metadata import version
from types import SimpleNamespace

import typing_extensions

# Below Python 3.12 SkyRL's trainer cannot be imported with pydantic otherwise.
typing.TypedDict = typing_extensions.TypedDict

import torch
from batches import GROUPS, apart, batch
from skyrl.backends.skyrl_train.training_batch import TrainingInputBatch
from skyrl.backends.skyrl_train.utils.ppo_utils import AdvantageEstimatorRegistry, compute_advantages_and_returns
from skyrl.train.trainer import RayPPOTrainer

import creditbench.skyrl

torch.set_num_threads(1)
PAIRS = {"grpo": "grpo", "rloo": "rloo", "reinforce-pp": "reinforce++", "ppo": "gae"}


def direct(estimator, parts):
    """By the function that the trainer calls; the mask of the whole response is the policy's."""
    return compute_advantages_and_returns(
        token_level_rewards=parts["rewards"].clone(),
        response_mask=parts["mask"],
        index=GROUPS,
        adv_estimator=estimator,
        config=None,
        values=parts["values"],
        gamma=0.9,
        lambd=0.8,
    )


def by_trainer(estimator, parts):
    """By the trainer's method on its batch: the response mask covers what was read, the loss mask does not."""
    algorithm = SimpleNamespace(advantage_estimator=estimator, gamma=0.9, lambd=0.8, grpo_norm_by_std=True)
    trainer = SimpleNamespace(
        cfg=SimpleNamespace(
            generator=SimpleNamespace(step_wise_trajectories=False), trainer=SimpleNamespace(algorithm=algorithm)
        ),
        all_metrics={},
    )
    data = TrainingInputBatch(
        {
            "sequences": torch.zeros_like(parts["mask"]),
            "rewards": parts["rewards"].clone(),
            "response_mask": parts["response"],
            "loss_mask": parts["mask"].float(),
            "values": parts["values"],
            "action_log_probs": parts["log_probs"],
        }
    )
    data.metadata = {"uids": list(GROUPS), "avg_response_length": 1.0}
    result = RayPPOTrainer.compute_advantages_and_returns(trainer, data)
    return result["advantages"], result["returns"]


said = []
warnings.showwarning = lambda message, *_: said.append(str(message))
differences = {}
for kind in (torch.float64, torch.float32):
    for way, call, cases in (("direct", direct, ("one-turn", "equal")), ("trainer", by_trainer, ("one-turn", "turns"))):
        for case in cases:
            parts = batch(case, kind, align="right")
            for ours, theirs in PAIRS.items():
                a, b = call(f"creditbench/{ours}", parts), call(theirs, parts)
                mask = parts["mask"].clone()
                # SkyRL gives the only rollout of a question 0.
                alone = mask * torch.from_numpy(GROUPS == "d")[:, None]
                name = f"{kind} {way} {case} {ours}".removeprefix("torch.")
                if ours == "rloo":
                    differences[f"{name} alone"] = apart(a[0], b[0], alone)
                    mask -= alone
                differences[name] = apart(a[0], b[0], mask)
                if ours == "ppo":
                    differences[f"{name} returns"] = apart(a[1], b[1], mask)

# A rule that reads log-probabilities gets them from the trainer's batch.
eapo = by_trainer("creditbench/eapo", batch("turns", torch.float32, align="right"))[0]
print(
    json.dumps(
        {
            "version": version("skyrl"),
            "registered": len([one for one in AdvantageEstimatorRegistry.list_available() if "creditbench/" in one]),
            "differences": differences,
            "eapo": float(eapo.abs().max()),
            "warnings": said,
        }
    )
)
