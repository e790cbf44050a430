"""Writes policies/tokenizer/golden/: what the Python libraries tokenizers and safetensors say.

    npx vitest run policies/tokenizer/golden.test.ts -u # trained.json, by trainTokenizer, when that changes
    python scripts/golden/tokenizer.py

gpt2-style.json, qwen-style.json, digits-style.json: tokenizers made by Python's own trainer, with the three ways in
which byte-level files cut words. ids.json: for each file, ours included, the ids of TEXTS and what they decode to.
added-tokens.json: added tokens, normalizers and cuts that gpt2-style.json is given instead of its own, with the ids of
random texts full of them and of white space.
python.safetensors: one tensor of every type that creditbench reads, values in tensors.json. float32.safetensors: only
F32, which writeSafetensors must give byte for byte.
"""

import json
import pathlib
import random

import numpy as np
import safetensors
import tokenizers
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "policies/tokenizer/golden"

CORPUS = [
    "The capital of Suriname is Paramaribo. The capital of Peru is Lima.",
    "Which country borders both Peru and Brazil? Don't say it's Chile; they're 1,234 km apart.",
    "In 1945 and 2024 the population was 12345678. São Tomé and Príncipe, Côte d'Ivoire, Ñuble.",
    "Москва, 東京, 서울, Ελλάδα, القاهرة, ไทย 🇸🇷 👩‍👩‍👧 naïve café",
    "def f(x):\n    return x  # two  spaces\n\n\tTab and\r\nline",
    # Learned merges over U+0085, and of a space with the first byte that Arabic digits have too: JavaScript's \s and
    # \d know neither.
    "\n\u0085\n\u0085\n\u0085 \u2028\ufeff\ufeff!\ufeff!\n في مصر نهر النيل في مصر نهر كبير « Lima » « Quito » ¿",
] * 3

TEXTS = [
    "",
    " ",
    "   ",
    "\n",
    "\n\n \n",
    " leading and trailing ",
    "two  spaces   three    four",
    "The capital of Suriname is Paramaribo.",
    "<search> capital of Peru </search>\n\n<information>Lima</information>",
    "<search></search><search>",
    "</search",
    "< search >",
    "<|unused0|><|begin|><|end|><|im_start|>",
    "don't DON'T they'll we've it's I'm you'd 'tis",
    "Côte d'Ivoire, São Tomé & Príncipe; Guinea-Bissau!",
    "Cafe\u0301 versus Caf\u00e9",
    "1945 1,234,567 3.14 ٣٤٥ 一二三 ½ Ⅷ ²",
    "tab\tcarriage\r\nvertical\x0bform\x0c",
    "nbsp\u00a0thin\u2009line\u2028next\u0085bom\ufeffzero\u200bend \u0085 \ufeff x",
    "\ufeffstart",
    "x\n\u0085\n\u0085 !\ufeff! !\ufeff \ufeff ٣ ٤٥ ² ½",
    "nul \u0000 bell \u0007 del \u007f",
    "▁underline ▁ Ġ Ċ ÿ <0x41> <0xFF>",
    "Москва 東京 서울 Ελλάδα القاهرة ไทย हिन्दी தமிழ்",
    "🇸🇷 👩‍👩‍👧 🤦🏽‍♂️ 𝒳𝓎 \U0001f9ff \U0010ffff \ue000",
    "__proto__ constructor toString hasOwnProperty",
    '{"json": [1, 2.5e-3], "x": null}',
    "a" * 300,
    "word " * 50,
    "ﬁ ﬀ ① Å Ω",
]

QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


STYLES = {
    "gpt2-style": (None, byte_level(True)),
    "qwen-style": (
        normalizers.NFC(),
        pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(QWEN), behavior="isolated", invert=False), byte_level(False)]
        ),
    ),
    "digits-style": (
        None,
        pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(True)]),
    ),
}


