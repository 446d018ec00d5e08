"""Progress in the clinic: kept in a file that may be damaged, and used to deal what needs practice."""

import numpy as np
import pytest

from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.case_bank import bank
from nsputil.clinic.case_codes import encode
from nsputil.clinic.game import Game
from nsputil.clinic.game_progress import GameProgress


def test_progress_is_kept_and_a_damaged_file_is_set_aside(tmp_path):
    path, game = tmp_path / "progress.json", Game(encode(int(bank().rows("test")[4])))
    with pytest.raises(ValueError, match="the game is not over"):
        GameProgress(path).add(game)
    game.commit(HEALTHY)
    GameProgress(path).add(game)
    assert GameProgress(path).played[0]["code"] == game.code
    path.write_text("{")
    assert GameProgress(path).played == [] and (tmp_path / "progress.damaged").exists()


def test_confused_groups_come_more_often():
    progress = GameProgress()
    groups = sorted(set(bank().groups.values()))
    progress.played = [{"group": groups[0], "answered": groups[1], "right": False}] * 8
    assert progress.need(groups[0]) > 0.8 > progress.need(groups[2]) == 0.5
    dealt = [Game.deal(np.random.default_rng(k), progress=progress) for k in range(40)]
    assert len({g.code for g in dealt}) > 15
