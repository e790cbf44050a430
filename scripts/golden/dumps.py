"""Dumps that the real frameworks write, for bench/trajectories/readers: a tiny random model on the CPU.

Needs verl 0.9.1, trl 1.16.0, transformers, torch 2.13.0 (scripts/servers/install.sh, part peers), and for `verifiers`
verifiers 0.4.0. Run from the repository root:
  python scripts/golden/dumps.py verl trl OUT_FOLDER          (default: bench/trajectories/readers/fixtures)
verl.jsonl is what RayPPOTrainer._log_rollout_data writes, verl-dataproto.jsonl what integrations/verl/export.py writes of the
same batch, verl-turns.jsonl the same of a batch with tool results in it, trl.parquet what GRPOTrainer writes with
log_completions; verl-grpo.json has the advantages of verl's compute_grpo_outcome_advantage (trl.parquet has its own).
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

ROOT = Path(__file__).resolve().parents[2]
TOKENIZER = ROOT / "policies/tokenizer/golden/qwen-style.json"
PROMPTS = ["Who wrote Emma?", "Where is the Nile?", "1 + 1 ="]
ANSWERS = ["Jane Austen", "in Africa", "2"]
SAMPLES, LENGTH = 4, 12


def tokenizer():
    return PreTrainedTokenizerFast(
        tokenizer_file=str(TOKENIZER), eos_token="<|endoftext|>", pad_token="<|endoftext|>", padding_side="left"
    )


def model(vocabulary):
    torch.manual_seed(7)
    config = Qwen3Config(
        vocab_size=vocabulary, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, max_position_embeddings=128, eos_token_id=0, bos_token_id=None, pad_token_id=0,
        initializer_range=0.5,
    )
    return Qwen3ForCausalLM(config).eval()


def letters(text):
    """A reward that a random model gets now and then: the share of letters."""
    return round(sum(character.isalpha() for character in text) / max(1, len(text)), 2)


def verl_batch(tokens):
    """A DataProto as verl's trainer has it before compute_advantage."""
    import numpy as np
    from verl import DataProto

    policy = model(len(tokens))
    rows = [text for text in PROMPTS for _ in range(SAMPLES)]
    prompts = tokens(rows, return_tensors="pt", padding=True)
    start = prompts.input_ids.shape[1]
    torch.manual_seed(11)
    whole = policy.generate(
        **prompts, do_sample=True, max_new_tokens=LENGTH, min_new_tokens=2, top_k=0, temperature=1.0, pad_token_id=0
    )
    responses = whole[:, start:]
    # All up to the first end token, that included.
    ends = (responses == 0).cumsum(-1)
    mask = ((ends - (responses == 0).long()) == 0).long()
    attention = torch.cat([prompts.attention_mask, mask], -1)
    with torch.no_grad():
        logits = policy(whole, attention_mask=attention).logits[:, start - 1 : -1].log_softmax(-1)
    logprobs = logits.gather(-1, responses[..., None])[..., 0]
    entropies = -(logits.exp() * logits).sum(-1)
    scores = torch.zeros(responses.shape)
    for row, text in enumerate(tokens.batch_decode(responses, skip_special_tokens=True)):
        scores[row, mask[row].sum() - 1] = letters(text)
    uids = np.array([f"uid-{row // SAMPLES}" for row in range(len(rows))], dtype=object)
    truths = [{"ground_truth": ANSWERS[row // SAMPLES]} for row in range(len(rows))]
    return DataProto.from_dict(
        tensors={
            "prompts": prompts.input_ids, "responses": responses, "attention_mask": attention, "response_mask": mask,
            "old_log_probs": logprobs, "entropys": entropies, "values": entropies / 10, "token_level_scores": scores,
            "token_level_rewards": scores.clone(),
        },
        non_tensors={"uid": uids, "reward_model": np.array(truths, dtype=object)},
        meta_info={"global_steps": 7},
    )


def verl(to):
    sys.path.insert(0, str(ROOT / "integrations/verl"))
    from export import write
    from verl import DataProto
    from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage
    from verl.trainer.ppo.ray_trainer import RayPPOTrainer

    tokens = tokenizer()
    batch = verl_batch(tokens)
    # verl balances batches over workers: rows of a group do not stand together.
    order = torch.arange(len(batch)).view(-1, SAMPLES).T.flatten()
    batch.reorder(order)
    trainer = RayPPOTrainer.__new__(RayPPOTrainer)
    trainer.tokenizer, trainer.global_steps = tokens, 7
    trainer._init_dump_executor()
    trainer._log_rollout_data(batch, {"letters": [letters(text) for text in tokens.batch_decode(
        batch.batch["responses"], skip_special_tokens=True)]}, {}, str(to))
    trainer._shutdown_dump_executor()
    os.replace(to / "7.jsonl", to / "verl.jsonl")
    with tempfile.TemporaryDirectory() as folder:
        batch.save_to_disk(f"{folder}/batch.pkl")
        kept = DataProto.load_from_disk(f"{folder}/batch.pkl")
    write(kept, to / "verl-dataproto.jsonl", step=7)

    advantages = {}
    for name, data in (("verl.jsonl", batch), ("verl-turns.jsonl", with_tools(batch))):
        values, _ = compute_grpo_outcome_advantage(
            data.batch["token_level_rewards"], data.batch["response_mask"], data.non_tensor_batch["uid"]
        )
        advantages[name] = values.tolist()
    write(with_tools(batch), to / "verl-turns.jsonl", step=7)
    (to / "verl-grpo.json").write_text(json.dumps(advantages) + "\n")


def with_tools(batch):
    """Tokens 3 and 4 of every response were read from a tool; a reward of 0.25 comes with them in every other row."""
    from verl import DataProto

    tensors = {key: batch.batch[key].clone() for key in batch.batch.keys()}
    tensors["response_mask"][:, 3:5] = 0
    tensors["token_level_rewards"][::2, 4] += 0.25
    return DataProto.from_dict(tensors=tensors, non_tensors=dict(batch.non_tensor_batch), meta_info={})


def trl(to):
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    def share_of_letters(completions, **_):
        return [letters(text) for text in completions]

    def short(completions, **_):
        """None for some, as a reward function may say that it does not apply."""
        return [None if len(text) % 5 == 0 else float(len(text) < 30) for text in completions]

    tokens = tokenizer()
    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=model(len(tokens)),
            reward_funcs=[share_of_letters, short],
            args=GRPOConfig(
                output_dir=folder, max_steps=2, per_device_train_batch_size=8, num_generations=4, logging_steps=1,
                max_completion_length=LENGTH, log_completions=True, report_to=[], use_cpu=True, seed=3, bf16=False,
                save_strategy="no", reward_weights=[1.0, 0.5], disable_tqdm=True,
            ),
            train_dataset=Dataset.from_dict({"prompt": PROMPTS + ["The capital of France is"]}),
            processing_class=tokens,
        )
        trainer.train()
        shutil.copy(f"{folder}/completions/completions_00002.parquet", to / "trl.parquet")


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if name in ("verl", "trl")]
    rest = [name for name in sys.argv[1:] if name not in names]
    out = Path(rest[0]) if rest else ROOT / "bench/trajectories/readers/fixtures"
    out.mkdir(parents=True, exist_ok=True)
    for name in names or ["verl", "trl"]:
        {"verl": verl, "trl": trl}[name](out)
