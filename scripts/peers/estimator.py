"""The advantage functions of verl, TRL and OpenRLHF as estimators for `creditbench audit --estimator` (docs/estimators.md).

    python scripts/peers/estimator.py verl:grpo        reads batches of rollouts on stdin, writes advantages on stdout
    python scripts/peers/estimator.py --list           what there is, by package and version, as JSON

The packages' own functions are called, with their defaults. What is around them is made here:
- verl: tensors as its trainer has them. Between two turns of a rollout there is one observation token of mask 0.
- TRL: the advantages are computed in the middle of a method of the trainer. That method is called with a trainer that
  has what the method reads, and whose generation and rewards are the batch's.
- OpenRLHF: `RemoteExperienceMaker.compute_advantages_and_returns`, without its constructor. flash_attn, deepspeed and
  vllm, which its package imports and this does not use, are replaced by empty modules where they are not installed.
The KL penalty is 0: the audited policy is its own reference. Numbers are float64 where the package lets them be.
"""

import importlib.util
import json
import sys
from collections import defaultdict
from types import SimpleNamespace
from unittest.mock import MagicMock

VERL = [
    "gae", "grpo", "grpo_vectorized", "grpo_passk", "gdpo", "rloo", "rloo_vectorized", "reinforce_plus_plus",
    "reinforce_plus_plus_baseline", "opo", "gpg", "optimal_token_baseline", "tir_optimal_token_baseline",
]  # fmt: skip
OPENRLHF = ["gae", "reinforce", "reinforce_baseline", "rloo", "group_norm", "dr_grpo", "flash_reinforce"]


class Batch:
    """The rollouts of one question as tensors: a row each, observations between turns as a token of mask 0."""

    def __init__(self, trajectories):
        import torch

        self.trajectories = trajectories
        self.places = []  # by rollout and turn: the columns of its tokens
        for one in trajectories:
            places, column = [], 0
            for turn in one["turns"]:
                column += 1 if places else 0
                places.append(list(range(column, column + len(turn["tokens"]))))
                column += len(turn["tokens"])
            self.places.append(places)
        shape = (len(trajectories), max(places[-1][-1] for places in self.places) + 1)
        self.mask = torch.zeros(shape, dtype=torch.int64)
        self.rewards = torch.zeros(shape, dtype=torch.float64)
        for row, (one, places) in enumerate(zip(trajectories, self.places)):
            for turn, columns in zip(one["turns"], places):
                self.mask[row, columns] = 1
                self.rewards[row, columns[-1]] += turn.get("reward", 0)
            self.rewards[row, places[-1][-1]] += one.get("reward", 0)

    def tensor(self, value):
        """A number for every token of an action, 0 elsewhere."""
        import torch

        tensor = torch.zeros(self.mask.shape, dtype=torch.float64)
        for row, (one, places) in enumerate(zip(self.trajectories, self.places)):
            for turn, columns in zip(one["turns"], places):
                tensor[row, columns] = torch.tensor(value(turn), dtype=torch.float64)
        return tensor

    def returns(self):
        return self.rewards.sum(-1)

    def critic(self):
        if any("critic" not in turn.get("outputs", {}) for one in self.trajectories for turn in one["turns"]):
            sys.exit("gae needs what a critic says (outputs.critic): --plan ppo")
        return self.tensor(lambda turn: turn["outputs"]["critic"])

    def rows(self, advantages):
        """Advantages by token as an answer."""
        advantages = advantages.tolist()
        return [[[row[column] for column in columns] for columns in places] for row, places in zip(advantages, self.places)]

    def broadcast(self, advantages):
        """Advantages by rollout as an answer."""
        return [[value] * len(places) for value, places in zip(advantages.tolist(), self.places)]


def squared_probabilities(turn):
    """The sum of the squared probabilities of all tokens: a batch has only that of the token that was drawn."""
    import math

    actions = turn.get("observation", {}).get("actions", [])
    if len(actions) != 2:
        sys.exit(f"the sum of squared probabilities is known for 2 actions, here are {len(actions)}")
    chosen = [math.exp(logprob) for logprob in turn["logprobs"]]
    return [p**2 + (1 - p) ** 2 for p in chosen]


def verl(name):
    import numpy
    from verl.trainer.config import AlgoConfig
    from verl.trainer.ppo import core_algos

    settings = {"norm_adv_by_std_in_grpo": False} if name == "dr_grpo" else {}
    config = AlgoConfig(**settings)
    estimate = core_algos.get_adv_estimator_fn("grpo" if name == "dr_grpo" else name)

    def advantages(trajectories):
        batch = Batch(trajectories)
        given = {"token_level_rewards": batch.rewards, "response_mask": batch.mask}
        if name == "gae":
            given |= {"values": batch.critic(), "gamma": config.gamma, "lam": config.lam}
        else:
            given |= {"config": config, "index": numpy.array(["question"] * len(trajectories), dtype=object)}
        if name.startswith(("grpo", "dr_grpo")) and name != "grpo_passk":
            given |= {"norm_adv_by_std_in_grpo": config.norm_adv_by_std_in_grpo}
        if "optimal_token_baseline" in name:
            given |= {"old_log_probs": batch.tensor(lambda turn: turn["logprobs"])}
            given |= {"sum_pi_squared": batch.tensor(squared_probabilities)}
        return batch.rows(estimate(**given)[0])

    return advantages


