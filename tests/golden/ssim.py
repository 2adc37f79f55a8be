"""Golden values for the test in `src/evaluate/ssim.rs`, from scikit-image.

    pip install scikit-image==0.25.2 && python tests/golden/ssim.py
"""

import numpy as np
from skimage.metrics import structural_similarity


def pixel(i, a, b):
    return ((i * a + i * i * b) % 256) / 255


for height, width in [(28, 28), (11, 17)]:
    i = np.arange(height * width)
    x = pixel(i, 7, 3).reshape(height, width)
    y = (0.7 * pixel(i, 7, 3) + 0.3 * pixel(i, 11, 5)).reshape(height, width)
    value = structural_similarity(
        x, y, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    print(height, width, repr(value))
