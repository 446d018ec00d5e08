"""How often an answer of each kind is right: the confidence that is printed with it.

The rates were measured on every third case of the open set of `research/independent` (105 cases), with the rule of
succession, ``(right + 1) / (cases + 2)``. For "healthy" the set has too many sick trainings, so its rates are those at
even odds, ``1 / (1 + m)``, where m is the rate at which harmful defects end there. The sealed set, of which nothing was
used here, tells how well they hold; `python -m research.independent.table sealed` prints it, and docs/clinic.md has it.
"""

#: Kind of answer -> the rate at which such answers are right.
RATES = {
    "fact, cause": 0.95,  # 55 cases
    "fact, place": 0.67,  # 7 cases
    "swap, cause": 0.82,  # 9 cases
    "swap, place": 0.50,  # no case
    "healthy": 0.98,  # 0 of 70 harmful defects
    "healthy, by facts": 0.97,  # 1 of 70 harmful defects
    "healthy, with a deviation": 0.64,  # 9 cases
    "a part that helps": 0.50,  # no case
    "has not learned": 0.33,  # 1 case
    "too little to tell": 0.0,  # no answer
}
