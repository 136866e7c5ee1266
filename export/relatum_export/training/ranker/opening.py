"""Opening what `train ranker` is given beside the corpus, refusing what does not fit it."""

from pathlib import Path

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.graph.folder import (
    COMPLEMENT_IN,
    COMPLEMENT_OUT,
    DIFFUSED,
    GraphFolder,
    Space,
)
from relatum_export.training.users.item_text import ItemText
from relatum_export.training.users.run import TrainedUsers


def open_users(folder: Path, corpus: Corpus, text: ItemText) -> TrainedUsers:
    """The user encoder of a run.

    Raises:
        InputError: it was trained on another corpus or another encoder.
    """
    users = TrainedUsers.open(folder)
    users.check_encoder(text.encoder_id)
    _check_corpus(f"the user encoder {folder}", users.config["data_sha256"], corpus)
    return users


def open_spaces(folder: Path, corpus: Corpus, text: ItemText) -> dict[str, Space]:
    """The spaces of a graph folder, by name.

    Raises:
        InputError: it was built from another corpus or with another encoder.
    """
    graph = GraphFolder.open(folder)
    if graph.config["encoder_id"] != text.encoder_id:
        raise InputError(
            f"the graph {folder} was built with encoder {graph.config['encoder_id']}, not with "
            f"{text.encoder_id}; build it again with the same --encoder"
        )
    _check_corpus(f"the graph {folder}", graph.config["data_sha256"], corpus)
    found = {name: graph.space(name) for name in (DIFFUSED, COMPLEMENT_OUT, COMPLEMENT_IN)}
    return {name: space for name, space in found.items() if space is not None}


def _check_corpus(what: str, data_sha256: str, corpus: Corpus) -> None:
    if data_sha256 != corpus.fingerprint:
        raise InputError(
            f"{what} was made of other data than {corpus.path}; make it again from this corpus"
        )
