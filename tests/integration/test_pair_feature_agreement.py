"""The server computes the features of a pair as the export side does."""

from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from relatum_export.training.association_head import lexical
from relatum_server.artifact import WordWeights
from relatum_server.encoder import pair_features as served

WORDS = st.sampled_from(
    [
        *("lamp", "desk", "LX-2000", "lx2000", "12.5", "½", "½kg", "é"),
        *("台灯", "ランプ", "<b>lamp</b>", "&amp;"),
    ]
)
TEXTS = st.one_of(st.lists(WORDS, max_size=6).map(" ".join), st.text(max_size=30))
PRICES = st.one_of(st.none(), st.floats(0, 1e6, allow_nan=False))
FACTS = st.builds(lexical.ProductFacts, TEXTS, TEXTS, TEXTS, TEXTS, PRICES)
WEIGHTS = {"lamp": 1.25, "desk": 2.5, "lx2000": 3.0}


def test_both_sides_name_the_same_features() -> None:
    assert served.FEATURES == lexical.FEATURES


@given(FACTS, FACTS)
def test_both_sides_compute_the_same_of_any_pair(
    a: lexical.ProductFacts, b: lexical.ProductFacts
) -> None:
    offline = lexical.pair_features(
        lexical.PairText.of(a), lexical.PairText.of(b), lexical.WordWeights(WEIGHTS, 4.0)
    )

    first, second = (served.PairText.of(served.ProductFacts(**asdict(facts))) for facts in (a, b))
    online = served.pair_features(first, second, WordWeights(WEIGHTS, 4.0))

    assert online == offline
