"""Ten methods on two experiments of the profile in NumPy, for the test beside it: a second implementation, written from
docs/profile.md, the experiments' pages and the methods' pages, and no translation of the TypeScript.

    pip install numpy scipy
    python bench/profile/golden/simulate.py    # writes scores.json beside it, in 10 s on one core

Arrays run over seeds (S), the rollouts of an iteration (R) and the actions of an episode (L: all episodes here are
equally long). A fork is a row that copies its parent's first `start` actions. A state of a tree is (row, depth), where row
is the one whose action led to it; the root is (0, 0). Returns and values are those of whole episodes.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy import stats

RATE, SEEDS, EPISODES, ROLLOUTS, SEED = 0.2, 40, 800, 16, 20260
LEVELS = {'late': [1, 8, 32, 128], 'irrelevant-uncertainty': [0, 0.01, 0.05, 0.2, 0.5]}


class World:
    """late: state d is turn d, the last one decides. irrelevant-uncertainty: state 0 decides, then a row of turns per way."""

    def __init__(self, experiment, level):
        self.late = experiment == 'late'
        self.L = level + 1 if self.late else 9
        self.K = self.L if self.late else 1 + 2 * (self.L - 1)
        self.right = 0.5 if self.late else 0.1  # the starting probability of the right choice, action 0 there
        likely = 0.5 if self.late else 1 - level
        first = np.full(self.K, float(likely))
        first[self.L - 1 if self.late else 0] = self.right
        with np.errstate(divide='ignore'):
            self.logits = np.log(np.stack([first, 1 - first], 1))  # -inf: there is no second action

    def states(self, actions):
        depth = np.broadcast_to(np.arange(self.L), actions.shape)
        return depth if self.late else depth + (self.L - 1) * ((depth > 0) & (actions[..., :1] == 1))

    def rewards(self, actions, rng):
        paid = np.where(rng.random(actions.shape) < 0.5, 1.0, -1.0) if self.late else np.zeros(actions.shape)
        paid[..., -1] = actions[..., -1 if self.late else 0] == 0
        return paid

    def score(self, p):
        return (p[:, self.L - 1 if self.late else 0, 0] - self.right) / (1 - self.right)


class Tree:
    """The rollouts of one iteration, for every seed."""

    def __init__(self, world, p, rng):
        self.world, self.p, self.rng, self.S = world, p, rng, len(p)
        shape = (self.S, 0, world.L)
        self.actions, self.rewards = np.zeros(shape, int), np.zeros(shape)
        self.parent, self.start = np.zeros((self.S, 0), int), np.zeros((self.S, 0), int)

    def sample(self, parent, start):
        """Adds rollouts from the states (parent, start), both [S, n]."""
        seeds = np.arange(self.S)[:, None]
        first = (self.rng.random(parent.shape) >= self.p[:, :1, 0]).astype(int)
        old = start[..., None] > np.arange(self.world.L)
        copied = self.actions[seeds, parent] if self.actions.shape[1] else np.zeros((*parent.shape, self.world.L), int)
        actions = np.zeros(old.shape, int)
        actions[..., 0] = np.where(start > 0, copied[..., 0], first)
        states = self.world.states(actions)  # only the first action decides where an episode goes
        fresh = self.rng.random(old.shape) >= self.p[seeds[..., None], states, 0]
        actions[..., 1:] = np.where(old, copied, fresh)[..., 1:]
        rewards = self.world.rewards(actions, self.rng)
        if self.rewards.shape[1]:
            rewards = np.where(old, self.rewards[seeds, parent], rewards)
        self.actions = np.concatenate([self.actions, actions], 1)
        self.rewards = np.concatenate([self.rewards, rewards], 1)
        self.parent = np.concatenate([self.parent, parent], 1)
        self.start = np.concatenate([self.start, start], 1)

    def returns(self):
        return self.rewards.sum(2)

    def states(self):
        return self.world.states(self.actions)

    def surprisal(self):
        return -np.log(self.p[np.arange(self.S)[:, None, None], self.states(), self.actions])

    def fresh(self):
        """Whether an action of a row is its own."""
        return np.arange(self.world.L) >= self.start[..., None]

    def owner(self):
        """The row that owns the state in which an action was taken."""
        own = np.arange(self.start.shape[1])[:, None]
        return np.where(np.arange(self.world.L) == self.start[..., None], self.parent[..., None], own)


def flat(world, p, rng):
    tree = Tree(world, p, rng)
    nothing = np.zeros((tree.S, ROLLOUTS), int)
    tree.sample(nothing, nothing)
    return tree


def zscore(x, axis, mask=None):
    """(x - mean) / (sample std + 1e-6) over the masked entries; 0 where they are all equal or there is one."""
    mask = np.ones(x.shape, bool) if mask is None else mask
    n = mask.sum(axis, keepdims=True)
    far = np.where(mask, x - np.where(mask, x, 0).sum(axis, keepdims=True) / np.maximum(n, 1), 0)
    std = np.sqrt((far**2).sum(axis, keepdims=True) / np.maximum(n - 1, 1))
    return np.where(std < 1e-9, 0, far / (std + 1e-6))


def whiten(x):
    far = x - x.mean((1, 2), keepdims=True)
    variance = x.var((1, 2), ddof=1, keepdims=True)
    return np.where(variance < 1e-18, 0, far / np.sqrt(variance + 1e-8))


def togo(rewards, gamma):
    result = rewards.copy()
    for d in range(rewards.shape[2] - 2, -1, -1):
        result[..., d] += gamma * result[..., d + 1]
    return result


def center(returns):
    return returns - returns.mean(1, keepdims=True)


def spread(returns, world):
    """Every action of a trajectory gets the same."""
    return np.repeat(returns[..., None], world.L, 2)


# A method returns its tree and the weight of every action's log-probability in the loss, its share in the means included.


def grpo(world, p, rng):
    tree = flat(world, p, rng)
    return tree, spread(zscore(tree.returns(), 1), world) / (ROLLOUTS * world.L)


def rloo(world, p, rng):
    tree = flat(world, p, rng)
    return tree, spread(center(tree.returns()), world) * ROLLOUTS / (ROLLOUTS - 1) / ROLLOUTS


def dr_grpo(world, p, rng):
    tree = flat(world, p, rng)
    return tree, spread(center(tree.returns()), world) / ROLLOUTS


def reinforce(world, p, rng):
    tree = flat(world, p, rng)
    return tree, spread(tree.returns(), world) / ROLLOUTS


def reinforce_pp(world, p, rng):
    tree = flat(world, p, rng)
    return tree, whiten(togo(tree.rewards, 1)) / (ROLLOUTS * world.L)


def reinforce_pp_baseline(world, p, rng):
    tree = flat(world, p, rng)
    return tree, whiten(spread(center(tree.returns()), world)) / (ROLLOUTS * world.L)


def gigpo(world, p, rng, gamma=0.95):
    tree = flat(world, p, rng)
    steps = togo(tree.rewards, gamma)
    way = tree.states() >= world.L  # at one depth there is one state of either way
    anchored = np.where(way, zscore(steps, 1, way), zscore(steps, 1, ~way))
    return tree, (zscore(tree.returns(), 1)[..., None] + anchored) / (ROLLOUTS * world.L)


def carl(world, p, rng, initial=round(ROLLOUTS / 3)):
    tree = Tree(world, p, rng)
    L, S, seeds = world.L, tree.S, np.arange(tree.S)
    nothing = np.zeros((S, initial), int)
    tree.sample(nothing, nothing)
    uncertainty, children = np.zeros((S, ROLLOUTS, L)), np.zeros((S, ROLLOUTS, L))
    forked = np.zeros((S, ROLLOUTS, L), bool)
    uncertainty[:, :initial], children[:, :initial] = tree.surprisal(), 1
    uncertainty[:, 0, 0], children[:, 0, 0] = tree.surprisal()[..., 0].sum(1), initial
    uncertainty[:, 1:initial, 0] = children[:, 1:initial, 0] = 0
    # Of equally uncertain states the oldest: the first rollouts take their actions in step, then fork by fork.
    age = [(r, d) for d in range(L) for r in range(initial)] + [(r, d) for r in range(initial, ROLLOUTS) for d in range(L)]
    age = np.array(age)
    for row in range(initial, ROLLOUTS):
        ratio = np.where(children > 0, uncertainty / np.maximum(children, 1) ** 2, -np.inf)
        parent, start = age[ratio[:, age[:, 0], age[:, 1]].argmax(1)].T
        forked[seeds, parent, start] = True
        tree.sample(parent[:, None], start[:, None])
        surprisal = tree.surprisal()[:, row]
        uncertainty[seeds, parent, start] += surprisal[seeds, start]
        children[seeds, parent, start] += 1
        below = np.arange(L) > start[:, None]
        uncertainty[:, row], children[:, row] = np.where(below, surprisal, 0), below
    fresh, owner, s = tree.fresh(), tree.owner(), seeds[:, None]
    after, advantages = tree.returns(), np.zeros((S, ROLLOUTS, L))
    for d in range(L - 1, -1, -1):
        total = np.zeros((S, ROLLOUTS))
        np.add.at(total, (s, owner[..., d]), np.where(fresh[..., d], after, 0))
        value = total / np.maximum(children[..., d], 1)
        advantages[..., d] = after - value[s, owner[..., d]]
        after = value
    trained = fresh & forked[s[..., None], owner, np.arange(L)]
    return tree, np.where(trained, advantages, 0) / trained.sum((1, 2), keepdims=True)


def carl_lite(world, p, rng):
    return carl(world, p, rng, initial=1)


def vineppo(world, p, rng):
    tree, main, L = Tree(world, p, rng), round(ROLLOUTS / 8), world.L
    nothing = np.zeros((tree.S, main), int)
    tree.sample(nothing, nothing)
    points = [(0, 0)] + [(r, d) for d in range(1, L) for r in range(main)]
    dealt = [points[i % len(points)] for i in range(ROLLOUTS - main)]
    parents, starts = zip(*dealt)
    tree.sample(np.tile(parents, (tree.S, 1)), np.tile(starts, (tree.S, 1)))
    returns, weights = tree.returns(), np.zeros(tree.actions.shape)

    def value(r, d):
        rows = [main + i for i, point in enumerate(dealt) if point == (r if d else 0, d)]
        return returns[:, rows].mean(1) if rows and d < L else None

    for r in range(main):
        baseline = value(r, 0)
        for d in range(L):
            after = value(r, d + 1)
            weights[:, r, d] = (returns[:, r] if after is None else after) - baseline
            baseline = baseline if after is None else after
    weights[:, :main] = whiten(weights[:, :main]) / (main * L)
    return tree, weights


def train(world, method, rng):
    logits = np.tile(world.logits, (SEEDS, 1, 1))
    first, second = np.zeros_like(logits), np.zeros_like(logits)
    budget = EPISODES * world.L
    spent, area, step = np.zeros(SEEDS), np.zeros(SEEDS), 0
    while (spent < budget).any():
        p = np.exp(logits - logits.max(2, keepdims=True))
        p /= p.sum(2, keepdims=True)
        tree, weights = method(world, p, rng)
        cost = tree.fresh().sum((1, 2))
        area += world.score(p) * np.clip(budget - spent, 0, cost)
        spent += cost
        place = np.arange(SEEDS)[:, None, None] * world.K + tree.states()
        pushed = np.stack([
            np.bincount(place.ravel(), (weights * (tree.actions == a)).ravel(), SEEDS * world.K).reshape(SEEDS, world.K)
            for a in (0, 1)
        ], 2)
        gradient = p * pushed.sum(2, keepdims=True) - pushed  # of the loss, -sum of weight * log p
        step += 1
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        logits = logits - RATE * first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-5)
    return area / budget


def summary(scores):
    mean, sd = scores.mean(), scores.std(ddof=1)
    half = stats.t.ppf(0.975, len(scores) - 1) * sd / np.sqrt(len(scores))
    return {'mean': round(mean, 6), 'sd': round(sd, 6), 'interval': [round(mean - half, 6), round(mean + half, 6)]}


METHODS = [grpo, rloo, dr_grpo, reinforce, reinforce_pp, reinforce_pp_baseline, gigpo, carl, carl_lite, vineppo]


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
    about = {
        'command': 'python bench/profile/golden/simulate.py',
        'numpy': np.__version__,
        'seeds': SEEDS,
        'seed': SEED,
        'rate': RATE,
        'methods': methods,
    }
    path.write_text(json.dumps(about, indent=2) + '\n')


if __name__ == '__main__':
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name('scores.json'))
