"""Writes a verl DataProto as lines of creditbench's trajectories, with ids, masks and log-probabilities.

In a trainer, where the batch has rewards (verl 0.9, next to compute_advantage):

    from export import write
    write(batch, f"rollouts/{self.global_steps}.jsonl", step=self.global_steps)

Of a batch that was kept with `batch.save_to_disk("batch.pkl")` (a pickle: only open files that you trust):

    python export.py batch.pkl rollouts.jsonl

Then: creditbench credit --algorithm grpo,rloo,carl rollouts.jsonl
"""

import hashlib
import json
import sys

PER_TOKEN = {"entropys": "entropies", "ref_log_prob": "reference"}


def trajectories(data, step=None):
    """One trajectory per row, in their order.

    A turn is a run of tokens with response_mask 1: what the policy wrote. What has mask 0 (tool results) was read before
    the next turn. Rewards of tokens (token_level_rewards, or token_level_scores if there is no KL penalty in them) belong to
    the turn that they are in or come after. Log-probabilities are old_log_probs, or rollout_log_probs if those are missing.
    """
    batch, other = data.batch, data.non_tensor_batch
    prompts, responses, attention = (batch[key].tolist() for key in ("prompts", "responses", "attention_mask"))
    start = len(prompts[0]) if prompts else 0
    masks = batch["response_mask"].tolist() if "response_mask" in batch else [row[start:] for row in attention]
    rewards = batch["token_level_rewards" if "token_level_rewards" in batch else "token_level_scores"].tolist()
    lists = {name: batch[key].tolist() for key, name in PER_TOKEN.items() if key in batch}
    for key in ("rollout_log_probs", "old_log_probs"):
        if key in batch:
            lists["logprobs"] = batch[key].tolist()
    values = batch["values"].tolist() if "values" in batch else None
    for row in range(len(responses)):
        length = sum(attention[row][start:])
        read = [token for token, is_there in zip(prompts[row], attention[row]) if is_there]
        turns, at, early = [], 0, 0.0
        while at < length:
            end = at + 1
            while end < length and masks[row][end] == masks[row][at]:
                end += 1
            reward = sum(rewards[row][at:end])
            if masks[row][at]:
                turn = {"observation": {"tokens": read}, "tokens": responses[row][at:end], "reward": reward + early}
                turn.update({name: rows[row][at:end] for name, rows in lists.items()})
                if values is not None:
                    turn["outputs"] = {"critic": values[row][at:end]}
                turns.append(turn)
                read, early = [], 0.0
            else:
                read = read + responses[row][at:end]
                if turns:
                    turns[-1]["reward"] += reward
                else:
                    early += reward
            at = end
        if not turns:
            print(f"row {row} has no token of the policy and is left out", file=sys.stderr)
            continue
        line = {"format": "creditbench-trajectory", "version": 1}
        line["group"] = str(other["uid"][row]) if "uid" in other else key_of(prompts[row], attention[row])
        line["id"] = str(row)
        if step is not None:
            line["batch"] = step
        line.update(question_of(other, row))
        yield {**line, "turns": turns}


def key_of(prompt, attention):
    """Without a uid, equal prompts are one group."""
    ids = [token for token, is_there in zip(prompt, attention) if is_there]
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:16]


def question_of(other, row):
    found = {}
    messages = other["raw_prompt"][row] if "raw_prompt" in other else []
    users = [message["content"] for message in messages if message.get("role") == "user"]
    if users and isinstance(users[-1], str):
        found["question"] = users[-1]
    truth = other["reward_model"][row].get("ground_truth") if "reward_model" in other else None
    truth = [truth] if isinstance(truth, str) else truth
    if isinstance(truth, (list, tuple)) and all(isinstance(one, str) for one in truth):
        found["answers"] = list(truth)
    return found


def write(data, path, step=None):
    with open(path, "w", encoding="utf-8") as file:
        for trajectory in trajectories(data, step):
            file.write(json.dumps(trajectory, ensure_ascii=False, allow_nan=False) + "\n")


if __name__ == "__main__":
    from verl import DataProto

    if len(sys.argv) != 3:
        sys.exit("usage: python export.py BATCH.pkl ROLLOUTS.jsonl")
    loaded = DataProto.load_from_disk(sys.argv[1])
    write(loaded, sys.argv[2], loaded.meta_info.get("global_steps"))
