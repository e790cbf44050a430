"""Writes policies/tokenizer/golden/{chat,missing-bytes}.json: what transformers and tokenizers say.

    python scripts/golden/chat.py      (transformers, tokenizers; no weights, no network)

chat.json: for the templates in golden/chat (written after those of SmolLM2, Qwen2.5, Qwen3 and Llama 3.2, tools left
out) and gpt2-style.json with their special tokens, the ids that apply_chat_template gives for one message of a user.
missing-bytes.json: for gpt2-style.json without some bytes, the ids of random texts.
"""

import json
import pathlib
import random

import tokenizers
import transformers
from tokenizers import Tokenizer

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "policies/tokenizer/golden"
FILE = json.loads((FOLDER / "gpt2-style.json").read_text())

MESSAGES = [
    "Which country borders both Peru and Brazil?",
    "  white space around it \n",
    "tags: <search> Lima </search> <|im_end|> {{ braces }} {% if %}",
    "Côte d'Ivoire, 東京 🇸🇷 <|eot_id|>\n\n* 1945",
]
CHATML = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
LLAMA = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
CHATS = {
    "smollm2": (CHATML, {}),
    "qwen2.5": ({"eos_token": "<|im_end|>"}, {}),
    "qwen3": ({"eos_token": "<|im_end|>"}, {}),
    "qwen3 without thinking": ({"eos_token": "<|im_end|>"}, {"enable_thinking": False}),
    # What the template says where it is not told the date.
    "llama3.2": (LLAMA, {"date_string": "26 Jul 2024"}),
    "llama3.2 with a date": (LLAMA, {"date_string": "01 Jan 2026"}),
}
NEW = ["<|im_end|>", "<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"]


def chats():
    first = max(token["id"] for token in FILE["added_tokens"]) + 1
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = FILE["added_tokens"] + [{"id": first + i, "content": text, **flags} for i, text in enumerate(NEW)]
    cases = []
    for name, (tokens, variables) in CHATS.items():
        backend = Tokenizer.from_str(json.dumps({**FILE, "added_tokens": added}))
        tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **tokens)
        template = name.split(" ")[0]
        source = (FOLDER / f"chat/{template}.jinja").read_text()
        for content in MESSAGES:
            ids = tokenizer.apply_chat_template(
                [{"role": "user", "content": content}],
                chat_template=source,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=False,
                **variables,
            )
            given = {} if variables.get("date_string") == "26 Jul 2024" else variables
            case = {"name": name, "template": template, "tokens": tokens, "variables": given}
            cases.append({**case, "content": content, "ids": list(ids)})
    golden = {"transformers": transformers.__version__, "added_tokens": added, "cases": cases}
    (FOLDER / "chat.json").write_text(json.dumps(golden) + "\n")


# v; U+0004; the first byte of most letters with accents; a byte of U+10xxxx only.
MISSING = ["v", "\u0104", "\u00c3", "\u00f4"]
# A whole word with a missing byte, that ignore_merges finds.
WHOLE = "\u0120ove"
STYLES = {
    "dropped": {},
    "unknown": {"unk_token": "<|endoftext|>"},
    "fused": {"unk_token": "<|endoftext|>", "fuse_unk": True},
    "dropped, whole words": {"ignore_merges": True},
    "fused, whole words": {"unk_token": "<|endoftext|>", "fuse_unk": True, "ignore_merges": True},
}


def missing_bytes():
    model = FILE["model"]
    lacks = lambda text: not any(character in text for character in MISSING)
    # What is taken out leaves its id to a token that no text has: added tokens keep theirs.
    vocab = {token if lacks(token) else "!" * (50 + id): id for token, id in model["vocab"].items()}
    vocab[WHOLE] = vocab.pop("!" * (50 + model["vocab"]["v"]))
    merges = [pair for pair in model["merges"] if lacks("".join(pair))]
    rng = random.Random(5)
    parts = ["v", "\u0004", "é", "Ã", "\U0010ffff", "ô", " ", "Lima", "capital", "the", "ove", " ove", "12", "<|im_start|>"]
    cut = [f"{word[:at]}{gap}{word[at:]}" for word in ["The capital", "of Peru"] for at in (3, 6) for gap in "v\u0004"]
    texts = cut + ["".join(rng.choices(parts, k=rng.randrange(1, 12))) for _ in range(100)]
    cases = {}
    for name, changes in STYLES.items():
        changed = {**FILE, "model": {**model, "vocab": vocab, "merges": merges, **changes}}
        tokenizer = Tokenizer.from_str(json.dumps(changed))
        encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
        cases[name] = {"changes": changes, "cases": [{"text": text, "ids": encode(text)} for text in texts]}
    golden = {"tokenizers": tokenizers.__version__, "missing": MISSING, "whole": WHOLE, "styles": cases}
    (FOLDER / "missing-bytes.json").write_text(json.dumps(golden) + "\n")


chats()
missing_bytes()
