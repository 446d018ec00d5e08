"""The clinic: training that fails, diagnosed with evidence. Introduced in notebooks 09 and 10.

    from nsputil.clinic import PROGRAMS, healthy, inject, investigate

    print(investigate(inject(healthy(PROGRAMS[0]), "double-softmax")))

Trainings, healthy and sick:

- `programs`: five healthy trainings, each drawn with a seed.
- `faults`: real defects to put into them, a file for each family.
- `kill_test`: what counts as a fault does measurable harm.

What is seen of a training:

- `signals`: a `Run` as named numbers, with reference levels in closed form.
- `probes`: experiments on a suspect pipeline, a file for each part of a training.
- `signal_registry`: every signal by name, of runs and of probes.
- `log_readers`: logs as tools write them, a file for each family; symptoms, and what to measure next.
- `logs`: the log of a training that ran elsewhere, to write and to read.
- `torch_recorder`: a PyTorch training, written as such a log.
- `trainer_callback`: the same for the Trainer of Hugging Face; it imports transformers.
- `kept_log`: a log that never ends the training that it records, and is never lost.
- `recording`: one training, with what each of its parts was given and gave back.
- `buffers`: arrays that a model holds beside its parameters, such as running averages.
- `text_index`: where the texts of a pair are in the documents, and so whether B really follows A.

Facts first, swaps next:

- `facts`: what follows from definitions, for any model, corpus and optimizer.
- `swaps`: exchange one part of an experiment, train again, and see whether the symptom goes.
- `conclusion`: what is said of a training, and on what kind of evidence.
- `measured`: how often an answer of each kind is right.
- `examined`: a training whose facts were examined while it ran, and what a saved run can say of itself.
- `investigation`: examine the facts of a training, then ask swaps, until there is a conclusion.
- `torch_suspect`: the same for a PyTorch training that was written elsewhere; it imports torch (docs/examine.md).

From what is seen to a likelihood:

- `answers`: the two answers that are not faults, "healthy" and "none of these".
- `scoring`: a softmax over causes whose logits are sums of evidence.
- `known_runs`: runs whose cause is known, and what is usual among them.
- `second_causes`: is a second fault hidden behind the first?
- `novelty`: is it none of the known causes?
- `fitted`: a fitted diagnosis, which asks these three questions in turn.
- `diagnosis`: ranked causes with the evidence for and against each, and what to ask next.
- `reference`: a new kind of training, seen through a few healthy runs of it.
- `probe_search`: ask probes until the ranked causes are clear.
- `report`: a diagnosis as text, for ``python -m nsputil diagnose RUN``.

How the diagnosis was made:

- `cases`: runs that can be trained again from their names.
- `case_bank`: what was seen of some thousand of them.
- `fit_model`: fit the scoring model.
- `fit_diagnosis`: fit the whole diagnosis to a bank.

Practice:

- `case_codes`: two or three letters and digits that name a case.
- `game`: one case, played: beliefs, priced probes, a proper score.
- `game_progress`: what a player has played, kept in a file.
- `players`: simulated players.
- `cases_to_play`: the twelve unknown runs of notebook 10.

The names below can be imported from here; a module is loaded when one of its names is first used.

How this package fits to the others: docs/architecture.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nsputil.clinic.answers import HEALTHY, UNKNOWN
    from nsputil.clinic.case_bank import Bank, bank
    from nsputil.clinic.conclusion import Conclusion
    from nsputil.clinic.diagnosis import Diagnosis, diagnose
    from nsputil.clinic.faults import FAULTS, GROUPS, Fault, around, around_pairs, around_training_pairs, inject
    from nsputil.clinic.game import Game
    from nsputil.clinic.investigation import investigate
    from nsputil.clinic.logs import RunLog, read_log
    from nsputil.clinic.probe_search import ProbeSearch, follow, search_probes
    from nsputil.clinic.probes import PROBES, Suspect, probe
    from nsputil.clinic.programs import PROGRAMS, Program, healthy
    from nsputil.clinic.reference import Reference
    from nsputil.clinic.report import diagnose_file
    from nsputil.clinic.signal_registry import SIGNALS
    from nsputil.clinic.signals import reference_levels
    from nsputil.training import train

_HOME = {
    "answers": ("HEALTHY", "UNKNOWN"),
    "case_bank": ("Bank", "bank"),
    "diagnosis": ("Diagnosis", "diagnose"),
    "faults": ("FAULTS", "GROUPS", "Fault", "around", "around_pairs", "around_training_pairs", "inject"),
    "game": ("Game",),
    "conclusion": ("Conclusion",),
    "investigation": ("investigate",),
    "probe_search": ("ProbeSearch", "follow", "search_probes"),
    "logs": ("RunLog", "read_log"),
    "probes": ("PROBES", "Suspect", "probe"),
    "programs": ("PROGRAMS", "Program", "healthy"),
    "reference": ("Reference",),
    "report": ("diagnose_file",),
    "signal_registry": ("SIGNALS",),
    "signals": ("reference_levels",),
}
_MODULE = {name: f"nsputil.clinic.{module}" for module, names in _HOME.items() for name in names}
_MODULE["train"] = "nsputil.training"

__all__ = [
    "FAULTS", "GROUPS", "HEALTHY", "PROBES", "PROGRAMS", "SIGNALS", "UNKNOWN", "Bank", "Conclusion",
    "Diagnosis", "Fault", "Game", "ProbeSearch", "Program", "Reference", "RunLog", "Suspect", "around",
    "around_pairs", "around_training_pairs", "bank", "diagnose", "diagnose_file", "follow", "healthy", "inject",
    "investigate", "probe", "read_log", "reference_levels", "search_probes", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
