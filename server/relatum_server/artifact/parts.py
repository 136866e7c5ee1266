"""The optional parts that a manifest names, each checked against the others."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from relatum.artifact.v1 import manifest_pb2
from relatum_server.artifact.files import VerifiedFiles
from relatum_server.artifact.ranker import RankerSpec, read_ranker
from relatum_server.artifact.spec import (
    CLASSES,
    PairHeadSpec,
    RerankerSpec,
    RidgeSpec,
    SpaceSpec,
    UserEncoderSpec,
    Variant,
    WordsSpec,
)
from relatum_server.artifact.tables import load_ridge
from relatum_server.errors import ArtifactError

COMPLEMENT = ("complement_in", "complement_out")
TRANSITIONS = {"item_id_a": pa.string(), "item_id_b": pa.string(), "weight": pa.float32()}
GRAPH = {
    "source": pa.string(),
    "relation": pa.string(),
    "target": pa.string(),
    "count": pa.int32(),
}
# Which part of the artifact a source of the ranker asks; the others need the shop's events alone.
_NEEDS = {
    "users": "user_encoder",
    "transitions": "transitions_file",
    "copurchase": "copurchase_file",
    "popularity": "popularity_file",
    "diffused": "space diffused",
    "complement": "space complement_in",
}


def spaces(manifest: manifest_pb2.Manifest, files: VerifiedFiles) -> tuple[SpaceSpec, ...]:
    """The spaces, each named once; of the complement spaces both or neither."""
    names = [space.name for space in manifest.spaces]
    sizes = {space.dimension for space in manifest.spaces if space.name in COMPLEMENT}
    files.refuse(
        {
            "spaces.name is missing": "" in names,
            f"spaces {names} name one twice": len(set(names)) != len(names),
            "a space has dimension 0": not all(space.dimension for space in manifest.spaces),
            f"of {COMPLEMENT} there is one alone": len({*names} & {*COMPLEMENT}) == 1,
            f"{COMPLEMENT} differ in dimension": len(sizes) > 1,
        }
    )
    return tuple(
        SpaceSpec(
            name=space.name,
            vectors_path=files.named(space.vectors_file, "spaces.vectors_file"),
            ids_path=files.named(space.ids_file, "spaces.ids_file"),
            dimension=space.dimension,
        )
        for space in manifest.spaces
    )


def pair_head(manifest: manifest_pb2.Manifest, files: VerifiedFiles) -> PairHeadSpec | None:
    """The association head, if there is one."""
    if not manifest.HasField("pair_head"):
        return None
    head = manifest.pair_head
    classes, learned = list(head.classes), list(head.learned_classes)
    files.refuse(
        {
            f"pair_head.classes are {classes}, known are {list(CLASSES)}, each at most once": (
                not {*classes} <= {*CLASSES} or len({*classes}) != len(classes)
            ),
            "pair_head.classes are fewer than two": len(classes) < 2,  # noqa: PLR2004
            f"pair_head.learned_classes are {learned}, not of its classes": (
                not learned or not {*learned} <= {*classes}
            ),
            f"pair_head.dimension is {head.dimension} and the encoder's is "
            f"{manifest.encoder.dimension}": head.dimension != manifest.encoder.dimension,
            f"pair_head.temperature is {head.temperature}, not above 0": not head.temperature > 0,
            "pair_head.features name one twice": len({*head.features}) != len(head.features),
            "pair_head.words_file and golden_features_file come with features, and only then": (
                not bool(head.features) == bool(head.words_file) == bool(head.golden_features_file)
            ),
        }
    )
    return PairHeadSpec(
        path=files.named(head.file, "pair_head.file"),
        classes=tuple(classes),
        learned=tuple(learned),
        dimension=head.dimension,
        features=tuple(head.features),
        words_path=files.optional(head.words_file, "pair_head.words_file"),
        temperature=head.temperature,
        label_sources=tuple((x.label, x.source, x.pairs) for x in head.label_sources),
        golden_path=files.named(head.golden_file, "pair_head.golden_file"),
        golden_features_path=files.optional(
            head.golden_features_file, "pair_head.golden_features_file"
        ),
    )


def user_encoder(
    manifest: manifest_pb2.Manifest, files: VerifiedFiles, known: Sequence[SpaceSpec]
) -> UserEncoderSpec | None:
    """The user encoder, if there is one."""
    if not manifest.HasField("user_encoder"):
        return None
    users = manifest.user_encoder
    _check_space(files, "user_encoder", users.space, users.dimension, known)
    files.refuse({"user_encoder.max_history is 0": not users.max_history})
    return UserEncoderSpec(
        path=files.named(users.file, "user_encoder.file"),
        space=users.space,
        dimension=users.dimension,
        max_history=users.max_history,
        reads_gaps=users.reads_gaps,
        repeats=users.repeats,
        golden_path=files.named(users.golden_file, "user_encoder.golden_file"),
    )


def ridge(
    manifest: manifest_pb2.Manifest, files: VerifiedFiles, known: Sequence[SpaceSpec]
) -> RidgeSpec | None:
    """The map from text into a space, if there is one; its file has the shape it says."""
    if not manifest.HasField("ridge"):
        return None
    found = manifest.ridge
    _check_space(files, "ridge", found.space, found.dimension, known)
    files.refuse(
        {
            f"ridge.input_dimension is {found.input_dimension} and the encoder's dimension is "
            f"{manifest.encoder.dimension}": found.input_dimension != manifest.encoder.dimension
        }
    )
    path = files.named(found.file, "ridge.file")
    spec = RidgeSpec(path, found.space, found.input_dimension, found.dimension)
    load_ridge(spec)
    return spec


def ranker(manifest: manifest_pb2.Manifest, files: VerifiedFiles) -> RankerSpec | None:
    """The ranker, if there is one; the parts that its sources ask are there too."""
    if not manifest.HasField("ranker"):
        return None
    found = read_ranker(files.named(manifest.ranker.file, "ranker.file"))
    names = [source.name for source in found.sources]
    named = [*manifest.ranker.sources]
    absent = [
        f"{name} ({_NEEDS[name]})"
        for name in names
        if name in _NEEDS and not _has(manifest, _NEEDS[name])
    ]
    files.refuse(
        {
            f"ranker.version is {manifest.ranker.version} and its file's {found.version}": (
                manifest.ranker.version != found.version
            ),
            f"ranker.sources are {named} and its file's {names}": {*named} != {*names},
            f"the ranker weighs parts that are absent: {', '.join(absent)}": bool(absent),
        }
    )
    return found


def transitions(manifest: manifest_pb2.Manifest, files: VerifiedFiles) -> Path | None:
    """The table of ordered pairs, if there is one."""
    path = files.optional(manifest.transitions_file, "transitions_file")
    _check_columns(path, TRANSITIONS)
    return path


def graph(manifest: manifest_pb2.Manifest, files: VerifiedFiles) -> Path | None:
    """The table of the knowledge graph's edges, if there is one."""
    path = files.optional(manifest.graph_file, "graph_file")
    _check_columns(path, GRAPH)
    return path


