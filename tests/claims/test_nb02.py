"""The claims of notebook 02."""

from collections import Counter
from functools import cache

import numpy as np
import sentencex

from nsputil.baselines import OverlapModel
from nsputil.corpus import Document, load_corpus, split_documents, split_sentences
from nsputil.losses import nsp_loss, nsp_loss_and_grad
from nsputil.metrics import accuracy, entropy
from nsputil.pairs import IS_NEXT, NOT_NEXT, measured_prior
from nsputil.segments import bert_segment_pairs
from nsputil.sentence_pairs import sentence_level_pairs
from nsputil.tokenization import SPECIAL_TOKENS, tokenize, truncate_pair
from tools.claims import cited, claim, notebook


@cache
def speeches(step):
    return load_corpus("sotu")[::step]


@cache
def tokens_of_all():
    return [[tokenize(s) for s in document.sentences] for document in speeches(1)]


@cache
def segments(seed, short=0.1, step=8):
    return bert_segment_pairs(speeches(step), np.random.default_rng(seed), short_seq_prob=short)


@claim(
    "forced-is-the-gap",
    "Step 4 only ever makes NotNext, and among the pairs for which the coin was tossed, the two labels are "
    "about equally frequent.",
)
def test_only_step_4_makes_the_difference_to_one_half():
    assert all(p.label == NOT_NEXT for seed in range(3) for p in segments(seed) if p.forced)
    thrown = [p.label for seed in range(3) for p in segments(seed) if not p.forced]
    assert abs(np.mean(thrown) - 0.5) < 3 * 0.5 / len(thrown) ** 0.5


@claim(
    "sentences-fit",
    "But why are 9 % of the pairs forced, when more than 99 % of all sentences are shorter than 125 tokens?",
)
def test_nearly_all_sentences_are_shorter_than_the_target():
    lengths = np.array([len(each) for document in tokens_of_all() for each in document])
    assert (lengths < 125).mean() > 0.99


@claim(
    "short-targets-force",
    "Most forced pairs come from the one document in ten with a short target, where a single sentence already "
    "fills the chunk.",
)
def test_most_forced_pairs_come_from_short_targets():
    forced = {short: [measured_prior(segments(seed, short)).forced for seed in range(3)] for short in (0.1, 0.0)}
    assert np.mean(forced[0.0]) < np.mean(forced[0.1]) / 2
    assert max(forced[0.0]) < 0.03  # without short targets it hardly happens, whatever the seed


@claim(
    "chunks-overshoot",
    "A chunk ends with the sentence that reaches the target, so with the full target it is nearly always too long and "
    "gets trimmed, and half of the trimming happens at the seam.",
)
def test_chunks_overshoot_and_half_of_the_trimming_is_at_the_seam():
    texts = [[" ".join(tokenize(s)) for s in document.sentences] for document in speeches(8)]
    pairs = [p for p in segments(0, 0.0) if p.label == IS_NEXT]
    trimmed, at_seam, removed = [], 0, 0
    for pair in pairs:
        text = texts[pair.document_a]
        a, b = pair.sentence_a.split(), pair.sentence_b.split()
        before = " ".join(text[pair.position_a : pair.position_b]).split()
        start = next(i for i in range(len(before) - len(a) + 1) if before[i : i + len(a)] == a)
        after = " ".join(text[pair.position_b : pair.position_b + 60]).split()
        at_seam += len(before) - start - len(a)
        removed += len(before) - len(a)
        skipped = next(i for i in range(len(after) - len(b) + 1) if after[i : i + len(b)] == b)
        at_seam += skipped
        trimmed.append(len(a) + len(b) == 125)
        # the end of B: the shortest whole sentences that hold it
        length, k = 0, pair.position_b
        while length < skipped + len(b):
            length += len(text[k].split())
            k += 1
        removed += length - len(b)
    assert np.mean(trimmed) > 0.9
    assert 0.42 < at_seam / removed < 0.58


@claim(
    "prior-is-cheapest",
    "The cheapest constant announcement is the prior itself.",
)
def test_the_prior_is_the_cheapest_constant():
    announced = np.linspace(0.001, 0.999, 999)
    for q in (0.1, 0.25, 0.4, 0.5, 0.9):
        cost = -(q * np.log(announced) + (1 - q) * np.log(1 - announced))
        assert abs(announced[cost.argmin()] - q) < 1e-9 and abs(cost.min() - entropy(q)) < 1e-9


