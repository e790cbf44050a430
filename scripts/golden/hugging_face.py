"""Writes policies/hugging-face/golden/: tiny random models as folders, and what transformers computes with them.

    python scripts/golden/hugging_face.py      (torch, transformers; no network)

llama: untied, Llama 3's rotary scaling, heads wider than the stream, bfloat16. qwen2: biases, linear scaling, float16,
sharded. qwen3: norms of heads, untied, float32. Gains and biases are random, so that none can be left out. logits.json:
in float64, from the weights as they are in the files.
"""

import json
import pathlib
import shutil

import torch
import transformers
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "policies/hugging-face/golden"
SIZES = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 36, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "initializer_range": 0.3, "bos_token_id": 1, "eos_token_id": 2,
}
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 50.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
MODELS = {
    "llama": (LlamaConfig(**SIZES, head_dim=16, rope_parameters=LLAMA3, rms_norm_eps=1e-5), torch.bfloat16),
    "qwen2": (
        Qwen2Config(
            **SIZES, rope_parameters={"rope_type": "linear", "rope_theta": 100.0, "factor": 2.0}, tie_word_embeddings=True
        ),
        torch.float16,
    ),
    "qwen3": (Qwen3Config(**SIZES, head_dim=8, rope_parameters={"rope_type": "default", "rope_theta": 1e4}), torch.float32),
}
IDS = [(7 * i * i + 3 * i + 1) % 64 for i in range(70)]


def make(name, config, dtype):
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for key, value in model.named_parameters():
            if value.ndim == 1:
                value.copy_((0.0 if key.endswith("bias") else 1.0) + 0.2 * torch.randn_like(value))
    path = FOLDER / name
    shutil.rmtree(path, ignore_errors=True)
    shard = {"max_shard_size": "10KB"} if name == "qwen2" else {}
    model.to(dtype).save_pretrained(path, **shard)
    read = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float64, attn_implementation="eager")
    with torch.no_grad():
        logits = read(torch.tensor([IDS])).logits[0]
    return [float(f"{value:.7g}") for value in logits.flatten().tolist()]


torch.manual_seed(1)
golden = {"transformers": transformers.__version__, "ids": IDS}
golden["logits"] = {name: make(name, *model) for name, model in MODELS.items()}
(FOLDER / "logits.json").write_text(json.dumps(golden) + "\n")