def train(name, normalizer, pre_tokenizer):
    tokenizer = Tokenizer(models.BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        show_progress=False,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    # Above the vocabulary, as in Llama 3 and Qwen: special, and not.
    tokenizer.add_special_tokens(["<|im_start|>", "<|begin|>"])
    tokenizer.add_tokens([AddedToken("<search>", normalized=False), AddedToken("</search>", normalized=False)])
    tokenizer.save(str(FOLDER / f"{name}.json"))


def golden_ids(name):
    tokenizer = Tokenizer.from_file(str(FOLDER / f"{name}.json"))
    return [golden_case(tokenizer, text) for text in TEXTS]


def golden_case(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    return {"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False)}


def added(content, lstrip=False, rstrip=False, normalized=False, special=True):
    flags = {"single_word": False, "lstrip": lstrip, "rstrip": rstrip, "normalized": normalized, "special": special}
    return {"content": content, **flags}


ADDED = [
    added("<l>", lstrip=True),
    added("<r>", rstrip=True),
    added("<both>", lstrip=True, rstrip=True),
    added("<plain>"),
    added("<n>", lstrip=True, rstrip=True, normalized=True, special=False),
    added("  ", normalized=False, special=False),
    added("\u0085<r>", rstrip=True),
    # Looked for in two passes: the second first, even where the first begins earlier.
    added("xy", normalized=True, special=False),
    added("yz"),
    # Two that NFC makes one.
    added("e\u0303", rstrip=True, normalized=True, special=False),
    added("\u1ebd", normalized=True),
]

# All of Unicode's White_Space, what JavaScript calls white space besides, and what looks like it.
SPACES = [*map(chr, range(0x09, 0x0E)), *" \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000"]
SPACES += [*map(chr, range(0x2000, 0x200B)), *"\ufeff\u200b\u180e\u2060\x1c\x1f"]

KEEPING = {
    "type": "Split",
    "pattern": {"Regex": " ?\\p{L}+|<"},
    "behavior": "Removed",
    "invert": True,
}

BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}

VARIANTS = {
    "stripping": {"added_tokens": ADDED, "normalizer": None},
    "stripping, NFC": {"added_tokens": ADDED, "normalizer": {"type": "NFC"}},
    "stripping, NFKC": {"added_tokens": ADDED, "normalizer": {"type": "NFKC"}},
    "removing": {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [KEEPING, BYTES]}},
}


def golden_added():
    file = json.loads((FOLDER / "gpt2-style.json").read_text())
    rng = random.Random(7)
    parts = [*SPACES, *(token["content"] for token in ADDED), "Lima", "1945", "<", "x", "z", "e", "\u0303", "caf\u00e9", "!"]
    variants = {}
    for name, changes in VARIANTS.items():
        if "added_tokens" in changes:
            first = len(file["model"]["vocab"])
            # In the order of their ids, as a file has them.
            changes["added_tokens"] = [{"id": first + i, **token} for i, token in enumerate(ADDED)]
        tokenizer = Tokenizer.from_str(json.dumps({**file, **changes}))
        texts = [f"a{space}<both>{space}b" for space in SPACES]
        texts += ["".join(rng.choices(parts, k=rng.randrange(1, 14))) for _ in range(150)]
        variants[name] = {"changes": changes, "cases": [golden_case(tokenizer, text) for text in texts]}
    (FOLDER / "added-tokens.json").write_text(json.dumps(variants) + "\n")


def golden_tensors():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(3, 4)).astype(np.float32)
    tensors = {
        "wte": values,
        "half": np.array([1.5, -2.0, 65504, 6e-8, 0.333, -0.0], dtype=np.float16),
        "double": rng.normal(size=(2, 1, 2)),
        "scalar": np.array(7.25, dtype=np.float32),
        "empty": np.zeros((0, 3), dtype=np.float32),
    }
    save_file(tensors, FOLDER / "python.safetensors", metadata={"format": "pt"})
    expected = {
        name: {"shape": list(tensor.shape), "values": tensor.astype(np.float32).ravel().tolist()}
        for name, tensor in tensors.items()
    }
    only = {name: tensors[name] for name in ["wte", "scalar", "empty"]}
    save_file(only, FOLDER / "float32.safetensors", metadata={"format": "creditbench"})
    (FOLDER / "tensors.json").write_text(json.dumps(expected, indent=1) + "\n")


for style, parts in STYLES.items():
    train(style, *parts)
golden = {"tokenizers": tokenizers.__version__, "safetensors": safetensors.__version__}
golden["cases"] = {name: golden_ids(name) for name in ["trained", *STYLES]}
(FOLDER / "ids.json").write_text(json.dumps(golden) + "\n")
golden_tensors()
golden_added()
