#!/usr/bin/env python3
"""NumPy: forward and backward written out by hand."""

import common
import numpy as np


def forward(layers, x):
    activations = [x]
    for weights, biases in layers[:-1]:
        activations.append(np.maximum(activations[-1] @ weights + biases, 0))
    weights, biases = layers[-1]
    return activations, activations[-1] @ weights + biases


def error_and_slope(z, x):
    e = np.exp(-np.abs(z))
    error = (np.maximum(z, 0) - x * z + np.log1p(e)).mean()
    sigmoid = np.where(z >= 0, 1, e) / (1 + e)
    return error, (sigmoid - x) / np.float32(x.size)


def prepare(train, test, batch_size, seed):
    layers = [[weights, biases] for weights, biases in common.initial_weights(seed)]
    moments = [[(np.zeros_like(p), np.zeros_like(p)) for p in layer] for layer in layers]
    random = np.random.default_rng(seed)
    time = 0

    def step(x):
        nonlocal time
        time += 1
        activations, z = forward(layers, x)
        _, delta = error_and_slope(z, x)
        rate = np.float32(common.LEARNING_RATE / (1 - common.BETA_1**time))
        correction_2 = np.float32(np.sqrt(1 - common.BETA_2**time))
        for index in reversed(range(len(layers))):
            h, weights = activations[index], layers[index][0]
            gradients = (h.T @ delta, delta.sum(axis=0))
            if index > 0:
                delta = (delta @ weights.T) * (h > 0)
            for parameter, gradient, (m, v) in zip(layers[index], gradients, moments[index]):
                m *= np.float32(common.BETA_1)
                m += np.float32(1 - common.BETA_1) * gradient
                v *= np.float32(common.BETA_2)
                v += np.float32(1 - common.BETA_2) * gradient * gradient
                parameter -= rate * m / (np.sqrt(v) / correction_2 + np.float32(common.EPSILON))

    def epoch(_):
        order = random.permutation(len(train))
        for start in range(0, len(order), batch_size):
            step(train[order[start : start + batch_size]])

    return epoch, lambda: error_and_slope(forward(layers, test)[1], test)[0]


common.main("NumPy", prepare)
