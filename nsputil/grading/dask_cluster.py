"""An existing Dask cluster as executor, for classes that are too large for one machine."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

RETRIES = 2  # of a job whose worker was lost


def connected(address: str) -> tuple[Callable[[], Executor], int]:
    """Return what makes an executor on a cluster, and how many submissions are under way at once.

    Every machine of the cluster needs this package and a box of its own. A process grades one submission at a time,
    so workers with one thread each are right.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://host:8786``.

    Returns
    -------
    (callable, int)

    Raises
    ------
    ImportError
        If Dask is not installed.
    ValueError
        If no scheduler answers there, or if it has no workers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ImportError('--dask needs Dask: pip install -e ".[instructors]"') from None
    try:
        client: Any = Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise ValueError(f"--dask is {address!r}: {error}") from None
    threads = sum(client.nthreads().values())
    if not threads:
        raise ValueError(f"the cluster at {address} has no workers")
    return lambda: client.get_executor(pure=False, retries=RETRIES), 4 * threads
