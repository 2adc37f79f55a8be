"""What every peer does alike: the data, the initial weights, the clock and the answer.

The network is 784-128-32-128-784 with ReLU between layers and logits at the end, its error the binary
cross-entropy, its optimizer Adam with a learning rate of 1e-3 and an epsilon of 1e-7: configs/deep.toml.
The first epoch compiles and warms up and is not counted; the images lie in memory, and every epoch visits
them in a new order.
"""

import argparse
import gzip
import json
import os
import pathlib
import time

THREADS = int(os.environ.get("PEER_THREADS", "2"))
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(THREADS)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402  (reads the thread counts above)

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = [784, 128, 32, 128, 784]
LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


def images(name):
    """All images of a file of MNIST, [images, 784], scaled to [0, 1]."""
    raw = gzip.decompress((ROOT / f"data/mnist/{name}-images-idx3-ubyte.gz").read_bytes())
    pixels = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, SIZES[0])
    return pixels.astype(np.float32) / np.float32(255)


def initial_weights(seed):
    """Glorot-uniform weights [inputs, outputs] and zero biases, layer by layer."""
    random = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in zip(SIZES, SIZES[1:]):
        limit = np.sqrt(6 / (inputs + outputs))
        weights = random.uniform(-limit, limit, (inputs, outputs)).astype(np.float32)
        layers.append((weights, np.zeros(outputs, np.float32)))
    return layers


def main(peer, prepare):
    """Runs a peer.

    `prepare(train, test, batch_size, seed)` gives two functions: `epoch(number)`, which trains for one
    epoch and returns when it is done, and `test_error()`, the test error in nats per pixel.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3, help="counted epochs, after one that is not")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    epoch, test_error = prepare(
        images("train"), images("t10k"), arguments.batch_size, arguments.seed
    )
    seconds = []
    for number in range(arguments.epochs + 1):
        begun = time.perf_counter()
        epoch(number)
        seconds.append(time.perf_counter() - begun)
    warm_up, *counted = seconds
    answer = {
        "peer": peer,
        "batch_size": arguments.batch_size,
        "threads": THREADS,
        "epoch_seconds": counted,
        "first_epoch_seconds": warm_up,
        "test_bce_nats_per_pixel": float(test_error()),
    }
    print(json.dumps(answer), flush=True)
