"""The same model, shapes and loop in PyTorch, to be compared with: reads cases as JSON, prints seconds as JSON.

Needs torch 2.13.0. Started by `npm run bench -- --torch python3`; alone: python torch_loop.py cases.json

Plain and competent: float32, batched, keys and values cached within a call, scaled_dot_product_attention, fused Adam,
no gradient where none is needed; rows are padded to the longest of their batch. Nothing is shared between rows.
"""

import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F


class Model:
    """Decoder-only, Llama family: the layout of policies/llama/weights.ts."""

    def __init__(self, config, vocabulary, device):
        self.config, self.vocabulary, self.device = config, vocabulary, device
        d, f = config["modelSize"], config["ffnSize"]
        q = config["heads"] * config["headSize"]
        kv = config["kvHeads"] * config["headSize"]
        block = [(d,), (d, q + 2 * kv), (q, d), (d,), (d, 2 * f), (f, d)]
        shapes = [(vocabulary, d), *(block * config["layers"]), (d,)]
        torch.manual_seed(1)
        self.weights = [
            (torch.ones(s) if len(s) == 1 else 0.02 * torch.randn(s)).to(device).requires_grad_() for s in shapes
        ]
        half = config["headSize"] // 2
        self.frequency = config["rotaryBase"] ** (-torch.arange(half, device=device) / half)
        self.sizes = [config[name] * config["headSize"] for name in ("heads", "kvHeads", "kvHeads")]

    def rotated(self, x, cos, sin):
        first, second = x.chunk(2, -1)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)

    def hidden(self, ids, positions, attend):
        """[batch, length] ids to [batch, length, modelSize]. `attend(layer, q, k, v)` mixes the values."""
        embedding, *blocks, last = self.weights
        size, epsilon = self.config["headSize"], self.config["normEpsilon"]
        angle = positions[:, None, :, None] * self.frequency
        cos, sin = angle.cos(), angle.sin()
        x = F.embedding(ids, embedding)
        for layer in range(self.config["layers"]):
            attention_norm, qkv, mix, ffn_norm, gate_up, down = blocks[6 * layer : 6 * layer + 6]
            heads = F.rms_norm(x, attention_norm.shape, attention_norm, epsilon) @ qkv
            q, k, v = (p.unflatten(-1, (-1, size)).transpose(1, 2) for p in heads.split(self.sizes, -1))
            mixed = attend(layer, self.rotated(q, cos, sin), self.rotated(k, cos, sin), v)
            x = x + mixed.transpose(1, 2).flatten(2) @ mix
            gate, up = (F.rms_norm(x, ffn_norm.shape, ffn_norm, epsilon) @ gate_up).chunk(2, -1)
            x = x + (F.silu(gate) * up) @ down
        return F.rms_norm(x, last.shape, last, epsilon)

    def causal(self, ids):
        positions = torch.arange(ids.shape[1], device=self.device)[None, :]
        return self.hidden(
            ids,
            positions,
            lambda _, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True),
        )


def synchronize(device):
    if device.startswith("cuda"):
        torch.cuda.synchronize()


@torch.inference_mode()
def generate(model, contexts, counts):
    """Writes counts[i] tokens after contexts[i]. Seconds of reading the contexts, and of writing."""
    device, config = model.device, model.config
    begin = time.perf_counter()
    batch, lengths = len(contexts), torch.tensor([len(c) for c in contexts], device=device)
    longest, most = max(len(c) for c in contexts), max(counts)
    ids = torch.zeros(batch, longest, dtype=torch.long)
    for row, context in enumerate(contexts):
        ids[row, : len(context)] = torch.tensor(context)
    ids = ids.to(device)
    shape = (config["layers"], batch, config["kvHeads"], longest + most, config["headSize"])
    keys, values = torch.zeros(shape, device=device), torch.zeros(shape, device=device)

    def reading(layer, q, k, v):
        keys[layer, :, :, :longest], values[layer, :, :, :longest] = k, v
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)

    hidden = model.hidden(ids, torch.arange(longest, device=device)[None, :], reading)
    rows = torch.arange(batch, device=device)
    logits = hidden[rows, lengths - 1] @ model.weights[0].T
    synchronize(device)
    read = time.perf_counter()
    limit = torch.tensor(counts)
    at = lengths.clone()
    for step in range(most):
        # Rows that have ended leave the batch.
        keep = (limit > step).nonzero().flatten()
        if len(keep) < len(rows):
            inside = (limit[limit > step - 1] > step).nonzero().flatten().to(device) if step > 0 else keep.to(device)
            keys, values, logits, at = keys[:, inside], values[:, inside], logits[inside], at[inside]
            rows = keep
        log_probs = torch.log_softmax(logits, -1)
        probabilities = log_probs.exp()
        chosen = torch.multinomial(probabilities, 1)
        log_probs.gather(1, chosen).cpu(), (-(probabilities * log_probs).sum(-1)).cpu(), chosen.cpu()
        if step == most - 1:
            break
        size = int(at.max()) + 1
        each = torch.arange(len(at), device=device)
        seen = (torch.arange(size, device=device)[None, :] <= at[:, None])[:, None, None, :]

        def writing(layer, q, k, v):
            keys[layer][each, :, at], values[layer][each, :, at] = k[:, :, 0], v[:, :, 0]
            return F.scaled_dot_product_attention(
                q, keys[layer, :, :, :size], values[layer, :, :, :size], attn_mask=seen, enable_gqa=True
            )

        hidden = model.hidden(chosen, at[:, None], writing)
        logits = hidden[:, 0] @ model.weights[0].T
        at = at + 1
    synchronize(device)
    return read - begin, time.perf_counter() - read


