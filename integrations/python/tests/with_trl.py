"""Prints as JSON what training in TRL with creditbench's GRPO and with TRL's own has in common: a tiny random model, CPU."""

import json
import tempfile

import torch
import trl
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, set_seed

import creditbench.trl

torch.set_num_threads(1)
WORDS = [f"w{index}" for index in range(24)]


def tokenizer():
    vocabulary = {word: index for index, word in enumerate(["<pad>", "<eos>", "<unk>", *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def made():
    """A folder: TRL loads the reference model from where the model came from."""
    set_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": None}
    folder = tempfile.mkdtemp()
    Qwen2ForCausalLM(Qwen2Config(vocab_size=27, num_key_value_heads=2, **sizes, **ends)).save_pretrained(folder)
    return folder


FOLDER = made()


def model():
    return Qwen2ForCausalLM.from_pretrained(FOLDER)


def flat(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def reward(completion_ids, **_):
    """Different tokens of a completion; none for some, which nobody scores."""
    return [None if ids[0] == 5 else len(set(ids)) / 4 for ids in completion_ids]


def train(trainer, **more):
    config = trl.GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=8,
        num_generations=4,
        max_completion_length=6,
        max_steps=3,
        learning_rate=0.01,
        report_to=[],
        logging_steps=1,
        save_strategy="no",
        use_cpu=True,
        seed=3,
        beta=0.04,
    )
    data = Dataset.from_list([{"prompt": f"w{index} w{index + 1}"} for index in range(8)])
    trained = trainer(
        model=model(), reward_funcs=reward, args=config, train_dataset=data, processing_class=tokenizer(), **more
    )
    trained.train()
    return flat(trained.model), trained


seen = []
original = trl.GRPOTrainer._generate_and_score_completions


def recording(self, inputs):
    output = original(self, inputs)
    seen.append(output["advantages"].clone())
    return output


trl.GRPOTrainer._generate_and_score_completions = recording


class Recorded(creditbench.trl.CreditTrainer):
    def _generate_and_score_completions(self, inputs):
        output = super()._generate_and_score_completions(inputs)
        own.append((output["advantages"], output["completion_mask"]))
        return output


own = []
theirs, _ = train(trl.GRPOTrainer)
seen.clear()
ours, trainer = train(Recorded, credit="grpo", credit_options={"epsilon": 1e-4})
logged = list(trainer._logs["advantages"])[-8:]
grpo = [(a, mask, b) for (a, mask), b in zip(own, seen)]
own.clear()
token_level, _ = train(Recorded, credit="reinforce-pp", credit_options={"gamma": 0.5})
per_token = own[0][0]
start = flat(model())
print(
    json.dumps(
        {
            "version": trl.__version__,
            "advantages": max(float((a - b[:, None] * mask).abs().max()) for a, mask, b in grpo),
            "shapes": [list(a.shape) == list(mask.shape) for a, mask, _ in grpo],
            "unscored": sum(int((b == 0).sum()) for _, _, b in grpo),
            "largest": max(float(b.abs().max()) for _, _, b in grpo),
            "weights": float((ours - theirs).abs().max()),
            "moved": float((theirs - start).abs().max()),
            "logged": max(abs(a - float(b)) for a, b in zip(logged, grpo[-1][2])),
            "tokensDiffer": float((per_token[:, 0] - per_token[:, 1]).abs().max()),
            "others": float((token_level - theirs).abs().max()),
        }
    )
)
