"""Every credit rule as an advantage estimator of verl: algorithm.adv_estimator=creditbench/grpo, ...

verl loads this module when it is imported, if the package is installed (entry point verl.plugins); elsewhere, import it.
"""

import sys

from verl.trainer.ppo.core_algos import register_adv_est

from .batch import ALGORITHMS, estimate

# Rules that are verl's own under another name: they take the discounts of verl's configuration.
_DISCOUNTS = {"ppo": {"gamma": "gamma", "lambda": "lam"}, "reinforce-pp": {"gamma": "gamma"}}

# The format's names of what verl measures, best first.
_FIELDS = {
    "logprobs": ("old_log_probs", "rollout_log_probs"),
    "entropies": ("entropys",),
    "reference": ("ref_log_prob",),
    "outputs.critic": ("values",),
}


def estimator(algorithm, options=None, merge=None):
    """An estimator for `register_adv_est`.

    options: what differs from the rule's defaults. The configuration's `creditbench.options` are added to it.
    merge: what of the rollouts of a question is taken for shared: 'none', 'turns' or 'tokens'. Default: the
    configuration's `creditbench.merge`, or 'none'.
    """

    def compute(token_level_rewards, response_mask, index=None, config=None, **others):
        if index is None:
            raise ValueError(f"creditbench/{algorithm}: the batch has no uid, so its questions are not known")
        batch = _batch_of_caller(token_level_rewards)
        found = {**batch, **{name: value for name, value in others.items() if value is not None}}
        own = _get(config, "creditbench") or {}
        discounts = {
            name: float(value)
            for name, key in _DISCOUNTS.get(algorithm, {}).items()
            if (value := _get(config, key)) is not None
        }
        with_ids = merge or _get(own, "merge") or "none"
        return estimate(
            algorithm,
            rewards=token_level_rewards,
            mask=response_mask,
            groups=index,
            fields={
                field: next((found[name] for name in names if name in found), None)
                for field, names in _FIELDS.items()
            },
            ids=found.get("responses"),
            prompts=_prompts(found) if with_ids != "none" else None,
            options={**discounts, **(options or {}), **_plain(_get(own, "options"))},
            merge=with_ids,
        )

    return compute


def _batch_of_caller(rewards):
    """verl hands an estimator rewards, mask and uid. Log-probabilities and values are in the batch of
    `compute_advantage`, which calls it: its `data`. Empty if somebody else calls."""
    frame = sys._getframe(2)
    data = frame.f_locals.get("data") if frame.f_code.co_name == "compute_advantage" else None
    batch = getattr(data, "batch", None)
    if batch is None or batch["token_level_rewards"] is not rewards:
        # A TensorDict may hand out another tensor on the same memory.
        if batch is None or batch["token_level_rewards"].data_ptr() != rewards.data_ptr():
            return {}
    return {name: batch[name] for name in batch.keys()}


def _prompts(found):
    prompts, attention = found.get("prompts"), found.get("attention_mask")
    if prompts is None or attention is None:
        return None
    kept = attention[:, : prompts.shape[1]].bool()
    return [row[keep].tolist() for row, keep in zip(prompts, kept)]


def _get(config, key):
    if config is None:
        return None
    return config.get(key, None) if hasattr(config, "get") else getattr(config, key, None)


def _plain(options):
    if not options:
        return {}
    if type(options).__module__.startswith("omegaconf"):
        from omegaconf import OmegaConf

        return OmegaConf.to_container(options, resolve=True)
    return dict(options)


for _algorithm in ALGORITHMS:
    register_adv_est(f"creditbench/{_algorithm}")(estimator(_algorithm))
