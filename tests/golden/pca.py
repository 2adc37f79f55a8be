"""Golden value for `tests/it/linear.rs`: the least squared error per pixel that any linear
reconstruction through 8 numbers has on the first 2,000 training digits, by PCA.

    pip install numpy && python tests/golden/pca.py
"""

import gzip
import pathlib

import numpy as np

root = pathlib.Path(__file__).parents[2]
raw = gzip.decompress((root / "data/mnist/train-images-idx3-ubyte.gz").read_bytes())
x = np.frombuffer(raw, np.uint8, offset=16)[: 2000 * 784].reshape(2000, 784) / 255
singular_values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
print(repr((singular_values[8:] ** 2).sum() / x.size))
