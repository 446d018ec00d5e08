"""Loss and gradient on 10^6 x 2 logits against PyTorch and JAX, in turn in one run: ratios of the best of 60.

    .venv-parity/bin/python -m benchmarks.loss_speed

The closed form in PyTorch (softplus of the gap) is there to be fair: much of the difference to cross_entropy is
algebra.
"""

import os
import sys
import time

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before numpy is loaded

import numpy as np

from benchmarks.versions import print_versions
from nsputil._fast import BLOCK
from nsputil.losses import nsp_loss_and_grad

REPEATS = 60


def contenders(dtype):
    """Return {name: function of nothing}."""
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((10**6, 2)).astype(dtype), rng.integers(0, 2, 10**6)
    target, room = np.empty_like(logits), np.empty(BLOCK, dtype)
    block = np.abs(logits[:BLOCK, 0])

    def exp_in_cache():
        for start in range(0, 10**6, BLOCK):
            rows = slice(min(BLOCK, 10**6 - start))
            np.exp(block[rows], out=room[rows])

    found = {
        "nsputil": lambda: nsp_loss_and_grad(logits, labels),
        "copy of the logits": lambda: np.copyto(target, logits),
        "exp alone, in cache (no numpy code is faster)": exp_in_cache,
    }
    try:
        import torch
    except ImportError:
        sys.exit("this benchmark needs PyTorch: make bench sets it up")
    torch.set_num_threads(1)
    z, y = torch.tensor(logits, requires_grad=True), torch.tensor(labels)
    sign = torch.tensor(1.0 - 2.0 * labels, dtype=z.dtype)

    def cross_entropy():
        z.grad = None
        torch.nn.functional.cross_entropy(z, y).backward()

    def closed_form():
        z.grad = None
        torch.nn.functional.softplus((z[:, 1] - z[:, 0]) * sign).mean().backward()

    found |= {"torch cross_entropy": cross_entropy, "torch, same closed form": closed_form}
    try:
        import jax
    except ImportError:
        sys.exit("this benchmark needs JAX: make bench sets it up")
    if dtype == np.float64:
        jax.config.update("jax_enable_x64", True)
    jz, jy = jax.numpy.array(logits), jax.numpy.array(labels)
    step = jax.jit(jax.value_and_grad(lambda v: -jax.nn.log_softmax(v)[jax.numpy.arange(len(jy)), jy].mean()))
    found["jax.jit(value_and_grad)"] = lambda: jax.block_until_ready(step(jz))
    return found


def main():
    """Print the table."""
    print_versions("numpy", "torch", "jax")
    for dtype in (np.float64, np.float32):
        functions = contenders(dtype)
        best = dict.fromkeys(functions, float("inf"))
        rng = np.random.default_rng(0)
        for _ in range(REPEATS):
            for name in rng.permutation(list(functions)):  # nobody always comes after the one that leaves most behind
                start = time.perf_counter()
                functions[name]()
                best[name] = min(best[name], time.perf_counter() - start)
        print(f"\n{np.dtype(dtype).name}: nsputil takes ... of the time of")
        for name, seconds in best.items():
            if name != "nsputil":
                print(f"  {best['nsputil'] / seconds:6.2f}  {name}")


if __name__ == "__main__":
    main()
