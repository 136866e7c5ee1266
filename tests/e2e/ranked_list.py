"""What tests read off a ranked list."""

import pytest

from relatum.types import RankedList


def ids(ranked: RankedList) -> list[str]:
    return [result.product_id for result in ranked.results]


def kinds(ranked: RankedList) -> set[str]:
    return {evidence.kind for result in ranked.results for evidence in result.evidence}


def assert_explained(ranked: RankedList) -> None:
    assert ranked.results
    assert ranked.revision > 0
    assert ranked.model_id
    assert ranked.attribution_token
    for result in ranked.results:
        assert result.evidence
        total = sum(evidence.contribution for evidence in result.evidence)
        assert total == pytest.approx(result.score, abs=1e-5)
