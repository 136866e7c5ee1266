"""How many pairs of each set a pass takes, and which."""

import random
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from relatum_export.training.encoder_recipe.pair_sets import PairSet
from relatum_export.training.pairs import CO_BOUGHT, Pair
from relatum_export.training.settings import TrainSettings


def quotas(sets: Sequence[PairSet], settings: TrainSettings) -> list[int]:
    """Pairs a pass of each set, ``max_pairs`` in all at most.

    A set's share goes like size^exponent x its weights; what a small set leaves goes to the others.
    A weight of less than 1 on co-bought pairs is there because they differ in text more often than
    not; it holds wherever there is another kind.

    **Source**: Arivazhagan et al. 2019, "Massively Multilingual Neural Machine Translation in the
    Wild", section 4.3 (sampling by temperature 1 / exponent).
    """
    lonely = {one.kind for one in sets} == {CO_BOUGHT}
    weights = [0.0 if lonely else _weight(one, settings) for one in sets]
    if lonely:
        weights = [len(one.pairs) ** settings.size_exponent for one in sets]
    taken = [0] * len(sets)
    open_sets = [i for i, weight in enumerate(weights) if weight > 0]
    left = settings.max_pairs
    while left > 0 and open_sets:
        total = sum(weights[i] for i in open_sets)
        full = [i for i in open_sets if left * weights[i] / total >= len(sets[i].pairs)]
        if not full:
            for i in open_sets:
                taken[i] = int(left * weights[i] / total)
            break
        for i in full:
            taken[i] = len(sets[i].pairs)
            left -= taken[i]
        open_sets = [i for i in open_sets if i not in full]
    return taken


def _weight(one: PairSet, settings: TrainSettings) -> float:
    weight = settings.kind_weights.get(one.kind, 1.0)
    weight *= settings.corpus_weights.get(one.source.name, 1.0)
    if one.graded:
        weight *= settings.graded_weight
    return float(weight * len(one.pairs) ** settings.size_exponent)


def draw(one: PairSet, quota: int, passes: int, batch_size: int, seed: int) -> list[Pair]:
    """``passes`` draws of ``quota`` pairs, pairs not drawn before first.

    Of pairs that belong together no side is in more of a draw's pairs than it has batches: a large
    category would fill its batches, and equal texts are no negatives of each other.
    """
    order = random.Random(f"{seed}/{one.name}")  # noqa: S311 - a sample, not a secret
    queue = deque(order.sample(one.pairs, len(one.pairs)))
    found: list[Pair] = []
    for _ in range(passes):
        found += _one_draw(queue, quota, None if one.graded else batch_size)
    return found


def _one_draw(queue: deque[Pair], quota: int, batch_size: int | None) -> list[Pair]:
    most = max(1, quota // batch_size) if batch_size is not None else quota
    times: Counter[int | str] = Counter()
    taken: list[Pair] = []
    passed: list[Pair] = []
    for _ in range(len(queue)):
        if len(taken) == quota:
            break
        pair = queue.popleft()
        if max(times[pair.a], times[pair.b]) < most:
            times.update((pair.a, pair.b))
            taken.append(pair)
        else:
            passed.append(pair)
    queue.extendleft(reversed(passed))
    queue.extend(taken)
    return taken


def counts(sets: Sequence[PairSet], taken: Sequence[int]) -> Mapping[str, int]:
    """How many pairs a pass takes, by set, those that give none left out."""
    return {one.name: n for one, n in zip(sets, taken, strict=True) if n}
