"""Prints as JSON how far verl's estimators are from creditbench's, both called by verl's compute_advantage."""

import json
import warnings

import torch
from batches import GROUPS, apart, batch
from omegaconf import OmegaConf
from verl import DataProto, __version__
from verl.trainer.config import AlgoConfig
from verl.trainer.ppo.core_algos import ADV_ESTIMATOR_REGISTRY
from verl.trainer.ppo.ray_trainer import compute_advantage

import creditbench.verl

torch.set_num_threads(1)
PAIRS = {
    "grpo": "grpo",
    "rloo": "rloo",
    "reinforce-pp": "reinforce_plus_plus",
    "reinforce-pp-baseline": "reinforce_plus_plus_baseline",
    "ppo": "gae",
}
CASES = ("turns", "one-turn", "empty-row", "equal", "inside")
config = AlgoConfig(gamma=0.9, lam=0.8)


def run(estimator, parts, config=config, **more):
    tensors = {
        "token_level_rewards": parts["rewards"],
        "response_mask": parts["mask"],
        "values": parts["values"],
        "old_log_probs": parts["log_probs"],
        **more,
    }
    data = DataProto.from_dict({name: tensor.clone() for name, tensor in tensors.items()}, {"uid": GROUPS})
    gamma, lam = config.get("gamma"), config.get("lam")
    return compute_advantage(data, adv_estimator=estimator, gamma=gamma, lam=lam, config=config).batch


said = []
warnings.showwarning = lambda message, *_: said.append(str(message))
differences = {}
for kind in (torch.float64, torch.float32):
    for case in CASES:
        parts = batch(case, kind)
        for ours, theirs in PAIRS.items():
            a, b = run(f"creditbench/{ours}", parts), run(theirs, parts)
            assert a["advantages"].dtype == kind and a["advantages"].shape == parts["rewards"].shape
            assert bool((a["advantages"][parts["mask"] == 0] == 0).all())
            differences[f"{kind} {case} {ours}".removeprefix("torch.")] = apart(
                a["advantages"], b["advantages"], parts["mask"]
            )
            if ours == "ppo":
                differences[f"{kind} {case} returns".removeprefix("torch.")] = apart(
                    a["returns"], b["returns"], parts["mask"]
                )

parts = batch("turns", torch.float32)
outcomes = {}
for algorithm in creditbench.ALGORITHMS:
    try:
        advantages = run(f"creditbench/{algorithm}", parts)["advantages"]
        assert bool(torch.isfinite(advantages).all())
        outcomes[algorithm] = float((advantages[parts["mask"] == 1] != 0).double().mean())
    except creditbench.Lacking as error:
        outcomes[algorithm] = str(error)

options = OmegaConf.create({"gamma": 1.0, "lam": 1.0, "creditbench": {"options": {"std": "population"}}})
population = run("creditbench/grpo", parts, options)["advantages"]
own = creditbench.verl.estimator("grpo", {"std": "population"})(parts["rewards"], parts["mask"], GROUPS)[0]

# Ids: turns that two rollouts have in common become one.
ids = torch.arange(24).repeat(len(GROUPS), 1)
merged = OmegaConf.create({"gamma": 1.0, "lam": 1.0, "creditbench": {"merge": "turns"}})
try:
    run("creditbench/grpo", parts, merged)
    without_ids = None
except creditbench.Lacking as error:
    without_ids = str(error)
flat = run("creditbench/grpo", parts)["advantages"]
with_ids = run(
    "creditbench/grpo",
    parts,
    merged,
    responses=ids,
    prompts=torch.ones(len(GROUPS), 3, dtype=torch.int64),
    attention_mask=torch.ones(len(GROUPS), 27, dtype=torch.int64),
)["advantages"]

print(
    json.dumps(
        {
            "version": __version__,
            "registered": sorted(name for name in ADV_ESTIMATOR_REGISTRY if name.startswith("creditbench/")),
            "differences": differences,
            "outcomes": outcomes,
            "warnings": said,
            "options": apart(population, own, parts["mask"]),
            "optionsDiffer": apart(population, flat, parts["mask"]),
            "withoutIds": without_ids,
            "merged": apart(with_ids, flat, parts["mask"]),
        }
    )
)
