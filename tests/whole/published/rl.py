"""Losses of reinforcement learning."""

from __future__ import annotations

from typing import Any

import numpy as np


def softmax(scores: Any) -> Any:
    p = np.exp(scores - scores.max())
    return p / p.sum()


def entropy(p: Any) -> float:
    return float(-np.sum(p * np.log(p)))


def huber(x: float) -> float:
    return 0.5 * x**2 if abs(x) <= 1 else abs(x) - 0.5


def ppo(z: Any, action: Any, old_logp: Any, advantage: Any, value: Any, reached: Any) -> float:
    total = 0.0
    for b, chosen in enumerate(action):
        p = softmax(z[b])
        ratio = p[chosen] / np.exp(old_logp[b])
        clipped = min(max(ratio, 0.8), 1.2)
        surrogate = min(ratio * advantage[b], clipped * advantage[b])
        total -= surrogate - 0.5 * (value[b] - reached[b]) ** 2 + 0.01 * entropy(p)
    return total / len(action)


def a2c(z: Any, action: Any, reward: Any, going: Any, value: Any, held: Any) -> float:
    steps, envs = reward.shape
    r, live, v = held["reward"], held["going"], held["value"]
    total = 0.0
    for b in range(envs):
        advantage = 0.0
        for t in reversed(range(steps)):
            delta = r[t, b] + 0.99 * live[t, b] * v[t + 1, b] - v[t, b]
            advantage = delta + 0.99 * 0.95 * live[t, b] * advantage
            p = softmax(z[t, b])
            total -= advantage * np.log(p[action[t, b]]) + 0.01 * entropy(p)
            total += 0.5 * (value[t, b] - (v[t, b] + advantage)) ** 2
    return total / (steps * envs)


def vtrace(
    z: Any, action: Any, old_logp: Any, reward: Any, discount: Any, value: Any, held: Any
) -> float:
    steps, envs = reward.shape
    v, r, g = held["value"], reward, discount
    total = 0.0
    for b in range(envs):
        logp = [np.log(softmax(z[t, b])[action[t, b]]) for t in range(steps)]
        before = [np.log(softmax(held["z"][t, b])[action[t, b]]) for t in range(steps)]
        rho = [min(1, np.exp(before[t] - held["old_logp"][t, b])) for t in range(steps)]
        reached = []
        for s in range(steps):
            one = v[s, b]
            for t in range(s, steps):
                past = np.prod([g[i, b] * rho[i] for i in range(s, t)])
                one += past * rho[t] * (r[t, b] + g[t, b] * v[t + 1, b] - v[t, b])
            reached.append(one)
        reached.append(v[steps, b])
        for t in range(steps):
            advantage = rho[t] * (r[t, b] + g[t, b] * reached[t + 1] - v[t, b])
            total -= advantage * logp[t] + 0.01 * entropy(softmax(z[t, b]))
            total += 0.5 * (value[t, b] - reached[t]) ** 2
    return total


def double_dqn(
    q: Any,
    q_next: Any,
    q_next_target: Any,
    action: Any,
    reward: Any,
    importance: Any,
    going: Any,
    held: Any,
) -> float:
    total = 0.0
    for b, chosen in enumerate(action):
        best = held["q_next_target"][b, np.argmax(held["q_next"][b])]
        target = held["reward"][b] + 0.99 * held["going"][b] * best
        total += importance[b] * huber(q[b, chosen] - target)
    return total / len(action)


def draw_double_dqn(random: Any, inputs: Any) -> Any:
    return {"importance": random.uniform(0.1, 1, inputs["importance"].shape)}


def sac(
    q: Any,
    q_next: Any,
    q_policy: Any,
    logp: Any,
    logp_next: Any,
    reward: Any,
    going: Any,
    log_alpha: Any,
    held: Any,
) -> dict[str, float]:
    alpha = np.exp(held["log_alpha"])
    batch = len(reward)
    critic = actor = temperature = 0.0
    for b in range(batch):
        soft = min(held["q_next"][:, b]) - alpha * held["logp_next"][b]
        target = held["reward"][b] + 0.99 * held["going"][b] * soft
        critic += sum(0.5 * (one - target) ** 2 for one in q[:, b]) / batch
        actor += (alpha * logp[b] - min(q_policy[:, b])) / batch
        temperature += -np.exp(log_alpha) * (held["logp"][b] - 6) / batch
    return {"critic": critic, "actor": actor, "temperature": temperature}


def qr_dqn(theta: Any, action: Any, best: Any, reward: Any, going: Any, held: Any) -> float:
    batch, _, quantiles = theta.shape
    total = 0.0
    for b in range(batch):
        for i in range(quantiles):
            middle = (2 * (i + 1) - 1) / (2 * quantiles)
            for sample in held["best"][b]:
                target = held["reward"][b] + 0.99 * held["going"][b] * sample
                u = target - theta[b, action[b], i]
                total += abs(middle - (u < 0)) * huber(u) / best.shape[1]
    return total / batch


def c51(z: Any, action: Any, best: Any, reward: Any, going: Any, held: Any) -> float:
    batch, _, count = z.shape
    atoms = np.linspace(-10, 10, count)
    width = 20 / (count - 1)
    total = 0.0
    for b in range(batch):
        projected = np.zeros(count)
        for mass, atom in zip(held["best"][b], atoms, strict=True):
            moved = held["reward"][b] + 0.99 * held["going"][b] * atom
            place = (min(max(moved, -10), 10) + 10) / width
            low, high = int(np.floor(place)), int(np.ceil(place))
            if low == high:
                projected[low] += mass
            else:
                projected[low] += mass * (high - place)
                projected[high] += mass * (place - low)
        total -= np.sum(projected * np.log(softmax(z[b, action[b]])))
    return total / batch


def lambda_returns(reward: Any, discount: Any, value: Any) -> Any:
    steps = len(reward)
    found = np.zeros_like(reward)
    later = value[steps]
    for t in reversed(range(steps)):
        later = reward[t] + discount[t] * (0.05 * value[t + 1] + 0.95 * later)
        found[t] = later
    return found


def dreamer(reward: Any, discount: Any, value: Any, held: Any) -> dict[str, float]:
    fixed = lambda_returns(held["reward"], held["discount"], held["value"])
    return {
        "actor": -float(np.mean(lambda_returns(reward, discount, value))),
        "critic": 0.5 * float(np.mean((value[:-1] - fixed) ** 2)),
    }


def cql(q: Any, q_next_target: Any, action: Any, reward: Any, going: Any, held: Any) -> float:
    total = 0.0
    for b, chosen in enumerate(action):
        target = held["reward"][b] + 0.99 * held["going"][b] * max(held["q_next_target"][b])
        total += np.log(np.exp(q[b]).sum()) - q[b, chosen] + 0.5 * (q[b, chosen] - target) ** 2
    return total / len(action)


def iql(
    q: Any,
    q_target: Any,
    value: Any,
    value_next: Any,
    logp: Any,
    reward: Any,
    going: Any,
    held: Any,
) -> dict[str, float]:
    batch = len(q)
    total = {"value": 0.0, "critic": 0.0, "actor": 0.0}
    for b in range(batch):
        gap = held["q_target"][b] - value[b]
        total["value"] += abs(0.7 - (gap < 0)) * gap**2 / batch
        target = held["reward"][b] + 0.99 * held["going"][b] * held["value_next"][b]
        total["critic"] += (q[b] - target) ** 2 / batch
        gain = held["q_target"][b] - held["value"][b]
        total["actor"] -= min(np.exp(3 * gain), 100) * logp[b] / batch
    return total
