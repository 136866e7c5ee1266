"""Items by id and text, and what a history's states may depend on."""

import numpy as np
import pytest
import torch

from relatum_export.training.users.model import ItemTable, UserEncoder, UserModel, buckets
from tests.unit.export.training.users.shops import SMALL

TEXT = torch.nn.functional.normalize(torch.randn(6, 4, generator=torch.Generator().manual_seed(0)))


def test_before_training_the_text_alone_says_where_an_item_is():
    same = TEXT.clone()
    same[1] = same[0]

    vectors = ItemTable(same, 8)(torch.arange(6)).detach()

    torch.testing.assert_close(vectors[0], vectors[1])
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(6))


def test_an_item_without_text_has_a_vector_of_its_own_and_a_bounded_gradient():
    text = TEXT.clone()
    text[2] = 0.0
    table = ItemTable(text, 8)

    vectors = table(torch.arange(6))
    vectors[:, 0].sum().backward()

    assert float(vectors[2].detach().norm()) == pytest.approx(1.0)
    assert table.id.grad is not None
    assert float(table.id.grad.abs().max()) < 100


def test_a_state_depends_on_what_came_before_and_on_nothing_after():
    encoder = UserEncoder(SMALL).eval()
    vectors = torch.randn(1, 6, 16, generator=torch.Generator().manual_seed(0))
    gaps = torch.full((1, 6), -1.0)
    later = vectors.clone()
    later[0, 4:] += 1.0

    before, after = encoder.states(vectors, gaps), encoder.states(later, gaps)

    torch.testing.assert_close(before[0, :4], after[0, :4])
    assert not torch.allclose(before[0, 4], after[0, 4])


def test_only_the_direction_of_what_is_read_counts():
    encoder = UserEncoder(SMALL).eval()
    vectors = torch.randn(1, 3, 16, generator=torch.Generator().manual_seed(0))
    gaps = torch.full((1, 3), -1.0)

    torch.testing.assert_close(encoder.states(vectors, gaps), encoder.states(0.3 * vectors, gaps))


def test_the_order_of_a_history_counts():
    encoder = UserEncoder(SMALL).eval()
    vectors = torch.randn(1, 3, 16, generator=torch.Generator().manual_seed(0))
    gaps = torch.full((1, 3), -1.0)
    turned = vectors[:, [1, 0, 2]]

    first, second = encoder.states(vectors, gaps)[0, 2], encoder.states(turned, gaps)[0, 2]
    assert not torch.allclose(first, second, atol=1e-4)


def test_gaps_fall_into_buckets_that_double():
    days = torch.tensor([-1.0, 0.0, 0.5 / 24, 1 / 24, 3 / 24, 1.0, 365.0, 1e6])

    assert buckets(days).tolist() == [0, 1, 1, 2, 3, 5, 14, 17]


def test_a_shop_without_times_ignores_gaps():
    encoder = UserEncoder(SMALL.model_copy(update={"time_gaps": "off"})).eval()
    vectors = torch.randn(1, 3, 16)

    told = encoder.states(vectors, torch.full((1, 3), 5.0))

    torch.testing.assert_close(told, encoder.states(vectors, torch.full((1, 3), -1.0)))
    assert UserModel(TEXT.numpy().astype(np.float32), SMALL).item_vectors().shape == (6, 16)
