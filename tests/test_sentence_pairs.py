from collections import Counter

import numpy as np
import pytest

from nsputil.corpus import Document, load_corpus, split_documents
from nsputil.pairs import IS_NEXT, NOT_NEXT, measured_prior
from nsputil.segments import bert_segment_pairs
from nsputil.sentence_pairs import NEGATIVES, sentence_level_pairs, sentence_order_pairs
from nsputil.tokenization import tokenize

rng = np.random.default_rng


def made(documents=12, sentences=9, words=6):
    """Documents whose every sentence names its place, so that adjacency can be read off the text."""
    return [
        Document(f"d{d}", [" ".join([f"d{d}s{s}"] + [f"w{k}" for k in range(words - 1)]) for s in range(sentences)])
        for d in range(documents)
    ]


def place(segment):
    return [tuple(map(int, t[1:].split("s"))) for t in segment.split() if t[0] == "d"]


def test_the_convention_of_the_course():
    assert (IS_NEXT, NOT_NEXT) == (0, 1)


@pytest.mark.parametrize("negatives", NEGATIVES)
def test_labels_are_true(negatives):
    documents = made()
    pairs = sentence_level_pairs(documents, rng(0), negatives)
    assert len(pairs) > 90
    for pair in pairs:
        assert documents[pair.document_a].sentences[pair.position_a] == pair.sentence_a
        assert documents[pair.document_b].sentences[pair.position_b] == pair.sentence_b
        adjacent = pair.document_a == pair.document_b and pair.position_b == pair.position_a + 1
        assert adjacent == (pair.label == IS_NEXT)
        if pair.label == NOT_NEXT:
            assert (pair.document_a == pair.document_b) == (negatives == "same_document")
    assert pairs == sentence_level_pairs(documents, rng(0), negatives)
    assert pairs != sentence_level_pairs(documents, rng(1), negatives)


def test_permuted_b_has_the_same_marginal_in_both_classes():
    pairs = sentence_level_pairs(made(), rng(0), "permuted")
    positive = Counter(p.sentence_b for p in pairs if p.label == IS_NEXT)
    assert positive == Counter(p.sentence_b for p in pairs if p.label == NOT_NEXT)
    assert measured_prior(pairs).is_next == 0.5


def test_length_matched_negatives_are_matched():
    texts = load_corpus("factbook")

    def lengths(negatives):
        found = [p for p in sentence_level_pairs(texts, rng(0), negatives) if p.label == NOT_NEXT]
        true = [texts[p.document_a].sentences[p.position_a + 1] for p in found]
        return np.array([[len(tokenize(t)), len(tokenize(p.sentence_b))] for t, p in zip(true, found, strict=True)])

    matched, wide = lengths("length_matched"), lengths("other_document")
    true, drawn = matched.T
    within = np.abs(true - drawn) <= 0.2 * true
    assert within.mean() > 0.99  # a few sentences are so long that no other document has such a one
    assert np.abs(true - drawn).mean() < 0.1 * np.abs(wide[:, 0] - wide[:, 1]).mean()
    assert abs(drawn.mean() - true.mean()) < 0.2  # length does not give the label away


def test_length_matching_takes_the_nearest_if_there_is_no_better():
    short, long = Document("short", ["a b", "c d", "e f g"]), Document("long", ["w " * 40 + "end", "x " * 60 + "end"])
    pairs = [p for seed in range(20) for p in sentence_level_pairs([short, long], rng(seed), "length_matched")]
    drawn = {(p.document_a, p.position_b) for p in pairs if p.label == NOT_NEXT}
    assert drawn == {(0, 0), (1, 2)}  # 41 tokens for short ones, 3 tokens for the long one


@pytest.mark.parametrize("negatives", ["other_document", "same_document", "length_matched"])
def test_no_negative_reads_like_the_true_next_sentence(negatives):
    documents = [Document(str(d), ["one a", "Applause", f"two {d}", "Applause", "three"]) for d in range(4)]
    for seed in range(20):
        for p in sentence_level_pairs(documents, rng(seed), negatives):
            true_next = documents[p.document_a].sentences[p.position_a + 1]
            assert (p.sentence_b == true_next) == (p.label == IS_NEXT)


def test_a_document_of_two_sentences_gives_no_same_document_pair():
    # It could only be IsNext, so its sentences would give the label away.
    documents = [*made(5, 2), *made(1, 6)]
    for seed in range(10):
        assert {p.document_a for p in sentence_level_pairs(documents, rng(seed), "same_document")} == {5}


def test_order_pairs_swap_half():
    pairs = sentence_order_pairs(made(40), rng(0))
    for p in pairs:
        assert p.document_a == p.document_b and p.position_b - p.position_a == (1 if p.label == IS_NEXT else -1)
    assert 0.4 < measured_prior(pairs).is_next < 0.6


