"""Files in the formats of verifiers, Harbor and tinker-cookbook, made by their own code, for bench/trajectories/readers.

Needs verifiers 0.4.0, harbor 0.26.0 (the models alone) and tinker-cookbook 0.6.1, each in an environment of its own.
Run from the repository root:
  python scripts/golden/formats.py verifiers|atif|tinker [OUT_FOLDER]      (default: bench/trajectories/readers/fixtures)
  python scripts/golden/formats.py read-verifiers FILE      prints, per trace and branch, what verifiers reads
"""

import json
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "bench/trajectories/readers/fixtures"


def verifiers(to):
    """Two episodes of one group with a trace each, the first forked after its first turn; and a trace without ids."""
    from verifiers.v1.configs.agent import WireAgentConfig
    from verifiers.v1.episode import Episode, GroupInfo, TrainRunInfo, TrainWorkInfo
    from verifiers.v1.graph import MessageNode
    from verifiers.v1.task import WireTaskData
    from verifiers.v1.trace import AgentInfo, ModelCall, Trace, TraceTask
    from verifiers.v1.types import AssistantMessage, ToolCall, ToolMessage, UserMessage
    from verifiers.v1.utils.trace_store import write_episode

    def node(parent, message, ids, sampled=0, **lists):
        scaffold = len(ids) - sampled
        return MessageNode(
            parent=parent, message=message, sampled=sampled > 0, timestamp=1.5, token_ids=ids,
            mask=[False] * scaffold + [True] * sampled, logprobs=[-0.125 * (1 + at) for at in range(sampled)], **lists,
        )

    def search(name):
        return AssistantMessage(tool_calls=[ToolCall(id=name, name="search", arguments='{"query": "Nile"}')])

    def trace(name, nodes, reward, calls):
        data = WireTaskData(idx=4, prompt="Where is the Nile?", answer="in Africa", seed=12345678901234567890)
        one = Trace[WireTaskData](
            id=name, task=TraceTask(type="Geography", data=data, key="nile"), agent=AgentInfo(config=WireAgentConfig()),
            nodes=nodes, calls=calls, is_completed=True, ok=True, stop_condition="agent_completed",
        )
        one.record_reward("correct", reward, 1.0)
        one.record_reward("format", 0.5, 0.2)
        one.timing.start = 1.0
        return one

    ask = UserMessage(content="Where is the Nile?")
    found = ToolMessage(tool_call_id="a", content="A river in Africa \U0001f30d.")
    forked = [
        node(None, ask, [1, 2, 3]),
        node(0, search("a"), [4, 10, 11, 12], 3, entropies=[0.5, 0.25, 1.0]),
        node(1, found, [13, 14]),
        node(2, AssistantMessage(content="Africa"), [4, 20, 21], 2, entropies=[0.5, 0.25]),
        node(2, AssistantMessage(content="Asia, I think"), [4, 22, 23, 24], 3, entropies=[0.5, 0.25, 2.0]),
        node(1, UserMessage(content="Answer now."), [15]),
        node(5, AssistantMessage(content="Africa"), [4, 20, 21], 2, entropies=[0.5, 0.25]),
    ]
    plain = [node(None, ask, [1, 2, 3]), node(0, AssistantMessage(content="Europe"), [4, 30, 31], 2)]
    texts = [node(None, ask, []), MessageNode(parent=0, message=AssistantMessage(content="Europe"), sampled=True, timestamp=1.5)]
    traces = [
        trace("t0", forked, 1.0, [ModelCall(node=1, finish_reason="tool_calls"), ModelCall(node=3, finish_reason="stop")]),
        trace("t1", plain, 0.0, [ModelCall(node=1, finish_reason="length")]),
    ]
    work = TrainWorkInfo(step=5)
    for one, folder in [*((one, "verifiers.jsonl") for one in traces), (trace("t2", texts, 0.0, []), "verifiers-texts.jsonl")]:
        episode = Episode(
            id=f"episode-{one.id}", task=one.task, traces=[one], ok=True, group=GroupInfo(id="nile-5"),
            run=TrainRunInfo(id="run", work=work),
        )
        (to / "traces.jsonl").unlink(missing_ok=True)
        write_episode(to, episode)
        with open(to / folder, "ab" if one.id == "t1" else "wb") as file:
            file.write((to / "traces.jsonl").read_bytes())
    (to / "traces.jsonl").unlink()
    # A trace alone, with every field, as prime-rl keeps it.
    (to / "verifiers-traces.jsonl").write_text("".join(json.dumps(one.to_record()) + "\n" for one in traces))


