"""Mistakes that people really make with this loss: a name for each, what it looks like, a question that leads on.

The exercises, the tests and reports use the names. Most come from public threads and exams, the rest from reading wrong
answers. An exercise pairs a name with a function that makes this mistake.
"""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

#: name: (what the check saw, the question)
COMMON: dict[str, tuple[str, str]] = {
    "wrong_sign": (
        "Your numbers are right, but their sign is reversed.",
        "which sign must your result have when the model is sure and wrong?",
    ),
    "log_base_2": (
        "This is the right quantity in bits: the logarithm to base 2.",
        "which function gives the natural logarithm, the one that undoes exp?",
    ),
    "log_base_10": (
        "This is the right quantity to base 10, as a calculator's log key gives it.",
        "which function gives the natural logarithm, the one that undoes exp?",
    ),
    "no_log": (
        "You returned the probability itself; the logarithm is missing.",
        "what turns a product of probabilities into a sum?",
    ),
    "linear_charge": (
        "You charge 1 - p, the probability of being wrong.",
        "what should a probability of 0.000001 cost, compared with 0.1?",
    ),
    "squared_charge": (
        "You charge the square of the error, as in least squares.",
        "what comes out of the likelihood of the labels?",
    ),
    "sum_for_mean": (
        "You return the sum over the batch; the mean is asked for.",
        "what happens to your result if everything in the batch is there twice?",
    ),
    "no_mean": (
        "You return one loss for each pair; one number for the batch is asked for.",
        "which last step turns many numbers into one, whatever the size of the batch?",
    ),
    "divided_by_entries": (
        "Your number is half of the right one: you divided by all entries, rows times columns.",
        "over what do you average: pairs, or pairs times classes?",
    ),
    "mean_of_probabilities": (
        "You averaged the probabilities and took the log after that.",
        "for 0.9 and 0.1: is the mean of the logs the log of the mean?",
    ),
    "logits_as_probabilities": (
        "You treat the logits as if they were probabilities already.",
        "what do the two numbers of a row sum to, and may they be negative?",
    ),
    "double_softmax": (
        "Softmax was applied twice.",
        "what is passed in: logits, or the probabilities that a softmax made of them?",
    ),
    "softmax_over_batch": (
        "Your softmax runs down the batch; each pair competes with the other pairs.",
        "which numbers must sum to 1: the columns, or each row?",
    ),
    "sigmoid_of_one_logit": (
        "You take the sigmoid of one logit alone.",
        "what happens to your probability if the same number is added to both logits?",
    ),
    "swapped_columns": (
        "You read the columns the other way round.",
        "which column belongs to IsNext, and which number is IsNext as a label?",
    ),
    "label_one_is_next": (
        "You read label 1 as IsNext.",
        "what does this course write for the true continuation: 0 or 1?",
    ),
    "gold_ignored": (
        "You always take the first column, whatever the label says.",
        "what is the label for, when the gold class is NotNext?",
    ),
    "largest_taken": (
        "You take the larger probability instead of that of the gold class.",
        "what should a confident mistake cost?",
    ),
    "other_class": (
        "You take the probability of the class that is not gold.",
        "when the model gives all the probability to the gold class, what should the loss be?",
    ),
    "off_by_one_labels": (
        "You count the labels from 1.",
        "which label picks the first column in Python?",
    ),
    "epsilon_in_log": (
        "A small number added inside the log changes the result where the probability is tiny.",
        "what does a gap of 100 between the logits cost exactly, and what does your function charge?",
    ),
    "unstable_exp": (
        "Right for small logits, and not finite for large ones: exp overflows.",
        "what may you subtract from both logits without changing the softmax?",
    ),
    "mutates_input": (
        "Your function changes the array that it was given.",
        "which line writes into the argument, and would a copy do?",
    ),
    "float32_only": (
        "Right to about seven digits only: somewhere the numbers become float32.",
        "which dtype do your arrays have?",
    ),
    "first_example_only": (
        "Only the first pair of the batch counts in your result.",
        "does your function look at the second row?",
    ),
    "last_example_only": (
        "Only the last pair of the batch counts in your result.",
        "does each iteration of your loop add to the result, or replace it?",
    ),
    "one_example_for_all": (
        "You use the first label for every pair.",
        "does row i get label i?",
    ),
    "rounded": (
        "Your result is rounded.",
        "where does the rounding belong: in the computation, or in the print?",
    ),
    # What can be seen in the numbers of any exercise; see detectors.py.
    "sign_reversed": (
        "Your numbers have the right size and the wrong sign.",
        "which step turns the sign round: a minus, or the order of a subtraction?",
    ),
    "factor_100": (
        "Your numbers are 100 times too large, as if they were percentages.",
        "is there a factor of 100 in your code?",
    ),
    "hundredth": (
        "Your numbers are 100 times too small.",
        "do you divide by 100 somewhere?",
    ),
    "times_ln_2": (
        "Your numbers are the right ones times ln 2: a unit was converted that is right already, or the wrong way.",
        "in which unit is your result, and in which is it asked for?",
    ),
    "times_ln_10": (
        "Your numbers are the right ones times ln 10: a unit was converted that is right already, or the wrong way.",
        "in which unit is your result, and in which is it asked for?",
    ),
    "doubled": (
        "Your numbers are twice the right ones.",
        "what do you count twice, or where do you divide by half of what you should?",
    ),
    "halved": (
        "Your numbers are half of the right ones.",
        "by what do you divide, and how many of them are there really?",
    ),
    "times_batch": (
        "Your numbers are too large by exactly the length of the first argument.",
        "is a mean asked for where you return a sum?",
    ),
    "divided_by_batch": (
        "Your numbers are too small by exactly the length of the first argument.",
        "do you divide by that length once too often?",
    ),
    "divided_by_all_entries": (
        "Your numbers are too small by exactly the number of entries of the first array.",
        "by what should you divide: by entries, by rows, or by nothing?",
    ),
    "complement": (
        "Your numbers are 1 minus the right ones.",
        "of which of the two possibilities do you return the share?",
    ),
    "one_too_large": ("Your numbers are too large by exactly 1.", "from which number do you count?"),
    "one_too_small": ("Your numbers are too small by exactly 1.", "from which number do you count?"),
    "reciprocal": ("Your numbers are 1 divided by the right ones.", "what is divided by what?"),
    "exp_taken": ("Your numbers are exp of the right ones.", "is the last step too many, or does a log go missing?"),
    "exp_of_minus": (
        "Your numbers are exp of minus the right ones: probabilities where losses are asked for.",
        "which step leads from a probability to a loss?",
    ),
    "minus_log_taken": (
        "Your numbers are minus the log of the right ones: losses where probabilities are asked for.",
        "which step leads from a loss back to a probability?",
    ),
    "squared": ("Your numbers are the squares of the right ones.", "where is something squared?"),
    "root_taken": ("Your numbers are the square roots of the right ones.", "where is a root taken?"),
    "absolute": ("Your numbers are right, except that none of them is negative.", "where does a sign go missing?"),
    "transposed": (
        "The numbers are right, but rows and columns are exchanged.",
        "which axis should hold the rows of the result?",
    ),
    "another_order": (
        "The numbers are right, but they are in another order.",
        "what decides which number comes first?",
    ),
    "another_shape": (
        "The numbers are right, but their shape is another.",
        "which shape does the prompt ask for?",
    ),
    "constant": (
        "You return the same result whatever the arguments are.",
        "does your function read its arguments?",
    ),
    "example_returned": (
        "You return the result of one example whatever the arguments are.",
        "does your function read its arguments?",
    ),
    "package_called": (
        "Your function calls nsputil; here you are to write the computation yourself, with Python and NumPy.",
        "which steps does the function that you call take?",
    ),
}


#: What answers an exercise: a function, or numbers.
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Misconception(Generic[Answer]):
    """A wrong idea about one exercise, as something that can be compared with.

    Attributes
    ----------
    name : str
        One of `COMMON`, or a new name together with a message and a question.
    answer : callable, float or tuple of float
        What somebody with this idea answers: a function in a code exercise, numbers in a number exercise.
    message, question : str
        What the check saw, and what to ask; taken from `COMMON` if empty.
    also : tuple
        More answers with the same idea, such as another epsilon.
    """

    name: str
    answer: Answer = field(repr=False)
    message: str = ""
    question: str = ""
    also: tuple[Answer, ...] = field(default=(), repr=False)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All answers with this idea."""
        return (self.answer, *self.also)

    def __post_init__(self) -> None:
        if self.name not in COMMON and not (self.message and self.question):
            raise ValueError(
                f"misconception {self.name!r} is not a common one; expected a message and a question with it"
            )
        message, question = COMMON.get(self.name, ("", ""))
        object.__setattr__(self, "message", self.message or message)
        object.__setattr__(self, "question", self.question or question)