@pytest.mark.parametrize("max_tokens", [16, 40, 128])
def test_bert_pairs_are_what_their_labels_say_and_fit(max_tokens):
    pairs = bert_segment_pairs(made(60, 30), rng(0), max_tokens)
    assert {p.label for p in pairs} == {IS_NEXT, NOT_NEXT}
    for p in pairs:
        tokens = tokenize(p.sentence_a) + tokenize(p.sentence_b)
        assert 2 <= len(tokens) <= max_tokens - 3
        a, b = place(p.sentence_a), place(p.sentence_b)
        if a and b and p.label == IS_NEXT:
            assert a[-1][0] == b[0][0] == p.document_a == p.document_b and b[0][1] > a[-1][1]
        if p.label == NOT_NEXT:
            assert p.document_a != p.document_b
        for segment in (a, b):  # consecutive sentences of one document
            assert [s for _, s in segment] == list(range(segment[0][1], segment[-1][1] + 1)) if segment else True


def test_bert_loses_nothing_of_a_document():
    # Sentences of one token fill every chunk exactly, so nothing is truncated.
    documents = made(40, 23, words=1)
    pairs = bert_segment_pairs(documents, rng(0), 13, short_seq_prob=0.3)
    for d, document in enumerate(documents):
        used = [p.sentence_a + (f" {p.sentence_b}" if p.label == IS_NEXT else "") for p in pairs if p.document_a == d]
        assert " ".join(used).split() == list(document.sentences)


def test_the_coin_of_bert_can_be_loaded():
    assert {p.label for p in bert_segment_pairs(made(), rng(0), 64, random_next_prob=1)} == {NOT_NEXT}
    without = bert_segment_pairs(made(60, 30), rng(0), 64, random_next_prob=0)
    assert all(p.forced == (p.label == NOT_NEXT) for p in without)


def test_ten_redraws_then_bert_accepts_the_same_document():
    # With two documents all ten draws hit the own one with probability 1/1024.
    prior = measured_prior(bert_segment_pairs(made(2, 20_000, words=1), rng(0), 8, short_seq_prob=0))
    assert 0 < prior.same_document_negatives < 0.002


def test_bert_cuts_after_any_sentence_equally_often():
    pairs = bert_segment_pairs(made(4000, 5, words=1), rng(0), 8, 0, random_next_prob=0)
    sizes = Counter(len(p.sentence_a.split()) for p in pairs)
    assert set(sizes) == {1, 2, 3, 4} and all(abs(count - 1000) < 100 for count in sizes.values())


def test_bert_passes_over_sentences_without_a_token_and_keeps_the_places():
    documents = [Document("d", ["", "d0s1 x", " ", "d0s3 y"]), Document("empty", [""]), *made(3)]
    pairs = [p for seed in range(20) for p in bert_segment_pairs(documents, rng(seed), 400, short_seq_prob=0)]
    assert {(p.position_a, p.position_b) for p in pairs if p.document_a == 0 and p.label == IS_NEXT} == {(1, 3)}
    assert 1 not in {p.document_a for p in pairs} | {p.document_b for p in pairs}
    for p in pairs:  # with so much room nothing is truncated
        assert p.sentence_a.startswith(documents[p.document_a].sentences[p.position_a])
        assert p.sentence_b.startswith(documents[p.document_b].sentences[p.position_b])


def test_bert_puts_unused_sentences_back():
    documents = made(30, 20)
    pairs = bert_segment_pairs(documents, rng(0), 64, short_seq_prob=0)
    for d in range(30):
        following = 0
        for p in (p for p in pairs if p.document_a == d):
            assert p.position_a == following
            if p.label == IS_NEXT:  # B was used: the next chunk starts after it
                following = place(p.sentence_b)[-1][1] + 1
            else:  # only A was used
                following = place(p.sentence_a)[-1][1] + 1
        assert following == 20


def test_forced_negatives_push_is_next_below_one_half():
    prior = measured_prior(bert_segment_pairs(made(400, 4, 8), rng(0), 32))
    assert prior.forced > 0.1 and prior.is_next < 0.45
    assert prior.is_next + prior.not_next == 1


def test_a_blank_line_after_every_sentence_leaves_no_is_next():
    documents = [Document(str(k), [s]) for k, s in enumerate(made(1, 200)[0].sentences)]
    prior = measured_prior(bert_segment_pairs(documents, rng(0), 64))
    assert prior.is_next == 0 and prior.forced == 1


