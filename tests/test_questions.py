"""docs/questions.md and docs/tables.md: each question has a thread, an answer, words and a cell; numbers are true."""

import math
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import numpy as np
import pytest

from nsputil.bert import BertEncoder
from nsputil.corpus import read_documents
from nsputil.gradcheck import numerical_gradient
from nsputil.losses import log_softmax, nsp_loss, nsp_loss_and_grad, nsp_loss_from_probs, sigmoid
from nsputil.metrics import accuracy_interval, entropy
from nsputil.pairs import SentencePair
from nsputil.tokenization import Vocabulary, encode_pairs, tokenize

ROOT = Path(__file__).resolve().parents[1]
ASKED, TABLES = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("questions.md", "tables.md"))
PAGE = ASKED + TABLES
HOSTS = {
    "github.com": r"/[\w.-]+/[\w.-]+/(issues|pull)/\d+",
    "stackoverflow.com": r"/questions/\d+(/[\w-]+)?",
    "ai.stackexchange.com": r"/questions/\d+(/[\w-]+)?(/\d+)?",
    "datascience.stackexchange.com": r"/questions/\d+(/[\w-]+)?",
    "stats.stackexchange.com": r"/questions/\d+(/[\w-]+)?",
    "discuss.pytorch.org": r"/t/[\w-]+/\d+",
    "discuss.huggingface.co": r"/t/[\w-]+/\d+",
    "discuss.d2l.ai": r"/t/\d+",
    "discourse.chrismccormick.ai": r"/t/[\w-]+/\d+",
    "forums.fast.ai": r"/t/[\w-]+/\d+",
    "www.reddit.com": r"/r/\w+/comments/\w+",
    "torontoai.org": r"/\d+/\d\d/\d\d/[\w-]+/",
    "exchangetuts.com": r"/[\w-]+-\d+",
    "math.techqa.club": r"/[\w-]+-\d+",
    "mail.queryxchange.com": r"/q/\d+_\d+/[\w-]+/",
    "example-a.com": r"/answer/\d+",
    "intellipaat.com": r"/community/\d+/[\w-]+",
    "kiwix.cwells.dev": r"/content/[\w.-]+/questions/\d+/[\w-]+",
    "errorsfixing.com": r"/[\w-]+/",
    "redlib.fmhy.net": r"/r/\w+/comments/\w+/\w+",
    "deniz.vsos.ethz.ch": r"/reddit/r/\w+/comments/\w+/\w+",
    "community.konduit.ai": r"/t/[\w-]+/\d+",
    "whosebug.com": r"/question/\d+/[\w-]+",
}
#: What learners type when they search, in their own words; the first seven are those of the plan of the page.
LEARNERS_WORDS = ["coherence", "transfer", "overconfident", "fp16", "one-hot", "validation", "embedding", "mask"]
LEARNERS_WORDS += [
    "truncation",
    "negative sampling",
    "0.693",
    "stuck",
    "NaN",
    "ignore_index",
    "segment",
    "pooler",
    "CLS",
]
LEARNERS_WORDS += [
    "SEP",
    "padding",
    "label smoothing",
    "class weights",
    "gradient accumulation",
    "dropout",
    "eval mode",
]
LEARNERS_WORDS += ["warm-up", "learning rate", "seed", "calibration", "temperature", "threshold", "zero-shot", "SOP"]
LEARNERS_WORDS += [
    "RoBERTa",
    "ALBERT",
    "similarity",
    "generation",
    "Jacobian",
    "loss scale",
    "double softmax",
    "dupe_factor",
]
LEARNERS_WORDS += ["tfrecord", "DistilBERT", "XLNet", "weight decay", "adam_m", "keras-bert", "Trainer"]
LEARNERS_WORDS += ["convert", "ONNX"]
LEARNERS_WORDS += ["hard negative", "BM25", "bi-encoder", "cross-encoder", "undersampling", "imbalanced", "LAMB"]
LEARNERS_WORDS += ["class weights", "freeze", "long documents", "from scratch", "ratio", "convergence", "model.eval()"]
LEARNERS_WORDS += ["log-probabilities", "MRPC", "size mismatch", "256", "Horovod", "second-to-last", "memory-mapped"]
PARTS = re.compile(
    r"(?P<answer>.+)\n\n\*Asked in:\* (?P<links>.+?)\. "
    r"\*(?P<how>Taught in|Nearest cell):\* \[(?P<number>\d\d)\]\(\.\./notebooks/(?P<file>[\w.]+)\), "
    r"cell `(?P<cell>[\w-]+)`(?P<not_yet> \(not yet in a notebook\))?\.\n\n\*Key words:\* (?P<words>.+)"
)
NUMBER = re.compile(r"(?<![\w.])\d+\.\d{3,}")
LINK = re.compile(r"\[([^\]]+)\]\((https://[^)\s]+)\)")


def _questions():
    """Return {question: its parts}, and the questions of each theme in order."""
    found, themes = {}, {}
    for section in re.split(r"^## ", ASKED, flags=re.M)[1:]:
        theme, *entries = re.split(r"^### ", section, flags=re.M)
        themes[theme.strip()] = len(entries)
        for entry in entries:
            question, text = entry.split("\n", 1)
            parts = PARTS.fullmatch(text.strip())
            assert parts, f"not in the form of the page: {question}"
            assert question not in found, f"asked twice: {question}"
            found[question] = parts
    return found, themes


QUESTIONS, THEMES = _questions()


