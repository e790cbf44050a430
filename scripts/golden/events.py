"""Writes reports/golden/events.json: an event file as TensorBoard's own writer makes it, and reads it back.

    pip install tensorboard
    python scripts/golden/events.py
"""

import base64
import importlib.metadata
import io
import json
import pathlib
import tempfile

from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

METRICS = [
    {"iteration": 0, "dev_f1": 0.25, "loss": None},
    {"iteration": 1, "dev_f1": None, "loss": -1.5, "generated_tokens": 123456},
    {"iteration": 300, "dev_f1": 0, "loss": 1e-30},
]

buffer = io.BytesIO()
writer = RecordWriter(buffer)
writer.write(Event(file_version="brain.Event:2").SerializeToString())
for row in METRICS:
    values = [
        Summary.Value(tag=name, simple_value=value)
        for name, value in row.items()
        if name != "iteration" and value is not None
    ]
    step = row["iteration"]
    writer.write(Event(wall_time=step, step=step, summary=Summary(value=values)).SerializeToString())
data = buffer.getvalue()

with tempfile.TemporaryDirectory() as folder:
    (pathlib.Path(folder) / "events.out.tfevents.0.creditbench").write_bytes(data)
    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(folder)
    multiplexer.Reload()
    (run,) = multiplexer.Runs()
    read = {
        tag: [[event.step, event.value] for event in multiplexer.Scalars(run, tag)]
        for tag in multiplexer.Runs()[run]["scalars"]
    }

path = pathlib.Path(__file__).parents[2] / "reports/golden/events.json"
path.parent.mkdir(exist_ok=True)
golden = {
    "tensorboard": importlib.metadata.version("tensorboard"),
    "metrics": METRICS,
    "file": base64.b64encode(data).decode(),
    "read": read,
}
path.write_text(json.dumps(golden, indent=1) + "\n")
