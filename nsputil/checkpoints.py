"""The state of a training on disk, so that it can be stopped and continued with the same numbers, bit for bit."""

from pathlib import Path

import numpy as np

from nsputil._types import Floats
from nsputil.files import replacing
from nsputil.optimizers import Optimizer
from nsputil.run import Run

STATE, CURVES = "state.safetensors", "run.json"
RESUMED = ("loss", "accuracy", "mlm_loss", "evaluations", "instruments", "prior")


def save_state(folder: str | Path, run: Run, parameters: dict[str, Floats], optimizer: Optimizer, epochs: int) -> None:
    """Write the parameters, the optimizer's state and the curves at the end of an epoch.

    Parameters
    ----------
    folder : str or Path
    run : Run
    parameters : dict of ndarray
    optimizer : Optimizer
    epochs : int
        How many are done.
    """
    from safetensors.numpy import save_file

    arrays = {f"parameter/{name}": array for name, array in parameters.items()}
    arrays |= {f"optimizer/{name}": array for name, array in optimizer.state.items()}
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with replacing(Path(folder) / STATE) as new:  # replaced last: a crash before that leaves the old state
        save_file(arrays, str(new), metadata={"epochs": str(epochs), "steps": str(optimizer.steps)})
        run.save(Path(folder) / CURVES)


def load_state(folder: str | Path, run: Run, parameters: dict[str, Floats], optimizer: Optimizer) -> int:
    """Put the state that `save_state` wrote into these objects, and return the number of epochs done.

    Returns
    -------
    int
        0 if the folder holds no state.

    Raises
    ------
    ValueError
        If the file is damaged, or holds other parameters than these.
    """
    path = Path(folder) / STATE
    if not path.exists():
        return 0
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            header = file.metadata()
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"the checkpoint is damaged: {error}; delete the folder to start again") from error
    for name, array in parameters.items():
        stored = arrays.get(f"parameter/{name}")
        if stored is None or stored.shape != array.shape:
            raise ValueError(f"the checkpoint does not fit the experiment: {name} differs; use another folder")
        array[...] = stored
    optimizer.state = {
        name.removeprefix("optimizer/"): array for name, array in arrays.items() if name.startswith("optimizer/")
    }
    optimizer.steps = int(header["steps"])
    stored_run = Run.load(Path(folder) / CURVES)
    for name in RESUMED:
        setattr(run, name, getattr(stored_run, name))
    return int(header["epochs"])
