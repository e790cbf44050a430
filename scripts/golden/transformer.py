"""Golden values for policies/llama: the same tiny model in PyTorch, in float64.

Needs torch 2.13.0. Run from the repository root: python scripts/golden/transformer.py
Weights come from a formula, so that both sides can make them: entry i of all weights, counted through in
their order, is sin(i + 1) times 0.3, or 1 + 0.1 sin(i + 1) in a gain.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

CONFIG = {
    "modelSize": 16,
    "layers": 2,
    "heads": 4,
    "kvHeads": 2,
    "headSize": 8,
    "ffnSize": 20,
    "rotaryBase": 100,
    "normEpsilon": 1e-5,
}
VOCABULARY = 24
BATCH, LENGTH = 2, 43  # more than one block of queries, and no multiple of 4


def weights():
    d, f = CONFIG["modelSize"], CONFIG["ffnSize"]
    q = CONFIG["heads"] * CONFIG["headSize"]
    kv = CONFIG["kvHeads"] * CONFIG["headSize"]
    block = [(d,), (d, q + 2 * kv), (q, d), (d,), (d, 2 * f), (f, d)]
    shapes = [(VOCABULARY, d), *(block * CONFIG["layers"]), (d,)]
    start = 0
    for shape in shapes:
        size = math.prod(shape)
        wave = torch.sin(torch.arange(start + 1, start + size + 1, dtype=torch.float64))
        start += size
        value = 1 + 0.1 * wave if len(shape) == 1 else 0.3 * wave
        yield value.reshape(shape).requires_grad_()


def rotated(x):
    """Rotates [batch, heads, length, headSize] by position, pairs (i, i + headSize / 2)."""
    half = x.shape[-1] // 2
    frequency = CONFIG["rotaryBase"] ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(x.shape[-2], dtype=torch.float64)[:, None] * frequency
    first, second = x[..., :half], x[..., half:]
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def logits(parameters, ids):
    embedding, *blocks, last = parameters
    epsilon = CONFIG["normEpsilon"]
    sizes = [CONFIG[name] * CONFIG["headSize"] for name in ("heads", "kvHeads", "kvHeads")]
    x = embedding[ids]
    for layer in range(CONFIG["layers"]):
        attention_norm, qkv, mix, ffn_norm, gate_up, down = blocks[6 * layer : 6 * layer + 6]
        heads = F.rms_norm(x, attention_norm.shape, attention_norm, epsilon) @ qkv
        queries, keys, values = (
            part.unflatten(-1, (-1, CONFIG["headSize"])).transpose(1, 2)
            for part in heads.split(sizes, -1)
        )
        mixed = F.scaled_dot_product_attention(
            rotated(queries), rotated(keys), values, is_causal=True, enable_gqa=True
        )
        x = x + mixed.transpose(1, 2).flatten(2) @ mix
        gate, up = (F.rms_norm(x, ffn_norm.shape, ffn_norm, epsilon) @ gate_up).chunk(2, -1)
        x = x + (F.silu(gate) * up) @ down
    return F.rms_norm(x, last.shape, last, epsilon) @ embedding.T


def rounded(tensor):
    return [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]


def main():
    parameters = list(weights())
    index = torch.arange(BATCH * LENGTH)
    ids = (3 * index * index + index) % VOCABULARY
    targets = (5 * index + 1) % VOCABULARY
    scores = logits(parameters, ids.reshape(BATCH, LENGTH)).flatten(0, 1)
    losses = F.cross_entropy(scores, targets, reduction="none")
    gradient = torch.autograd.grad((losses * torch.cos(index.double())).sum(), parameters)
    golden = {
        "config": CONFIG,
        "vocabularySize": VOCABULARY,
        "batch": BATCH,
        "length": LENGTH,
        "logits": rounded(scores),
        "losses": rounded(losses),
        "gradient": rounded(torch.cat([part.flatten() for part in gradient])),
    }
    path = Path("policies/llama/golden/model.json")
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
