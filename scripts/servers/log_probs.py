"""Log-probabilities that transformers gives, in float32: of every id after the first, from a model folder.

echo '[1, 2, 3]' | python log_probs.py FOLDER        ids as JSON in, numbers as JSON out
"""
import json
import sys

import torch
from transformers import AutoModelForCausalLM

ids = torch.tensor([json.load(sys.stdin)])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
with torch.no_grad():
    scores = model(ids).logits[0, :-1].double().log_softmax(-1)
print(json.dumps(scores.gather(-1, ids[0, 1:, None])[:, 0].tolist()))
