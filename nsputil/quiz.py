"""A short quiz about common misconceptions, which proposes a route through the course.

Introduced in notebook 00. Each question is about a mistake that people really make in public threads and exams.
"""

from dataclasses import dataclass

NOTEBOOKS = {
    1: "01 The pair",
    2: "02 Building the data",
    3: "03 From likelihood to the loss",
    4: "04 Worked examples",
    5: "05 The gradient",
    6: "06 Numerics",
}


@dataclass(frozen=True)
class Question:
    """A multiple-choice question.

    Attributes
    ----------
    text : str
    options : tuple of str
        The answers to choose from, in the order a, b, c.
    feedback : tuple of str
        What to tell somebody who chose each of them.
    right : str
        The letter of the right answer.
    notebook : int
        Which notebook teaches it; a key of `NOTEBOOKS`.
    """

    text: str
    options: tuple[str, ...]
    feedback: tuple[str, ...]
    right: str
    notebook: int


QUESTIONS = (
    Question(
        "Model X gives the correct label probability 0.8, model Y gives it 0.9. Whose loss is higher?",
        ("X's", "Y's", "equal: both are right"),
        (
            "Less probability on the correct label, more loss.",
            "The minus turns it round: more probability on the correct label means less loss.",
            "Being right is accuracy. The loss also asks how sure the model was.",
        ),
        "a",
        4,
    ),
    Question(
        "In BERT's own code and in Hugging Face's, what does label 1 say about a pair?",
        ("B follows A", "B was taken from somewhere else", "A and B mean the same"),
        (
            "Many tutorials say so, but there 0 is the true continuation.",
            "1 says that B was replaced.",
            "The task is about the place in a document, not about having the same meaning.",
        ),
        "b",
        1,
    ),
    Question(
        "BERT's data script lets a fair coin decide whether B is the next text. What fraction of its pairs is IsNext?",
        ("half", "more than half", "less than half"),
        (
            "The coin is fair, but it is not always tossed.",
            "Something does push the fraction off one half, but the other way.",
            "A chunk of one sentence has no next, so it must become NotNext.",
        ),
        "c",
        2,
    ),
    Question(
        "What is the minus in -log Pr(c_gold | h_cls) for?",
        (
            "the likelihood is to be large, a loss is to be small",
            "it makes a negative number positive, like an absolute value",
            "nothing: without it training would end in the same place",
        ),
        (
            "Maximizing log Pr and minimizing -log Pr are the same thing.",
            "The log of a probability is never positive, but no sign is thrown away: up becomes down.",
            "Without it an optimizer that goes downhill would make the correct label less and less likely.",
        ),
        "a",
        3,
    ),
    Question(
        "Half of the pairs are IsNext, and a model's loss is 0.693 from start to end. What does the number say?",
        ("there is a bug", "the model is nearly perfect", "the model pays what always answering one half costs"),
        (
            "Perhaps, but the number alone does not say so: the task may also be too hard, or the model too small.",
            "0.693 is ln 2, the price of knowing nothing about a balanced choice.",
            "ln 2 is the loss of answering one half each time.",
        ),
        "c",
        3,
    ),
    Question(
        "The training loss falls steadily. What follows?",
        (
            "the accuracy rises",
            "the training pairs' correct labels get more probable, on a geometric average",
            "the model is learning how texts hang together",
        ),
        (
            "Not necessarily: a few pairs can get much better while others slip below one half.",
            "The loss says this much, and no more.",
            "Perhaps. It may also learn to match topics or lengths. The loss cannot tell.",
        ),
        "b",
        4,
    ),
    Question(
        "Two pairs: the correct labels got 0.9 and 0.1, on average 0.5. The batch loss is",
        ("more than -log 0.5", "-log 0.5", "less than -log 0.5"),
        (
            "The log bends, so the bad pair weighs more than the good one.",
            "That is the loss of the mean. The batch loss is the mean of the losses.",
            "The other way round: the bad pair weighs more.",
        ),
        "a",
        4,
    ),
    Question(
        "The model puts 0.001 on the correct label. How big is the slope of its loss along the gap between the logits?",
        ("nearly 0: the softmax is flat out there", "nearly 1", "about 1000"),
        (
            "That is what squared error would have. The log cancels the flatness.",
            "It is 1 - p, so it never grows beyond 1, and never fades while the model is wrong.",
            "1/p is the slope along the probability; the softmax multiplies it by p (1 - p).",
        ),
        "b",
        5,
    ),
    Question(
        "By mistake, softmax outputs are passed to a loss that applies softmax itself. What happens?",
        ("an error is raised", "nothing: softmax twice is softmax", "the loss can never fall below about 0.31"),
        (
            "Probabilities are finite numbers of the right shape, so nothing complains.",
            "Log-softmax twice is harmless. Softmax twice is not: it squeezes the gap into -1 to 1.",
            "The gap cannot exceed 1, and log(1 + 1/e) is 0.3133.",
        ),
        "c",
        6,
    ),
)


def questions_text() -> str:
    """Return the questions and their options as plain text.

    Returns
    -------
    str
    """
    lines = []
    for number, question in enumerate(QUESTIONS, 1):
        lines.append(f"{number}. {question.text}")
        lines.extend(f"   {letter}) {option}" for letter, option in zip("abc", question.options, strict=True))
    return "\n".join(lines)


def route(answers: str) -> str:
    """Return feedback on some answers and the notebooks to begin with.

    Parameters
    ----------
    answers : str
        One letter for each question in order, such as ``"abc"``; ``"?"`` or ``"-"`` for "not answered". Spaces and
        upper case do not matter. A shorter string leaves the rest unanswered.

    Returns
    -------
    str
        A line for each answered question, then the route.

    Raises
    ------
    TypeError
        If `answers` is not a string.
    ValueError
        If there are more letters than questions, or another letter than a, b, c.
    """
    if not isinstance(answers, str):
        raise TypeError(f"answers is a {type(answers).__name__}; expected a string such as 'abc??'")
    letters = "".join(answers.lower().split())
    if len(letters) > len(QUESTIONS):
        raise ValueError(f"answers holds {len(letters)} letters; expected at most {len(QUESTIONS)}, one a question")
    for number, letter in enumerate(letters, 1):
        if letter not in "abc?-":
            raise ValueError(f"the answer to question {number} is {letter!r}; expected a, b, c, or ? for none")
    letters = letters.ljust(len(QUESTIONS), "?")
    if not set(letters) & set("abc"):
        return "No answers yet. Replace a ? by a, b or c, and run the cell again."
    lines: list[str] = []
    missed: set[int] = set()
    for number, (letter, question) in enumerate(zip(letters, QUESTIONS, strict=True), 1):
        if letter in "?-":
            missed.add(question.notebook)
            continue
        right = letter == question.right
        lines.append(f"{number} {'right' if right else 'look again'}: {question.feedback['abc'.index(letter)]}")
        if not right:
            missed.add(question.notebook)
    lines.append("")
    if missed:
        lines.append("Your route: " + ", then ".join(NOTEBOOKS[n] for n in sorted(missed)) + ".")
    else:
        lines.append(f"All right. Skim {NOTEBOOKS[1]} for the conventions and begin with {NOTEBOOKS[5]}.")
    return "\n".join(lines)
