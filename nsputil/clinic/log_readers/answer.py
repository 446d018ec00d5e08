"""The honest answer to a bare log: what was understood, the group of symptoms, what to measure next; an exit code.

"Healthy" is no answer to a log of another tool. Nothing in a loss and an accuracy shows that labels, split and
evaluation are right, so 95 % cannot be reached without the pipeline.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from nsputil.clinic.log_readers import own
from nsputil.clinic.log_readers import symptoms as s
from nsputil.clinic.log_readers.as_run import as_run
from nsputil.clinic.log_readers.next_questions import QUESTIONS, Question
from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.limits import FEW
from nsputil.run import Run

HEALTHY, WRONG, UNREADABLE, UNKNOWN = 0, 1, 2, 3  # exit codes
WIDTH = 100
MOST_GROUPS = 3  # that are named, if not all of them are proved


@dataclass(frozen=True)
class Answer:
    """What can be said of a log.

    Attributes
    ----------
    state : {"something is wrong", "worth a look", "no symptom", "too little to tell"}
    symptoms : list of Symptom
        Firm ones first.
    questions : tuple of Question
    code : int
        1 if something is wrong, 3 otherwise.
    """

    state: str
    symptoms: list[s.Symptom]
    questions: tuple[Question, ...]
    code: int

    @property
    def groups(self) -> list[str]:
        """The groups of the firm symptoms, the first one first."""
        return list(dict.fromkeys(symptom.group for symptom in self.symptoms if symptom.firm))

    @property
    def looks(self) -> list[str]:
        """The groups of the other symptoms: good trainings show them, too."""
        firm = self.groups
        return list(dict.fromkeys(x.group for x in self.symptoms if not x.firm and x.group not in firm))


def answer(reading: LogReading, facts: Sequence[s.Symptom] = ()) -> Answer:
    """Return what can be said of a log.

    Parameters
    ----------
    reading : LogReading
    facts : sequence of Symptom
        Facts that its numbers violate; `nsputil.clinic.report.answer_log` looks for them.
    """
    found = s.symptoms(reading)
    found += [fact for fact in facts if fact.group not in {symptom.group for symptom in found}]
    found += s.hints(reading, found)
    found.sort(key=lambda symptom: not symptom.firm)
    likeliest = list(dict.fromkeys(symptom.group for symptom in found))[:MOST_GROUPS]
    found = [symptom for symptom in found if symptom.firm or symptom.group in likeliest]
    firm = [symptom for symptom in found if symptom.firm]
    if firm:
        proved = {symptom.group for symptom in firm}
        kept = firm + [symptom for symptom in found if symptom.group not in proved]
        return Answer("something is wrong", kept, _asked(firm), WRONG)
    if found:
        return Answer("worth a look", found, (_asked(found)[:2] + QUESTIONS["little"])[:3], UNKNOWN)
    if _little(reading):
        return Answer("too little to tell", found, QUESTIONS["little"], UNKNOWN)
    return Answer("no symptom", found, QUESTIONS["none"], UNKNOWN)


def _asked(found: Sequence[s.Symptom]) -> tuple[Question, ...]:
    asked = [question for group in dict.fromkeys(x.group for x in found) for question in QUESTIONS[group]]
    return tuple(dict.fromkeys(asked))[:3]


def comparable_run(reading: LogReading) -> Run:
    """Return the run whose numbers can be held against one another.

    A row of training of another tool may hold the loss of one batch and the accuracy of many, so its accuracies of
    training are left out.
    """
    rows = [dict(row) for row in reading.rows]
    if reading.family != own.FAMILY.name:
        for row in rows:
            if row["part"] == "train":
                row.pop("accuracy", None)
    return as_run(rows)


def _little(reading: LogReading) -> bool:
    evaluations = [row for row in reading.rows if row["part"] != "train"]
    return len(reading.series("train", "loss")) < FEW and len(evaluations) < 3


def report(reading: LogReading, said: Answer) -> str:
    """Return the answer as text."""
    lines = [reading.understood(), ""]
    if said.state == "no symptom":
        lines += _wrapped(
            "Answer: no symptom. The numbers are those of a training that learns. A log alone cannot show that labels, "
            "split and evaluation are right, so this is not yet 95 % sure.",
            "",
        )
    elif said.state == "worth a look":
        lines += _wrapped(
            f"Answer: worth a look ({'; '.join(said.looks)}). Good trainings show this, too, so it is no proof.",
            "",
        )
    elif said.state == "too little to tell":
        lines += _wrapped("Answer: too little to tell.", "")
    else:
        lines += _wrapped(f"Answer: something is wrong ({'; '.join(said.groups)}).", "")
    for symptom in said.symptoms:
        lines += _wrapped(("- " if symptom.firm else f"- worth a look ({symptom.group}): ") + symptom.statement, "  ")
    if said.state == "something is wrong":
        lines += _wrapped("No cause is named: it would be guessed from numbers of trainings of another kind.", "  ")
    lines += ["", "Measure next:"]
    for number, question in enumerate(said.questions, 1):
        lines += _wrapped(f"{number}. {question.text}", "  ")
        lines += [f"         {line}" for line in question.code.split("\n")]
        lines += _wrapped(question.answer, "     ")
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)