@claim(
    "above-entropy-still-knows",
    "It does not say that the model learned nothing: a model that is right on 80 % of the pairs and far too "
    "sure of itself can have a loss above H(prior).",
)
def test_a_model_can_be_right_on_80_percent_with_a_loss_above_the_entropy():
    labels = np.array([IS_NEXT] * 40 + [NOT_NEXT] * 60)
    says = labels.copy()
    says[:8], says[40:52] = 1 - says[:8], 1 - says[40:52]
    gap = np.where(says == IS_NEXT, 4.0, -4.0)
    logits = np.column_stack([gap / 2, -gap / 2])
    assert accuracy(logits, labels) == 0.8 and nsp_loss(logits, labels) > entropy(0.4) + 0.1


@claim(
    "one-sentence-no-next",
    "A document of one sentence has no next sentence, so every pair is forced to be NotNext.",
)
@claim(
    "one-class-loss-zero",
    "A model then learns to say NotNext always: its loss falls toward 0 and its accuracy rises to 1.",
)
def test_documents_of_one_sentence_force_every_pair_and_one_label_is_learned_at_once():
    single = [Document(str(i), (s,)) for i, s in enumerate(speeches(60)[0].sentences[:80])]
    for seed in range(3):
        pairs = bert_segment_pairs(single, np.random.default_rng(seed))
        assert measured_prior(pairs).forced == 1 and measured_prior(pairs).is_next == 0
    labels, bias = np.array([p.label for p in pairs]), np.zeros(2)
    for _ in range(2000):
        loss, gradient = nsp_loss_and_grad(np.tile(bias, (len(labels), 1)), labels)
        bias -= gradient.sum(axis=0)
    assert loss < 0.001 and accuracy(np.tile(bias, (len(labels), 1)), labels) == 1


@claim(
    "ten-draws",
    "It draws ten times, gives up without a warning, and takes text from the same document.",
)
def test_one_document_gives_negatives_of_itself():
    whole = [Document("everything", tuple(s for d in speeches(60) for s in d.sentences))]
    for seed in range(3):
        prior = measured_prior(bert_segment_pairs(whole, np.random.default_rng(seed)))
        assert prior.same_document_negatives == prior.not_next > 0.4


@claim(
    "leak-n",
    "On the 12,242 pairs from 20 speeches that it did not train on, this small model is exactly at chance with "
    "negatives from the speeches, and right on 98.9 % with foreign negatives, without reading A.",
)
def test_the_pairs_on_which_b_alone_is_tested():
    parts = speeches(1)[:40], speeches(1)[40:60]
    assert not {d.name for d in parts[0]} & {d.name for d in parts[1]} and len(parts[1]) == 20
    pairs = sentence_level_pairs(parts[1], np.random.default_rng(0), "permuted")
    assert len(pairs) == 12_242
    outputs = {c.id: c.outputs for c in notebook("02").cells if c.cell_type == "code"}
    said = "".join(o.text for id in ("leak-permuted", "leak-foreign") for o in outputs[id])
    assert "B alone 0.500" in said and "B alone 0.989" in said


@claim(
    "permuted-closes",
    'The rule `"permuted"` closes this door completely: it uses every B exactly twice, once where it '
    "belongs and once elsewhere, so B alone *cannot* tell.",
)
def test_permuted_uses_every_b_once_in_each_class():
    for seed in range(3):
        counts = {IS_NEXT: Counter(), NOT_NEXT: Counter()}
        for pair in sentence_level_pairs(speeches(12), np.random.default_rng(seed), "permuted"):
            counts[pair.label][pair.document_b, pair.position_b] += 1
        assert counts[IS_NEXT] == counts[NOT_NEXT] and set(counts[IS_NEXT].values()) == {1}


@claim(
    "first-never-next",
    'The default rule, `"other_document"`, leaves it open: the first sentence of a document can be the B of a '
    "NotNext pair, but never that of an IsNext pair.",
)
def test_first_sentences_are_only_negatives_by_the_default_rule():
    pairs = [p for seed in range(3) for p in sentence_level_pairs(speeches(12), np.random.default_rng(seed))]
    assert {p.label for p in pairs if p.position_b == 0} == {NOT_NEXT}


@claim(
    "short-documents-are-negatives",
    "Also, it draws each of the other documents equally often, so sentences of short documents are the B of a NotNext "
    "pair more often than that of an IsNext pair.",
)
def test_short_documents_give_more_negatives_by_the_default_rule():
    documents = speeches(12)
    sizes = np.array([len(document.sentences) for document in documents])
    short = sizes < np.median(sizes)
    pairs = sentence_level_pairs(documents, np.random.default_rng(0))
    share = {label: np.mean([short[p.document_b] for p in pairs if p.label == label]) for label in (IS_NEXT, NOT_NEXT)}
    assert share[NOT_NEXT] > 1.3 * share[IS_NEXT]