def train_step(model, optimizer, rows, micro_batch):
    """Policy-gradient step on rows of {ids, trained (positions that predict trained tokens)}."""
    device = model.device
    optimizer.zero_grad(set_to_none=True)
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]["ids"]))
    for start in range(0, len(order), micro_batch):
        chosen = [rows[row] for row in order[start : start + micro_batch]]
        longest = max(len(row["ids"]) for row in chosen)
        ids = torch.zeros(len(chosen), longest, dtype=torch.long)
        for index, row in enumerate(chosen):
            ids[index, : len(row["ids"])] = torch.tensor(row["ids"])
        where = torch.tensor([[index, at] for index, row in enumerate(chosen) for at in row["trained"]]).to(device)
        ids = ids.to(device)
        hidden = model.causal(ids)[where[:, 0], where[:, 1]]
        losses = F.cross_entropy(hidden @ model.weights[0].T, ids[where[:, 0], where[:, 1] + 1], reduction="sum")
        (losses / 1000).backward()
    torch.nn.utils.clip_grad_norm_(model.weights, 1.0)
    optimizer.step()
    synchronize(device)


def adam(model):
    return torch.optim.Adam(model.weights, lr=1e-4, fused=True)


def random_ids(vocabulary, batch, length):
    return torch.randint(vocabulary, (batch, length), generator=torch.Generator().manual_seed(2)).tolist()


def prepared(case, device):
    """A function that does the case once and gives its seconds by part."""
    model = Model(case["config"], case["vocabulary"], device)
    if case["kind"] == "train-step":
        optimizer = adam(model)
        ids = random_ids(case["vocabulary"], case["batch"], case["length"])
        rows = [{"ids": row, "trained": list(range(case["length"] - 1))} for row in ids]

        def step():
            begin = time.perf_counter()
            train_step(model, optimizer, rows, case["batch"])
            return {"seconds": time.perf_counter() - begin}

        return step
    if case["kind"] == "decode":
        contexts = random_ids(case["vocabulary"], case["batch"], case["length"])

        def write():
            read, written = generate(model, contexts, [case["tokens"]] * case["batch"])
            return {"seconds": read + written, "read": read, "write": written}

        return write
    optimizer = adam(model)

    def iteration():
        reads = writes = 0.0
        for call in case["calls"]:
            read, written = generate(model, call["contexts"], call["counts"])
            reads, writes = reads + read, writes + written
        begin = time.perf_counter()
        for rows in case["updates"]:
            train_step(model, optimizer, rows, case["microBatch"])
        update = time.perf_counter() - begin
        return {"seconds": reads + writes + update, "read": reads, "write": writes, "update": update}

    return iteration


def main():
    with open(sys.argv[1], encoding="utf8") as file:
        request = json.load(file)
    device = request.get("device", "cpu")
    torch.set_num_threads(request.get("threads", 1))
    results = []
    for case in request["cases"]:
        run = prepared(case, device)
        for _ in range(case.get("warmup", 1)):
            run()
        samples = [run() for _ in range(case["runs"])]
        parts = {part: statistics.median(sample[part] for sample in samples) for part in samples[0]}
        results.append({"name": case["name"], "runs": case["runs"], **parts})
    where = torch.cuda.get_device_name() if device.startswith("cuda") else "cpu"
    print(json.dumps({"torch": torch.__version__, "device": where, "threads": torch.get_num_threads(), "results": results}))


if __name__ == "__main__":
    main()
