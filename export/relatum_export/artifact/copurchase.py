"""What was bought with what: baskets in the shoppers' order, and directed pair counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.corpus.folder import Corpus

WINDOW = 3  # in histories without baskets, b follows a if it is at most so many events later
PAIRS_PER_ITEM = 50  # the most frequent successors kept of each item
MAX_BASKET = 200  # a longer basket is a wholesaler's stock list and says nothing of pairs


@dataclass(frozen=True, slots=True)
class Baskets:
    """Baskets by items, in the order of shopper, then time.

    Attributes:
        item_ids: the items bought, sorted; column j of ``matrix`` is ``item_ids[j]``.
        matrix: [baskets, items], 1 where the basket holds the item, float32 CSR.
        successor: [baskets, baskets], 1 from each basket to the same shopper's next one.
        sessions: whether the source has baskets; without them each event is a basket of its own.
    """

    item_ids: tuple[str, ...]
    matrix: sparse.csr_matrix
    successor: sparse.csr_matrix
    sessions: bool


def purchases(corpus: Corpus, splits: Sequence[str]) -> pd.DataFrame:
    """The purchase lines of products in the catalogue, in the given splits.

    Returns lines without cancellations: RETURN lines are left out and take nothing away, as in
    the evaluation's protocols.

    Returns:
        Columns user_id (None where unknown), item_id, timestamp (s), session_id, position;
        ordered by shopper, time, position and session id.
    """
    columns = ["user_id", "item_id", "event_type", "timestamp", "session_id", "position", "split"]
    frame = corpus.table("events", columns).to_pandas()
    known = corpus.table("items", ["item_id"]).column("item_id").to_pandas()
    keep = (
        (frame["event_type"] == "PURCHASE")
        & frame["split"].isin(list(splits))
        & frame["item_id"].isin(known)
    )
    frame = frame.loc[keep].drop(columns=["event_type", "split"])
    order = ["user_id", "timestamp", "position", "session_id"]
    return frame.sort_values(order, kind="stable", ignore_index=True)


def baskets(lines: pd.DataFrame) -> Baskets:
    """Arrange purchase lines (as from ``purchases``) as baskets.

    Lines without a shopper make baskets but have no successor. Where the source has sessions, a
    line without one is a basket of its own.
    """
    items, item_ids = pd.factorize(lines["item_id"], sort=True)
    sessions = bool(lines["session_id"].notna().any())
    own = "\x00" + lines.index.astype(str)  # cannot be a session's name
    names = lines["session_id"].where(lines["session_id"].notna(), own) if sessions else own
    rows, _ = pd.factorize(pd.Series(names).astype(object))
    shape = (int(rows.max()) + 1, len(item_ids))
    matrix = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, items)), shape)
    matrix.data[:] = 1.0  # a product twice in a basket is one product
    first = np.unique(rows, return_index=True)[1]
    owner = pd.factorize(lines["user_id"].to_numpy()[first])[0]  # -1: no shopper
    follows = np.flatnonzero((owner[1:] == owner[:-1]) & (owner[1:] >= 0))
    successor = sparse.csr_matrix(
        (np.ones(len(follows), np.float32), (follows, follows + 1)), (shape[0], shape[0])
    )
    return Baskets(tuple(str(i) for i in item_ids), matrix, successor, sessions)


def directed_counts(data: Baskets, *, window: int = WINDOW) -> sparse.csr_matrix:
    """How often b goes with a.

    Same basket: counts once in both directions. Without baskets: b at most ``window`` events
    after a in one history, in that direction alone.

    Returns:
        [items, items] float32 CSR without a diagonal.
    """
    if data.sessions:
        sizes = np.asarray(data.matrix.sum(axis=1)).ravel()
        usable = data.matrix[(sizes > 1) & (sizes <= MAX_BASKET)]
        counts = (usable.T @ usable).tocsr()
    else:
        later, counts = (
            data.matrix,
            sparse.csr_matrix((data.matrix.shape[1],) * 2, dtype=np.float32),
        )
        for _ in range(window):
            later = data.successor @ later
            counts = counts + data.matrix.T @ later
    counts = counts.tocoo()
    off = counts.row != counts.col
    return sparse.csr_matrix((counts.data[off], (counts.row[off], counts.col[off])), counts.shape)


def pair_table(data: Baskets, *, per_item: int = PAIRS_PER_ITEM) -> pa.Table:
    """The ``per_item`` most frequent successors of each item, ties by id.

    Returns:
        item_id_a, item_id_b (string), count (int32), ordered by a, then count, then b.
    """
    counts = directed_counts(data).tocoo()
    order = np.lexsort((counts.col, -counts.data, counts.row))
    row, col, data_ = counts.row[order], counts.col[order], counts.data[order]
    starts = np.searchsorted(row, np.arange(counts.shape[0]))
    keep = np.arange(len(row)) - starts[row] < per_item
    ids = pa.array(data.item_ids, pa.string())
    return pa.table(
        {
            "item_id_a": _take(ids, row[keep]),
            "item_id_b": _take(ids, col[keep]),
            "count": pa.array(data_[keep].astype(np.int32)),
        }
    )


def popularity_table(lines: pd.DataFrame) -> pa.Table:
    """Purchase lines of each item and the last one's time.

    Returns:
        item_id, count (int64), last_time (s since 1970, int64; null where the source has no
        times), by falling count, then id.
    """
    grouped = lines.groupby("item_id", sort=True)["timestamp"]
    frame = pd.DataFrame({"count": grouped.size(), "last_time": grouped.max()}).reset_index()
    frame = frame.sort_values(["count", "item_id"], ascending=[False, True], kind="stable")
    last = [None if pd.isna(t) else int(t) for t in frame["last_time"]]
    return pa.table(
        {
            "item_id": pa.array(frame["item_id"].astype(str), pa.string()),
            "count": pa.array(frame["count"].to_numpy(np.int64)),
            "last_time": pa.array(last, pa.int64()),
        }
    )


def _take(ids: pa.Array, index: NDArray[np.int32]) -> pa.Array:
    return ids.take(pa.array(index))
