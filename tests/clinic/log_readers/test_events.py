"""Event files of TensorBoard, read with TensorBoard's own reader."""

import sys

import pytest

from nsputil.clinic.log_readers import read

HEAD = b"\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7fK\x22\x09\x00\x00\x00\x00\x00\x00\x00\x00\x1a\x0dbrain.Event:2"


def test_without_the_reader_the_way_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.backend.event_processing.event_accumulator", None)
    (tmp_path / "events.out.tfevents.1").write_bytes(HEAD)
    with pytest.raises(ValueError, match=r'pip install "nsputil\[tensorboard\]"'):
        read(tmp_path / "events.out.tfevents.1")


def test_scalars_of_an_event_file(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(tmp_path))
    for step in range(1, 11):
        scalars = {"train/loss": 0.7 - step / 100, "eval/loss": 0.71 - step / 100, "eval/accuracy": 0.5 + step / 50}
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        writer.add_event(Event(step=step, wall_time=step, summary=Summary(value=values)))
    writer.close()
    got = read(next(tmp_path.glob("events.out.tfevents*")))
    assert got.family == "an event file of TensorBoard"
    assert got.series("train", "loss") == pytest.approx([0.7 - k / 100 for k in range(1, 11)])
    assert got.series("held_out", "accuracy")[-1] == pytest.approx(0.7) and got.rows[-1]["step"] == 10


def test_a_damaged_event_file_is_a_sentence(tmp_path):
    pytest.importorskip("tensorboard")
    (tmp_path / "events.out.tfevents.1").write_bytes(HEAD + b"broken" * 20)
    with pytest.raises(ValueError, match="holds no scalars|cannot be read"):
        read(tmp_path / "events.out.tfevents.1")
