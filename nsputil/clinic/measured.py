"""How often an answer of each kind is right: the confidence that is printed with it.

The rates are those of the seven sealed sets of `research/independent` together, 200, 138, 203, 164, 164, 166 and 136
cases that were written without sight of the diagnosis, each at first contact. They follow the rule of succession,
``(right + 1) / (cases + 2)``; a test counts them again in the stored tables. What was mended after a set had been seen
does not count, so a rule that was mended, as that of a start from random vectors was, is believed as little as before,
until new cases show more. For "healthy" the sets have too many sick trainings, so its rates are those at even odds,
``1 / (1 + m)``, where m is the rate at which harmful defects end there.
"""

#: Kind of answer -> the rate at which such answers are right.
RATES = {
    "fact, cause": 0.78,  # 246 of 315
    "fact, place": 0.98,  # 158 of 161
    "swap, cause": 0.55,  # 37 of 67
    "swap, place": 0.88,  # 37 of 41
    "healthy": 0.98,  # 11 of 561 harmful defects
    "healthy, by facts": 0.98,  # 4 of 206 harmful defects of the open set, facts alone
    "healthy, with a deviation": 0.80,  # 47 of 58
    "a part that helps": 0.76,  # 15 of 19
    "has not learned": 0.20,  # 0 of 3
    "too little to tell": 0.0,  # no answer
}
