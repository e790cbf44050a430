"""Every credit rule in TRL's GRPOTrainer, whose loss takes an advantage per token from a subclass."""

import torch
from accelerate.utils import gather_object
from trl import GRPOTrainer

from .batch import estimate

# The format's names of what TRL measures, best first.
_FIELDS = {
    "logprobs": ("old_per_token_logps", "sampling_per_token_logps"),
    "reference": ("ref_per_token_logps",),
}


class CreditTrainer(GRPOTrainer):
    """A GRPOTrainer with the advantages of a credit rule. The loss stays GRPOTrainer's.

    credit: id of the rule; credit_options: what differs from its defaults; credit_merge: what of the completions of a
    prompt is taken for shared ('none', 'turns', 'tokens').
    """

    def __init__(self, *args, credit, credit_options=None, credit_merge="none", **kwargs):
        super().__init__(*args, **kwargs)
        self._credit = {"algorithm": credit, "options": credit_options, "merge": credit_merge}

    def _calculate_rewards(self, *args, **kwargs):
        # Of all processes.
        self._rewards_per_func = super()._calculate_rewards(*args, **kwargs)
        return self._rewards_per_func

    def _generate_and_score_completions(self, inputs):
        output = super()._generate_and_score_completions(inputs)
        rows = len(output["completion_mask"])
        mask = output["completion_mask"]
        if "tool_mask" in output:
            mask = mask * output["tool_mask"]
        mask = self._gathered(mask)
        per_func = self._rewards_per_func
        rewards = (per_func * self.reward_weights.to(per_func.device).unsqueeze(0)).nansum(dim=1)
        # As GRPOTrainer does: a completion that no reward function scored is in no baseline and is not trained.
        kept = (~torch.isnan(per_func).all(dim=1)).nonzero()[:, 0]
        generations = self.num_generations if self.model.training else self.num_generations_eval
        advantages = torch.zeros(mask.shape, dtype=rewards.dtype, device=rewards.device)
        if len(kept) > 0:
            fields = {
                field: next((self._gathered(output[name]) for name in names if name in output), None)
                for field, names in _FIELDS.items()
            }
            with_ids = self._credit["merge"] != "none"
            advantages[kept], _ = estimate(
                **self._credit,
                rewards=_at_the_end(rewards, mask)[kept],
                mask=mask[kept],
                groups=(kept // generations).tolist(),
                fields={name: None if tensor is None else tensor[kept] for name, tensor in fields.items()},
                ids=self._gathered(output["completion_ids"])[kept] if with_ids else None,
                prompts=[self._prompts(output)[row] for row in kept.tolist()] if with_ids else None,
            )
        self._log_means(advantages, mask)
        first = self.accelerator.process_index * rows
        width = output["completion_mask"].shape[1]
        output["advantages"] = advantages[first : first + rows, :width].contiguous()
        return output

    def _gathered(self, tensor):
        return self.accelerator.gather(self.accelerator.pad_across_processes(tensor, dim=1))

    def _prompts(self, output):
        kept = zip(output["prompt_ids"], output["prompt_mask"].bool())
        return gather_object([ids[keep].tolist() for ids, keep in kept])

    def _log_means(self, advantages, mask):
        """The table of completions shows a completion's mean in place of what GRPO would have given it."""
        means = advantages.sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        logged = self._logs["advantages"]
        for _ in range(min(len(means), len(logged))):
            logged.pop()
        logged.extend(means.tolist())


def _at_the_end(rewards, mask):
    """A reward for a completion, paid at the last token that the policy wrote."""
    places = torch.arange(mask.shape[1], device=mask.device)
    last = torch.where(mask.bool(), places, 0).max(dim=1).values
    result = torch.zeros(mask.shape, dtype=rewards.dtype, device=rewards.device)
    result[torch.arange(len(rewards), device=rewards.device), last.to(rewards.device)] = rewards
    return result
