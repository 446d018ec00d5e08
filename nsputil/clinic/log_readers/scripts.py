"""Signs and words of other scripts: wide colons, curly quotes, times without a space, words of other languages.

A page that was translated, or a word processor, turns ``'loss': 0.69`` into other signs that mean the same.
"""

import re

#: Full-width letters, digits and signs, and what word processors write for quotes, spaces and a minus.
_SIGNS = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {
    ord(sign): plain
    for signs, plain in (
        ("\u2018\u2019\u201a\u201b\u2032", "'"),
        ("\u201c\u201d\u201e\u201f\u2033", '"'),
        ("\u00a0\u2007\u2009\u202f\u3000", " "),
        ("\u200b\u200c\u200d\u2060\ufeff", ""),
    )
    for sign in signs
}
_MINUS = re.compile("[\u2212\u2010\u2011](?=\\d)")
#: ``accuracy: 0.4854val_acc: 0.92``: what a bar writes, and what a callback writes after it.
#: ``00:49:02train Loss``: the last digits of a time are no part of a name.
_GLUED = re.compile(r"(\d\.\d+)(?=(?:train|val|valid|test|eval|dev|loss|acc)(?:[_ ]?[a-z]+)*\s*[:=])", re.IGNORECASE)
_TIME = re.compile(r"(\d\d:\d\d:\d\d(?:[.,]\d+)?)(?=[A-Za-z]{3})")

#: Words of Chinese, Japanese and Korean logs, longer ones before their parts.
_WORDS = {
    "训练集": "train", "验证集": "valid", "测试集": "test", "训练": "train", "验证": "valid", "测试": "test",
    "訓練": "train", "驗證": "valid", "測試": "test", "学習": "train", "検証": "valid", "テスト": "test",
    "훈련": "train", "학습": "train", "검증": "valid", "테스트": "test",
    "困惑度": "perplexity",
    "损失值": "loss", "损失": "loss", "損失": "loss", "손실": "loss",
    "准确率": "accuracy", "正确率": "accuracy", "准确度": "accuracy", "準確率": "accuracy", "正解率": "accuracy",
    "정확도": "accuracy",
    "轮次": "epoch", "エポック": "epoch", "에포크": "epoch", "迭代": "iteration",
    "为": "", "\u3002": ". ",
}  # fmt: skip
#: Words of other languages in Latin or Cyrillic letters.
_OTHERS = {
    "loss": "p[ée]rdida|perte|perda|verlust|потер[яи]|perdita",
    "accuracy": "exactitud|acur[áa]cia|genauigkeit|точность|accuratezza|pr[ée]cision d'ensemble",
    "epoch": "[ée]poca|epoche|époque|эпоха",
    "train": "entrenamiento|entraînement|treinamento|trainings?|обучени[ея]",
    "valid": "validaci[óo]n|valida[çc][ãa]o|validierungs?|валидаци[яи]",
}
_OTHER = {word: re.compile(rf"\b(?:{forms})\b", re.I) for word, forms in _OTHERS.items()}
_MEASURES = ("loss", "accuracy", "perplexity")


def plain(text: str) -> tuple[str, list[str]]:
    """Return a text with the signs and words that logs in English have, and what was changed."""
    notes = []
    if not text.isascii():
        changed = _MINUS.sub("-", text.translate(_SIGNS))
        if changed != text:
            notes.append("wide signs and curly quotes are read as plain ones")
        text = changed
        if any(word in text for word, english in _WORDS.items() if english in _MEASURES):
            notes.append("Chinese, Japanese or Korean words for loss, accuracy and the like are read as English ones")
            text = re.sub("第 ?(\\d+) ?次迭代", r"iteration \1 ", text)
            text = re.sub("第 ?(\\d+) ?轮", r"epoch \1 ", text)
            for word, english in _WORDS.items():
                text = text.replace(word, f" {english} ")
    if any(_OTHER[word].search(text) for word in ("loss", "accuracy")):
        notes.append("words of another language for loss, accuracy and the like are read as English ones")
        for word, forms in _OTHER.items():
            text = forms.sub(word, text)
    return _GLUED.sub(r"\1 ", _TIME.sub(r"\1 ", text)), notes