def test_one_document_gives_negatives_of_itself():
    prior = measured_prior(bert_segment_pairs(made(1, 20_000, 8), rng(0), 64, short_seq_prob=0))
    assert prior.same_document_negatives == prior.not_next  # every NotNext: about half of all pairs
    assert prior.not_next == pytest.approx(0.5, abs=0.03)


def test_the_real_corpus_has_fewer_than_half_is_next():
    pairs = bert_segment_pairs(load_corpus("sotu")[::5], rng(0), 128)
    assert 0.42 < measured_prior(pairs).is_next < 0.48


def test_empty_documents_are_passed_over():
    documents = [Document("empty", []), *made(3)]
    assert all(p.document_b != 0 for p in sentence_level_pairs(documents, rng(0)))
    assert all(p.document_b != 0 for p in bert_segment_pairs(documents, rng(0), 32))


def test_a_split_shares_no_document():
    documents = made(23)
    parts = split_documents(documents, rng(0))
    names = [d.name for part in parts for d in part]
    assert sorted(names) == sorted(d.name for d in documents) and [len(p) for p in parts] == [18, 3, 2]
    assert [len(p) for p in split_documents(made(3), rng(0))] == [1, 1, 1]


@pytest.mark.parametrize("rule", [sentence_level_pairs, sentence_order_pairs, bert_segment_pairs, split_documents])
def test_bad_generators_and_documents_are_named(rule):
    with pytest.raises(TypeError, match="rng is a int"):
        rule(made(), 0)
    with pytest.raises(TypeError, match="RandomState"):
        rule(made(), np.random.RandomState(0))
    with pytest.raises(ValueError, match="documents is empty"):
        rule([], rng(0))
    with pytest.raises(TypeError, match=r"documents\[0\] is a str"):
        rule(["A text."], rng(0))


def test_bad_types_are_named():
    with pytest.raises(TypeError, match=r"pairs\[0\] is a tuple"):
        measured_prior([("A", "B", 0)])
    for bad in (64.0, True, "64"):
        with pytest.raises(TypeError, match="max_tokens is a"):
            bert_segment_pairs(made(), rng(0), bad)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sentence_level_pairs(made(), rng(0), "random"), "'random'"),
        (lambda: sentence_level_pairs(made(1), rng(0)), "second document"),
        (lambda: sentence_level_pairs(made(1), rng(0), "permuted"), "second document"),
        (lambda: sentence_level_pairs([*made(1, 50), *made(2, 3)], rng(0), "permuted"), "more than half"),
        (lambda: sentence_level_pairs(made(5, 1), rng(0)), "no adjacent pair"),
        (lambda: sentence_level_pairs(made(5, 2), rng(0), "same_document"), "three different sentences"),
        (lambda: sentence_level_pairs([Document("a", ["x y"] * 3)] * 2, rng(0)), "more varied text"),
        (lambda: sentence_level_pairs([Document("a", ["x y"] * 3)] * 2, rng(0), "length_matched"), "more varied text"),
        (lambda: bert_segment_pairs([Document("a", []), Document("b", [" "])], rng(0)), "none of the 2 documents"),
        (lambda: sentence_order_pairs(made(5, 1), rng(0)), "no adjacent pair"),
        (lambda: bert_segment_pairs(made(), rng(0), 7), "max_tokens is 7"),
        (lambda: bert_segment_pairs(made(), rng(0), 64, 1.5), "short_seq_prob is 1.5"),
        (lambda: bert_segment_pairs(made(), rng(0), 64, 0, -1), "random_next_prob is -1"),
        (lambda: measured_prior([]), "pairs is empty"),
        (lambda: split_documents(made(), rng(0), (0.5, 0.4)), "sum to 1"),
        (lambda: split_documents(made(2), rng(0)), "2 documents"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_order_pairs_with_a_share_of_random_ones():
    documents = [Document(f"d{k}", [f"s{k} {i}." for i in range(40)]) for k in range(5)]
    plain = sentence_order_pairs(documents, np.random.default_rng(3))
    mixed = sentence_order_pairs(documents, np.random.default_rng(3), random_share=0.2)
    random = [pair for pair in mixed if pair.document_a != pair.document_b]
    assert len(mixed) == len(plain) and len(random) == round(0.2 * len(plain))
    assert {pair.label for pair in random} == {NOT_NEXT}
    kept = [a == b for a, b in zip(plain, mixed, strict=True)]
    assert sum(kept) == len(plain) - len(random)
    assert sentence_order_pairs(documents, np.random.default_rng(3), random_share=0) == plain
    with pytest.raises(ValueError, match="random_share is 1.5"):
        sentence_order_pairs(documents, np.random.default_rng(3), random_share=1.5)
    with pytest.raises(ValueError, match="second document"):
        sentence_order_pairs(documents[:1], np.random.default_rng(3), random_share=0.2)