def trl(name):
    import torch

    if name == "rloo":
        from trl.trainer.rloo_config import RLOOConfig as Config
        from trl.trainer.rloo_trainer import RLOOTrainer as Trainer
    else:
        from trl.trainer.grpo_config import GRPOConfig as Config
        from trl.trainer.grpo_trainer import GRPOTrainer as Trainer
    scale = {"grpo": None, "grpo_batch": "batch", "dr_grpo": "none", "rloo": None}[name]
    default = {field: entry.default for field, entry in Config.__dataclass_fields__.items()}

    def advantages(trajectories):
        batch = Batch(trajectories)
        count, width = batch.mask.shape
        prompts, ids = [[0]] * count, [[0] * (places[-1][-1] + 1) for places in batch.places]
        masks = [row[: len(own)] for row, own in zip(batch.mask.tolist(), ids)]
        generated = (prompts, ids, [""] * count)
        trainer = SimpleNamespace(
            accelerator=SimpleNamespace(device=torch.device("cpu"), process_index=0, gather=lambda tensor: tensor),
            model=SimpleNamespace(training=True, is_gradient_checkpointing=False),
            args=SimpleNamespace(
                per_device_train_batch_size=count, gradient_checkpointing_kwargs=None, steps_per_generation=1,
                gradient_accumulation_steps=1,
            ),
            _tokenizer=SimpleNamespace(pad_token_id=0), pad_to_multiple_of=None, mask_truncated_completions=False,
            environment_factories=None, environments=None, tools=None, num_iterations=1, beta=0.0, use_vllm=False,
            vllm_importance_sampling_correction=False, log_multimodal=False,
            num_generations=count, reward_weights=torch.ones(1, dtype=torch.float64), reward_funcs=[None],
            reward_func_names=["reward"], reward_clip_range=default.get("reward_clip_range"),
            scale_rewards=scale or default.get("scale_rewards"), normalize_advantages=default.get("normalize_advantages"),
            multi_objective_aggregation=default.get("multi_objective_aggregation"),
            _generate=lambda _: generated if name == "rloo" else (prompts, ids, masks, [""] * count, None, {}, None, None),
            _calculate_rewards=lambda *_: batch.returns().unsqueeze(1),
            _get_per_token_logps_and_entropies=lambda *_, **__: (batch.tensor(lambda turn: turn["logprobs"]), None, None),
            _metrics=defaultdict(lambda: defaultdict(list)), _pending_extra_logs={}, _pending_metrics={},
            _logs={key: defaultdict(list) if key in ("rewards", "extra") else [] for key in ("prompt", "completion", "rewards", "advantages", "extra")},
        )  # fmt: skip
        scored = Trainer._generate_and_score_completions(trainer, [{"prompt": ""} for _ in range(count)])
        return batch.broadcast(scored["advantages"])

    return advantages


def openrlhf(name):
    for package in ["flash_attn", "deepspeed", "vllm"]:
        if importlib.util.find_spec(package) is None:
            stub_package(package)
    import torch
    from openrlhf.trainer.ppo_utils.experience import Experience
    from openrlhf.trainer.ppo_utils.experience_maker import RemoteExperienceMaker

    def advantages(trajectories):
        batch = Batch(trajectories)
        count = len(trajectories)
        args = SimpleNamespace(
            algo=SimpleNamespace(advantage=SimpleNamespace(estimator=name, gamma=1, lambd=1, no_std_norm=False)),
            rollout=SimpleNamespace(n_samples_per_prompt=count),
            reward=SimpleNamespace(clip_range=(-10, 10), overlong_buffer_len=None, stop_properly_penalty_coef=None),
        )
        maker = RemoteExperienceMaker.__new__(RemoteExperienceMaker)
        maker.args, maker.strategy, maker.advantage_estimator = args, SimpleNamespace(args=args), name
        maker.kl_ctl = SimpleNamespace(value=0.0)
        experience = Experience(
            action_mask=batch.mask.bool(),
            rewards=batch.returns(),
            kl=torch.zeros(batch.mask.shape, dtype=torch.float64),
            values=batch.critic() if name == "gae" else None,
            index=list(range(count)),
        )
        [experience] = maker.compute_advantages_and_returns([experience])
        return batch.rows(experience.advantages)

    return advantages


def stub_package(package):
    """A package whose modules are all empty, and have every name."""

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name != package and not name.startswith(f"{package}."):
                return None
            return importlib.util.spec_from_loader(name, Finder, is_package=True)

        @staticmethod
        def create_module(spec):
            return MagicMock(name=spec.name, __path__=[], __spec__=spec)

        @staticmethod
        def exec_module(module):
            pass

    sys.meta_path.insert(0, Finder)


ESTIMATORS = {
    **{f"verl:{name}": (verl, name) for name in [*VERL, "dr_grpo"]},
    **{f"trl:{name}": (trl, name) for name in ["grpo", "grpo_batch", "dr_grpo", "rloo"]},
    **{f"openrlhf:{name}": (openrlhf, name) for name in OPENRLHF},
}


def main():
    if sys.argv[1:] == ["--list"]:
        from importlib.metadata import version

        listed = {package: version(package) for package in ["verl", "trl", "openrlhf", "torch"]}
        print(json.dumps({"versions": listed, "estimators": list(ESTIMATORS)}))
        return
    if len(sys.argv) != 2 or sys.argv[1] not in ESTIMATORS:
        sys.exit(f"usage: estimator.py NAME; valid: {', '.join(ESTIMATORS)}")
    answers = sys.stdout
    # What the packages print belongs elsewhere.
    sys.stdout = sys.stderr
    make, name = ESTIMATORS[sys.argv[1]]
    advantages = make(name)
    import torch

    torch.set_num_threads(1)
    for line in sys.stdin:
        batch = json.loads(line)
        answer = {"batch": batch["batch"], "advantages": advantages(batch["trajectories"])}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


main()
