"""Small edits of a healthy training, one for each direction of each fact, independent of the catalogue."""

from dataclasses import replace
from functools import partial

import numpy as np

from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.corpus import Document
from nsputil.encoders import RowGradient
from nsputil.heads import Pooler
from nsputil.optimizers import SGD, AdamW, values
from nsputil.tokenization import EncodedPairs

BAG = PROGRAMS[0]


def short(seed=0, steps=24, documents=36):
    """A training of a fraction of a second."""
    whole = healthy(BAG, seed)
    return replace(whole, documents=whole.documents[:documents], max_steps=steps, evaluate_every=6, watch=150)


# --- pairs -----------------------------------------------------------------------------------------------------------


def pairs_changed(change, experiment, where="both"):
    """Put a change of a list of pairs into training, held out, or both."""

    def changed(documents, rng):
        return change(experiment.pairs(documents, rng), documents, rng)

    if where == "training":
        return replace(experiment, pairs=changed, held_out_pairs=experiment.pairs)
    if where == "held out":
        return replace(experiment, held_out_pairs=changed)
    return replace(experiment, pairs=changed)


def all_labels(label, pairs, documents, rng):
    return [replace(pair, label=label) for pair in pairs]


def other_labels(pairs, documents, rng):
    return [replace(pair, label=1 - pair.label) for pair in pairs]


def noise(share, pairs, documents, rng):
    return [replace(pair, label=1 - pair.label) if rng.random() < share else pair for pair in pairs]


def one_way(label, share, pairs, documents, rng):
    """A share of the labels of one class is the other one."""
    return [replace(p, label=1 - label) if p.label == label and rng.random() < share else p for p in pairs]


def dealt_out(pairs, documents, rng):
    labels = rng.permutation([pair.label for pair in pairs])
    return [replace(pair, label=int(label)) for pair, label in zip(pairs, labels, strict=True)]


def rolled(by, pairs, documents, rng):
    order = rng.permutation(len(pairs))
    pairs = [pairs[k] for k in order]
    return [replace(pair, label=pairs[(k - by) % len(pairs)].label) for k, pair in enumerate(pairs)]


def b_rolled(by, pairs, documents, rng):
    """Text alone moves; positions stay."""
    pairs = [pairs[k] for k in rng.permutation(len(pairs))]
    return [replace(pair, sentence_b=pairs[(k + by) % len(pairs)].sentence_b) for k, pair in enumerate(pairs)]


def lines_shuffled(experiment):
    def shuffled(documents, rng):
        lines = iter(rng.permutation([s for d in documents for s in d.sentences]).tolist())
        return experiment.pairs([Document(d.name, tuple(next(lines) for _ in d.sentences)) for d in documents], rng)

    return replace(experiment, pairs=shuffled)


def of_documents(change, experiment):
    """Change the sentences of every document, before anything is made of them."""
    rng = np.random.default_rng(5)
    return replace(experiment, documents=[Document(d.name, change(d.sentences, rng)) for d in experiment.documents])


def shuffled_within(sentences, rng):
    return tuple(rng.permutation(list(sentences)).tolist())


def headed(sentences, rng):
    return tuple(f"Page header of {sentence}" for sentence in sentences)


def one_fixed_b(pairs, documents, rng):
    fixed = pairs[0].sentence_b
    return [replace(p, sentence_b=fixed) if p.label == 1 else p for p in pairs]


def three_further(pairs, documents, rng):
    """B of IsNext comes three sentences later than it should."""
    return [
        replace(p, sentence_b=documents[p.document_a].sentences[p.position_a + 3])
        if p.label == 0 and p.position_a + 3 < len(documents[p.document_a].sentences)
        else p
        for p in pairs
    ]


def dealt_to_parts(experiment):
    """Every tenth sentence of each document is held out."""

    def split(documents, rng):
        def part(keep):
            return [Document(d.name, tuple(s for k, s in enumerate(d.sentences) if keep(k % 10))) for d in documents]

        return part(lambda k: k < 6), part(lambda k: k in (6, 7)), part(lambda k: k > 7)

    return replace(experiment, split=split)


