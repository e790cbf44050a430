"""Writes policies/tokenizer/golden/: what the Python libraries tokenizers and safetensors say.

    npx vitest run policies/tokenizer/golden.test.ts -u # trained.json, by trainTokenizer, when that changes
    python scripts/golden/tokenizer.py

gpt2-style.json, qwen-style.json, digits-style.json: tokenizers made by Python's own trainer, with the three ways in
which byte-level files cut words. ids.json: for each file, ours included, the ids of TEXTS and what they decode to.
python.safetensors: one tensor of every type that creditbench reads, values in tensors.json. float32.safetensors: only
F32, which writeSafetensors must give byte for byte.
"""

import json
import pathlib

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
    cases = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
    return cases


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
