"""Ten methods on two experiments of the profile in NumPy, for the test beside it: a second implementation, written from
docs/profile.md, the experiments' pages and the methods' pages, and no translation of the TypeScript.

    pip install numpy scipy
    python bench/profile/golden/simulate.py    # writes scores.json beside it, in 10 s on one core

Arrays run over groups (G: the questions of every seed, seed by seed), the rollouts of a group (R) and the actions of an
episode (L: all episodes here are equally long). A fork is a row that copies its parent's first `start` actions. A state of
a tree is (row, depth), where row is the one whose action led to it; the root is (0, 0). Returns and values are those of
whole episodes.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy import stats

RATE, SEEDS, QUESTIONS, EPISODES, ROLLOUTS, SHARED, SEED = 0.2, 40, 4, 1600, 16, 16, 20260
LEVELS = {'late': [1, 8, 32], 'irrelevant-uncertainty': [0, 0.05, 0.5]}


class World:
    """late: state d is turn d, the last one decides. irrelevant-uncertainty: state 0 decides, then a row of turns per way."""

    def __init__(self, experiment, level):
        self.late = experiment == 'late'
        self.L = level + 1 if self.late else 9
        self.K = self.L if self.late else 1 + 2 * (self.L - 1)
        self.right = 0.5 if self.late else 0.1  # the starting probability of the right choice, action 0 there
        self.choice = self.L - 1 if self.late else 0
        first = np.full(self.K, 0.5 if self.late else 1.0 - level)
        first[self.choice] = self.right
        with np.errstate(divide='ignore'):  # the second action has 0, but -inf where there is none
            self.logits = np.where(first[:, None] < 1, np.stack([np.log(first / (1 - first)), 0 * first], 1), [0, -np.inf])

    def states(self, actions):
        depth = np.broadcast_to(np.arange(self.L), actions.shape)
        return depth if self.late else depth + (self.L - 1) * ((depth > 0) & (actions[..., :1] == 1))

    def rewards(self, actions, rng):
        paid = np.where(rng.random(actions.shape) < 0.5, 1.0, -1.0) if self.late else np.zeros(actions.shape)
        paid[..., -1] = actions[..., self.choice] == 0
        return paid

    def score(self, p):
        return (p[:, self.choice, 0].reshape(SEEDS, QUESTIONS).mean(1) - self.right) / (1 - self.right)


class Tree:
    """The rollouts of one iteration, for every group."""

    def __init__(self, world, p, rng):
        self.world, self.p, self.rng, self.n = world, p, rng, 0
        shape = (len(p), ROLLOUTS, world.L)
        self.actions, self.states, self.rewards = np.zeros(shape, int), np.zeros(shape, int), np.zeros(shape)
        self.parent, self.start = np.zeros(shape[:2], int), np.zeros(shape[:2], int)
        self.g, self.depth = np.arange(len(p))[:, None], np.arange(world.L)

    def sample(self, parent, start):
        """Adds rollouts from the states (parent, start), both [G, n]."""
        rows, old = slice(self.n, self.n + parent.shape[1]), self.depth < start[..., None]
        draws, actions = self.rng.random(old.shape), self.actions[self.g, parent]
        actions[..., 0] = np.where(start > 0, actions[..., 0], draws[..., 0] >= self.p[:, :1, 0])
        states = self.world.states(actions)  # only the first action decides where an episode goes
        actions = np.where(old, actions, draws >= self.p[self.g[..., None], states, 0])
        rewards = np.where(old, self.rewards[self.g, parent], self.world.rewards(actions, self.rng))
        self.actions[:, rows], self.states[:, rows], self.rewards[:, rows] = actions, states, rewards
        self.parent[:, rows], self.start[:, rows], self.n = parent, start, rows.stop

    def begin(self, count):
        """Rollouts from the root; their returns."""
        self.sample(np.zeros((len(self.p), count), int), np.zeros((len(self.p), count), int))
        return self.rewards.sum(2, keepdims=True)

    def fresh(self):
        """Whether an action of a row is its own."""
        return self.depth >= self.start[..., None]

    def surprisal(self):
        return -np.log(self.p[self.g[..., None], self.states, self.actions])


def zscore(x, mask=True):
    """(x - mean) / (sample std + 1e-6) over a group's masked entries; 0 where they are all equal or there is one."""
    mask = np.broadcast_to(mask, x.shape)
    n = mask.sum(1, keepdims=True)
    far = np.where(mask, x - np.where(mask, x, 0).sum(1, keepdims=True) / np.maximum(n, 1), 0)
    std = np.sqrt((far**2).sum(1, keepdims=True) / np.maximum(n - 1, 1))
    return np.where(std < 1e-9, 0, far / (std + 1e-6))