def without_positions(pairs, documents, rng):
    return [replace(p, position_a=0, position_b=0, document_a=0, document_b=0) for p in pairs]


def marked(label, pairs, documents, rng):
    return [replace(p, sentence_b=f"§ {p.sentence_b}") if p.label == label else p for p in pairs]


def cut(label, pairs, documents, rng):
    return [replace(p, sentence_b=" ".join(p.sentence_b.split()[:3])) if p.label == label else p for p in pairs]


def mostly(label, pairs, documents, rng):
    return [p for p in pairs if p.label == label or rng.random() < 0.08]


def few_often(pairs, documents, rng):
    return pairs[:200] * (len(pairs) // 200)


def few(pairs, documents, rng):
    return pairs[: len(pairs) // 8]


# --- arrays ----------------------------------------------------------------------------------------------------------


def encoded(change, experiment):
    def changed(pairs, vocabulary, max_length):
        return change(experiment.encode(pairs, vocabulary, max_length), pairs, vocabulary)

    return replace(experiment, encode=changed)


def array_labels(change, batch, pairs, vocabulary):
    return replace(batch, labels=change(batch.labels))


def segments(value, batch, pairs, vocabulary):
    return replace(batch, token_type_ids=np.full_like(batch.token_type_ids, value))


def segments_flipped(batch, pairs, vocabulary):
    return replace(batch, token_type_ids=(1 - batch.token_type_ids) * batch.attention_mask)


def hidden(segment, batch, pairs, vocabulary):
    return replace(batch, attention_mask=batch.attention_mask * (batch.token_type_ids != segment))


def mask_flipped(batch, pairs, vocabulary):
    return replace(batch, attention_mask=1 - batch.attention_mask)


def mask_full(batch, pairs, vocabulary):
    return replace(batch, attention_mask=np.ones_like(batch.attention_mask))


def moved_ids(by, batch, pairs, vocabulary):
    words = batch.input_ids >= 5
    return replace(
        batch, input_ids=np.where(words, 5 + (batch.input_ids - 5 + by) % (len(vocabulary) - 5), batch.input_ids)
    )


def blurred(batch, pairs, vocabulary):
    return replace(batch, input_ids=np.where(batch.input_ids > 60, 1, batch.input_ids))


def from_pairs(change, experiment):
    """Encode other pairs than those given, with the labels of those given."""

    def changed(pairs, vocabulary, max_length):
        return experiment.encode([change(pair) for pair in pairs], vocabulary, max_length)

    return replace(experiment, encode=changed)


def first_words(text):
    return " ".join(text.split()[:3])


def of_some_documents(pairs, documents, rng):
    """Labels are the other way round in every third document."""
    return [replace(p, label=1 - p.label) if p.document_a % 3 == 0 else p for p in pairs]


def only_labels(batch, pairs, vocabulary):
    """A batch of another kind."""

    class Other(EncodedPairs):
        @property
        def nothing(self):
            return None

    return Other(batch.input_ids, batch.token_type_ids, batch.attention_mask, batch.labels)


# --- model, optimizer ------------------------------------------------------------------------------------------------


def modelled(change, experiment):
    def changed(documents, vocabulary, rng):
        model = experiment.model(documents, vocabulary, rng)
        change(model)
        return model

    return replace(experiment, model=changed)


def word_vectors(change, model):
    table = model.parameters["encoder.embeddings"]
    table[:] = change(table, np.random.default_rng(3))


class Doubled(Pooler):
    """A backward pass twice too large."""

    def backward(self, dpooled, cache):
        dx, gradients = super().backward(dpooled, cache)
        return dx, {name: 2 * g for name, g in gradients.items()}


class Negative(Pooler):
    """A backward pass with the wrong sign below."""

    def backward(self, dpooled, cache):
        dx, gradients = super().backward(dpooled, cache)
        return -dx, gradients


def pooler_as(kind, model):
    model.pooler.__class__ = kind


def zeros(model):
    for part in (model.pooler, model.head):
        for array in part.parameters.values():
            array[...] = 0


def large_pooler(model):
    model.pooler.parameters["weight"] *= np.float32(60)


class Drawing:
    """An encoder that draws in evaluation too."""

    def __init__(self, encoder):
        self.encoder, self.parameters, self.width = encoder, encoder.parameters, encoder.width
        self.attends, self.backward = encoder.attends, encoder.backward
        encoder.word_dropout = 0.4
        self.rng = np.random.default_rng(0)

    def forward(self, batch, rng=None):
        return self.encoder.forward(batch, rng if rng is not None else self.rng)


def drawing(model):
    model.encoder = Drawing(model.encoder)


class Probabilities:
    """A head that ends with softmax."""

    def __init__(self, head):
        self.head, self.parameters = head, head.parameters

    def forward(self, pooled):
        logits, cache = self.head.forward(pooled)
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        return p, (p, cache)

    def backward(self, dp, cache):
        p, inner = cache
        return self.head.backward((p * (dp - (dp * p).sum(axis=1, keepdims=True))).astype(p.dtype), inner)


def softmax_in_model(model):
    model.head = Probabilities(model.head)


def optimized(wrap, experiment):
    """Change the gradients on their way, or refuse a step."""

    def built(model, steps):
        optimizer = experiment.optimizer(model, steps)
        take, state = optimizer.step, {"model": model, "count": 0}

        def step(gradients):
            state["count"] += 1
            changed = wrap(gradients, state)
            if changed is None:
                optimizer.steps += 1
            else:
                take(changed)

        optimizer.step = step
        return optimizer

    return replace(experiment, optimizer=built)


def scaled(factor, gradients):
    return {
        name: RowGradient(g.rows, g.values * g.values.dtype.type(factor))
        if isinstance(g, RowGradient)
        else g * g.dtype.type(factor)
        for name, g in gradients.items()
    }


def uphill(gradients, state):
    return scaled(-1, gradients)


def only(keep, gradients, state):
    return {name: g for name, g in gradients.items() if keep(name)}


def late(by, gradients, state):
    queue = state.setdefault("queue", [])
    queue.append(
        {
            name: RowGradient(g.rows, g.values.copy()) if isinstance(g, RowGradient) else g.copy()
            for name, g in gradients.items()
        }
    )
    return queue.pop(0) if len(queue) > by else None


def adding(gradients, state):
    total = state.setdefault("total", {})
    for name, g in gradients.items():
        dense = total.setdefault(name, np.zeros_like(state["model"].parameters[name]))
        dense[g.rows if isinstance(g, RowGradient) else ...] += values(g)
    return {name: total[name].copy() for name in gradients}


def shrinking(gradients, state):
    for array in state["model"].parameters.values():
        if array.ndim > 1:
            array *= array.dtype.type(0.9)
    return gradients


def stops(after, gradients, state):
    return gradients if state["count"] <= after else scaled(0, gradients)


def sgd(model, steps, **options):
    return SGD(model.parameters, options.pop("rate", 0.05), **options)


def fast(factor, model, steps):
    return AdamW(model.parameters, 3e-3 * factor)


# --- batches and reports ---------------------------------------------------------------------------------------------


def by_label(experiment):
    def ordered(documents, rng):
        return sorted(experiment.pairs(documents, rng), key=lambda pair: pair.label)

    def file_order(lengths, size, rng):
        return [np.arange(k, min(k + size, len(lengths))) for k in range(0, len(lengths), size)]

    return replace(experiment, pairs=ordered, held_out_pairs=experiment.pairs, batching=file_order)


def same_batch(experiment):
    def first(lengths, size, rng):
        return [np.arange(size)] * (len(lengths) // size)

    return replace(experiment, batching=first)


def reported(change, experiment):
    """Replace a report by a function of (report, logits, labels, pairs, model)."""

    def changed(model, pairs):
        report = experiment.evaluation(model, pairs)
        labels = np.array([pair.label for pair in pairs])
        return report | change(model.logits(pairs), labels)

    return replace(experiment, evaluation=changed)


def accuracy_of(rule, logits, labels):
    return {"accuracy": float(np.mean(rule(logits, labels)))}


def right(logits, labels):
    return logits.argmax(axis=1) == labels


def evaluated(change, experiment):
    def changed(model, pairs):
        return experiment.evaluation(model, change(pairs))

    return replace(experiment, evaluation=changed)


def encodes_otherwise(experiment):
    """An evaluation with the ids of another vocabulary."""

    def encode(pairs, vocabulary, max_length):
        batch = experiment.encode(pairs, vocabulary, max_length)
        ids = batch.input_ids.copy()
        words = ids >= 5
        ids[words] = 5 + (ids[words] - 5 + 7) % (len(vocabulary) - 5)
        return replace(batch, input_ids=ids)

    return replace(experiment, evaluation=lambda m, pairs: experiment.evaluation(m.with_encoding(encode), pairs))


def another_term(experiment):
    """What is logged holds another loss, which falls by itself."""
    calls = []

    def loss(logits, labels):
        calls.append(1)
        value, gradient = experiment.loss(logits, labels)
        return value + 5 / (1 + len(calls) / 50), gradient

    return replace(experiment, loss=loss)


def running_mean(experiment):
    seen = []

    def changed(model, pairs):
        report = experiment.evaluation(model, pairs)
        seen.append(report["accuracy"])
        return report | {"accuracy": float(np.mean(seen))}

    return replace(experiment, evaluation=changed)


def shared_split(experiment):
    def split(documents, rng):
        train, valid, test = experiment.split(documents, rng)
        return train + valid[:4] + test[:4], valid, test

    return replace(experiment, split=split)


def copies(experiment):
    def split(documents, rng):
        train, valid, test = experiment.split(documents, rng)
        return [Document(f"{d.name} {k}", d.sentences) for d in train[:12] for k in range(4)], valid, test

    return replace(experiment, split=split)


P = partial
INVERT, ROLL = (lambda x: 1 - x), (lambda x: np.roll(x, 1))

#: name -> (edit of an experiment, places in which something must be violated, causes of which one must be named).
MUTANTS = {
    "all IsNext": (P(pairs_changed, P(all_labels, 0)), "pairs", {"labels-all-is-next"}),
    "all NotNext": (P(pairs_changed, P(all_labels, 1)), "pairs", {"one-label"}),
    "all IsNext in training": (P(pairs_changed, P(all_labels, 0), where="training"), "pairs", {"labels-all-is-next"}),
    "all NotNext held out": (P(pairs_changed, P(all_labels, 1), where="held out"), "pairs", {"one-label"}),
    "inverted": (P(pairs_changed, other_labels), "pairs", {"convention-inverted"}),
    "inverted in training": (P(pairs_changed, other_labels, where="training"), "pairs", {"training-labels-inverted"}),
    "inverted held out": (P(pairs_changed, other_labels, where="held out"), "pairs", {"evaluation-labels-inverted"}),
    "noise": (P(pairs_changed, P(noise, 0.25)), "pairs", {"label-noise"}),
    "noise in training": (P(pairs_changed, P(noise, 0.3), where="training"), "pairs", {"label-noise"}),
    "IsNext called NotNext": (P(pairs_changed, P(one_way, 0, 0.4)), "pairs", {"false-negatives"}),
    "NotNext called IsNext": (P(pairs_changed, P(one_way, 1, 0.4)), "pairs", {"label-noise"}),
    "inverted in some documents": (P(pairs_changed, of_some_documents), "pairs", {"label-noise"}),
    "dealt out": (P(pairs_changed, dealt_out), "pairs", {"labels-shuffled"}),
    "labels one up": (P(pairs_changed, P(rolled, 1)), "pairs", {"labels-off-by-one"}),
    "labels one down": (P(pairs_changed, P(rolled, -1)), "pairs", {"labels-off-by-one"}),
    "B one up": (P(pairs_changed, P(b_rolled, 1)), "pairs", {"segments-misaligned"}),
    "B one down in training": (P(pairs_changed, P(b_rolled, -1), where="training"), "pairs", {"segments-misaligned"}),
    "lines shuffled": (lines_shuffled, "pairs", {"sentences-shuffled"}),
    "lines shuffled in each document": (P(of_documents, shuffled_within), "pairs", {"sentences-shuffled"}),
    "page headers": (P(of_documents, headed), "pairs", {"page-headers"}),
    "one B for NotNext": (P(pairs_changed, one_fixed_b), "pairs", {None}),
    "B three sentences later": (P(pairs_changed, three_further), "pairs", {None}),
    "sentences dealt to parts": (dealt_to_parts, "split", {None}),
    "mark on IsNext": (P(pairs_changed, P(marked, 0)), "pairs", {"shortcut-marker"}),
    "mark on NotNext": (P(pairs_changed, P(marked, 1)), "pairs", {"shortcut-marker"}),
    "IsNext cut": (P(pairs_changed, P(cut, 0)), "pairs", {"shortcut-length"}),
    "NotNext cut": (P(pairs_changed, P(cut, 1)), "pairs", {"shortcut-length"}),
    "mostly IsNext": (P(pairs_changed, P(mostly, 0), where="training"), "pairs", {"prior-shift"}),
    "mostly NotNext": (P(pairs_changed, P(mostly, 1), where="training"), "pairs", {"prior-shift"}),
    "few pairs often": (P(pairs_changed, few_often, where="training"), "pairs", {"corpus-duplicated", "too-few-pairs"}),
    "few pairs": (P(pairs_changed, few, where="training"), "pairs", {"too-few-pairs"}),
    "array labels inverted": (P(encoded, P(array_labels, INVERT)), "encoding", {"training-labels-inverted"}),
    "array labels rolled": (P(encoded, P(array_labels, ROLL)), "encoding", {"labels-off-by-one"}),
    "array labels all 0": (P(encoded, P(array_labels, np.zeros_like)), "encoding", {"labels-all-is-next"}),
    "array labels all 1": (P(encoded, P(array_labels, np.ones_like)), "encoding", {"one-label"}),
    "segments 0": (P(encoded, P(segments, 0)), "encoding", {"segment-ids-zero"}),
    "segments flipped": (P(encoded, segments_flipped), "encoding", {"segment-ids-inverted"}),
    "B hidden": (P(encoded, P(hidden, 1)), "encoding", {"second-sentence-lost"}),
    "A hidden": (P(encoded, P(hidden, 0)), "encoding", {"segments-as-mask"}),
    "mask flipped": (P(encoded, mask_flipped), "encoding", {"mask-inverted"}),
    "mask full": (P(encoded, mask_full), "encoding", {"padding-attended"}),
    "ids one up": (P(encoded, P(moved_ids, 1)), "encoding", {"wrong-vocabulary"}),
    "ids one down": (P(encoded, P(moved_ids, -1)), "encoding", {"wrong-vocabulary"}),
    "rare words blurred": (P(encoded, blurred), "encoding", {"unknown-words"}),
    "A twice": (P(from_pairs, lambda p: replace(p, sentence_b=p.sentence_a)), "encoding", {"a-given-twice"}),
    "B twice": (P(from_pairs, lambda p: replace(p, sentence_a=p.sentence_b)), "encoding", {"b-given-twice"}),
    "short": (
        P(from_pairs, lambda p: replace(p, sentence_a=first_words(p.sentence_a), sentence_b=first_words(p.sentence_b))),
        "encoding",
        {"max-length-short"},
    ),
    "backward doubled": (P(modelled, P(pooler_as, Doubled)), "model", {"backward-wrong"}),
    "backward negative": (P(modelled, P(pooler_as, Negative)), "model", {"backward-wrong"}),
    "random vectors": (
        P(modelled, P(word_vectors, lambda table, rng: rng.normal(0, table.std(), table.shape))),
        "model",
        {"pretrained-not-loaded"},
    ),
    "vectors of other words": (
        P(modelled, P(word_vectors, lambda table, rng: rng.permutation(table))),
        "model",
        {"wrong-vocabulary"},
    ),
    "evaluation encodes otherwise": (encodes_otherwise, "encoding", {"wrong-vocabulary"}),
    "another term is logged": (another_term, "loss", {"total-logged-as-nsp"}),
    "zeros": (P(modelled, zeros), "model", {"zero-init"}),
    "large pooler": (P(modelled, large_pooler), "model", {"pooler-saturated"}),
    "drawing": (P(modelled, drawing), "model", {"dropout-in-evaluation"}),
    "softmax in the model": (P(modelled, softmax_in_model), "model", {"double-softmax"}),
    "uphill": (P(optimized, uphill), "optimizer", {"sign-flipped"}),
    "only biases": (P(optimized, P(only, lambda n: n.endswith("bias"))), "optimizer", {"only-biases-trained"}),
    "no encoder": (P(optimized, P(only, lambda n: not n.startswith("encoder"))), "optimizer", {"encoder-frozen"}),
    "no head": (P(optimized, P(only, lambda n: not n.startswith("head"))), "optimizer", {"head-frozen"}),
    "nothing": (P(optimized, P(only, lambda n: False)), "optimizer", {"updates-not-applied"}),
    "one late": (P(optimized, P(late, 1)), "optimizer", {"gradients-delayed"}),
    "ten late": (P(optimized, P(late, 10)), "optimizer", {"gradients-delayed"}),
    "adding": (P(optimized, adding), "optimizer", {"no-zero-grad"}),
    "adding, SGD": (lambda e: optimized(adding, replace(e, optimizer=sgd)), "optimizer", {"no-zero-grad"}),
    "shrinking": (P(optimized, shrinking), "optimizer", {"weight-decay-too-high"}),
    "stops, SGD": (lambda e: optimized(P(stops, 5), replace(e, optimizer=sgd)), "optimizer", {"schedule-ends-early"}),
    "clipped": (lambda e: replace(e, optimizer=P(sgd, clip=1e-3)), "optimizer", {"clip-too-small"}),
    "momentum": (lambda e: replace(e, optimizer=P(sgd, momentum=0.999)), "optimizer", {"momentum-too-high"}),
    "far too fast": (lambda e: replace(e, optimizer=P(fast, 1000)), "optimizer", {"learning-rate-too-high"}),
    "sorted by label": (by_label, "batching", {"pairs-sorted-by-label"}),
    "the same batch": (same_batch, "batching", {"same-pairs-again", "too-few-pairs"}),
    "batches of two": (lambda e: replace(e, batch_size=2), "batching", {"batch-too-small"}),
    "shared documents": (shared_split, "split", {"tested-on-training-text"}),
    "copies": (copies, "split", {"corpus-duplicated"}),
    "report inverted": (
        P(reported, P(accuracy_of, lambda z, y: ~right(z, y))),
        "evaluation",
        {"evaluation-labels-inverted"},
    ),
    "labels read inverted": (
        P(evaluated, lambda pairs: [replace(p, label=1 - p.label) for p in pairs]),
        "evaluation",
        {"evaluation-labels-inverted"},
    ),
    "first 40": (P(evaluated, lambda pairs: pairs[:40]), "evaluation", {"evaluated-on-few-pairs"}),
    "last 40": (P(reported, P(accuracy_of, lambda z, y: right(z, y)[-40:])), "evaluation", {"evaluated-on-few-pairs"}),
    "predictions reversed": (
        P(reported, P(accuracy_of, lambda z, y: z.argmax(axis=1)[::-1] == y)),
        "evaluation",
        {"predictions-out-of-order"},
    ),
    "best of ten": (
        P(reported, lambda z, y: {"accuracy": max(float(right(z, y)[k::10].mean()) for k in range(10))}),
        "evaluation",
        {"best-part-reported"},
    ),
    "loss times 32": (
        lambda e: replace(e, evaluation=lambda m, p: (r := e.evaluation(m, p)) | {"loss": r["loss"] * 32}),
        "evaluation",
        {"held-out-loss-summed"},
    ),
    "running mean": (running_mean, "evaluation", {"metric-never-reset"}),
}