def test_there_are_enough_questions_and_the_table_of_contents_agrees():
    assert len(QUESTIONS) >= 120
    assert f"\n{len(QUESTIONS)} questions that people asked" in PAGE
    (told,) = re.findall(r"more than (\d+) questions from forums", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert 0 < len(QUESTIONS) - int(told) < 50
    listed = re.findall(r"^\| \[(.+)\]\(#([\w-]+)\) \| (\d+) \|$", PAGE, re.M)
    assert [(theme, int(count)) for theme, _, count in listed] == list(THEMES.items())
    for theme, anchor, _ in listed:
        assert anchor == re.sub(r"[^\w -]", "", theme.lower()).replace(" ", "-")


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_has_its_thread_an_answer_and_key_words(question):
    parts = QUESTIONS[question]
    assert question.rstrip('`"').endswith(("?", ".")), "a question, or a complaint that is one"
    links = LINK.findall(parts["links"])
    assert links and LINK.sub("", parts["links"]).replace(",", "").strip() == ""
    for name, link in links:
        at = urlsplit(link)
        assert at.netloc in HOSTS and re.fullmatch(HOSTS[at.netloc], at.path), link
        if at.netloc == "github.com":
            owner, repository, _, number = at.path.strip("/").split("/")
            assert name == f"{owner}/{repository}#{number}"
        else:
            assert name.split()[-1] in re.split("[/-]", at.path), (name, link)
    sentences = re.findall(r"[.!?:](?=\s+[A-Z\"`0-9(]|$)", parts["answer"])
    assert 2 <= len(sentences) <= 7 and 90 <= len(parts["answer"]) <= 1000
    assert len([word for word in parts["words"].split(",") if word.strip()]) >= 3


def test_no_question_points_to_a_cell_that_is_gone():
    cells = {
        path.name: {cell.id for cell in nbformat.read(path, as_version=4).cells}
        for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    for question, parts in QUESTIONS.items():
        assert parts["file"].startswith(parts["number"]) and parts["cell"] in cells.get(parts["file"], ()), question
        assert (parts["how"] == "Nearest cell") == bool(parts["not_yet"]), question


def test_an_answer_that_no_cell_teaches_has_a_worked_line_or_figures():
    for question, parts in QUESTIONS.items():
        if parts["not_yet"]:
            assert re.search(r"worked line|\d\.\d|arXiv", parts["answer"]), question


@pytest.mark.parametrize("word", LEARNERS_WORDS)
def test_a_learner_s_word_finds_a_question(word):
    assert [q for q, parts in QUESTIONS.items() if word.lower() in parts["words"].lower()]


def test_every_theme_and_notebook_is_asked_about():
    assert min(THEMES.values()) >= 5
    assert Counter(parts["number"] for parts in QUESTIONS.values()).keys() >= {f"{n:02}" for n in range(1, 11)}


#: Figures of others, as their threads and papers give them.
PUBLISHED = {
    "0.0728",
    "0.1863",
    "0.155",
    "0.4948",
    "3.5181",
    "2.2946",
    "3.9515",
    "2.5397",
    "5.2880",
    "6.0952",
    "0.9939",
    "2109.03564",
    "1909.10351",
    "0.9998",
    "0.0012",
    "0.00176",
    "0.1078",
    "0.2696",
    "0.48397",
    "0.48753",
    "0.00009625",
    "0.827",
    "0.774",
    "0.010",
    "0.017",
    "0.000176",
    "3.035",
    "0.016",
    "0.234",
    "0.5742",
    "0.5729",
    "8.14593",
    "8.2548",
    "0.6924",
    "0.405",
    "0.930",
    "0.645",
    "0.779",
    "0.271",
    "0.351",
    "1.229",
    "0.6925",
    "0.6932",
    "0.089",
    "0.0009",
    "0.2259",
    "0.2092",
    "0.0059",
    "0.0111",
    "0.0098",
    "0.029",
    "0.703",
    "0.566",
    "0.813",
}
#: Choices and measurements that the page itself explains: learning rates; `nsp-mini` on 600 pairs.
EXPLAINED = {"0.0001", "0.000025", "0.865", "0.863", "0.0000006"}


#: The rows of pytorch/pytorch#72056 whose label is not ignored; all of them have class 0.
EIGHT_ROWS = np.array(
    [
        [0.1735, 0.2191],
        [-0.2162, 0.2021],
        [-0.1177, 0.2157],
        [-0.1232, 0.2620],
        [-0.1578, 0.4038],
        [-0.0209, 0.3298],
        [-0.0639, 0.2317],
        [-0.4211, 0.3420],
    ]
)


def _gap(a, b):
    return float(sigmoid(np.array(a - b)))


def _curvatures(p):
    """Return the second derivatives of (1 - p)^2 and of -log p in the gap, where the gold class has p."""
    gap = np.log(p / (1 - p)) + np.array([-1e-3, 0, 1e-3])
    return [np.diff(loss, 2)[0] / 1e-6 for loss in ((1 - sigmoid(gap)) ** 2, -np.log(sigmoid(gap)))]


def _row(*scores):
    """Return the loss of a row of scores whose first one is right."""
    return -log_softmax(np.array(scores, float))[0]


def _computed_of_contrast_and_weights():
    """Return more numbers of worked lines: contrastive losses, two softmaxes, weights with smoothing, runs."""
    table = np.array([[3, 2.9], [0, 1]])
    rows, columns = (-np.diag(log_softmax(t)).mean() for t in (table, table.T))
    twice = np.exp(log_softmax(np.array([4.0, 0])))  # two outputs that softmax has made of [4, 0]
    again = np.exp(log_softmax(twice))
    p, smooth = 0.8, np.array([0.9, 0.05, 0.05])
    log_p, three = log_softmax(EIGHT_ROWS), log_softmax(np.array([2.0, 1, 0]))
    plain, weighted = 0.95 * log_p[:, 0] + 0.05 * log_p[:, 1], 0.95 * log_p[:, 0] + 16 * 0.05 * log_p[:, 1]
    return {
        "0.5130": _row(0.9, 0.5), "0.0003": _row(0.9 / 0.05, 0.5 / 0.05), "3.1854": _row(1, *[0] * 63),
        "0.2395": _row(2, 0, 0), "2.2395": _row(0, 2, 0), "0.4788": rows, "1.0440": columns,
        "0.0980": entropy(0.02), "0.0223": -((1 - p) ** 2) * (2 * p * np.log(p) - (1 - p)),
        "1.2871": -np.log(again[1]), "4.0181": _row(0, 4), "0.0256": again[0] * 2 * twice[0] * twice[1],
        "1.2842": -weighted.mean(), "0.8943": -plain.mean(), "0.3944": -np.sum(smooth * np.log(smooth)),
        "0.651": 500 / 768, "0.669": 5140 / 7680, "0.000044": 0.000176 / np.sqrt(16), "3.8918": np.log(49),
        "5.5597": np.log(49) * 0.1 / 0.07, "0.013": 0.6 / np.sqrt(2000),
        "0.2152": -(0.95 * np.log(0.9) + 0.05 * np.log(0.1)),
        "0.3808": _gap(2, 0) - 0.5, "0.0306": (_gap(2 / 4, 0) - 0.5) / 4, "0.4898": 4 * (_gap(2 / 4, 0) - 0.5),
        "0.3669": entropy(0.88), "1.8746": np.log1p(15 / np.e), "1.1931": np.log(2) + 0.5,
        "0.9997": _gap(8.1, 0), "0.0002": _gap(-8.3, 0),
        "1.0000": 1 - 0.1 / 7 + 0.1 / 7, "0.0143": 0.1 / 7, "1.0857": 1 + 6 * 0.1 / 7, "0.9143": 1 - 0.1 + 0.1 / 7,
        "0.9211": 1 / (1 + 0.6 / 7), "0.0132": (0.1 / 7) / (1 + 0.6 / 7),
        "5.5413": np.log(255), "11.0904": np.log(65_537), "0.0077": _row(0.95 / 0.05, *[0.5 / 0.05] * 63),
        "0.0433": 0.25 * 0.5**2 * np.log(2), "0.1300": 0.75 * 0.5**2 * np.log(2),
        "0.5899": -(0.7**2) * np.log(0.3), "0.0011": -(0.1**2) * np.log(0.9),
        "1.9173": -np.log(0.7**2 * 0.3), "4.7105": -np.log(0.1**2 * 0.9),
        "0.4227": entropy(0.15), "0.2664": entropy(0.075),
        "0.5999": -np.log([0.6, 0.55, 0.5, 0.55]).mean(), "0.5614": 0.81 * np.log(2),
        "0.6652": np.exp(three[0]), "0.2447": np.exp(three[1]), "0.0900": np.exp(three[2]),
        "0.3348": 1 - np.exp(three[0]),
    }  # fmt: skip


def _spearman(share):
    """Return the Spearman correlation of scores without ties and labels of two values that they separate."""
    n = 30_000
    ranks, ones = np.arange(n), round(share * n)
    tied = np.repeat([(n - ones - 1) / 2, n - ones + (ones - 1) / 2], [n - ones, ones])
    return np.corrcoef(ranks, tied)[0, 1]


def _computed_of_the_third_list():
    """Return the numbers of worked lines on weights, exponentials, scales and shares."""
    true, said = np.array([0.7, 0.2, 0.1]), np.array([0.9, 0.05, 0.05])
    cosines = np.array([0.9, 0.1, 0.1, 0.1]) / 0.1
    target, output = np.array([0.1541, 0.0511, 0.0947]), np.array([0.1132, 0.5477, 0.3390])  # of pytorch#60928
    return {
        "2.9802": (0.1 * 1 + 10 * 3) / 10.1, "6.9014": cosines[0] - np.log(np.exp(cosines[1:]).sum()),
        "0.0010": _row(*cosines), "0.7071": np.exp(np.log(2) / 2) / 2, "0.0074": _row(16, 10, 10, 10),
        "0.3408": _row(1, -1, -1, -1), "0.1269": _row(2, 0), "0.3832": _row(*np.exp(log_softmax(np.array([2.0, 0])))),
        "2.0794": np.log(8), "2.7726": np.log(16), "4.8442": np.log(127),
        "0.8018": -(true * np.log(true)).sum(), "0.9725": -(true * np.log(said)).sum(),
        "2.6593": np.log(1 / 0.07), "14.2857": 1 / 0.07, "1.2539": np.log1p(511 * np.exp(-2 * np.log(1 / 0.07))),
        "0.0079": entropy(0.001), "0.8165": _spearman(1 / 3), "0.8660": _spearman(1 / 2), "0.5196": _spearman(0.1),
        "5.5452": np.log(256), "0.2999": target.sum(), "0.0648": -(target * np.log(target / output)).mean(),
    }  # fmt: skip


def _computed_of_the_fourth_list():
    """Return the numbers of worked lines on single probabilities and on rows that do not sum to 1."""
    yes, pairs = 279, 408  # of MRPC's development set
    return {
        "0.2877": -np.log(0.75), "0.5108": -np.log(0.3 / 0.5), "1.2040": -np.log(0.3),
        "0.297": 1 - 0.703, "0.033": 1 / 30, "0.684": yes / pairs, "0.812": 2 * yes / (yes + pairs),
    }  # fmt: skip


def _two(p):
    """Return the mean loss where 95 % are right and p is announced for each."""
    return -(0.95 * np.log(p) + 0.05 * np.log(1 - p))


def _computed():
    """Return the numbers of the worked lines, from the functions of the course."""
    three = nsp_loss_from_probs([[p, 1 - p] for p in (0.9, 0.8, 0.1)], [0, 0, 0], reduction="none")
    seven = nsp_loss_from_probs([[0.6, 0.4]] * 10, [0] * 7 + [1] * 3)
    odds = 0.8 / 0.2 * (0.1 / 0.9)
    published = [[5.2880, -6.0952]]
    targets = (1 - 0.1) * np.array([1, 0]) + 0.1 / 2
    push, curvature = np.exp(log_softmax(np.array([5.0, 4, -2]))), _curvatures(0.2)
    counts = np.array([2632, 613, 426])
    balanced, sizes = counts.sum() / (3 * counts), np.log([1.0, 2.0, 6.0])  # of classes; of orders of 1 to 3 pieces
    values = {
        "0.1054": three[0], "0.8770": three.mean(), "0.6325": seven,
        "5.8127": 3.5181 + 2.2946, "0.9970": _gap(3.5181, -2.2946), "0.9985": _gap(3.9515, -2.5397),
        "11.3832": nsp_loss(published, [1]), "0.0000114": nsp_loss(published, [0]),
        "3.3219": -np.log2(0.1), "0.6065": np.exp(-0.5), "10.3262": np.log(30522), "3.4657": np.log(32),
        "0.5514": -log_softmax(np.array([1.0, 0, 0]))[0], "0.7437": -log_softmax(np.array([1.0, 0, 0, 0]))[0],
        "0.0337": 0.033673443, "0.000655": float(np.float16(1e-8 * 65536)), "0.5004": entropy(0.2),
        "0.095": (targets * [0.1, 0.9])[0], "0.045": (targets * [0.1, 0.9])[1],
        "0.782": np.mean([0.86, 0.85, 0.50, 0.86, 0.84]), "0.9820": _gap(4, 0), "0.8808": _gap(4 / 2, 0),
        "0.4356": _gap(-0.0728, 0.1863), "0.6158": _gap(0.3190, -0.1528),
        "0.5052": 1 - 0.4948, "0.3502": (1 - 0.4948) * np.log(2),
        "0.5623": entropy(0.25), "0.000622": 0.00176 * np.sqrt(512 / 4096), "0.1618": 0.2696 - 0.1078,
        "0.554": 0.02 * np.sqrt(768), "0.4444": odds, "0.3077": odds / (1 + odds),
        "0.0641": np.log(0.51603 / 0.48397), "0.0499": np.log(0.51247 / 0.48753),
        "0.5987": _gap(0.4, 0), "0.31617647": 129 / 408, "0.6838235": 279 / 408, "0.4463": -2 * np.log(0.8),
        "0.0000661": 0.0001 * np.sqrt(112 / 256), "0.0000125": 0.0001 / 8, "0.0008": 8 * 0.0001,
        "0.00154": 16 * 0.00009625,
        "0.7306": push[0], "0.2688": push[1], "0.0007": push[2], "0.1024": -curvature[0], "0.1600": curvature[1],
        "0.4649": balanced[0], "1.9962": balanced[1], "2.8725": balanced[2], "0.000001": 0.0001 * 100 / 10_000,
        "0.6838": 279 / 408, "0.8122": 2 * 279 / (408 + 279), "0.6240": entropy(279 / 408),
        "1.9269": np.log(3) + sizes.mean(), "2.1972": np.log(9),
        "0.8603": 351 / 408, "0.00003125": 0.001 / 32, "0.032": 0.001 * 32, "0.4055": np.log(1.5),
        "0.99998": _gap(9.15, -1.79), "0.6365": entropy(1 / 3), "0.106": 0.6 / np.sqrt(32), "5.9915": np.log(400),
        "2.1269": np.log1p(np.exp(2)), "1.6809": np.log1p(np.exp([3, -1])).mean(), "6.4912": 3.9515 + 2.5397,
        "1.0397": -np.sum([0.25, 0.25, 0.5] * np.log([0.25, 0.25, 0.5])), "0.0714": 1 / 14, "0.7143": 1 / 1.4,
        "0.2925": -(0.95 * np.log(0.8) + 0.05 * np.log(0.2)), "0.1192": _gap(0, 2), "1.1192": 2 - _gap(2, 0),
        "0.96875": 1 - 1 / 32, "0.575": (0.95 + 0.20) / 2, "0.990": np.exp(-0.010), "0.983": np.exp(-0.017),
        **_computed_of_contrast_and_weights(),
        **_computed_of_the_third_list(),
        **_computed_of_the_fourth_list(),
        "0.9997": _gap(8.14593, 0), "0.996": 1.06 / np.sqrt(1.04 * 1.09), "133.3333": 4000 / (20 + 10),
        "0.2689": _gap(1, 2), "0.7311": _gap(2, 1), "0.00005": _gap(10, 20), "0.99995": _gap(20, 10),
        "4.8520": np.log(128), "3.8615": np.log1p(127 * np.exp(-np.sqrt(128 / 127))),
        "0.4623": np.log1p(2 * np.exp(-np.sqrt(3 / 2))), "4.1589": np.log(64), "8.3178": np.log(4096),
        "4.5643": np.log(96), "0.0314": np.log1p(95 * np.exp(-8)), "0.3368": _two(_gap(np.log(4) / 1.229, 0)),
        "1.6478": np.log1p(31 * np.exp(-2)),
    }  # fmt: skip
    return values


def test_the_numbers_of_the_answers_are_those_of_the_notebooks_or_are_computed_here():
    known = (ROOT / "docs" / "nsp-mini.md").read_text(encoding="utf-8")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            known += cell.source + "".join(output.get("text", "") for output in cell.get("outputs", []))
    computed = _computed()
    for text, value in computed.items():
        assert f"{value:.{len(text.split('.')[1])}f}" == text
    used = set()
    for question, parts in QUESTIONS.items():
        for number in NUMBER.findall(question + parts["answer"]):
            used.add(number)
            assert number in known or number in computed or number in PUBLISHED | EXPLAINED, (number, question)
    assert used >= computed.keys() | PUBLISHED | EXPLAINED, "a number here is on the page no more"


def test_the_short_worked_lines_are_right():
    low, high = accuracy_interval(54, 100)
    assert "54 right of 100 has a 95 % interval from 0.44 to 0.63" in PAGE and (round(low, 2), round(high, 2)) == (
        0.44,
        0.63,
    )
    low, high = accuracy_interval(540, 1000)
    assert "540 of 1,000 one from 0.51 to 0.57" in PAGE and (round(low, 2), round(high, 2)) == (0.51, 0.57)
    assert "have a mean of 0.58, while the mean of the means is 0.70" in PAGE
    assert np.isclose((32 * 0.5 + 8 * 0.9) / 40, 0.58) and np.isclose((0.5 + 0.9) / 2, 0.70)
    assert "`(0.2 + 3.0) / 4 = 0.8`" in PAGE
    gap = -np.log(np.expm1([0.2, 1.0]))  # of pairs whose losses are 0.2 and 1.0
    assert np.isclose(nsp_loss(np.column_stack([gap, [0, 0]]), [0, 0], weights=[1, 3]), 0.8)
    p = np.array([0.8, 0.2])
    assert "the Jacobian is [[0.16, -0.16], [-0.16, 0.16]], times [-1.25, 0] gives [-0.2, 0.2]" in PAGE
    assert np.allclose((np.diag(p) - np.outer(p, p)) @ [-1.25, 0], [-0.2, 0.2])
    with pytest.raises(ValueError, match="all weights are zero, so no pair is left to average over"):
        nsp_loss([[1.0, 0.0]], [0], weights=[0])
    a, b = np.array([0.3, 0.9]), np.array([0.3, -0.9])
    assert "and their cosine is -0.8" in PAGE and np.isclose(a @ b / (a @ a), -0.8)
    assert "infinite after 421 steps" in PAGE and 1000 * 1.01**420 < 65504 < 1000 * 1.01**421
    chinese = re.search('cuts "(.+?)" into two sentences', PAGE)[1]
    assert len(read_documents([chinese])[0].sentences) == 2 and len(tokenize(chinese)) == 4  # two runs, two full stops
    assert float(np.float16(1e-8)) == 0 and np.exp(np.float32(-10000)) == 0


def _longest_first(a, b, room):
    """Return the lengths that are left if tokens are taken one at a time from the longer part, from B on a tie."""
    while a + b > room:
        a, b = (a - 1, b) if a > b else (a, b - 1)
    return a, b


def test_the_worked_lines_about_other_projects_are_right():
    assert "260 and 500 tokens have to fit into 509 places, so 255 and 254 remain" in PAGE
    assert _longest_first(260, 500, 509) == (255, 254)
    assert "need 2 * 128 * 768 + 2 = 196,610 numbers, [CLS] alone 1,538" in PAGE
    assert 2 * 128 * 768 + 2 == 196_610 and 2 * 768 + 2 == 1_538
    assert "pooler and NSP head have 16,512 + 258 numbers" in PAGE
    assert (128 * 128 + 128, 2 * 128 + 2) == (16_512, 258)
    assert "650 MB at that speed are 6.5 files, 163 minutes on one core and 41 on four" in PAGE
    assert (np.ceil(6.5 * 25), np.ceil(6.5 * 25 / 4)) == (163, 41)
    assert "if 85 % of the places cost 0 and 15 % cost 2.0, the mean is 0.3" in PAGE and np.isclose(0.15 * 2.0, 0.3)
    assert "so Pr(IsNext) is 0.54" in PAGE and f"{_gap(-0.1078, -0.2696):.2f}" == "0.54"
    assert "with 200 as the new end it is more than half again" in PAGE and (200 - 90) / 200 > 0.5
    assert "100 queries on 10,000 texts are 1,000,000 rows of pairs, but only 10,100 of single texts" in PAGE
    assert (100 * 10_000, 100 + 10_000) == (1_000_000, 10_100)
    assert "of one line with 2,000 tokens and rows of 128 it keeps 126 and loses 1,874" in PAGE
    assert (128 - 2, 2000 - 126) == (126, 1874)  # one segment: [CLS] and [SEP] take two places
    assert "so 0.00154 at 65,536 rows" in PAGE and 128 * 32 * 16 == 65_536
    assert "times 8, so 0.0008, at 262,144" in PAGE and 64 * 512 * 8 == 262_144
    assert "a row of 128 places with texts of 40 and 30 tokens holds 70 of them, 55 %" in PAGE
    assert f"{70 / 128:.0%}" == "55%"


def test_the_worked_lines_about_probabilities_are_right():
    assert "logits of 142.18 and 86.20 are a gap of 55.98" in PAGE and sigmoid(np.array(142.18 - 86.20)) == 1
    assert np.isclose(nsp_loss([[142.18, 86.20]], [1]), 55.98)
    assert "0.9 are odds of 9, times 1/9 is 1, so 0.5" in PAGE and np.isclose(0.9 / 0.1 * (0.1 / 0.9), 1)
    assert "`[-0.2231, -1.6094]` are log-probabilities" in PAGE
    assert np.allclose(np.exp([-0.2231, -1.6094]), [0.8, 0.2], atol=1e-4)
    assert _curvatures(0.2)[0] < 0 < min(_curvatures(0.4) + _curvatures(0.2)[1:])  # it bends downward below p = 1/3


def test_the_worked_lines_about_weights_thresholds_and_windows_are_right():
    counts = np.array([2632, 613, 426])
    assert "with 72 % of the examples, would have 93 % of the loss" in PAGE
    assert [f"{share:.0%}" for share in (counts[0] / counts.sum(), counts[0] ** 2 / (counts**2).sum())] == [
        "72%",
        "93%",
    ]
    assert "`exp(5.0)` is 148" in PAGE and round(np.exp(5.0)) == 148
    assert "no bias correction, which makes the very first step 3.16 times as long" in PAGE
    assert f"{0.1 / np.sqrt(0.001):.2f}" == "3.16"  # one gradient, in the means of Adam with 0.9 and 0.999
    assert "0.3 are odds of 3/7, times 7 is 3, so 0.75 on balanced data" in PAGE
    assert np.isclose(sigmoid(np.log(0.3 / 0.7) + np.log(7)), 0.75)
    assert (
        "documents of 2,000 tokens have 8 windows of 254 each, so 64 pairs" in PAGE and np.ceil(2000 / 254) ** 2 == 64
    )
    low, high = accuracy_interval(5, 100)
    assert "in 5 of 100 contexts, with a 95 % interval from 0.02 to 0.11" in PAGE and 100 / 20 == 5
    assert (round(low, 2), round(high, 2)) == (0.02, 0.11)
    assert "moves 109,483,778 numbers, of which the head has 1,538" in PAGE and 109_482_240 + 1_538 == 109_483_778


def test_the_worked_lines_about_big_logits_are_right():
    assert "gives 0.75 at 3,000,000 and 0.0 at 1e8, the second gives 0.6931 at both" in PAGE
    assert "(else 0.75 in float32)" in PAGE and "two equal logits of 1e8 then cost 0 in float32" in PAGE
    for size, added_back in ((3e6, 0.75), (1e8, 0.0)):
        z = np.array([size, size], np.float32)
        m = z.max()
        log_sum = np.log(np.exp(z - m).sum())
        assert (m + log_sum) - z[0] == added_back and f"{-((z[0] - m) - log_sum):.4f}" == "0.6931"
        assert f"{nsp_loss(z[None], [0]):.4f}" == "0.6931"
    assert "the numbers near 1e8 are 8 apart" in PAGE and np.spacing(np.float32(1e8)) == 8
    assert "its log is minus infinity, which `isnan` does not find; the true value is -135" in PAGE
    z = np.array([95, -40], np.float32)
    softmax = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    assert softmax[1] == 0 and 88.72 < 95 and log_softmax(z)[1] == -135


def test_the_worked_lines_about_scales_rejection_and_rows_are_right():
    assert "0.9 and 0.1 with T = 2 are odds of `sqrt(9) = 3`, so 0.75" in PAGE and "(that gives 0.5987 here)" in PAGE
    z = np.array([2.7, 0.5]) - 4
    assert np.allclose(log_softmax(log_softmax(z) / 2), log_softmax(z / 2))
    assert np.allclose(np.exp(log_softmax(np.log([0.9, 0.1]) / 2)), [0.75, 0.25])
    assert f"{np.exp(log_softmax(np.array([0.9, 0.1]) / 2))[0]:.4f}" == "0.5987"
    low, high = accuracy_interval(351, 408)
    assert "351 right, 0.8603, has a 95 % interval from 0.82 to 0.89" in PAGE
    assert (round(low, 2), round(high, 2), round(0.05 * 408)) == (0.82, 0.89, 20)
    assert "800 cases cost 554.52 together and 200 cost 138.63" in PAGE
    assert (f"{800 * np.log(2):.2f}", f"{200 * np.log(2):.2f}") == ("554.52", "138.63")
    assert "the gap is 10.94" in PAGE and np.isclose(9.15 + 1.79, 10.94) and np.isclose(sigmoid(np.log(1.5)), 0.6)
    p = np.array([0.8, 0.2])
    assert "The diagonal alone gives [-0.2, 0]" in PAGE and np.allclose(p * (1 - p) * [-1.25, 0], [-0.2, 0])
    assert "1,760 texts, 4.4 for each class" in PAGE and (0.8 * 2200, 1760 / 400, 1760 / 16) == (1760, 4.4, 110)
    assert len(re.findall("[a-z]+|_", "my_unique_sequence")) == 5
    assert -(np.zeros(2) * log_softmax(np.array([3.0, -7.0]))).sum() == 0  # a one-hot row without its one
    z, labels = np.array([[0.3, -1.0], [2.0, 0.5]]), np.array([0, 1])
    once, twice = (nsp_loss_and_grad(np.tile(z, (n, 1)), np.tile(labels, n))[1] for n in (1, 2))
    assert np.allclose(twice[:2] + twice[2:], once)  # a batch that is given twice


def test_the_general_sentences_are_right():
    for one, other, told in ((30, 15, "30 to 15 is rarely chance (p = 0.04)"), (24, 21, "24 to 21 easily (p = 0.77)")):
        tail = sum(math.comb(one + other, k) for k in range(one, one + other + 1)) / 2 ** (one + other)
        assert told in PAGE and f"{2 * tail:.2f}" == told[-5:-1]
    assert "2 at ln 2, and 1 at a loss of 0" in PAGE and np.isclose(np.exp(np.log(2)), 2)
    assert "H(0.05) = 0.1985" in PAGE and f"{entropy(0.05):.4f}" == "0.1985"
    assert "the loss of that mean is never above the mean of the losses" in PAGE
    p = np.random.default_rng(0).uniform(0.01, 0.99, (5, 100))  # of five seeds, for the gold class
    assert (-np.log(p.mean(axis=0)) <= -np.log(p).mean(axis=0)).all()
    assert "has the same mean as the weight k" in PAGE
    z = np.array([[0.3, -1.0], [2.0, 0.5]])
    assert np.isclose(nsp_loss(z, [0, 1], weights=[1, 3]), nsp_loss(z[[0, 1, 1, 1]], [0, 1, 1, 1]))
    bias = np.log(0.1) - np.log(0.9)
    assert np.isclose(nsp_loss(np.tile([bias, 0], (10, 1)), [0] + [1] * 9), entropy(0.1))
    assert "the gradient of the head's weights is `p - y` times the pooled vector, one row for each class" in PAGE
    weights, pooled = np.random.default_rng(1).normal(size=(2, 3)), np.array([[0.5, -0.2, 0.9]])
    slope = numerical_gradient(lambda w: nsp_loss(pooled @ w.T, [0]), weights)
    p_minus_y = np.exp(log_softmax(pooled @ weights.T)) - [[1, 0]]
    assert np.allclose(slope, p_minus_y.T @ pooled, atol=1e-8)


def test_p_minus_y_holds_for_classes_one_output_and_soft_targets():
    assert "for K classes, for one sigmoid output, and for soft targets that sum to 1" in PAGE
    z, soft = np.array([0.3, -1.2, 0.8]), np.array([0.7, 0.2, 0.1])
    for target in (soft, np.eye(3)[1]):
        slope = numerical_gradient(lambda v, t=target: float(-(t * log_softmax(v)).sum()), z)
        assert np.allclose(slope, np.exp(log_softmax(z)) - target, atol=1e-8)
    for y in (0.0, 1.0, 0.3):
        slope = numerical_gradient(lambda v, y=y: float(np.logaddexp(0, v[0]) - y * v[0]), np.array([0.4]))
        assert np.allclose(slope, sigmoid(np.array(0.4)) - y, atol=1e-8)


def _f1(probabilities, gold, threshold):
    says = np.asarray(probabilities) >= threshold
    return 2 * (says & (np.asarray(gold) == 1)).sum() / (says.sum() + np.sum(gold))


def test_a_threshold_is_searched_on_all_examples():
    assert "a threshold of 0.5 has 0.8, one of 0.3 has 1, and 0 has 0.86" in PAGE
    p, gold = [0.9, 0.6, 0.4, 0.2], [1, 1, 1, 0]
    assert [round(_f1(p, gold, t), 2) for t in (0.5, 0.3, 0)] == [0.8, 1.0, 0.86]
    assert [_f1(p[:2], gold[:2], t) for t in (0, 0.3, 0.5, 0.6)] == [1, 1, 1, 1]


def test_a_loss_at_a_hidden_word_trains_all_weights_of_the_last_layer():
    encoder = BertEncoder(12, 6, 2, 2, np.random.default_rng(0), dtype=np.float64, std=0.5)
    words = Vocabulary(list("abcdefg"))
    batch = encode_pairs([SentencePair("a b c", "d e f", 0, 0, 0, 0, 1)], words)
    _, cache = encoder.forward(batch)
    at_place = np.zeros_like(cache.hidden)
    at_place[0, 2] = np.random.default_rng(1).normal(size=6)  # the loss of a hidden word, at its place
    gradients = encoder.backward(np.zeros((1, 6)), cache, at_place)
    last = [name for name in gradients if name.startswith("layer1.") and name.endswith("weight")]
    assert len(last) == 8 and min(np.abs(gradients[name]).max() for name in last) > 0.1


def test_a_link_from_one_answer_to_another_finds_its_heading():
    headings = re.findall(r"^#{2,3} (.+)$", ASKED, re.M)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings]
    linked = re.findall(r"\]\(#([^)]+)\)", ASKED) + re.findall(r"\]\(questions\.md#([^)]+)\)", TABLES)
    assert len(anchors) == len(set(anchors)) and len(linked) > 20 and set(linked) <= set(anchors)


def test_a_constant_segment_row_can_move_into_the_table_of_places():
    words, encoder = Vocabulary(list("abcdefg")), BertEncoder(12, 6, 2, 2, np.random.default_rng(0), dtype=np.float64)
    batch = encode_pairs([SentencePair("a b c", "d e f", 0, 0, 0, 0, 1)], words)
    batch = replace(batch, token_type_ids=np.zeros_like(batch.token_type_ids))
    encoder.tables["segments"][0] = np.random.default_rng(1).normal(size=6)
    before = encoder.forward(batch)[0]
    encoder.tables["positions"][:] += encoder.tables["segments"][0]
    encoder.tables["segments"][0] = 0
    assert np.allclose(encoder.forward(batch)[0], before, atol=1e-12)


def test_the_worked_lines_about_made_heads_and_learned_weights_are_right():
    rows = np.array([[0.8, -0.9, -0.2], [-0.3, 0.6, 0.4]])
    assert "make [1.1, -1.5, -0.6]" in PAGE and np.allclose(rows[0] - rows[1], [1.1, -1.5, -0.6])
    assert "one step takes a from 0.5 to -0.13" in PAGE and np.isclose(0.5 - 0.1 * (7.0 - 0.7), -0.13)
    assert "lowest at `s^2 = 2 L`, so the weights become 1 / (2 L)" in PAGE
    s = np.geomspace(0.1, 20, 100_001)
    for loss in (7.0, 0.7):
        assert np.isclose(s[(loss / s**2 + np.log(s)).argmin()] ** 2, 2 * loss, rtol=1e-3)
    z, zeros = np.array([2.0, 0.0]), np.zeros(2)
    assert "makes them [1.1192, -0.1192]; their sum falls by 1" in PAGE
    assert np.isclose((z - np.exp(log_softmax(z))).sum(), z.sum() - 1)  # a step along p - y with y = 0
    slope = numerical_gradient(lambda v: float(-(zeros * log_softmax(v)).sum()), z)
    assert (slope == 0).all()  # the true gradient of a loss that is 0 everywhere
    assert "32 equal scores the right one gets `1/32 - 1 = -0.96875`, and the 31 others 1/32 each" in PAGE
    slope = np.exp(log_softmax(np.zeros(32))) - np.eye(32)[0]
    assert np.isclose(slope[0], -0.96875) and np.isclose(slope[1:].sum(), 0.96875)


def test_the_worked_lines_about_soft_and_false_labels_are_right():
    soft, z = np.array([0, 0.25, 0.25, 0.5]), np.array([0.3, -0.2, 0.9, 0.1])
    assert "four equal ones 1.3863" in PAGE and np.isclose(np.log(4), 1.3863, atol=5e-5)
    for target in (soft, np.full(4, 0.25)):
        at_target = numerical_gradient(lambda v, t=target: float(-(t * log_softmax(v)).sum()), z)
        assert np.allclose(at_target, np.exp(log_softmax(z)) - target, atol=1e-8)
    assert "with k = 4 it is 0.83 for 5 % and 0.26 for 70 %, where a threshold" in PAGE
    assert [f"{1 / (1 + 4 * f):.2f}" for f in (0.05, 0.7)] == ["0.83", "0.26"]
    assert "the log loss and the squared error are lowest at 1/3, L1 at 0" in PAGE
    grid = np.linspace(0, 1, 3001)[1:-1]
    costs = [-np.log(grid) - 2 * np.log(1 - grid), (1 - grid) ** 2 + 2 * grid**2, (1 - grid) + 2 * grid]
    assert np.allclose([grid[cost.argmin()] for cost in costs], [1 / 3, 1 / 3, 0], atol=1e-3)
    assert "0.5 is odds of 1 times 17/83, so 0.17" in PAGE and f"{(17 / 83) / (1 + 17 / 83):.2f}" == "0.17"


def test_the_worked_lines_about_steps_weights_and_runs_are_right():
    assert "5,693 and 5,140" in PAGE
    assert np.allclose(np.array([74.12760416666666, 66.92708333333334]) / 100 * 10 * 768, [5693, 5140])
    assert "200,000 steps of 1,200 rows are 8.5 times 28,236,463" in PAGE
    assert round(200_000 * 1200 / 28_236_463, 1) == 8.5
    assert "[100k, 200, 768] in float32 are 61 GB, and [100k, 768] are 0.31 GB" in PAGE
    assert (round(4e5 * 200 * 768 / 1e9), round(4e5 * 768 / 1e9, 2)) == (61, 0.31)
    assert "weights of 0.25 and 0.75 give 0.05 and 0.75, weights of 0.5 and 1.5 give 0.1 and 1.5" in PAGE
    losses, weights = np.array([0.2, 1.0]), np.array([0.25, 0.75])
    assert np.allclose(weights * losses, [0.05, 0.75]) and np.allclose(2 * weights * losses, [0.1, 1.5])
    for factor in (1, 2, 10):
        assert np.isclose((factor * weights * losses).sum() / (factor * weights).sum(), 0.8)
    assert "in float32 1 + 1e-8 is 1" in PAGE and np.float32(1 + 1e-8) == 1 != 1 + 1e-8
    with np.errstate(over="ignore"):
        assert "where -65,504 - 100 is minus infinity" in PAGE and np.isinf(np.float16(-65504) - np.float16(100))
    assert "has 4 of 5 outputs right, 80 %, and with ten classes 90 %" in PAGE and (1 - 1 / 5, 1 - 1 / 10) == (0.8, 0.9)
    assert "`ln(1 + 15 e^-10) = 0.0007`" in PAGE and f"{np.log1p(15 * np.exp(-10)):.4f}" == "0.0007"
    assert "with a = 0.4, y = [1, 0] and q = [0.7, 0.3] the target is [0.88, 0.12]" in PAGE
    assert np.allclose(0.4 * np.array([0.7, 0.3]) + 0.6 * np.array([1, 0]), [0.88, 0.12])
    for gaps, sign in (([2, 2, -3], 1), ([2, -3, -3], -1)):
        at_zero = numerical_gradient(lambda a, g=gaps: float(np.logaddexp(0, -a[0] * np.array(g)).mean()), np.zeros(1))
        assert np.isclose(at_zero[0], -np.mean(gaps) / 2) and np.sign(-at_zero[0]) == sign
    assert "geometric mean of `exp(-0.12) = 0.89`" in PAGE and round(float(np.exp(-0.12)), 2) == 0.89
    assert "`ln 30522 + 50 ln 2 = 44.98`" in PAGE and f"{np.log(30522) + 50 * np.log(2):.2f}" == "44.98"
    assert "which could be 2.5 and 50 times 0.11" in PAGE and np.isclose(2.5 + 50 * 0.11, 8)
    low, high = accuracy_interval(960, 1000)
    assert "96 % of 1,000 has a 95 % interval from 0.95 to 0.97" in PAGE and (round(low, 2), round(high, 2)) == (
        0.95,
        0.97,
    )
    assert "kept in both copies in 81 % of the cases and lost in just one of them in 18 %" in PAGE
    assert np.allclose([0.9**2, 2 * 0.9 * 0.1], [0.81, 0.18])
    assert "in 40 epochs that is 6.4 million for one pass" in PAGE and 256e6 / 40 == 6.4e6
    assert "15 million rows with a mean of 200 tokens are 3 billion tokens" in PAGE and 15e6 * 200 == 3e9
    third = np.linspace(0.001, 0.999, 999)
    assert "What is lowest at a third is `-ln((1 - p)^2 p)`" in PAGE
    assert np.isclose(third[np.argmax((1 - third) ** 2 * third)], 1 / 3, atol=1e-3)
    assert "being right in 95 % has an ECE of 0.05" in PAGE and np.isclose(0.95 - 0.9, 0.05)
    assert "a loss of 0.6931; saying 0.9, or 0.1" in PAGE


def test_the_floor_of_two_softmaxes_and_the_slope_of_the_focal_loss_are_right():
    assert "0.3133 with two classes, or `ln(1 + (K - 1) / e)` with K" in PAGE
    for k in (2, 3, 10):
        assert np.isclose(-log_softmax(np.eye(k)[0])[0], np.log1p((k - 1) / np.e))
    assert "the slope `(1 - p)^2 (2 p ln p - (1 - p))` in the gold logit" in PAGE and "times `-p_j / (1 - p)`" in PAGE

    def focal(z):
        log_p = log_softmax(z)[0]
        return float(-((1 - np.exp(log_p)) ** 2) * log_p)

    z = np.array([1.2, 0.4, -0.7])
    p = np.exp(log_softmax(z))
    gold = (1 - p[0]) ** 2 * (2 * p[0] * np.log(p[0]) - (1 - p[0]))
    assert np.allclose(numerical_gradient(focal, z), gold * np.append(1, -p[1:] / (1 - p[0])), atol=1e-8)
    assert "which is near `1 / sqrt(d)` for d numbers that spread well" in PAGE
    vectors = np.random.default_rng(0).normal(size=(2000, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.isclose(vectors.std(axis=0).mean(), 1 / 8, rtol=0.02)


def _thresholds(scores, labels):
    """Return the middles of two neighboring scores with the best accuracy, as an evaluator reports the first."""
    scores, labels = np.sort(scores)[::-1], np.array(labels)  # the labels here fall with the scores
    middles = (scores[:-1] + scores[1:]) / 2
    right = [np.mean((scores >= middle) == labels) for middle in middles]
    return middles[int(np.argmax(right))], max(right)


def test_the_worked_lines_about_thresholds_runs_and_cuts_are_right():
    assert "give 0.575; if the third score is 0.85 next time, it is 0.90, and the accuracy is 1 both times" in PAGE
    for third, told in ((0.20, 0.575), (0.85, 0.90)):
        middle, accuracy = _thresholds([0.99, 0.95, third, 0.02], [1, 1, 0, 0])
        assert np.isclose(middle, told) and accuracy == 1
    assert "1.16 points above the mean for n = 5 and 1.54 for n = 10" in PAGE
    x = np.linspace(-8, 8, 16_001)
    below = np.array([0.5 * (1 + math.erf(each / math.sqrt(2))) for each in x])
    for n, told in ((5, "1.16"), (10, "1.54")):  # the mean of the largest of n normal numbers
        assert f"{((x[1:] + x[:-1]) / 2 * np.diff(below**n)).sum():.2f}" == told
    assert "300 and 400 tokens in 509 places become 255 and 254 by the usual rule; with 109 for the first" in PAGE
    assert _longest_first(300, 400, 509) == (255, 254) and 509 - 109 == 400
    low, high = accuracy_interval(500, 1000)
    assert "of 1,000 pairs 470 to 530 right" in PAGE and (round(low, 2), round(high, 2)) == (0.47, 0.53)


def test_the_worked_lines_about_order_articles_and_ranking_are_right():
    assert "20 and 600 tokens in 509 places become 20 and 489 in either order" in PAGE
    assert _longest_first(20, 600, 509) == (20, 489) and _longest_first(600, 20, 509) == (489, 20)
    assert "4 of the other 4,999 are from A's own article, so 0.08 % of the random B" in PAGE
    assert f"{4 / 4999:.2%}" == "0.08%" and "in one of 10 articles it is 8 %" in PAGE and f"{4 / 49:.0%}" == "8%"
    assert "the second costs 1.6094 as a wrong yes; a margin of 0.2 costs `0.2 + 0.8 - 0.9 = 0.1`" in PAGE
    assert f"{-np.log(1 - 0.8):.4f}" == "1.6094" and np.isclose(0.2 + 0.8 - 0.9, 0.1)
    assert "`view(-1, 2)`, and the label is 0 if the good one comes first" in PAGE
    assert "1 2 3 5 4 has 9 of 10 pairs right, so 0.9, tau is `1 - 2 * 0.1 = 0.8`" in PAGE
    order = [1, 2, 3, 5, 4]
    right = [order[i] < order[j] for i in range(5) for j in range(i + 1, 5)]
    assert (sum(right), len(right)) == (9, 10) and np.isclose(2 * np.mean(right) - 1, 0.8)
    assert "3 of 5 places are right" in PAGE and sum(a == b for a, b in zip(order, range(1, 6), strict=True)) == 3


def test_the_worked_lines_about_redundant_outputs_are_right():
    assert "with D = 768 that is 769 for two classes and 1,538 for next, previous and random" in PAGE
    assert [(k - 1) * (768 + 1) for k in (2, 3)] == [769, 1538]
    assert "all three rows have 2,307" in PAGE and 3 * 769 == 2307
    z = np.array([0.7, -0.4, 1.3])
    assert np.allclose(log_softmax(z), log_softmax(np.append((z - z[2])[:2], 0)))  # two outputs and a column of zeros
    p = np.array([0.7, 0.2, 0.1])
    assert "at p = [0.7, 0.2, 0.1] the Hessian times [1, 1, 1] is [0, 0, 0]" in PAGE
    assert np.allclose((np.diag(p) - np.outer(p, p)) @ np.ones(3), 0) and np.isclose((p - [0, 1, 0]).sum(), 0)
    assert "2, 0 and 1 become 1, -1 and 0, with the same probabilities and squares of 2 in place of 5" in PAGE
    weights = np.array([2.0, 0, 1])
    least = weights - weights.mean()
    assert np.allclose(least, [1, -1, 0]) and ((weights**2).sum(), (least**2).sum()) == (5, 2)
    assert all((least**2).sum() < ((least + shift) ** 2).sum() for shift in (-0.1, 0.1))
    assert np.allclose(log_softmax(0.3 * weights), log_softmax(0.3 * least))


def test_the_worked_lines_about_infinite_losses_and_merged_classes_are_right():
    smallest = np.nextafter(np.float16(0), np.float16(1))
    assert "The smallest float16 above 0 is 6e-8, with a -log of 16.6" in PAGE
    assert f"{smallest:.0e}" == "6e-08" and f"{-np.log(float(smallest)):.1f}" == "16.6" and np.float16(2e-8) == 0
    assert np.isinf(np.mean([0.5] * 999 + [np.inf]))
    assert "`ln 2 + ln 30522 = 11.02`" in PAGE and f"{np.log(2) + np.log(30522):.2f}" == "11.02"
    assert "`ln 10 = 2.3026`" in PAGE and f"{np.log(10):.4f}" == "2.3026"
    assert "a batch of 32 is without a 10 in 0.9^32 = 3 % of the cases" in PAGE and f"{0.9**32:.0%}" == "3%"
    assert "a constant answer then costs H(1/3) = 0.6365." in PAGE
    p = np.exp(log_softmax(np.array([-1.0, 1, 2])))
    assert "logits of -1, 1 and 2 give 0.04, 0.26 and 0.71, so yes at 0.71" in PAGE
    assert [f"{each:.2f}" for each in p] == ["0.04", "0.26", "0.71"]
    assert "multiply its odds by 3, which gives 0.88" in PAGE and (0.5 / 0.5) / (0.25 / 0.75) == 3
    assert f"{sigmoid(np.log(3 * p[2] / (1 - p[2]))):.2f}" == "0.88"
    assert "softmax over the other two gives 0.95" in PAGE and f"{_gap(2, -1):.2f}" == "0.95"


def test_the_worked_lines_about_weighted_and_per_token_means_are_right():
    assert "`400 / (1 + 1 + 10) = 33.3`" in PAGE and f"{400 / 12:.1f}" == "33.3" and 20 * 2 / 20 == 2
    assert "10 and 100 guessed tokens have 1/20 and 1/200 each, and 1/110 in one batch" in PAGE
    assert (0.5 / 10, 0.5 / 100, 1 / (10 + 100)) == (1 / 20, 1 / 200, 1 / 110)
    assert "by samples the seven have 1/14 each and the two 1/4 each" in PAGE and (0.5 / 7, 0.5 / 2) == (1 / 14, 1 / 4)
    assert "from 0.02 to 0.1 needs some 2,000 steps at 4e-5 and 80 at 1e-3" in PAGE
    assert np.allclose(0.08 / np.array([4e-5, 1e-3]), [2000, 80])
    assert "`0.95^15 = 46 %`" in PAGE and f"{0.95**15:.0%}" == "46%"
    assert "`0.8 * 10.3262 = 8.26`" in PAGE and f"{0.8 * np.log(30522):.2f}" == "8.26"
    assert "3.2e-05 is one word in 31,000" in PAGE and round(1 / 3.211e-5, -3) == 31_000
    assert "0.47 costs 0.1985" in PAGE and f"{np.log(4) / np.log(19):.2f}" == "0.47"
    grid = np.geomspace(0.05, 20, 100)
    assert min(_two(_gap(np.log(4) / t, 0)) for t in [*grid, 1]) < _two(0.8) < _two(_gap(np.log(4) / 1.229, 0))
    assert "4.7 is ln 110" in PAGE and f"{np.log(110):.1f}" == "4.7"


def test_the_worked_lines_about_vectors_and_segments_are_right():
    rng = np.random.default_rng(0)
    common = rng.normal(size=768)
    vectors = 2 * common / np.sqrt(np.mean(common**2)) + rng.normal(size=(300, 768))
    others = ~np.eye(300, dtype=bool)

    def cosines(x):
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        return (unit @ unit.T)[others]

    assert "`4 / (4 + 1) = 0.8`" in PAGE and np.isclose(cosines(vectors).mean(), 0.8, atol=0.01)
    assert np.isclose(cosines(vectors - vectors.mean(axis=0)).mean(), 0, atol=0.01)
    assert "have a correlation of 0.99 if the vectors vary in 20 directions, and of 0.70 if they have no" in PAGE
    weights = 0.02 * rng.normal(size=(768, 768))
    for directions, told in ((20, 0.99), (None, 0.70)):
        x = rng.normal(size=(300, directions or 768))
        x = x @ rng.normal(size=(directions, 768)) / np.sqrt(directions) if directions else x
        assert np.isclose(np.corrcoef(cosines(x), cosines(np.tanh(x @ weights.T)))[0, 1], told, atol=0.01)
    assert "have a cosine of 0.996 and are not equal" in PAGE
    assert "are 3,840 numbers of 110 million" in PAGE and 5 * 768 == 3840
    assert "`0.5 * 0.02 * sqrt(768) = 0.28`" in PAGE and f"{0.5 * 0.02 * np.sqrt(768):.2f}" == "0.28"
    table, words = rng.normal(size=(2, 8)), np.eye(3)[:, :2]  # a one-hot row of depth 2 for the ids 0, 1 and 2
    assert (words @ table == np.vstack([table, np.zeros(8)])).all()  # a third row of zeros gives the same
    assert "the scores 2, 5 and 1 become 2, 0, 1" in PAGE and np.argsort([2, 5, 1]).tolist() == [2, 0, 1]
    assert "times a matrix of three blocks, is `W w + P p + S s`" in PAGE
    blocks, parts = rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 5))
    summed = sum(block @ part for block, part in zip(blocks, parts, strict=True))
    assert np.allclose(np.hstack([*blocks]) @ parts.ravel(), summed)


def test_stripping_accents_takes_vowel_signs_of_khmer_away():
    word, stripped = re.search(r"vowel signs of Khmer: (\S+) becomes (\S+)\.", PAGE).groups()
    kept = [c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn"]
    assert word != stripped and "".join(kept) == stripped


def test_a_share_as_a_label_and_a_weight_in_a_softmax_are_as_written():
    assert "a label may be a share, and 0.3 is lowest at p = 0.3" in PAGE
    grid = np.linspace(0, 1, 1001)[1:-1]
    assert np.isclose(grid[(-0.3 * np.log(grid) - 0.7 * np.log(1 - grid)).argmin()], 0.3)
    assert "A weight w on a hard negative inside of the softmax is ln w added to its score." in PAGE
    good, hard, weight = 2.0, 1.5, 3.0
    assert np.isclose(
        -log_softmax(np.array([good, hard + np.log(weight)]))[0],
        np.log((np.exp(good) + weight * np.exp(hard)) / np.exp(good)),
    )
    assert "`log sum e^z - sum(y * z)`" in PAGE
    z, y = np.array([0.3, -1.2, 0.8]), np.array([0.7, 0.2, 0.1])
    assert np.isclose(np.log(np.exp(z).sum()) - (y * z).sum(), -(y * log_softmax(z)).sum())
    assert "near 0 with one of 14.3 (1/0.07)" in PAGE and f"{1 / 0.07:.1f}" == "14.3"


def test_a_second_sigmoid_has_a_floor_and_a_label_of_minus_one_has_none():
    row = PAGE.split("| 0.5032, with as many yes as no |")[1].split("\n")[0]
    yes, no = np.log1p(np.exp(-1)), np.log(2)  # the outputs of a sigmoid, 0 to 1, as logits
    assert [f"{each:.4f}" in row for each in (yes, no)] == [True, True] and f"{(yes + no) / 2:.4f}" == "0.5032"
    assert "it is `softplus(z) - y z`" in PAGE
    z = np.array([0.0, -10, -100])
    assert (np.diff(np.logaddexp(0, z) + z) < 0).all() and (np.logaddexp(0, z) + z)[-1] < -99


def test_the_worked_lines_of_the_third_list_are_right():
    assert "are 15.05 divided by 2" in PAGE and np.isclose((0.1 * 1 + 10 * 3) / 2, 15.05)
    assert "at a loss of 20 it is 11,013" in PAGE and round(np.exp(20 / 2) / 2) == 11_013
    assert "so a loss above 177" in PAGE and 177 < 2 * np.log(float(np.finfo(np.float32).max)) < 178
    assert "the layer reads 3 * 768 = 2,304 numbers, 6,915 weights for three classes" in PAGE
    assert 3 * 768 == 2304 and 3 * 2304 + 3 == 6915
    assert "in a shuffled batch of 32 in 0.7 % of the cases" in PAGE and f"{1 - (1 - 20 / 90_000) ** 32:.1%}" == "0.7%"
    assert "19 of the other 199,999 are from A's own book, 0.01 %" in PAGE and f"{19 / 199_999:.2%}" == "0.01%"
    assert "a batch of 128 and a margin of 0.2 give 51.2" in PAGE and np.isclose(2 * 128 * 0.2, 51.2)
    assert "31 * 3 / 4,999 = 1.9 % of the cases; with 500 rows it is 19 %" in PAGE
    assert (f"{31 * 3 / 4999:.1%}", f"{31 * 3 / 499:.0%}") == ("1.9%", "19%")
    assert "are 20 / 40 + 30 / 40 = 1.25, and the mean of the means is 1.5" in PAGE and (10 * 2 + 30) / 40 == 1.25
    assert "only one pair in eight has a sum of 50 or less" in PAGE
    low = sum(a + b <= 50 for a in range(101) for b in range(101)) / 101**2
    assert 0.12 < low < 0.13 and round(100 * (1 - low)) == 87
    assert "logits of 12 and 17 are 1.0 and 1.0 with four digits" in PAGE
    assert [round(float(sigmoid(np.array(z))), 4) for z in (12.0, 17.0)] == [1, 1]
    assert "1/32 = 3 % by chance" in PAGE and f"{1 / 2**5:.0%}" == "3%"
    assert "13,000 rows in batches of 16 are 812 steps" in PAGE and 13_000 // 16 == 812
    assert "80 % of 100 texts have an interval of 71 to 87 %" in PAGE
    assert [f"{end:.0%}" for end in accuracy_interval(80, 100)] == ["71%", "87%"]
    assert "sqrt(x + 1e-12) has the slope 500,000 at x = 0" in PAGE and np.isclose(0.5 / np.sqrt(1e-12), 500_000)
    assert "a row is alone in 53 % of the cases" in PAGE and f"{(23 / 24) ** 15:.0%}" == "53%"
    assert "have a plain mean of 0.38, and a weighted one of 1.1" in PAGE
    assert np.isclose((90 * 0.2 + 10 * 2) / 100, 0.38) and np.isclose((0.2 + 2) / 2, 1.1)
    assert "d = 0.5 is best and costs 0.25" in PAGE
    distances = np.linspace(0, 1, 101)
    costs = (distances**2 + (1 - distances) ** 2) / 2
    assert distances[costs.argmin()] == 0.5 and costs.min() == 0.25
    assert "n of them to -1 / (n - 1)" in PAGE
    corners = np.eye(3) - 1 / 3  # three vectors from the middle of a triangle
    assert np.isclose(corners[0] @ corners[1] / (corners[0] @ corners[0]), -0.5)
    assert "with 20 words in rows of 128 places 84 % of the loss is padding" in PAGE and f"{108 / 128:.0%}" == "84%"
    assert "has its peak at 4 and its mean at 3.5" in PAGE
    assert np.isclose(np.array([0.1, 0.1, 0.2, 0.4, 0.2]) @ np.arange(1, 6), 3.5)
    assert "16 * 2 * 20 = 640 pairs" in PAGE and "6 texts have only 15 different pairs" in PAGE
    assert (16 * 2 * 20, 6 * 5 // 2, 65_536 // 256) == (640, 15, 256)
    assert "so with 10,000 classes the first loss is 30.68 + ln 10,000 = 39.89" in PAGE
    assert f"{-64 * np.cos(np.pi / 2 + 0.5):.2f}" == "30.68" and f"{64 * np.sin(0.5) + np.log(10_000):.2f}" == "39.89"
    assert "is 1.20 with 92 classes and scale 30, far below ln 92 = 4.52" in PAGE
    assert f"{np.log1p(91 * np.exp(-30 * (1 + np.cos(np.pi + 0.5)))):.2f}" == "1.20" and f"{np.log(92):.2f}" == "4.52"
    assert "`exp(4.11)` is 61" in PAGE and round(np.exp(4.11)) == 61


def test_a_scale_of_zero_gives_no_gradient_in_the_vectors():
    question, others = np.array([0.6, 0.8]), np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    for scale, moves in ((0, False), (20, True)):
        slope = numerical_gradient(lambda v, scale=scale: -log_softmax(scale * (others @ v))[0], question)
        assert (np.abs(slope).max() > 1e-3) == moves


def test_the_worked_lines_of_the_fourth_list_are_right():
    assert "epochs there are 1,875 steps, of which a tenth is 188 and an epoch 625" in PAGE
    assert (10_000 // 16, 3 * 10_000 // 16, round(187.5)) == (625, 1875, 188)
    assert "costs -ln(1e-15) / 4 = 8.63, and with 0.01 it is 1.16" in PAGE
    costs = [-(np.log(eps) + 3 * np.log(1 - eps)) / 4 for eps in (1e-15, 0.01)]
    assert [f"{cost:.2f}" for cost in costs] == ["8.63", "1.16"]
    assert "10.33 for BERT's 30,522 words" in PAGE and f"{np.log(30522):.2f}" == "10.33"
    assert "each text comes with about 2.86 questions, and a row meets 0.3 copies" in PAGE
    questions = 200_000 / 70_000
    assert f"{questions:.2f}" == "2.86" and f"{31_999 * (questions - 1) / 199_999:.1f}" == "0.3"
    assert "so k copies with the score s add `k e^s`, as if one had the score s + ln k" in PAGE
    assert np.isclose(_row(2, 0, 0, 0), _row(2, np.log(3)))
    assert "so there a wrong answer costs at most 16.12, and a first loss near 14.5" in PAGE
    assert f"{-np.log(1e-7):.2f}" == "16.12" and f"{-0.9 * np.log(1e-7):.1f}" == "14.5"
    assert "92 undecided attributes cost 92 ln 2 = 63.77" in PAGE and f"{92 * np.log(2):.2f}" == "63.77"
    assert "the neighbors of 0.5 are more than 2e-4 apart" in PAGE
    assert np.diff([np.nextafter(np.float16(0.5), np.float16(0)), np.float16(0.5)])[0] > 2e-4
    assert "its epsilon of 1e-8 is 0 there" in PAGE and np.float16(1e-8) == 0
    z = np.array([1.0, 2, 0.5])
    losses = [-log_softmax(np.array([first, *z[1:]]))[1] for first in (1, 0, -np.inf)]
    assert len({round(float(loss), 3) for loss in losses}) == 3
    assert np.isclose(losses[-1], -log_softmax(z[1:])[0])  # a column that is dropped, or is -inf, costs the same


def test_what_a_constant_answer_gets_by_each_measure_is_as_in_the_table():
    labels = np.repeat([1, 0], [50, 50])

    def f1(answers, kind):
        hits = ((answers == kind) & (labels == kind)).sum()
        return 2 * hits / ((answers == kind).sum() + (labels == kind).sum())

    always = np.ones(100)
    assert '0 for "never", 2s / (1 + s) for "always": 0.6667 at one half' in PAGE
    assert f"{f1(always, 1):.4f}" == "0.6667" and np.isclose(f1(always, 1), 2 * 0.5 / 1.5) and f1(1 - always, 1) == 0
    assert "macro at one half: 0.3333" in PAGE and f"{(f1(always, 1) + f1(always, 0)) / 2:.4f}" == "0.3333"
    assert "s(1 - s), 0.25 at one half" in PAGE and np.mean((0.5 - labels) ** 2) == 0.25
    answers = (np.arange(100) % 3 == 0).astype(int)
    right = (answers == labels).sum()  # micro: a miss of one class is one too many of the other
    assert np.isclose(2 * right / (100 + 100), (answers == labels).mean())
    assert "order with three classes (next, previous, random) | one of three | ln 3 = 1.0986" in PAGE
    assert f"{np.log(3):.4f}" == "1.0986" and "at most H(0.15) = 0.4227" in PAGE and f"{entropy(0.15):.4f}" == "0.4227"


def test_bits_of_fairseq_and_a_loss_below_its_floor_are_as_written():
    assert "for three classes 1.58, and for 50,265 words 15.62" in PAGE
    assert (f"{np.log2(3):.2f}", f"{np.log2(50_265):.2f}", f"{1 / np.log2(np.e):.4f}") == ("1.58", "15.62", "0.6931")
    assert "at least 0.297 * 0.6931 = 0.21" in PAGE and f"{0.297 * np.log(2):.2f}" == "0.21"
    assert "and 0.0111 * 51 = 0.566" in PAGE and f"{0.0111 * 51:.3f}" == "0.566"


def test_a_constant_answer_to_soft_labels_and_the_level_of_thirty_classes():
    counts, degrees = np.array([7755, 74_659, 118_280, 4956, 12_371]), np.array([0, 0.4, 0.8, 0.9, 1])
    shares = counts / counts.sum()
    assert "with shares of 4, 34, 54, 2 and 6 % at 0, 0.4, 0.8, 0.9 and 1.0" in PAGE
    assert [round(100 * share) for share in shares] == [4, 34, 54, 2, 6]
    best = shares @ degrees
    assert "since the best one (0.65) leaves a squared error of only 0.06" in PAGE
    assert f"{best:.2f}" == "0.65" and f"{shares @ (degrees - best) ** 2:.2f}" == "0.06"
    assert "ln 30 is 3.40" in PAGE and f"{np.log(30):.2f}" == "3.40"


def test_a_contrastive_loss_with_a_degree_has_its_lowest_point_inside_and_ties_have_no_threshold():
    assert "at d = (1 - y) m" in PAGE and "with m = 0.5 a pair of 0.6 is drawn to the distance 0.2" in PAGE
    distances, y, margin = np.linspace(0, 1, 1001), 0.6, 0.5
    costs = y * distances**2 + (1 - y) * np.maximum(0, margin - distances) ** 2
    assert np.isclose(distances[costs.argmin()], 0.2) and "is `y (1 - y) m^2`, here 0.06" in PAGE
    assert np.isclose(costs.min(), y * (1 - y) * margin**2) and f"{costs.min():.2f}" == "0.06"
    said, labels = np.array([0.5, 0.5]) >= 0.5, np.array([True, False])
    assert (
        said == labels
    ).mean() == 0.5 and f"{2 * (said & labels).sum() / (said.sum() + labels.sum()):.4f}" == "0.6667"


def test_the_worked_lines_of_the_fifth_list_are_right():
    assert "a line is right on 97.7 %, but the mean squared distance is 1,536 within a class and 1,552 across" in PAGE
    assert f"{100 * (1 + math.erf(2 / math.sqrt(2))) / 2:.1f}" == "97.7" and (2 * 768, 2 * 768 + 4**2) == (1536, 1552)
    row = ["CLS", "a", "b", "c", "d", "SEP"] * 3
    assert "have them at places 0, 6 and 12" in PAGE and [i for i, t in enumerate(row) if t == "CLS"] == [0, 6, 12]
    assert 'so "always continues" is right on 67 %' in PAGE and round(100 * 2 / 3) == 67
    cost = np.log(14749 * (np.e - 1)) - 0.5  # the scores are drawn evenly from 0 to 1
    assert "a row costs about 9.64, so 20 * 1,025 = 20,500 rows have the sum 197,625" in PAGE
    assert f"{cost:.2f}" == "9.64" and round(20_500 * cost) == 197_625 and 20_500 * cost > np.finfo(np.float16).max
    assert "50,000 steps of 32 rows on 20,000 rows are 80 passes" in PAGE and 50_000 * 32 / 20_000 == 80
    assert "at least 0.6 ln 2 = 0.42" in PAGE and f"{0.6 * np.log(2):.2f}" == "0.42"
    assert -log_softmax(np.array([2.0, 2, -9, -9]))[0] > np.log(2)  # not the largest of four: at most one half
    assert "ln 30,522 = 10.33" in PAGE and f"{np.log(30_522):.2f}" == "10.33"
    assert "so 0.94 is not 94 % but a geometric mean of 0.39" in PAGE and f"{np.exp(-0.94):.2f}" == "0.39"
    assert "1.52e11 is the right loss, too" in PAGE
    assert np.isclose(nsp_loss([[-2.88e11, -4.40e11]], [1]), 1.52e11)
    assert "each of the 3.3 % mistakes costs about 1.8 million" in PAGE and round(60_270 / 0.033, -5) == 1_800_000
    assert "a float16 probability below 2.9e-8 is 0" in PAGE
    assert np.float16(2.9e-8) == 0 and np.float16(3.1e-8) > 0
    assert "is lowest at 0.95 and 0.05, and not at 0.9 and 0.1" in PAGE
    assert np.allclose(0.9 * np.array([1, 0]) + 0.1 / 2, [0.95, 0.05])
    pairs = [SentencePair(a, "we left", 0, 0, 0, 0, 1) for a in ("it rained", "it rained today")]
    words = Vocabulary("it rained today we left".split())
    batch = encode_pairs(pairs, words)
    assert "has the mask 1 1 1 1 1 1 1 0 and the segments 0 0 0 0 1 1 1 0" in PAGE
    assert batch.attention_mask[0].tolist() == [1, 1, 1, 1, 1, 1, 1, 0]
    assert batch.token_type_ids[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 0]
