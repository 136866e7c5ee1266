"""What a user encoder is not told follows from the shop's size."""

import pytest

from relatum_export.training.users.settings import UserSettings


@pytest.mark.parametrize(
    ("bought", "events", "dimension", "batch_events"),
    [(2_000, 20_000, 256, 512), (12_000, 20_000, 128, 512), (12_000, 150_000, 128, 1_024)],
)
def test_a_small_shop_gets_longer_vectors_and_smaller_batches(
    bought, events, dimension, batch_events
):
    settings = UserSettings().for_shop(bought, events)

    assert (settings.dimension, settings.batch_events) == (dimension, batch_events)


def test_what_is_given_stays_whatever_the_size():
    settings = UserSettings(dimension=64, batch_events=2_048).for_shop(100, 500)

    assert (settings.dimension, settings.batch_events) == (64, 2_048)


def test_a_history_longer_than_a_small_batch_keeps_the_large_one():
    assert UserSettings(max_history=512).for_shop(100, 500).batch_events == 1_024
