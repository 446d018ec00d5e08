"""Every signal by name: one registry of runs and probes."""

from dataclasses import dataclass

import pytest

from nsputil.clinic.case_bank import bank
from nsputil.clinic.fitted import load_shipped
from nsputil.clinic.signal_registry import PROBE_SIGNALS, SIGNALS, described
from nsputil.clinic.signals import RUN_SIGNALS
from nsputil.clinic.signals.base import TIERS, by_name, number, signals_of


def test_the_registry_holds_what_the_bank_and_the_diagnosis_hold():
    assert set(bank().names) == set(load_shipped().model.names) == set(SIGNALS)
    assert list(SIGNALS) == [*RUN_SIGNALS, *PROBE_SIGNALS]
    assert {name: signal.name for name, signal in SIGNALS.items()} == {name: name for name in SIGNALS}


def test_every_tier_has_signals_and_only_probes_state_a_usual_range():
    assert {signal.tier for signal in SIGNALS.values()} == set(TIERS)
    for signal in SIGNALS.values():
        assert (signal.usual is not None) == (signal.tier == "probes"), signal


def test_gap_is_gold_minus_other_and_nothing_else():
    assert not [name for name in SIGNALS if "gap" in name]
    assert {name for name, signal in SIGNALS.items() if "gap" in signal.meaning} == {
        "unit.is_next",
        "unit.not_next",
        "unit.large",
    }


def test_a_signal_is_described_with_its_logarithm():
    assert described("loss.end") == "training loss of the last eighth"
    assert described("loss.highest") == "log10 of: largest training loss over ln 2"


def test_a_number_without_a_default_must_be_given_and_an_unknown_one_is_refused():
    @dataclass(frozen=True)
    class Two:
        one: float = number("a.one", "nats", "the first", "probes", (0.0, 1.0))
        other: float = number("a.other", "nats", "the second", "probes", (0.0, 1.0))

    assert list(signals_of(Two)) == ["a.one", "a.other"]
    assert by_name(Two(one=1, other=2.5)) == {"a.one": 1.0, "a.other": 2.5}
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'other'"):
        Two(one=1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'third'"):
        Two(one=1, other=2, third=3)
