"""`relatum-export evaluate`: what a corpus's files say of base, fine-tuned and exported models."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from relatum_export.atomic_file import write_text
from relatum_export.console import Reporter


class Split(StrEnum):
    """Which splits are reported."""

    VALID = "valid"
    TEST = "test"
    BOTH = "both"


class Variant(StrEnum):
    """An exported precision of the encoder."""

    INT8 = "int8"
    FP32 = "fp32"
    FP16 = "fp16"


def evaluate(  # noqa: PLR0917 - each is a flag
    corpus: Annotated[Path, typer.Option(help="Folder that `prepare` wrote.")],
    artifact: Annotated[
        Path | None, typer.Option(help="Artifact: its variants and behaviour vectors.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Run of `train encoder`, the reference of the variants.")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="Untrained encoder: minilm, e5, a hub id, a folder. Default: what the artifact "
            "or the run was made from, else minilm."
        ),
    ] = None,
    users: Annotated[
        Path | None,
        typer.Option(help="Run of `train users` in the artifact, for PyTorch's answer beside it."),
    ] = None,
    refit_users: Annotated[
        Path | None,
        typer.Option(help="Run of `train users --refit`: relatum+valid, on train and valid."),
    ] = None,
    baselines: Annotated[
        Path | None,
        typer.Option(
            help="Judge the tuned baselines of shoppers too, and keep their figures here."
        ),
    ] = None,
    served_alone: Annotated[
        bool,
        typer.Option(
            "--served-alone",
            help="Measure what --artifact is served by alone: no base, PyTorch or other variant.",
        ),
    ] = False,
    variant: Annotated[
        list[Variant] | None,
        typer.Option(help="Judge this variant of --artifact; may be repeated. Default: all."),
    ] = None,
    split: Annotated[Split, typer.Option(help="Splits to report.")] = Split.BOTH,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the rows here; `-` prints them.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a self-contained page here.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Keep encoded texts here, so that a second run is fast.")
    ] = None,
    any_language: Annotated[
        bool, typer.Option("--any-language", help="Take minilm for text that it cannot read.")
    ] = False,
) -> None:
    """Measure encoders and an artifact on a corpus, by the protocols its files allow.

    Examples:
      relatum-export evaluate --corpus corpus --base minilm

      relatum-export evaluate --corpus corpus --artifact artifact --json m.json --html m.html

      relatum-export evaluate --corpus corpus --artifact artifact --model runs/encoder --split test

      relatum-export evaluate --corpus corpus --artifact artifact --model runs/encoder
      --users runs/users --refit-users runs/users-refit --baselines build/baselines
    """
    # PyTorch loads in seconds: `--help` and the other commands need not wait for it.
    from relatum_export.artifact.onnx_encoder import read_manifest  # noqa: PLC0415
    from relatum_export.corpus.folder import Corpus  # noqa: PLC0415
    from relatum_export.errors import InputError  # noqa: PLC0415
    from relatum_export.evaluation import evaluate as protocols_of  # noqa: PLC0415
    from relatum_export.evaluation.judgement import judge, title_vectors  # noqa: PLC0415
    from relatum_export.evaluation.page.document import page  # noqa: PLC0415
    from relatum_export.evaluation.page.terminal import tables  # noqa: PLC0415
    from relatum_export.evaluation.pair_head import PairHead  # noqa: PLC0415
    from relatum_export.evaluation.protocols.base import Task  # noqa: PLC0415
    from relatum_export.evaluation.recommendation import opening  # noqa: PLC0415
    from relatum_export.evaluation.systems import (  # noqa: PLC0415
        BehaviourSpace,
        TextSystem,
        served,
        text_systems,
    )
    from relatum_export.evaluation.values import values_file, write_values  # noqa: PLC0415
    from relatum_export.training.bases import check_languages, resolve  # noqa: PLC0415
    from relatum_export.training.products import Catalogue  # noqa: PLC0415

    if served_alone and (artifact is None or model is not None or variant):
        raise InputError(
            "--served-alone goes with --artifact, and without --model and --variant; leave one out"
        )
    if variant and artifact is None:
        raise InputError("--variant names one of --artifact: give an artifact too")
    reporter = Reporter(as_json=str(json_file) == "-")
    opened = Corpus.open(corpus)
    recommender = opening.recommender(artifact, users, refit_users)
    if base is None and artifact is not None:
        base = read_manifest(artifact).encoder.base_model
    if base is None:
        base = resolve(model).name if model is not None else "minilm"
    protocols = protocols_of.applicable(opened)
    unjudged = protocols_of.not_judged(opened, protocols)
    systems: list[TextSystem] = []
    if any(protocol.reads_text for protocol in protocols) or recommender is not None:
        check_languages(resolve(base), opened, any_language=any_language)
        if served_alone and artifact is not None:
            systems = served(artifact, cache, reporter)
        else:
            systems = text_systems(
                base, model, artifact, cache, reporter, precisions=variant or tuple(Variant)
            )
    task = Task(
        opened,
        Catalogue.read(opened) if opened.has("items") else None,
        ("valid", "test") if split is Split.BOTH else (split.value,),
        systems,
        BehaviourSpace.read(artifact) if artifact is not None else None,
        PairHead.read(artifact) if artifact is not None else None,
        recommender,
        None if baselines is None else opening.baselines(baselines, reporter),
    )
    outcomes, without = protocols_of.measure(task, protocols, reporter.info)
    unjudged += without
    vectors = title_vectors(systems, task.catalogue)
    judgement = judge(opened, outcomes, vectors, reporter.info)
    agreeing = protocols_of.agreements(outcomes)
    payload = [row.as_json() for row in judgement.rows]
    if json_file is not None and not reporter.as_json:
        write_text(json_file, json.dumps(payload, ensure_ascii=False, indent=1) + "\n")
        write_values(values_file(json_file), judgement.outcomes)
    if html is not None:
        write_text(html, page(judgement, agreeing, unjudged, task.notes))
    shown = [*judgement.figures, *judgement.width]
    reporter.result(payload, *tables(opened.name, shown, agreeing, unjudged))
    for note in task.notes:
        reporter.info(note)
