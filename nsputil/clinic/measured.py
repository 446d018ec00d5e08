"""How often an answer of each kind was right on independent defects: the confidence that is printed with it.

The rates come from the open set of `research/independent`; `python -m research.independent.table open` prints them with
their intervals, and the sealed set, of which nothing was used here, tells how well they hold (docs/clinic.md).
"""

#: Kind of answer -> the rate at which such answers were right.
RATES = {
    "fact, cause": 0.95,
    "fact, place": 0.90,
    "swap, cause": 0.85,
    "swap, place": 0.75,
    "healthy": 0.95,
    "healthy, by facts": 0.95,
    "healthy, with a deviation": 0.80,
    "a part that helps": 0.80,
    "has not learned": 0.80,
    "too little to tell": 0.0,
}
