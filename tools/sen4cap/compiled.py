"""How kernels are compiled and spread over cores.

Kernels release the GIL and work on a block of parcels or rows; `over_blocks` runs them on threads. Numba's own parallel
loops are not used: they need a threading library that a bare system may lack, and must not be entered by two threads.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from . import kernel_cache

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")


kernel_cache.choose()

_BLAS = "scipy.linalg.cython_blas"
if _BLAS not in sys.modules:
    # For np.inner alone, which no kernel calls, numba loads scipy.linalg: 0.2 s of every start. None: not to be found.
    sys.modules[_BLAS] = None  # type: ignore[assignment]
    import numba.np.arraymath  # noqa: F401

    del sys.modules[_BLAS]

from numba import njit  # noqa: E402

compiled = njit(cache=True, nogil=True, error_model="numpy")
"""Decorator of a kernel's inner function: compiled once, cached on disk, without the GIL, x / 0 = inf."""

compiled_fused = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
"""As `compiled`, but a product and a sum may become one operation, rounded once."""

compiled_fast = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "arcp", "nsz"})
"""As `compiled`, for float32 work on pixels: the compiler may fuse and reorder sums to fill vector lanes. NaN and
infinity keep their meaning; results are the same from run to run, and may differ between processor types in the last
bit."""

compiled_finite = njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "arcp", "nsz", "nnan", "ninf"}
)
"""As `compiled_fast`, for numbers that are all finite: the least of many is found in vector lanes, too."""


def thread_count(threads: int) -> int:
    """Resolve `--threads`: 0 means every core that this process may use."""
    return threads or len(os.sched_getaffinity(0))


def over_blocks(work: Callable[[int, int], Any], count: int, *, block: int, threads: int) -> list[Any]:
    """Call `work(first, past)` for consecutive blocks of `count` rows on threads; return the answers in order.

    Parameters
    ----------
    work
        Gets the first row and the row past the last of its block.
    count
        Number of rows in all.
    block
        Rows a block.
    threads
        As the option `--threads`.
    """
    spans = [(first, min(first + block, count)) for first in range(0, count, block)]
    if thread_count(threads) == 1 or len(spans) < 2:
        return [work(*span) for span in spans]
    with ThreadPoolExecutor(thread_count(threads)) as pool:
        return list(pool.map(lambda span: work(*span), spans))


def in_order(work: Callable[[Thing], Answer], things: Iterable[Thing], *, threads: int) -> Iterator[Answer]:
    """Yield `work(thing)` for each thing in order, worked on by threads, a few ahead of the one that is asked for.

    Where one fails, those that are under way are finished, the others are not begun, and its error is raised.
    """
    count = thread_count(threads)
    if count == 1:
        yield from map(work, things)
        return
    with ThreadPoolExecutor(count) as pool:
        under_way: deque[Future[Answer]] = deque()
        try:
            for thing in things:
                under_way.append(pool.submit(work, thing))
                if len(under_way) > 2 * count:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
