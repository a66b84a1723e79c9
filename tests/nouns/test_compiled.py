"""Kernels start without what they do not use, and leave the user's own numba as it is."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import numpy as np
from sen4cap.smooth.kernel import nearest_look
gap = np.empty((1, 3), np.int16)
nearest_look(np.array([1]), np.ones((1, 1), bool), gap, never=99)
assert gap.tolist() == [[1, 0, 1]]
assert "scipy.linalg" not in sys.modules
import numba
product = numba.njit(lambda a, b: a @ b)
assert (product(np.eye(2), np.ones((2, 2))) == 1).all()
import scipy.linalg.cython_blas
"""


def test_a_kernel_starts_without_scipy_and_leaves_it_to_others() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
