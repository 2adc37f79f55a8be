#!/usr/bin/env python3
"""JAX: a compiled step called from Python, or a whole epoch compiled as one scan."""

import sys

import common  # sets the thread counts

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

MODES = ("step", "scan")
mode = sys.argv.pop(1)
assert mode in MODES, f"one of {MODES}"


def error(layers, x):
    h = x
    for weights, biases in layers[:-1]:
        h = jax.nn.relu(h @ weights + biases)
    weights, biases = layers[-1]
    z = h @ weights + biases
    return jnp.mean(jnp.maximum(z, 0) - x * z + jnp.log1p(jnp.exp(-jnp.abs(z))))


def adam(weight, gradient, m, v, rate, correction_2):
    m = common.BETA_1 * m + (1 - common.BETA_1) * gradient
    v = common.BETA_2 * v + (1 - common.BETA_2) * gradient * gradient
    return weight - rate * m / (jnp.sqrt(v) / correction_2 + common.EPSILON), m, v


def step(state, x):
    layers, m, v, time = state
    time = time + 1
    loss, gradients = jax.value_and_grad(error)(layers, x)
    rate = common.LEARNING_RATE / (1 - common.BETA_1**time)
    correction_2 = jnp.sqrt(1 - common.BETA_2**time)
    leaves, tree = jax.tree.flatten(layers)
    others = (jax.tree.leaves(each) for each in (gradients, m, v))
    new = [adam(*each, rate, correction_2) for each in zip(leaves, *others)]
    layers, m, v = (jax.tree.unflatten(tree, each) for each in zip(*new))
    return (layers, m, v, time), loss


@jax.jit
def scan(state, train, batches):
    state, losses = lax.scan(lambda state, indices: step(state, train[indices]), state, batches)
    return state, losses.sum()


compiled_step = jax.jit(lambda state, train, indices: step(state, train[indices]), donate_argnums=0)


def prepare(train, test, batch_size, seed):
    layers = jax.tree.map(jnp.asarray, common.initial_weights(seed))
    zeros = jax.tree.map(jnp.zeros_like, layers)
    state = (layers, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), jnp.float32))
    train, test = jnp.asarray(train), jnp.asarray(test)
    random = np.random.default_rng(seed)
    whole = len(train) // batch_size * batch_size

    def epoch(_):
        nonlocal state
        order = random.permutation(len(train)).astype(np.int32)
        total = 0
        if mode == "scan":
            batches = order[:whole].reshape(-1, batch_size)
            state, total = scan(state, train, batches)
        else:
            for batch in np.split(order[:whole], whole // batch_size):
                state, loss = compiled_step(state, train, batch)
                total += loss
        if whole < len(order):
            state, loss = compiled_step(state, train, order[whole:])
            total += loss
        jax.block_until_ready((state, total))

    return epoch, lambda: error(state[0], test)


common.main(f"JAX, {mode}", prepare)
