"""The optional parts of an artifact: opened and checked first, written when the rest stands."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from safetensors import SafetensorError

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.answer_head import add_answer_head
from relatum_export.artifact.knowledge import add_graph
from relatum_export.artifact.pair_head import add_pair_head
from relatum_export.artifact.ranker import add_ranker, check_given, check_users
from relatum_export.artifact.user_encoder import add_user_encoder
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.errors import InputError
from relatum_export.graph.folder import GraphFolder
from relatum_export.training.answer_head.saved import SavedAnswers
from relatum_export.training.answer_head.saved import load as load_answers
from relatum_export.training.association_head import saved
from relatum_export.training.bases import form_from_json
from relatum_export.training.encoder import TorchEncoder
from relatum_export.training.ranker.run import TrainedRanker
from relatum_export.training.run import CONFIG, METRICS
from relatum_export.training.users.run import TrainedUsers

Part = TypeVar("Part")
HEADS = ("--pairs", "--answers")  # flags of the parts that read vectors of any form
_LOGS = ("curve", "epochs", "tried")  # of training and choosing; they stay in the run


@dataclass(frozen=True, slots=True)
class PartRuns:
    """Where the parts come from, each None if the artifact goes without.

    Attributes:
        pairs: run of `train pairs`.
        users: run of `train users`.
        ranker: run of `train ranker`.
        graph: folder of `build graph`.
        answers: run of `train answers`.
    """

    pairs: Path | None = None
    users: Path | None = None
    ranker: Path | None = None
    graph: Path | None = None
    answers: Path | None = None

    def given(self) -> dict[str, Path]:
        """The folders by the names of their flags."""
        flags = {
            "--pairs": self.pairs,
            "--users": self.users,
            "--ranker": self.ranker,
            "--graph": self.graph,
            "--answers": self.answers,
        }
        return {flag: path for flag, path in flags.items() if path is not None}


@dataclass(frozen=True, slots=True)
class Parts:
    """The opened parts.

    Attributes:
        head: association head.
        head_metrics: of its run.
        users: user encoder with its space.
        ranker: weights of the sources of candidates.
        graph: edges and complement spaces.
        answers: answer head.
        answers_metrics: of its run.
        configs: `config.json` by flag.
        runs: where each came from.
    """

    head: saved.SavedHead | None
    head_metrics: Mapping[str, Any]
    users: TrainedUsers | None
    ranker: TrainedRanker | None
    graph: GraphFolder | None
    answers: SavedAnswers | None
    answers_metrics: Mapping[str, Any]
    configs: Mapping[str, Mapping[str, Any]]
    runs: PartRuns

    @classmethod
    def open(cls, runs: PartRuns) -> Self:
        """Open what was given.

        Raises:
            InputError: a folder is something else than its flag wants, unfinished or damaged, or
                the ranker weighs a part that was not given, or another user encoder.
        """
        head = _opened("--pairs", runs.pairs, saved.load)
        users = _opened("--users", runs.users, TrainedUsers.open)
        ranker = _opened("--ranker", runs.ranker, TrainedRanker.open)
        graph = _opened("--graph", runs.graph, GraphFolder.open)
        answers = _opened("--answers", runs.answers, load_answers)
        if ranker is not None:
            check_given(ranker, runs.given())
            check_users(ranker, users)
        configs = {flag: _read(path / CONFIG) for flag, path in runs.given().items()}
        if head is not None:  # a joint run starts from one encoder and ends with another
            configs["--pairs"]["encoder_id"] = head.description["encoder_id"]
        head_metrics = _read(runs.pairs / METRICS) if runs.pairs else {}
        answers_metrics = _read(runs.answers / METRICS) if runs.answers else {}
        return cls(
            head=head,
            head_metrics=head_metrics,
            users=users,
            ranker=ranker,
            graph=graph,
            answers=answers,
            answers_metrics=answers_metrics,
            configs=configs,
            runs=runs,
        )

    def text_form(self, corpus: Corpus) -> TextForm | None:
        """How the first of the shop's own parts laid products out as text; None without any.

        A head that was fitted on other shops leaves the form to this one.
        """
        own = hashlib.sha256(corpus.fingerprint.encode()).hexdigest()  # of a run on it alone
        for flag, config in self.configs.items():
            if flag == "--answers" or (flag == "--pairs" and config.get("data_sha256") != own):
                continue
            form = _form_of(config)
            if form is not None:
                return form
        return None

    def check_encoder(
        self, encoder_id: str, name: str, form: TextForm, under: Callable[[TextForm], str]
    ) -> None:
        """Refuse parts that were trained on other text vectors than those of the artifact.

        The heads may have seen products in another form: they read vectors, and a general one
        serves shops of any.

        Args:
            encoder_id: of the artifact's encoder.
            name: its name, for people.
            form: its text form.
            under: the id of the same encoder under another form.

        Raises:
            InputError: the first part of another encoder, weights, tokenizer or text form.
        """
        for flag, path in self.runs.given().items():
            config = self.configs[flag]
            if config.get("encoder_id") == encoder_id:
                continue
            other_form = _form_of(config) if flag in HEADS else None
            if other_form is not None and config.get("encoder_id") == under(other_form):
                continue
            other = config.get("encoder") or config.get("base") or "an unknown encoder"
            named = (config.get("text_form") or {}).get("name", "an unknown form")
            raise InputError(
                f"{flag} {path} was made on encoder {config.get('encoder_id')} ({other}, text form "
                f"{named}), not on {encoder_id} ({name}, text form {form.name}); make it "
                "again with this --encoder, or export with the encoder that it was made on"
            )

    def write(
        self,
        corpus: Corpus,
        encoder: TorchEncoder,
        folder: Path,
        manifest: manifest_pb2.Manifest,
        reporter: Reporter,
    ) -> dict[str, Any]:
        """Write every part into ``folder`` and name it in ``manifest``, which has the rest.

        Returns:
            By part, the metrics of its run and what the export measured.

        Raises:
            InputError: a part does not fit the corpus or the other parts, or is damaged.
            QualityError: a graph differs from PyTorch.
        """
        metrics: dict[str, Any] = {}
        if self.users is not None:
            measured = add_user_encoder(self.users, corpus, folder, manifest)
            metrics["user_encoder"] = _joined(self.users.metrics, measured)
        if self.graph is not None:
            weighed = [s.name for s in self.ranker.sources] if self.ranker else []
            measured = add_graph(self.graph, folder, manifest, diffused="diffused" in weighed)
            metrics["graph"] = _joined(self.graph.metrics, measured)
        if self.head is not None:
            measured = add_pair_head(self.head, encoder, folder, manifest)
            metrics["pair_head"] = _joined(self.head_metrics, measured)
        if self.answers is not None:
            measured = add_answer_head(self.answers, encoder.dimension, folder, manifest)
            metrics["answer_head"] = _joined(self.answers_metrics, measured)
        if self.ranker is not None:
            measured = add_ranker(self.ranker, folder, manifest)
            metrics["ranker"] = _joined(self.ranker.metrics, measured)
        for name, figures in metrics.items():
            facts = ", ".join(f"{k} {v}" for k, v in figures["exported"].items())
            reporter.info(f"{name}: {facts}")
        return metrics

    def tell_of_other_data(self, corpus: Corpus, reporter: Reporter) -> None:
        """Say which parts were fitted on other data; only a head may be general in silence."""
        for flag in ("--users", "--ranker", "--graph", "--answers"):
            config = self.configs.get(flag)
            if config is not None and config.get("data_sha256") != corpus.fingerprint:
                names = ", ".join(config.get("corpora") or ["other data"])
                reporter.info(
                    f"{flag} was fitted on {names}, which is not corpus {corpus.path} as it is "
                    "now: products that only one of them has get nothing from it"
                )


def _opened(flag: str, path: Path | None, read: Callable[[Path], Part]) -> Part | None:
    """What ``read`` makes of a folder; whatever else is wrong with its files, in one line."""
    if path is None:
        return None
    try:
        return read(path)
    except (KeyError, OSError, RuntimeError, TypeError, ValueError, SafetensorError) as error:
        cause = repr(error).splitlines()[0]
        raise InputError(f"{flag} {path} is damaged ({cause}); make it again") from error


def _form_of(config: Mapping[str, Any]) -> TextForm | None:
    """The text form that a run states; None where it states none."""
    try:
        return form_from_json(config["text_form"])
    except (KeyError, TypeError):
        return None  # `check_encoder` refuses what does not say its encoder


def _joined(run: Mapping[str, Any], measured: Mapping[str, Any]) -> dict[str, Any]:
    return _without_logs(run) | {"exported": dict(measured)}


def _without_logs(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in metrics.items() if name not in _LOGS}


def _plain(value: Any) -> Any:
    """Nested metrics without logs; what could not be measured is null, since JSON has no NaN."""
    if isinstance(value, Mapping):
        return _without_logs(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}); make the run again") from error
    if not isinstance(found, dict):
        raise InputError(f"{file} is not a JSON object; make the run again")
    return found
