"""A shop whose next baskets are made of habits and of what came into fashion."""

from pathlib import Path

import numpy as np

from relatum_export.corpus.folder import Corpus
from relatum_export.training.ranker.inputs import Inputs
from relatum_export.training.ranker.requests import JudgedRequests
from relatum_export.training.ranker.settings import RankerSettings
from relatum_export.training.users.histories import DAY_S
from tests.unit.export.evaluation.corpora import event, write_corpus
from tests.unit.export.training.users.shops import text_of

STAPLES = 12
FASHIONS = 24
QUICK = RankerSettings.model_validate(
    {
        "frequency_steps": (0.9,),
        "transition_windows": (3,),
        "transition_steps": (0.6,),
        "history_steps": (0.7,),
        "half_lives_days": (7.0,),
        "folds": 2,
    }
)


def staple(number: int) -> str:
    return f"s{number % STAPLES:02d}"


def fashion(number: int) -> str:
    return f"f{number % FASHIONS:02d}"


def habit_shop(folder: Path, *, shoppers: int = 30, weeks: int = 8) -> Corpus:
    """Each week a shopper takes a staple or two of three, and the week's fashion of the own style.

    There are two styles; a fashion lasts a week, so nobody had it before.
    """
    rng = np.random.default_rng(0)
    items = [staple(i) for i in range(STAPLES)] + [fashion(i) for i in range(FASHIONS)]
    events = []
    for shopper in range(shoppers):
        style = shopper % 2
        for week in range(weeks):
            own = rng.choice(3, rng.integers(1, 3), replace=False)
            taken = [staple(style * 6 + (shopper // 2 + int(i)) % 6) for i in own]
            taken.append(fashion(2 * week + style))
            split = "train" if week < weeks - 2 else ("valid", "test")[week - weeks + 2]
            events += [
                event(
                    f"u{shopper:02d}",
                    item,
                    split,
                    session_id=f"u{shopper:02d}-{week}",
                    timestamp=int((week * 7 + 1 + shopper / shoppers) * DAY_S),
                )
                for item in taken
            ]
    return write_corpus(folder, items, events, name="habits")


def inputs_of(corpus: Corpus, settings: RankerSettings = QUICK) -> Inputs:
    judged = JudgedRequests.read(corpus)
    return Inputs(corpus, judged, settings, text_of(judged.items).of(judged.items), None, {})
