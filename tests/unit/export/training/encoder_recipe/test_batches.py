"""How rows become batches."""

from relatum_export.training.encoder_recipe.batches import anchor_batches, length_batches
from tests.unit.export.training.encoder_recipe.pair_sources import seeded


def test_every_row_is_in_one_batch_and_near_lengths_together():
    draw = seeded()
    anchors = [f"{i} " + "x" * draw.randrange(200) for i in range(256)]
    positives = [f"b{i}" for i in range(256)]

    batches = length_batches(anchors, positives, 8, seeded())

    assert sorted(row for batch in batches for row in batch) == list(range(256))
    widest = [max(len(anchors[row]) for row in batch) for batch in batches]
    spread = sum(
        widest[at] - len(anchors[row]) for at, batch in enumerate(batches) for row in batch
    )
    assert spread < 10 * 256


def test_a_text_is_once_in_a_batch_where_that_can_be_had():
    anchors = [f"a{i}" for i in range(64)]
    positives = [f"shelf {i % 16}" for i in range(64)]

    batches = length_batches(anchors, positives, 8, seeded())

    distinct = [len({positives[row] for row in batch}) == len(batch) for batch in batches]
    assert sum(distinct) >= len(batches) - 2


def test_rows_that_share_a_text_are_batched_all_the_same():
    batches = length_batches([f"a{i}" for i in range(10)], ["same"] * 10, 4, seeded())

    assert sorted(row for batch in batches for row in batch) == list(range(10))


def test_a_row_alone_teaches_nothing_and_is_left_out():
    batches = length_batches(["a", "b", "c"], ["x", "y", "z"], 2, seeded())

    assert [len(batch) for batch in batches] == [2]


def test_grades_of_one_query_stay_together():
    anchors = [float(i % 5) for i in range(40)]

    batches = anchor_batches(anchors, 8, seeded())

    assert all(len({anchors[row] for row in batch}) == 1 for batch in batches)
