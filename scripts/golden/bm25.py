"""Writes envs/search/retrieval/golden/bm25s.json: what bm25s says about a small generated corpus.

    pip install bm25s && python scripts/golden/bm25.py

Every word is lower-case ASCII, so that both sides see the same terms without an analyzer of their own.
"""

import json
import pathlib

import bm25s
import numpy as np

rng = np.random.default_rng(11)

COMMON = "the of and in a to was is for on as by with at an from it his first also".split()
SYLLABLES = "ba ri ton ver mi la do sen ka lu or fi ne pa gu tho wen sal ce dra".split()
RARE = sorted({"".join(rng.choice(SYLLABLES, rng.integers(2, 5))) for _ in range(500)})
WORDS = COMMON + RARE
# Zipf's law: the nth word is n times rarer than the first.
WEIGHTS = 1 / np.arange(1, len(WORDS) + 1)
WEIGHTS /= WEIGHTS.sum()


def words(count):
    return [str(word) for word in rng.choice(WORDS, count, p=WEIGHTS)]


def rare(count):
    return [str(word) for word in rng.choice(RARE, count)]


passages = [{"title": rare(rng.integers(1, 4)), "text": words(rng.integers(5, 90))} for _ in range(60)]
tokens = [passage["title"] + passage["text"] for passage in passages]

queries = [words(rng.integers(1, 12)) for _ in range(14)]
queries += [tokens[index][:3] for index in (0, 17, 42)]
queries += [["ton"] + rare(2) * 2, ["unheard"] + tokens[5][-4:], ["unheard"]]


def answers(k1, b):
    index = bm25s.BM25(method="lucene", k1=k1, b=b)
    index.index(tokens, show_progress=False)
    return {
        "k1": k1,
        "b": b,
        # In the order of the corpus; 0 where a passage has none of the words.
        "scores": [[float(score) for score in index.get_scores(query)] for query in queries],
    }


golden = {
    "bm25s": bm25s.__version__,
    "passages": [{key: " ".join(value) for key, value in passage.items()} for passage in passages],
    "queries": [" ".join(query) for query in queries],
    "parameters": [answers(0.9, 0.4), answers(1.2, 0.75), answers(2.0, 0.0)],
}
path = pathlib.Path(__file__).parents[2] / "envs/search/retrieval/golden/bm25s.json"
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(golden) + "\n")
