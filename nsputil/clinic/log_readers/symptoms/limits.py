"""The limits that more than one group of symptoms uses."""

import math

LN2 = math.log(2)
LEVEL = 0.05  # nats below ln K; a model that is nearer has hardly learned
CHANCE = 0.06  # accuracy above 1 / K, likewise
SAME = 1e-4  # two numbers that are printed with four digits
ERRORS = 2  # standard errors that a limit is away from its mean
MANY = 20  # rows of training from which their sampling error is known
NO_LOSS = 5e-4  # a loss below it: each row is right, and the model is sure
FEW = 5  # rows of training, below which "learns" is not said