def whiten(x):
    """Over all questions of a seed."""
    flat = x.reshape(SEEDS, -1)
    far, variance = flat - flat.mean(1, keepdims=True), flat.var(1, ddof=1, keepdims=True)
    return np.where(variance < 1e-18, 0, far / np.sqrt(variance + 1e-8)).reshape(x.shape)


def togo(rewards, gamma):
    result = rewards.copy()
    for d in range(rewards.shape[2] - 2, -1, -1):
        result[..., d] += gamma * result[..., d + 1]
    return result


# A method grows its tree and returns the advantages of its actions; one that is not trained has NaN.


def grpo(tree):
    return zscore(tree.begin(ROLLOUTS))


def reinforce(tree):
    return tree.begin(ROLLOUTS)


def dr_grpo(tree):
    returns = tree.begin(ROLLOUTS)
    return returns - returns.mean(1, keepdims=True)


def rloo(tree):
    return dr_grpo(tree) * ROLLOUTS / (ROLLOUTS - 1)


def reinforce_pp(tree):
    tree.begin(ROLLOUTS)
    return whiten(togo(tree.rewards, 1))


def reinforce_pp_baseline(tree):
    return whiten(np.repeat(dr_grpo(tree), tree.world.L, 2))


def gigpo(tree):
    episode, steps = zscore(tree.begin(ROLLOUTS)), togo(tree.rewards, 0.95)
    second = tree.states >= tree.world.L  # at one depth there is one state of either way
    return episode + np.where(second, zscore(steps, second), zscore(steps, ~second))


def carl(tree, initial=round(ROLLOUTS / 3)):
    tree.begin(initial)
    g, shape = tree.g[:, 0], tree.states.shape
    uncertainty, children, forked = np.zeros(shape), np.zeros(shape), np.zeros(shape, bool)
    uncertainty[:, :initial], children[:, :initial] = tree.surprisal()[:, :initial], 1
    uncertainty[:, 0, 0], children[:, 0, 0] = uncertainty[:, :initial, 0].sum(1), initial
    uncertainty[:, 1:initial, 0] = children[:, 1:initial, 0] = 0
    # Of equally uncertain states the oldest: the first rollouts take their actions in step, then fork by fork.
    rows, depths = np.indices(shape[1:]).reshape(2, -1)
    age = np.lexsort((rows, depths, np.maximum(rows, initial - 1)))
    for row in range(initial, ROLLOUTS):
        ratio = np.where(children > 0, uncertainty / np.maximum(children, 1) ** 2, -np.inf)  # the mean h, by n
        oldest = age[ratio.reshape(len(g), -1)[:, age].argmax(1)]
        parent, start = rows[oldest], depths[oldest]
        forked[g, parent, start] = True
        tree.sample(parent[:, None], start[:, None])
        surprisal, below = tree.surprisal()[:, row], tree.depth > start[:, None]
        uncertainty[g, parent, start] += surprisal[g, start]
        children[g, parent, start] += 1
        uncertainty[:, row], children[:, row] = np.where(below, surprisal, 0), below
    # The row that owns the state in which an action was taken.
    own = np.arange(ROLLOUTS)[:, None]
    owner, fresh = np.where(tree.depth == tree.start[..., None], tree.parent[..., None], own), tree.fresh()
    after, advantages = tree.rewards.sum(2), np.zeros(shape)
    for d in reversed(tree.depth):
        value = np.zeros(shape[:2])
        np.add.at(value, (tree.g, owner[..., d]), np.where(fresh[..., d], after, 0))
        value /= np.maximum(children[..., d], 1)
        advantages[..., d] = after - value[tree.g, owner[..., d]]
        after = value
    return np.where(fresh & forked[tree.g[..., None], owner, tree.depth], advantages, np.nan)


def carl_lite(tree):
    return carl(tree, initial=1)


