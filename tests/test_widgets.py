import pytest

from nsputil.widgets import loss_at, loss_explorer


def test_the_explorer_starts_where_it_is_told_and_follows():
    widget = loss_explorer(p=0.8, label=0)
    assert widget.loss == pytest.approx(0.22314355131420976)
    widget.label = 1
    assert widget.loss == pytest.approx(1.6094379124341003)
    widget.unit = "bits"
    assert repr(widget) == "LossExplorer: Pr(IsNext) = 0.800, gold NotNext, loss 2.3219 bits"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"p": 1.0}, "p is 1.0"), ({"label": 2}, "label is 2"), ({"unit": "bans"}, "unit is 'bans'")],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        loss_explorer(**arguments)
    with pytest.raises(ValueError, match="bans"):
        loss_at(0.5, 0, "bans")
