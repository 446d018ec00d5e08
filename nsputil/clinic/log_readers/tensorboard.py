"""TensorBoard: the CSV that its page lets one download, and its event files."""

import contextlib
import io
import logging
import tempfile
from pathlib import Path

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText


def read_csv(text: LogText) -> list[Record]:
    """Read ``Wall time,Step,Value``. The name of the curve is in the file's name, if anywhere."""
    table = read_table(text)
    if table is None or "Value" not in table.header or "Step" not in table.header:
        return []
    stem = text.name.rsplit(".", 1)[0]
    meaning = parse_name(stem.rsplit("tag-", 1)[-1])
    name = stem.rsplit("tag-", 1)[-1] if meaning.quantity in ("loss", "accuracy") else "loss"
    shown = f"Value ({name})"
    return [
        Record(r.line, {"Step": r.values["Step"], shown: r.values["Value"]})
        for r in table.records
        if "Step" in r.values and "Value" in r.values
    ]


def is_events(raw: bytes) -> bool:
    """Return whether bytes are an event file: a length, then the version of the format."""
    return b"brain.Event:" in raw[:64]


def read_events(raw: bytes) -> list[Record]:
    """Read the scalars of an event file, with TensorBoard's own reader.

    Raises
    ------
    ValueError
        If TensorBoard is not installed, or the file holds no scalars.
    """
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.util import tensor_util
    except ImportError:
        raise ValueError(
            "this is an event file of TensorBoard, and its reader is missing; "
            'install it with pip install "nsputil[tensorboard]"'
        ) from None
    level = logging.getLogger("tensorboard").level
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            path = Path(folder) / "events.out.tfevents.0"
            path.write_bytes(raw)
            events = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0})
            events.Reload()
            points = [(e.step, tag, e.value) for tag in events.Tags()["scalars"] for e in events.Scalars(tag)]
            for tag in events.Tags()["tensors"]:
                for event in events.Tensors(tag):
                    value = tensor_util.make_ndarray(event.tensor_proto)
                    if value.size == 1 and value.dtype.kind in "fiu":
                        points.append((event.step, tag, float(value.reshape(()))))
    finally:
        logging.getLogger("tensorboard").setLevel(level)
    if not points:
        raise ValueError("this event file of TensorBoard holds no scalars")
    rows: dict[int, dict[str, object]] = {}
    for step, tag, value in points:
        rows.setdefault(step, {})[tag] = value
    return [Record(n, {"step": step, **rows[step]}) for n, step in enumerate(sorted(rows), 1)]


CSV = Family(
    "a curve of TensorBoard as CSV", read_csv, "tensorflow/tensorboard, tensorboard/plugins/scalar/scalars_plugin.py"
)