@claim(
    "repeated-long",
    "But 188 different sentences of more than 20 tokens are repeated as well, 187 of them in more than one speech.",
)
def test_whole_sentences_occur_in_more_than_one_speech():
    tokens = {
        s: t
        for d, each in zip(speeches(1), tokens_of_all(), strict=True)
        for s, t in zip(d.sentences, each, strict=True)
    }
    counts = Counter(s for d in speeches(1) for s in d.sentences)
    long = [s for s, k in counts.items() if k > 1 and len(tokens[s]) > 20]
    holders = Counter(s for d in speeches(1) for s in set(d.sentences))
    assert len(long) == 188 and sum(holders[s] > 1 for s in long) == 187


@claim(
    "overlap-beats-chance",
    "Even by document, the accuracy is far from chance.",
)
def test_shared_words_beat_chance_by_document():
    train, _, test = split_documents(speeches(3), np.random.default_rng(0))
    rng = np.random.default_rng(0)
    model = OverlapModel.fit(sentence_level_pairs(train[::3], rng, "permuted"))
    pairs = sentence_level_pairs(test, rng, "permuted")
    right = model.logits(pairs).argmax(axis=1) == [p.label for p in pairs]
    speech = np.array([p.document_a for p in pairs])
    total, good = np.bincount(speech), np.bincount(speech, right)
    drawn = rng.integers(len(total), size=(2000, len(total)))
    assert np.quantile(good[drawn].sum(axis=1) / total[drawn].sum(axis=1), 0.025) > 0.6


@claim(
    "unknown-by-speech",
    "In all 25 test speeches together it is 3.1 of 100, and in single ones 1.5 to 7.0: the words of the vocabulary "
    "make up nearly all of this text, though more of some speeches than of others.",
)
def test_the_unknown_tokens_of_new_speeches():
    train, _, test = split_documents(speeches(1), np.random.default_rng(0))
    texts = {document.name: each for document, each in zip(speeches(1), tokens_of_all(), strict=True)}
    counts = Counter(word for each in train for sentence in texts[each.name] for word in sentence)
    known = set(sorted(counts, key=lambda word: (-counts[word], word))[: 8000 - len(SPECIAL_TOKENS)])
    found = [[word not in known for sentence in texts[each.name] for word in sentence] for each in test]
    shares = [100 * np.mean(each) for each in found]
    assert len(test) == 25 and round(100 * np.mean(np.concatenate(found)), 1) == 3.1
    assert (round(min(shares), 1), round(max(shares), 1)) == (1.5, 7.0)


@claim(
    "german-date",
    "It cuts the German date in two, because it knows only the rules of English.",
)
def test_the_same_splitter_with_german_rules_keeps_the_date_whole():
    text = "Sie kommt am 3. Oktober. Er bleibt."
    assert split_sentences(text) == ["Sie kommt am 3.", "Oktober.", "Er bleibt."]
    assert len(list(sentencex.segment("de", text))) == 2


@claim(
    "seam-half-to-k",
    "In general, a pair that loses k tokens keeps its seam with probability `0.5**k`.",
)
def test_each_token_lost_halves_the_chance_that_the_seam_is_whole():
    rng = np.random.default_rng(0)
    for size_a, size_b, lost in ((9, 4, 1), (5, 5, 2), (7, 6, 4), (3, 9, 3)):
        a, b = list(range(size_a)), list(range(100, 100 + size_b))
        cut = [truncate_pair(a, b, size_a + size_b - lost, rng) for _ in range(4000)]
        whole = np.mean([x[-1] == a[-1] and y[0] == b[0] for x, y in cut])
        assert abs(whole - 0.5**lost) < 4 * np.sqrt(0.5**lost * (1 - 0.5**lost) / 4000)
    assert truncate_pair(list("abcdef"), list("vwx"), 8)[0] == list("abcde")  # the rule of `encode_pairs`


