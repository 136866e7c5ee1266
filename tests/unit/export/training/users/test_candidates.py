"""A sampled softmax estimates the whole one."""

import numpy as np
import pytest
import torch

from relatum_export.training.users.batches import Batch, BatchMaker
from relatum_export.training.users.candidates import Candidates
from relatum_export.training.users.histories import Histories
from relatum_export.training.users.softmax import Entries, cross_entropy
from tests.unit.export.training.users.shops import PRODUCTS, SMALL, round_shop


@pytest.fixture(scope="module")
def histories(tmp_path_factory):
    return Histories.read(round_shop(tmp_path_factory.mktemp("shop")), "train")


@pytest.fixture(scope="module")
def batch(histories):
    return next(BatchMaker(histories, SMALL, repeats=False, time_gaps=False).epoch(1))


def loss(candidates, batch, rng, vectors, queries):
    pool = candidates.of(batch, rng)
    return float(cross_entropy(queries, vectors[pool.rows], 4.0, pool.wanted))


def test_items_that_nobody_bought_are_no_candidates(histories, batch):
    pool = Candidates(histories.counts(), None, 0.0).of(batch, np.random.default_rng(0))

    assert PRODUCTS - 1 not in pool.rows
    assert len(pool.rows) == PRODUCTS - 1
    assert pool.wanted.bias is None


def test_every_target_is_among_the_drawn(histories, batch):
    candidates = Candidates(histories.counts(), 2, 0.0)

    pool = candidates.of(batch, np.random.default_rng(0))

    assert set(batch.target.column.tolist()) <= set(pool.rows.tolist())
    assert pool.rows[pool.wanted.target.column].tolist() == batch.target.column.tolist()
    assert pool.wanted.masked is not None
    assert (pool.wanted.masked.column >= 0).all()


def test_the_corrected_sample_estimates_the_loss_over_all_items():
    """Many items, few of them drawn: without the correction the loss would be far too small."""
    items, rows = 400, 6
    draw = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(items, 8, generator=draw), dim=1)
    queries = torch.nn.functional.normalize(torch.randn(rows, 8, generator=draw), dim=1)
    counts = np.random.default_rng(0).integers(1, 50, items)
    batch = _batch_of(np.array([3, 50, 120, 200, 311, 399]))
    whole = loss(Candidates(counts, None, 0.0), batch, np.random.default_rng(0), vectors, queries)

    sampled = Candidates(counts, 150, 0.0)
    rng = np.random.default_rng(1)
    found = np.mean([loss(sampled, batch, rng, vectors, queries) for _ in range(200)])

    assert found == pytest.approx(whole, abs=0.05)


def _batch_of(targets):
    rows = len(targets)
    entries = Entries(torch.arange(rows + 1), torch.from_numpy(targets), torch.ones(rows))
    places = torch.zeros(rows, dtype=torch.int64)
    items = torch.zeros(rows, 1, dtype=torch.int64)
    gaps = torch.zeros(rows, 1)
    return Batch(("u",) * rows, items, gaps, torch.arange(rows), places, entries, None)
