"""The four classes of a pair, and what a label says of them.

A label does not always name one class. Who judged two offers "not the same product" left open
whether one could replace the other; who judged "substitute" where nobody was asked about sameness
left open whether the two are one product. Such a label is the set of classes that it allows, and
its likelihood is the sum of theirs.

**Source**: Jin and Ghahramani 2002, Learning with Multiple Labels, section 3 (likelihood of a set).
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

CLASSES = ("unrelated", "same", "substitute", "complement")


class Label(IntEnum):
    """What was observed of a pair; the first four are the classes, in their order."""

    UNRELATED = 0
    SAME = 1
    SUBSTITUTE = 2
    COMPLEMENT = 3
    NOT_SAME = 4  # not the same product, anything else
    ALIKE = 5  # a substitute, on a set that does not tell the same product from one


_ALLOWED: dict[Label, tuple[Label, ...]] = {
    Label.UNRELATED: (Label.UNRELATED,),
    Label.SAME: (Label.SAME,),
    Label.SUBSTITUTE: (Label.SUBSTITUTE,),
    Label.COMPLEMENT: (Label.COMPLEMENT,),
    Label.NOT_SAME: (Label.UNRELATED, Label.SUBSTITUTE, Label.COMPLEMENT),
    Label.ALIKE: (Label.SAME, Label.SUBSTITUTE),
}


def allowed_classes() -> NDArray[np.float32]:
    """Which classes each label allows: 0 or 1, float32 [labels, classes]."""
    allowed = np.zeros((len(Label), len(CLASSES)), np.float32)
    for label, classes in _ALLOWED.items():
        allowed[label, list(classes)] = 1.0
    return allowed


def trained_classes(targets: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The classes that some label speaks for, bool [classes].

    "Not the same" speaks for `unrelated` alone, "alike" for `substitute` alone: a head learns the
    other classes that they allow only where other labels name those.

    Args:
        targets: weight of each label, float32 [pairs, labels].
    """
    present = targets.sum(axis=0) > 0
    trained: NDArray[np.bool_] = present[: len(CLASSES)].copy()
    trained[Label.UNRELATED] |= present[Label.NOT_SAME]
    trained[Label.SUBSTITUTE] |= present[Label.ALIKE]
    return trained