@claim(
    "ten-passes-related",
    "If you make ten passes and then hold out a tenth of the *pairs*, nearly every held-out A begins where an A of "
    "the training pairs begins.",
)
def test_pairs_held_out_after_ten_passes_begin_where_training_pairs_begin():
    some = speeches(8)[:8]
    passes = [bert_segment_pairs(some, np.random.default_rng(seed)) for seed in range(10)]
    starts = [(pair.document_a, pair.position_a) for found in passes for pair in found]
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(starts))
        held_out, kept = np.split(order, [len(order) // 10])
        known = {starts[k] for k in kept}
        assert np.mean([starts[k] in known for k in held_out]) > 0.9


@claim(
    "k-negatives-shift-by-ln-k",
    "So for an ideal model, k such negatives instead of one lower every log-odds by the same ln k, and no ranking "
    "changes.",
)
def test_the_number_of_negatives_shifts_the_log_odds_of_an_ideal_model_by_its_logarithm():
    rng = np.random.default_rng(0)
    if_true, if_false = rng.dirichlet(np.ones(50)), rng.dirichlet(np.ones(50))  # 50 texts, two kinds of pairs
    for k in (3, 7, 100):
        by_counts = [np.log(if_true / (n * if_false)) for n in (1, k)]  # n false pairs for each true one
        assert np.allclose(by_counts[0] - by_counts[1], np.log(k))
        assert (np.argsort(by_counts[0]) == np.argsort(by_counts[1])).all()


@claim(
    "false-negatives-keep-the-order",
    "The ranking suffers less than the probabilities: a model that knows the truth says `1 / (1 + k f)` to a true pair "
    "and 0 to a false one, so it still puts every true pair first.",
)
def test_the_best_answer_to_a_true_pair_with_false_negatives():
    for k, false in ((1, 0.05), (4, 0.05), (15, 0.05), (4, 0.7)):
        best, grid = 1 / (1 + k * false), np.linspace(0.001, 0.999, 999)
        counts = np.array([1, k * false])  # of the labels that a pair which looks true carries
        losses = -counts @ np.log([grid, 1 - grid])
        assert abs(grid[losses.argmin()] - best) <= 0.0005 + 1e-12
        assert best > 0  # what a pair that looks false gets, which is never labeled as true


CITED = [
    cited(
        "line-is-sentence",
        "To BERT's script, a sentence is one *line* of its input file "
        "([google-research/bert](../docs/references.md#bert-code)).",
        "bert-code",
    ),
    cited(
        "why-the-coin",
        "A comment in BERT's code gives the reason for the coin: more randomness and less bias "
        "([google-research/bert](../docs/references.md#bert-code)).",
        "bert-code",
    ),
    cited(
        "dupe-default",
        "The number of passes is the option `dupe_factor`, which is 10 by default "
        "([google-research/bert](../docs/references.md#bert-code)).",
        "bert-code",
    ),
    cited(
        "duplicates-in-public",
        "In text that was collected from the web it can be much: a user reports that thousands of repeated lines kept "
        "the training loss near 8 ([google-research/bert#746](../docs/references.md#bert-746)).",
        "bert-746",
    ),
    cited(
        "rule-left-out",
        "BERT's script also repeats the corpus with new draws and shuffles the result; both are left out here.",
        "bert-code",
    ),
    cited(
        "the-rule",
        "This is the rule of [google-research/bert](../docs/references.md#bert-code), applied to each document:",
        "bert-code",
    ),
    cited(
        "input-format",
        "BERT's input files have one sentence on each line and an empty line between documents "
        "([google-research/bert](../docs/references.md#bert-code)).",
        "bert-code",
    ),
    cited(
        "seam-noticed",
        "A user of BERT's code asked about this in 2019 ([google-research/bert#627](../docs/references.md#bert-627)).",
        "bert-627",
    ),
    cited(
        "shuffle-documents",
        "In the same way, shuffle documents and never lines: a library once shuffled the lines of its training data, "
        "and A was no longer followed by its B ([FARM#426](../docs/references.md#farm-426)).",
        "farm-426",
    ),
    cited(
        "blank-lines-in-public",
        "A user of BERT's own script got such labels, all equal, in this way "
        "([google-research/bert#125](../docs/references.md#bert-125)).",
        "bert-125",
    ),
    cited(
        "true-next-called-random",
        "Among the NotNext pairs there can then be some in which B really does follow A "
        "([NVIDIA/DeepLearningExamples#421](../docs/references.md#nvidia-421)).",
        "nvidia-421",
    ),
    cited(
        "ninety-seven",
        "BERT's authors report 97 % to 98 % accuracy on NSP ([Devlin et al., "
        "2019](../docs/references.md#devlin-2019)).",
        "devlin-2019",
    ),
    cited(
        "topic-not-order",
        "A and a random B are usually about different topics, so a model can do well by matching topics and "
        "without looking at order ([Lan et al., 2020](../docs/references.md#lan-2020)).",
        "lan-2020",
    ),
    cited(
        "record-fields",
        "BERT's script writes each pair as a record of fixed length: three arrays of `max_seq_length` numbers (ids, "
        "mask, segments), three arrays of `max_predictions_per_seq` numbers for the hidden words of notebook "
        "[08](08_joint_objective_and_real_bert.ipynb), and one label.",
        "bert-code",
    ),
    cited(
        "record-grows",
        "One user got 697 MB from a text of 32 MB ([bert#1161](../docs/references.md#bert-1161)).",
        "bert-1161",
    ),
    cited(
        "record-lengths-agree",
        "The program that reads the records has to know both lengths; if one of them differs from that of the file, it "
        'stops with "Can\'t parse serialized Example" and the name of the array '
        "([bert#752](../docs/references.md#bert-752)).",
        "bert-752",
    ),
    cited(
        "record-memory",
        "One of BERT's authors advises cutting the corpus into several files and running the script on each "
        "([bert#117](../docs/references.md#bert-117)).",
        "bert-117",
    ),
]
