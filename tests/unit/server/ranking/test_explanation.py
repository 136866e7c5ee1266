"""Lists whose scores are sums of contributions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum_server.domain import EvidenceKind
from relatum_server.ranking.explanation import Contribution, Ranking, evidence, union

FINITE = st.floats(-1e3, 1e3)
KINDS = [EvidenceKind.TEXT, EvidenceKind.BEHAVIOUR, EvidenceKind.LEXICAL]


@st.composite
def rankings(draw):
    count = draw(st.integers(0, 20))
    keys = draw(st.permutations(range(count)))
    parts = tuple(
        Contribution(kind, np.array(draw(st.lists(FINITE, min_size=count, max_size=count))))
        for kind in KINDS
    )
    return Ranking(np.array(keys, np.int64), parts)


@given(rankings())
def test_the_parts_of_each_line_sum_to_its_score(ranking):
    lines = evidence(ranking, 0, len(ranking), str)
    for (score, parts), total in zip(lines, ranking.scores(), strict=True):
        assert score == pytest.approx(total, abs=1e-9)
        assert math.fsum(part.contribution for part in parts) == pytest.approx(score, abs=1e-9)


@given(rankings())
def test_the_best_come_first_and_ties_in_the_order_of_keys(ranking):
    ordered = ranking.best_first()

    pairs = list(zip((-ordered.scores()).tolist(), ordered.keys.tolist(), strict=True))
    assert pairs == sorted(pairs)
    assert sorted(ordered.keys.tolist()) == sorted(ranking.keys.tolist())


def test_a_part_names_the_product_that_moved_it():
    part = Contribution(EvidenceKind.CO_PURCHASE, np.array([0.5, 0.25]), np.array([7, -1]))

    ranking = Ranking(np.array([1, 2]), (part,))

    (_, (first,)), (_, (second,)) = evidence(ranking, 0, 2, str)
    assert first.product_id == "7"
    assert second.product_id == ""


def test_a_page_is_part_of_the_list_and_ends_with_it():
    ranking = Ranking(np.arange(5), (Contribution(EvidenceKind.TEXT, np.linspace(1.0, 5.0, 5)),))

    assert [score for score, _ in evidence(ranking, 3, 9, str)] == [4.0, 5.0]


def test_a_union_holds_each_key_once():
    assert union([np.array([3, 1]), np.array([1, 2]), np.array([], np.int64)]).tolist() == [1, 2, 3]
    assert union([]).tolist() == []
