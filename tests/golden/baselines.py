"""Golden values for `tests/it/baselines.rs`, from scikit-learn, on all of MNIST.

    pip install numpy scikit-learn && python tests/golden/baselines.py
"""

import gzip
import pathlib

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

root = pathlib.Path(__file__).parents[2] / "data/mnist"


def read(name, offset):
    raw = gzip.decompress((root / f"{name}.gz").read_bytes())
    return np.frombuffer(raw, np.uint8, offset=offset)


train = read("train-images-idx3-ubyte", 16).reshape(60000, 784) / 255
test = read("t10k-images-idx3-ubyte", 16).reshape(10000, 784) / 255
train_classes = read("train-labels-idx1-ubyte", 8)
test_classes = read("t10k-labels-idx1-ubyte", 8)

print("scikit-learn", sklearn.__version__)
for size in (2, 4, 8, 16, 32, 64):
    pca = PCA(size, svd_solver="full").fit(train)
    restored = pca.inverse_transform(pca.transform(test))
    error = ((restored - test) ** 2).mean()
    clipped = ((restored.clip(0, 1) - test) ** 2).mean()
    # Its variances have the divisor n - 1, the likeliest ones n.
    print(f"K = {size}: error {error:.6f}, clipped {clipped:.6f}, log-likelihood {pca.score(test):.3f}")

pca = PCA(32, svd_solver="full").fit(train)
codes, test_codes = pca.transform(train), pca.transform(test)
neighbours = KNeighborsClassifier(5).fit(codes, train_classes)
print("5 nearest neighbours", neighbours.score(test_codes, test_classes))
probe = LogisticRegression(max_iter=1000).fit(codes, train_classes)
print("logistic regression", probe.score(test_codes, test_classes), probe.n_iter_)