def read_verifiers(path):
    from verifiers.v1.state import State
    from verifiers.v1.configs.agent import WireAgentConfig
    from verifiers.v1.task import WireTaskData
    from verifiers.v1.trace import Trace

    out = []
    for line in Path(path).read_text().splitlines():
        record = json.loads(line)
        for one in record.get("traces", [record]):
            trace = Trace[WireTaskData, State, WireAgentConfig].model_validate(one)
            out.append({
                "id": trace.id, "reward": trace.reward, "truncated": trace.is_truncated,
                "branches": [
                    {"ids": branch.token_ids, "mask": branch.sampled_mask, "logprobs": branch.logprobs, "advantages": branch.advantages}
                    for branch in trace.branches
                ],
            })
    print(json.dumps(out))


def atif(to):
    from harbor.models.trajectories import (
        Agent, FinalMetrics, Metrics, Observation, ObservationResult, Step, ToolCall, Trajectory,
    )

    def trajectory(name, version, reward, answer, prefix, **metrics):
        first, second = prefix + [20, 21], prefix + [20, 21, 13, 14, 4]
        return Trajectory(
            schema_version=version, session_id=f"session-{name}", trajectory_id=name,
            agent=Agent(name="terminus-2", version="2.0", model_name="tiny"),
            steps=[
                Step(step_id=1, source="user", message="Where is the Nile?"),
                Step(
                    step_id=2, source="agent", message="I look.", reasoning_content="Hm.",
                    tool_calls=[ToolCall(tool_call_id="a", function_name="search", arguments={"query": "Nile"})],
                    observation=Observation(results=[ObservationResult(source_call_id="a", content="A river in Africa.")]),
                    metrics=Metrics(prompt_token_ids=prefix, completion_token_ids=[20, 21], logprobs=[-0.5, -0.25]),
                ),
                Step(
                    step_id=3, source="agent", message=answer, extra={"reward": 0.125},
                    metrics=Metrics(prompt_token_ids=second, completion_token_ids=[30, 31], logprobs=[-1.0, -2.0]),
                ),
            ],
            final_metrics=FinalMetrics(total_steps=3, **metrics), extra={"task_id": "nile", **reward},
        )

    prefix = [1, 2, 3, 4]
    one = trajectory("a0", "ATIF-v1.8", {"reward": 1.0}, "Africa", prefix)
    two = trajectory("a1", "ATIF-v1.7", {}, "Asia", prefix, extra={"rewards": {"correct": 0.0, "format": 0.25}})
    (to / "atif.json").write_text(json.dumps(one.to_json_dict(), indent=2))
    (to / "atif.jsonl").write_text("".join(json.dumps(t.to_json_dict()) + "\n" for t in (one, two)))


def tinker(to):
    import dataclasses

    import tinker as sdk
    from tinker_cookbook.completers import TokensWithLogprobs
    from tinker_cookbook.rl.rollout_logging import serialize_rollout_summaries
    from tinker_cookbook.rl.types import Trajectory, TrajectoryGroup, Transition

    def transition(ob, tokens, reward, done):
        action = TokensWithLogprobs(tokens=tokens, maybe_logprobs=[-0.5 * (1 + at) for at in range(len(tokens))])
        return Transition(ob=sdk.ModelInput.from_ints(ob), ac=action, reward=reward, episode_done=done)

    def group(answers):
        trajectories = [
            Trajectory(
                transitions=[
                    transition([1, 2, 3], [20, 21], 0.0, False),
                    transition([1, 2, 3, 20, 21, 13, 14], answer, float(len(answer) == 2), True),
                ],
                final_ob=sdk.ModelInput.from_ints([1]),
            )
            for answer in answers
        ]
        return TrajectoryGroup(trajectories, [0.25 * at for at in range(len(answers))], [{} for _ in answers])

    groups = [group([[30, 31], [32], [33, 34, 35]]), group([[40], [41, 42]])]
    records = serialize_rollout_summaries(
        split="train", iteration=5, trajectory_groups_P=groups, taglist_P=[["nile"], ["emma"]]
    )
    # As TrainingRunStore.write_rollouts writes them.
    (to / "tinker-summaries.jsonl").write_text("\n".join(json.dumps(record) for record in records) + "\n")

    def dumped(value):
        return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)

    lines = [json.dumps({"group_idx": at, **dataclasses.asdict(one)}, default=dumped) for at, one in enumerate(groups)]
    (to / "tinker.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "read-verifiers":
        read_verifiers(rest[0])
    else:
        folder = Path(rest[0]) if rest else OUT
        folder.mkdir(parents=True, exist_ok=True)
        {"verifiers": verifiers, "atif": atif, "tinker": tinker}[what](folder)
