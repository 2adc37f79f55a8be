#!/usr/bin/env python3
"""Keras on TensorFlow: its own `fit`, as the lecture uses it."""

import common
import keras
import tensorflow

tensorflow.config.threading.set_intra_op_parallelism_threads(common.THREADS)
tensorflow.config.threading.set_inter_op_parallelism_threads(1)


def prepare(train, test, batch_size, seed):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((common.SIZES[0],))]
    for outputs in common.SIZES[1:-1]:
        layers.append(keras.layers.Dense(outputs, activation="relu"))
    layers.append(keras.layers.Dense(common.SIZES[-1]))
    model = keras.Sequential(layers)
    for layer, weights in zip(model.layers, common.initial_weights(seed)):
        layer.set_weights(weights)
    optimizer = keras.optimizers.Adam(
        common.LEARNING_RATE, common.BETA_1, common.BETA_2, common.EPSILON
    )
    # Of logits: the sigmoid is in the error, as with the other peers.
    error = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer, loss=error)

    def epoch(_):
        model.fit(train, train, batch_size=batch_size, epochs=1, shuffle=True, verbose=0)

    return epoch, lambda: model.evaluate(test, test, batch_size=1000, verbose=0)


common.main("Keras, fit", prepare)
