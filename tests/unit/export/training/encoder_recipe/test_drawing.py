"""How many pairs of each set a pass takes, and which."""

from collections import Counter

import pytest

from relatum_export.corpus.pairs import JUDGED
from relatum_export.errors import InputError
from relatum_export.training.encoder_recipe.drawing import draw, quotas
from relatum_export.training.encoder_recipe.draws import draw_tables
from relatum_export.training.encoder_recipe.noise import Noise
from relatum_export.training.encoder_recipe.pair_sets import BUNDLE, SAME_PRODUCT, PairSet
from relatum_export.training.pairs import CO_BOUGHT, PRODUCT_SIDES, TITLE_CATEGORY, Pair
from relatum_export.training.settings import KINDS, TrainSettings
from tests.unit.export.training.encoder_recipe.pair_sources import set_of, source_of


def test_a_set_takes_a_share_like_the_root_of_its_size():
    sets = [set_of(1600), set_of(10_000, "title_category")]

    taken = quotas(sets, TrainSettings(max_pairs=1400))

    assert taken == [400, 1000]


def test_what_a_small_set_leaves_goes_to_the_others():
    taken = quotas([set_of(10), set_of(5000, "title_category")], TrainSettings(max_pairs=1000))

    assert taken == [10, 990]


def test_no_more_is_taken_than_there_is():
    taken = quotas([set_of(10), set_of(20, "title_category")], TrainSettings(max_pairs=1000))

    assert taken == [10, 20]


def test_co_bought_pairs_are_few_beside_other_kinds_and_all_where_there_is_no_other():
    few = quotas([set_of(2500), set_of(2500, "co_bought")], TrainSettings(max_pairs=1100))
    alone = quotas([set_of(2500, "co_bought")], TrainSettings(max_pairs=1100))

    assert few == [1000, 100]
    assert alone == [1100]


def test_a_weight_of_0_leaves_a_kind_a_corpus_or_the_grades_out():
    sets = [set_of(50), set_of(50, "title_category"), set_of(50, name="other")]
    graded = [set_of(50), set_of(50, graded=True)]

    by_kind = quotas(sets, TrainSettings(max_pairs=60, kind_weights={"title_category": 0}))
    by_corpus = quotas(sets, TrainSettings(max_pairs=60, corpus_weights={"other": 0}))

    assert (by_kind[1], by_corpus[2]) == (0, 0)
    assert quotas(graded, TrainSettings(max_pairs=60, graded_weight=0)) == [50, 0]


def test_no_text_is_in_more_pairs_of_a_draw_than_it_has_batches():
    kind = "title_category"
    large = [Pair(f"title {i}", "large", 1.0, kind) for i in range(90)]
    small = [Pair(f"other {i}", f"shelf {i % 10}", 1.0, kind) for i in range(40)]
    one = PairSet(source_of(), kind, False, (*large, *small))

    taken = draw(one, 40, 1, 8, seed=0)

    assert Counter(pair.b for pair in taken)["large"] == 5
    assert len(taken) > 30


def test_a_second_pass_draws_what_the_first_left():
    taken = draw(set_of(40), 20, 2, 4, seed=0)

    assert len(set(taken)) == 40


def test_a_set_smaller_than_its_quota_is_drawn_again_each_pass():
    assert Counter(draw(set_of(3), 3, 2, 4, seed=0)).most_common(1)[0][1] == 2


def test_the_draw_repeats_itself():
    assert draw(set_of(50), 9, 1, 4, seed=3) == draw(set_of(50), 9, 1, 4, seed=3)
    assert draw(set_of(50), 9, 1, 4, seed=3) != draw(set_of(50), 9, 1, 4, seed=4)


@pytest.mark.parametrize("given", [{"kind_weights": "bundle"}, {"corpus_weights": "x"}])
def test_a_weight_below_0_is_refused(given):
    ((name, key),) = given.items()

    with pytest.raises(ValueError, match=f"{name} must not be below 0"):
        TrainSettings.model_validate({name: {key: -1.0}})


@pytest.mark.parametrize("given", [{"kind_weights": {"bundel": 1}}, {"unguided_kinds": ["bundel"]}])
def test_a_kind_that_no_corpus_can_have_is_refused(given):
    with pytest.raises(ValueError, match=r"there is no kind bundel; the kinds are .*, bundle,"):
        TrainSettings.model_validate(given)


def test_every_kind_that_training_names_can_be_weighed():
    named = {BUNDLE, SAME_PRODUCT, CO_BOUGHT, TITLE_CATEGORY, *PRODUCT_SIDES, *JUDGED}

    assert named < set(KINDS)


def test_weights_that_leave_nothing_to_draw_are_refused():
    one = set_of(50)
    settings = TrainSettings(kind_weights={"query_product": 0.0})

    with pytest.raises(InputError, match="no kind of pairs"):
        draw_tables([one.source], [one.pairs], settings, Noise.of(settings))