def vineppo(tree, main=round(ROLLOUTS / 8)):
    tree.begin(main)
    points = [(0, 0)] + [(r, d) for d in range(1, tree.world.L) for r in range(main)]
    dealt = [points[i % len(points)] for i in range(ROLLOUTS - main)]
    parents, starts = np.tile(np.array(dealt).T[:, None], (1, len(tree.p), 1))
    tree.sample(parents, starts)
    returns, advantages = tree.rewards.sum(2), np.full(tree.states.shape, np.nan)
    for r in range(main):
        baseline = None
        for d in range(tree.world.L + 1):
            rows = [main + i for i, point in enumerate(dealt) if point == (r if d else 0, d)]
            value = returns[:, rows].mean(1) if rows else returns[:, r]
            if d:
                advantages[:, r, d - 1] = value - baseline
            baseline = value if rows or d == 0 else baseline
    advantages[:, :main] = whiten(advantages[:, :main])
    return advantages


# Everything of a trajectory is trained alike, so that the means over tokens are one; CARL's sequence is an action.
SUMS_OVER_TOKENS = [rloo, dr_grpo, reinforce]
METHODS = [grpo, rloo, dr_grpo, reinforce, reinforce_pp, reinforce_pp_baseline, gigpo, carl, carl_lite, vineppo]


def train(world, method, rng):
    groups = SEEDS * QUESTIONS
    phi = rng.choice([-1, 1], (SEEDS, QUESTIONS * world.K * 2, SHARED)) / np.sqrt(SHARED)
    parameters = np.zeros((SEEDS, SHARED + phi.shape[1]))  # the shared ones first
    first, second = np.zeros_like(parameters), np.zeros_like(parameters)
    budget, spent, area, step = EPISODES * world.L, np.zeros(SEEDS), np.zeros(SEEDS), 0
    while (spent < budget).any():
        change = parameters[:, SHARED:] + np.einsum('snj,sj->sn', phi, parameters[:, :SHARED])
        p = np.exp(world.logits + change.reshape(groups, world.K, 2))
        p /= p.sum(2, keepdims=True)
        tree = Tree(world, p, rng)
        advantages = np.broadcast_to(method(tree), tree.states.shape)
        cost = tree.fresh().reshape(SEEDS, -1).sum(1)
        area += world.score(p) * np.clip(budget - spent, 0, cost)
        spent += cost
        trained = ~np.isnan(advantages).reshape(SEEDS, -1)
        share = np.full(SEEDS, QUESTIONS * ROLLOUTS) if method in SUMS_OVER_TOKENS else trained.sum(1)
        weights = np.nan_to_num(advantages) / np.repeat(share, QUESTIONS)[:, None, None]
        place = (tree.g[..., None] * world.K + tree.states) * 2 + tree.actions
        pushed = np.bincount(place.ravel(), weights.ravel(), p.size).reshape(p.shape)
        gradient = (p * pushed.sum(2, keepdims=True) - pushed).reshape(SEEDS, -1)  # of the loss, -sum of weight * log p
        gradient = np.concatenate([np.einsum('snj,sn->sj', phi, gradient), gradient], 1)
        step += 1
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        parameters = parameters - RATE * first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-5)
    return area / budget


def summary(scores):
    mean, sd = scores.mean(), scores.std(ddof=1)
    half = stats.t.ppf(0.975, len(scores) - 1) * sd / np.sqrt(len(scores))
    return {'mean': round(mean, 6), 'sd': round(sd, 6), 'interval': [round(mean - half, 6), round(mean + half, 6)]}


def main(path):
    methods = {}
    for m, method in enumerate(METHODS):
        name = method.__name__.replace('_', '-')
        methods[name] = {}
        for e, (experiment, levels) in enumerate(LEVELS.items()):
            rng = np.random.default_rng([SEED, m, e])
            scores = np.array([train(World(experiment, level), method, rng) for level in levels])
            by_level = {str(level): summary(one) for level, one in zip(levels, scores)}
            methods[name][experiment] = {**summary(scores.mean(0)), 'levels': by_level}
            print(name, experiment, *(f'{one["mean"]:.4f} (sd {one["sd"]:.3f})' for one in by_level.values()))
    about = {'command': 'python bench/profile/golden/simulate.py', 'numpy': np.__version__}
    about |= {'seeds': SEEDS, 'seed': SEED, 'rate': RATE, 'methods': methods}
    path.write_text(json.dumps(about, indent=2) + '\n')


if __name__ == '__main__':
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name('scores.json'))
