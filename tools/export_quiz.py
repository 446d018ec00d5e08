"""Export the course's multiple-choice items for a learning-management system.

    python tools/export_quiz.py [--out build/quiz] [--notebook 3]

It writes Moodle XML (nsp-loss.xml), GIFT (nsp-loss.gift) and, where text2qti is installed (the instructors' extra), a
QTI 1.2 package for Canvas and others (nsp-loss.zip). The items are those of `nsputil.checks.bank` and of the quiz in
notebook 00, each with feedback for every option.

QTI is made by text2qti, which is maintained. For Moodle XML and GIFT the standard library is enough: both are one short
element an option. The formats: docs.moodle.org, "Moodle XML format" and "GIFT format".
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from nsputil.checks import bank
from nsputil.checks.choice_exercise import Option
from nsputil.quiz import QUESTIONS

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Item:
    """One question as every format needs it; texts are Markdown."""

    name: str
    notebook: int
    question: str
    options: tuple[Option, ...]

    @property
    def right(self):
        """How many options are right."""
        return sum(option.right for option in self.options)

    def fraction(self, option):
        """Percent of the points for choosing an option: right ones share 100, wrong ones of several share -100."""
        if option.right:
            return 100 / self.right
        return 0.0 if self.right == 1 else -100 / (len(self.options) - self.right)


def items(notebook=None):
    """Return all items, or those of one notebook; 0 is the quiz of notebook 00."""
    found = []
    for number, q in enumerate(QUESTIONS, 1):
        options = (Option(text, said, q.right == c) for c, text, said in zip("abc", q.options, q.feedback, strict=True))
        found.append(Item(f"start_{number}", 0, q.text, tuple(options)))
    for exercise in bank.exercises().values():
        if hasattr(exercise, "options"):
            found.append(Item(exercise.name, exercise.notebook, exercise.question, exercise.options))
    return [item for item in found if notebook in (None, item.notebook)]


def moodle_xml(found):
    """Return the items as Moodle XML."""
    quiz = ET.Element("quiz")
    for item in found:
        question = ET.SubElement(quiz, "question", type="multichoice")
        _text(ET.SubElement(question, "name"), item.name)
        _text(ET.SubElement(question, "questiontext", format="markdown"), item.question)
        for tag, value in (("defaultgrade", "1"), ("single", str(item.right == 1).lower()), ("shuffleanswers", "true"),
                           ("answernumbering", "abc")):  # fmt: skip
            ET.SubElement(question, tag).text = value
        for option in item.options:
            answer = ET.SubElement(question, "answer", fraction=_percent(item.fraction(option)), format="markdown")
            _text(answer, option.text)
            _text(ET.SubElement(answer, "feedback", format="markdown"), option.feedback)
    ET.indent(quiz)
    return ET.tostring(quiz, encoding="unicode", xml_declaration=True) + "\n"


def _text(parent, text):
    ET.SubElement(parent, "text").text = text


def _percent(value):
    """Five decimals at most: Moodle knows 33.33333, and no other third."""
    return f"{value:.5f}".rstrip("0").rstrip(".")


def gift(found):
    """Return the items as GIFT."""
    blocks = []
    for item in found:
        lines = [f"::{_escape(item.name)}::[markdown]{_escape(item.question)}{{"]
        for option in item.options:
            if item.right == 1:
                start = "=" if option.right else "~"
            else:
                start = f"~%{_percent(item.fraction(option))}%"
            lines.append(f"  {start}{_escape(option.text)}#{_escape(option.feedback)}")
        blocks.append("\n".join([*lines, "}"]))
    return "\n\n".join(blocks) + "\n"


def _escape(text):
    return re.sub(r"([\\~=#{}:])", r"\\\1", text).replace("\n", "\\n")


def text2qti_source(found, title):
    """Return the items in the plain-text format of text2qti."""
    lines = [f"Quiz title: {title}", ""]
    for number, item in enumerate(found, 1):
        lines += [f"Title: {item.name}", "Points: 1", _indented(f"{number}.", item.question)]
        for letter, option in zip("abcdefgh", item.options, strict=False):
            if item.right == 1:
                start = f"{'*' * option.right}{letter})"
            else:
                start = "[*]" if option.right else "[ ]"
            lines += [_indented(start, option.text), _indented("...", option.feedback)]
        lines.append("")
    return "\n".join(lines)


def _indented(start, text):
    return f"{start:8s}" + text.replace("\n", "\n" + " " * 8)


def qti(found, title, path):
    """Write the items as a QTI 1.2 package with text2qti."""
    from text2qti.config import Config
    from text2qti.qti import QTI
    from text2qti.quiz import Quiz

    QTI(Quiz(text2qti_source(found, title), config=Config(), source_name="nsp-loss")).save(path)


def main(arguments):
    """Write all formats."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "quiz")
    parser.add_argument("--notebook", type=int, help="only the items of this notebook; 0 is the quiz at the start")
    options = parser.parse_args(arguments)
    found = items(options.notebook)
    if not found:
        raise SystemExit(f"notebook {options.notebook} has no multiple-choice item")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "nsp-loss.xml").write_text(moodle_xml(found), encoding="utf-8", newline="\n")
    (options.out / "nsp-loss.gift").write_text(gift(found), encoding="utf-8", newline="\n")
    written = "Moodle XML, GIFT"
    try:
        qti(found, "The loss of next sentence prediction", options.out / "nsp-loss.zip")
        written += ", QTI"
    except ModuleNotFoundError:
        print("no QTI: text2qti is not installed; python -m pip install -e '.[instructors]'")
    print(f"{len(found)} items as {written} in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
