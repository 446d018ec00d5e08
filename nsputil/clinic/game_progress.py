"""What a player of the clinic has played, kept in a small file. Introduced in notebook 10."""

import json
from pathlib import Path
from typing import Any

from nsputil.clinic.answers import UNKNOWN
from nsputil.clinic.case_bank import bank
from nsputil.clinic.game import Game
from nsputil.files import write_text


class GameProgress:
    """What a player has played, and which groups need practice.

    Parameters
    ----------
    path : str or Path, optional
        Nothing is kept without it. A damaged file is renamed, and play goes on without it.

    Attributes
    ----------
    played : list of dict
        One for each game: ``code``, ``score``, ``right``, and the groups of the truth and of the answer.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.played: list[dict[str, Any]] = []
        if self.path is not None and self.path.exists():
            try:
                self.played = json.loads(self.path.read_text(encoding="utf-8"))["played"]
            except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
                self.path.replace(self.path.with_suffix(".damaged"))

    def add(self, game: Game) -> None:
        """Keep the outcome of a finished game.

        Raises
        ------
        ValueError
            If the game is not over.
        """
        if game.debrief is None:
            raise ValueError("the game is not over; commit an answer first")
        groups = bank().groups
        entry = {
            "code": game.code,
            "score": round(game.debrief.score, 1),
            "right": game.debrief.right,
            "group": groups.get(game.debrief.truth, UNKNOWN),
            "answered": groups.get(game.debrief.committed, UNKNOWN),
        }
        self.played.append(entry)
        if self.path is not None:
            write_text(self.path, json.dumps({"played": self.played}))

    def need(self, group: str) -> float:
        """Return how much a group needs practice: the expected rate of mistakes, Beta(1, 1) before the first game."""
        mine = [entry for entry in self.played if group in (entry["group"], entry["answered"])]
        return (1 + sum(not entry["right"] for entry in mine)) / (2 + len(mine))
