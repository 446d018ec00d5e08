"""An exercise whose answer is a program: judged by facts about what it did, each of which holds or does not.

Several facts can be violated at once, and an answer gets better one fact at a time. So a refusal counts those that
hold, and says for each of the others what was seen in its place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nsputil.checks.code_exercise import CodeExercise, InputCase
from nsputil.checks.runner import Outcome
from nsputil.checks.values import describe
from nsputil.checks.verdict import WRONG, Verdict


@dataclass(frozen=True, kw_only=True)
class FactsExercise(CodeExercise):
    """An exercise whose `normal_form` makes of a result a dictionary: for each fact what was seen.

    Attributes
    ----------
    holds : str
        What is said of a fact that holds.
    questions : mapping of str to str
        For each fact what to ask if it is violated. The first violated one, in this order, is asked.
    returns : str
        What the function has to return, to say it to an answer of which no fact can be asked. Completes "expected ...".
    """

    holds: str
    questions: Mapping[str, str] = field(repr=False)
    returns: str

    def _named(
        self, cases: Sequence[InputCase], outcomes: Sequence[Outcome], expected: Sequence[Outcome]
    ) -> Verdict | None:
        if any(outcome.problem for outcome in outcomes):
            return None
        for value in (outcome.value for outcome in outcomes):
            if not isinstance(value, dict) or value.keys() != self.questions.keys():
                return self._no_facts(value)
        idea = self._idea(cases, outcomes)
        if idea is not None:
            return Verdict(WRONG, idea.message, idea.question, idea.name)
        seen = [outcome.value for outcome in outcomes]
        violated = {name: next((s[name] for s in seen if s[name] != self.holds), "") for name in self.questions}
        violated = {name: what for name, what in violated.items() if what}
        lines = [f"{len(self.questions) - len(violated)} of {len(self.questions)} facts hold. Seen of the others:"]
        lines += [f"- {name}: {what}" for name, what in violated.items()]
        return Verdict(WRONG, "\n".join(lines), self.questions[next(iter(violated))], "facts_violated")

    def _no_facts(self, value: Any) -> Verdict:
        if value is None:
            message = "Your function returned None. Is there a return? A print shows a number but does not return it."
        else:
            message = f"Your function returned {describe(value)}; expected {self.returns}."
        return Verdict(WRONG, message, mistake="type")
