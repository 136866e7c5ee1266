"""The artifact folder: verified, described in plain values, and its files read."""

from relatum_server.artifact.golden import GoldenPair, GraphGolden, read_graph_golden, read_pairs
from relatum_server.artifact.ranker import RankerSource, RankerSpec, read_ranker
from relatum_server.artifact.reading import load_artifact
from relatum_server.artifact.spec import (
    Artifact,
    EncoderSpec,
    PairHeadSpec,
    RerankerSpec,
    RidgeSpec,
    SpaceSpec,
    TextField,
    TextForm,
    UserEncoderSpec,
    Variant,
    WordsSpec,
)
from relatum_server.artifact.tables import (
    WordWeights,
    load_ridge,
    load_space,
    read_table,
    read_words,
)

__all__ = [
    "Artifact",
    "EncoderSpec",
    "GoldenPair",
    "GraphGolden",
    "PairHeadSpec",
    "RankerSource",
    "RankerSpec",
    "RerankerSpec",
    "RidgeSpec",
    "SpaceSpec",
    "TextField",
    "TextForm",
    "UserEncoderSpec",
    "Variant",
    "WordWeights",
    "WordsSpec",
    "load_artifact",
    "load_ridge",
    "load_space",
    "read_graph_golden",
    "read_pairs",
    "read_ranker",
    "read_table",
    "read_words",
]
