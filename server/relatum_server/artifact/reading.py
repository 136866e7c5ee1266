"""Reads an artifact folder and vouches for it: hashes, and parts that fit together."""

from pathlib import Path

from relatum.artifact.v1 import manifest_pb2
from relatum_server.artifact.files import VerifiedFiles, read_manifest
from relatum_server.artifact.parts import (
    golden_max_difference,
    graph,
    pair_head,
    ranker,
    reranker,
    ridge,
    spaces,
    transitions,
    user_encoder,
    variants,
    words,
)
from relatum_server.artifact.spec import Artifact, EncoderSpec, TextField, TextForm

TEXT_FIELDS = ("title", "brand", "categories", "attributes", "description")


def load_artifact(path: Path) -> Artifact:
    """Verify an artifact folder and describe it.

    Raises:
        ArtifactError: Not an artifact, of an unknown format, or damaged; one line that names the
            file and the remedy.
    """
    folder = path.resolve()
    manifest = read_manifest(folder)
    files = VerifiedFiles(folder, manifest)
    encoder = _encoder(manifest, files)
    min_cosine = manifest.thresholds.golden_min_cosine
    item_spaces = spaces(manifest, files)
    files.refuse(
        {
            "model_id is missing": not manifest.model_id,
            f"thresholds.golden_min_cosine is {min_cosine}, not in (0, 1]": not 0 < min_cosine <= 1,
        }
    )
    return Artifact(
        path=folder,
        name=manifest.name,
        model_id=manifest.model_id,
        encoder=encoder,
        spaces=item_spaces,
        copurchase_path=files.optional(manifest.copurchase_file, "copurchase_file"),
        popularity_path=files.optional(manifest.popularity_file, "popularity_file"),
        golden_path=files.named(manifest.golden_file, "golden_file"),
        golden_min_cosine=min_cosine,
        languages={language.code: language.share for language in manifest.languages},
        pair_head=pair_head(manifest, files),
        user_encoder=user_encoder(manifest, files, item_spaces),
        ridge=ridge(manifest, files, item_spaces),
        transitions_path=transitions(manifest, files),
        ranker=ranker(manifest, files),
        graph_path=graph(manifest, files),
        golden_max_difference=golden_max_difference(manifest, files),
        words=words(manifest, files),
        reranker=reranker(manifest, files),
    )


def _encoder(manifest: manifest_pb2.Manifest, files: VerifiedFiles) -> EncoderSpec:
    encoder = manifest.encoder
    unknown = [f.name for f in encoder.text_form.fields if f.name not in TEXT_FIELDS]
    wrong = {
        "encoder.encoder_id is missing": not encoder.encoder_id,
        "encoder.dimension is 0": not encoder.dimension,
        "encoder.max_tokens is 0": not encoder.max_tokens,
        "encoder.variants is empty": not encoder.variants,
        "encoder.text_form has no fields": not encoder.text_form.fields,
        f"encoder.text_form names unknown fields {unknown}": bool(unknown),
    }
    files.refuse(wrong)
    return EncoderSpec(
        encoder_id=encoder.encoder_id,
        base_model=encoder.base_model,
        dimension=encoder.dimension,
        query_prefix=encoder.query_prefix,
        document_prefix=encoder.document_prefix,
        max_tokens=encoder.max_tokens,
        pad_token_id=encoder.pad_token_id,
        tokenizer_path=files.named(encoder.tokenizer_file, "encoder.tokenizer_file"),
        text_form=TextForm(
            fields=tuple(TextField(f.name, f.max_chars) for f in encoder.text_form.fields),
            separator=encoder.text_form.separator,
        ),
        variants=variants(encoder.variants, files, "encoder.variants.file"),
        matryoshka_dimensions=tuple(encoder.matryoshka_dimensions),
    )
