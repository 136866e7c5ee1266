"""An artifact in memory, with a history of purchases and no model."""

from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from relatum_server.artifact import (
    Artifact,
    EncoderSpec,
    RankerSource,
    RankerSpec,
    TextForm,
)

DAY_US = 86_400 * 1_000_000
IDS = [f"p{number}" for number in range(24)]
HISTORY = IDS[:12]
SETTINGS = {
    "window": 3.0,
    "step": 0.6,
    "backwards": 0.3,
    "row_power": 0.5,
    "popularity_power": 0.25,
    "history_step": 0.7,
}
RANKER = RankerSpec(1, True, (RankerSource("transitions", 1.0, 1.0, 20, SETTINGS),))


def artifact_with_history(
    folder: Path, dimension: int = 8, *, model_id: str = "model-a", last_day: int = 19_000
) -> Artifact:
    """An artifact with a history of half the products and no vectors."""
    folder.mkdir(exist_ok=True)
    popularity, copurchase = folder / f"{model_id}-p.parquet", folder / f"{model_id}-c.parquet"
    last = [(last_day - number) * 86_400 for number in range(len(HISTORY))]
    parquet.write_table(
        pa.table({"item_id": HISTORY, "count": range(3, 15), "last_time": last}), popularity
    )
    pairs = [(a, b) for a in HISTORY[:4] for b in HISTORY[:4] if a != b]
    columns = {
        "item_id_a": [a for a, _ in pairs],
        "item_id_b": [b for _, b in pairs],
        "count": [2] * len(pairs),
    }
    parquet.write_table(pa.table(columns), copurchase)
    encoder = EncoderSpec(
        "encoder", "base", dimension, "", "", 32, 0, folder, TextForm((), ""), (), ()
    )
    return Artifact(
        path=folder,
        name="shop",
        model_id=model_id,
        encoder=encoder,
        spaces=(),
        copurchase_path=copurchase,
        popularity_path=popularity,
        golden_path=folder,
        golden_min_cosine=0.9,
        languages={},
        ranker=RANKER,
    )