def words(manifest: manifest_pb2.Manifest, files: VerifiedFiles) -> WordsSpec | None:
    """How much words count, if the artifact says so."""
    if not manifest.HasField("words"):
        return None
    given = manifest.words
    weights = {"similar": given.similar, "search": given.search, "rerank": given.rerank}
    files.refuse(
        {
            f"words.{use} is {weight}, not a number of 0 or more": not 0 <= weight < math.inf
            for use, weight in weights.items()
        }
    )
    return WordsSpec(files.named(given.file, "words.file"), **weights)


def reranker(manifest: manifest_pb2.Manifest, files: VerifiedFiles) -> RerankerSpec | None:
    """What reads query and text together, if there is one."""
    if not manifest.HasField("reranker"):
        return None
    given = manifest.reranker
    weights = {"rerank": given.rerank, "answers": given.answers}
    files.refuse(
        {
            "reranker.max_tokens is 0": not given.max_tokens,
            "reranker.variants is empty": not given.variants,
            **{
                f"reranker.{use} is {weight}, not a number of 0 or more": not 0 <= weight < math.inf
                for use, weight in weights.items()
            },
        }
    )
    return RerankerSpec(
        tokenizer_path=files.named(given.tokenizer_file, "reranker.tokenizer_file"),
        max_tokens=given.max_tokens,
        pad_token_id=given.pad_token_id,
        variants=variants(given.variants, files, "reranker.variants.file"),
        rerank=given.rerank,
        golden_path=files.named(given.golden_file, "reranker.golden_file"),
    )


def variants(
    given: Iterable[manifest_pb2.Variant], files: VerifiedFiles, manifest_field: str
) -> tuple[Variant, ...]:
    """The exported graphs of an encoder or a reranker."""
    return tuple(
        Variant(v.precision, files.named(v.file, manifest_field), tuple(v.providers)) for v in given
    )


def golden_max_difference(manifest: manifest_pb2.Manifest, files: VerifiedFiles) -> float:
    """How far a head's output may be from its golden one; 0 where there is no head."""
    difference = manifest.thresholds.golden_max_difference
    heads = manifest.HasField("pair_head") or manifest.HasField("user_encoder")
    wrong = f"thresholds.golden_max_difference is {difference} for the heads, not in (0, 1)"
    files.refuse({wrong: heads and not 0 < difference < 1})
    return difference


def _has(manifest: manifest_pb2.Manifest, part: str) -> bool:
    if part == "user_encoder":
        return manifest.HasField("user_encoder")
    if part.startswith("space "):
        return part.removeprefix("space ") in {space.name for space in manifest.spaces}
    return bool(getattr(manifest, part))


def _check_space(
    files: VerifiedFiles, part: str, name: str, dimension: int, known: Sequence[SpaceSpec]
) -> None:
    sizes = {space.name: space.dimension for space in known}
    files.refuse(
        {
            f"{part}.space is {name!r}, and the spaces are {sorted(sizes)}": name not in sizes,
            f"{part}.dimension is {dimension} and the space's is {sizes.get(name)}": (
                sizes.get(name, dimension) != dimension
            ),
        }
    )


def _check_columns(path: Path | None, columns: dict[str, pa.DataType]) -> None:
    """Refuse a Parquet file of other columns or types; reads its footer alone."""
    if path is None:
        return
    try:
        schema = parquet.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        cause = str(error).splitlines()[0]
        raise ArtifactError(f"{path}: unreadable ({cause}); export the artifact again") from error
    found = dict(zip(schema.names, schema.types, strict=True))
    if found != columns:
        raise ArtifactError(
            f"{path}: has the columns {_columns(found)} where {_columns(columns)} were expected; "
            "export the artifact again"
        )


def _columns(columns: dict[str, pa.DataType]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())
