"""Which steps a set takes, from its folder in the common schema to its judged artifact."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.schema import SCHEMAS
from relatum_export.corpus.source import FILE_NAMES
from relatum_export.errors import InputError
from relatum_export.evaluation.protocols.next_item import NEXT_ITEM
from relatum_export.suite.corpus_facts import (
    has_company,
    has_events,
    has_labels,
    has_pairs,
    has_replies,
    has_valid_events,
    readable,
    reads_together,
    recommends,
)
from relatum_export.suite.stamps import Step

DEMO = "completejourney"
MS_MARCO = "ms-marco"
Line = tuple[str, ...]
ENCODERS = {"en": "minilm", "multilingual": "e5"}


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things lie.

    Attributes:
        build: of everything derived.
        seed: of the random trainings; the first one, 0, is the shipped one.
    """

    build: Path
    seed: int = 0

    @property
    def models(self) -> Path:
        """Of the shipped encoders and their general heads."""
        return self.build / ("models" if not self.seed else f"models-seed{self.seed}")

    @property
    def suite(self) -> Path:
        """Of what is fitted on each set."""
        return self.build / ("suite" if not self.seed else f"suite-seed{self.seed}")

    @property
    def corpora(self) -> Path:
        """Of the corpora, which depend on no seed."""
        return self.build / "corpora"

    @property
    def baselines(self) -> Path:
        """Of the tuned baselines' figures, which depend on no seed of a training."""
        return self.build / "baselines"

    @property
    def cache(self) -> Path:
        """Of encoded texts, keyed by encoder and text."""
        return self.build / "cache"


def sets_in(data: Path, *, demo: bool) -> dict[str, tuple[str, ...]]:
    """The sets of a folder of sets, or the one set that the folder is: arguments of `prepare`.

    Args:
        data: a folder in the common schema, or a folder of those.
        demo: whether the demo's package is installed; it joins a folder of sets.

    Raises:
        InputError: no Parquet file in it nor in the folders in it.
    """
    if any(data.glob("*.parquet")):
        return {data.name: ("--data", str(data))}
    found: dict[str, tuple[str, ...]] = {
        folder.name: ("--data", str(folder))
        for folder in sorted(data.iterdir() if data.is_dir() else ())
        if folder.is_dir() and any(known(path) for path in folder.glob("*.parquet"))
    }
    if not found:
        raise InputError(f"{data} is neither a set in the common schema nor a folder of sets")
    if demo:
        found[DEMO] = ("--demo",)
    return found


def known(file: Path) -> bool:
    """Whether a file is a table of the common schema; a set without any is not judged."""
    return FILE_NAMES.get(file.stem, file.stem) in SCHEMAS


def prepare(name: str, arguments: Sequence[str], folders: Folders) -> Step:
    """The step that makes a set's corpus."""
    out = folders.corpora / name
    source = (Path(arguments[1]),) if len(arguments) > 1 else ()
    line = ("prepare", *arguments, "--name", name, "--out", str(out))
    return Step(f"{name}/prepare", line, out, source, ("--force",))


def models(corpora: dict[str, Corpus], folders: Folders, configs: Path) -> list[Step]:
    """The steps that make the shipped encoders and their general association heads.

    Of further seeds the encoders alone: no figure depends on the general heads.
    """
    steps = []
    for name, base in ENCODERS.items():
        of_language = readable(name, corpora)
        trained = [c for c in of_language if has_pairs(c)]
        if not trained:
            continue
        config, out = configs / f"encoder-{name}.toml", folders.models / name
        flags = ("--seed", str(folders.seed))
        steps.append(training(f"models/{name}", trained, base, config, out, flags=flags))
        # What nobody judged is learned from behaviour: a shop without labels needs all classes.
        labelled = [c for c in of_language if has_labels(c) or has_company(c)]
        if labelled and not folders.seed:
            step, general = f"models/{name}-pairs", folders.models / f"{name}-pairs"
            settings = configs / "pairs-general.toml"
            steps.append(head(step, labelled, out, general, folders, config=settings))
    return steps


def training(
    name: str, trained: Sequence[Corpus], base: str, config: Path, out: Path, *, flags: Line
) -> Step:
    """The step that trains an encoder on the train pairs of corpora.

    Args:
        name: of the step.
        trained: corpora with train pairs.
        base: encoder to start from.
        config: its recipe.
        out: run folder.
        flags: further ones of `train encoder`.
    """
    given = [part for c in trained for part in ("--corpus", str(c.path))]
    line: Line = ("train", "encoder", *given, "--base", base, "--config", str(config))
    line += (*flags, "--out", str(out), "--any-language")
    return Step(name, line, out, (config, *(c.path for c in trained)), ("--no-resume",))


def of_set(
    corpus: Corpus, encoder: Path, general_head: Path | None, folders: Folders
) -> list[Step]:
    """What is fitted on one set's own train part, its artifact, and its judgement."""
    home, name = folders.suite / corpus.name, corpus.name
    common = ("--corpus", str(corpus.path), "--encoder", str(encoder), "--any-language")
    cached = ("--cache", str(folders.cache))
    seed = ("--seed", str(folders.seed))
    inputs: tuple[Path, ...] = (corpus.path, encoder)
    steps: list[Step] = []
    line: Line
    flags: list[str] = []
    ranker: tuple[str, ...] = ()
    judged_beside: tuple[str, ...] = ()
    if has_events(corpus):
        out = home / "graph"
        line = ("build", "graph", *common, *cached, "--out", str(out))
        steps.append(Step(f"{name}/graph", line, out, inputs, ("--force",)))
        flags += ["--graph", str(out)]
        ranker += ("--graph", str(out))
    if NEXT_ITEM.applies(corpus) and has_valid_events(corpus):
        out = home / "users"
        line = ("train", "users", *common, *cached, *seed, "--out", str(out))
        steps.append(Step(f"{name}/users", line, out, inputs, ("--no-resume",)))
        flags += ["--users", str(out)]
        ranker += ("--users", str(out))
        # The second figure of each system: chosen on valid, then fitted on train and valid.
        again = home / "users-refit"
        line = ("train", "users", *common, *cached, "--refit", str(out), "--out", str(again))
        steps.append(Step(f"{name}/users-refit", line, again, (*inputs, out), ("--no-resume",)))
        judged_beside += ("--users", str(out), "--refit-users", str(again))
    if recommends(corpus):
        out = home / "ranker"
        line = ("train", "ranker", *common, *cached, *seed, *ranker, "--out", str(out))
        given = (*inputs, *(Path(flag) for flag in ranker if not flag.startswith("--")))
        steps.append(Step(f"{name}/ranker", line, out, given, ("--force",)))
        flags += ["--ranker", str(out)]
    if has_labels(corpus):
        steps.append(head(f"{name}/pairs", [corpus], encoder, home / "pairs", folders))
        flags += ["--pairs", str(home / "pairs")]
    elif general_head is not None and corpus.has("items"):
        flags += ["--pairs", str(general_head)]
    if has_replies(corpus):
        out = home / "answers"
        line = ("train", "answers", *common, *cached, *seed, "--out", str(out))
        steps.append(Step(f"{name}/answers", line, out, inputs, ("--no-resume",)))
        flags += ["--answers", str(out)]
    if reads_together(corpus):
        flags += ["--reranker", MS_MARCO]
    artifact = home / "artifact"
    line = ("export", *common, *cached, *flags, "--out", str(artifact))
    runs = (Path(flag) for flag in flags if not flag.startswith("--") and flag != MS_MARCO)
    steps.append(Step(f"{name}/export", line, artifact, (*inputs, *runs), ("--force",)))
    steps.append(judgement(corpus, encoder, artifact, judged_beside, folders))
    return steps


def judgement(
    corpus: Corpus, encoder: Path, artifact: Path, runs: Sequence[str], folders: Folders
) -> Step:
    """The step that judges an artifact, beside the tuned baselines where they are there.

    Further seeds say how far training is random: their artifacts are judged by themselves.

    Args:
        corpus: to judge on.
        encoder: the reference of the artifact's variants.
        artifact: to judge.
        runs: flags and folders of what is judged beside it.
        folders: where things lie.
    """
    home = folders.suite / corpus.name
    out = home / "rows.json"
    line: Line = ("evaluate", "--corpus", str(corpus.path), "--artifact", str(artifact))
    line += ("--cache", str(folders.cache), "--any-language", *runs)
    # Of the variants the served one: how far the others are off, `export` has measured on valid.
    compared = ("--model", str(encoder), "--variant", "int8")
    line += ("--served-alone",) if folders.seed else compared
    line += ("--json", str(out), "--html", str(home / "report.html"))
    given = (corpus.path, artifact, encoder, *(Path(run) for run in runs[1::2]))
    figures = tuned(corpus.name, folders)
    if not folders.seed and figures.is_file():
        line += ("--baselines", str(folders.baselines))
        given += (figures,)
    return Step(f"{corpus.name}/evaluate", line, out, given)


def baselines(corpus: Corpus, folders: Folders) -> list[Step]:
    """The step that tunes every baseline of shoppers on a set; none where it has no such cases."""
    if not recommends(corpus):
        return []
    out = tuned(corpus.name, folders)
    line: Line = ("tune", "--corpus", str(corpus.path), "--out", str(out))
    line += ("--cache", str(folders.baselines))
    step = Step(
        f"{corpus.name}/baselines", line, out, (corpus.path,), program="relatum_export.suite"
    )
    return [step]


def tuned(name: str, folders: Folders) -> Path:
    """Where it lies that the baselines of a set are done, with their figures on valid."""
    return folders.baselines / f"{name}.json"


def longest_first(corpora: dict[str, Corpus]) -> list[str]:
    """Names in the order in which two side by side end soonest.

    Trainings of shoppers first, then what a reranker reads, then by events.
    """

    def length(name: str) -> tuple[bool, bool, int]:
        corpus = corpora[name]
        events = corpus.info["splits"].get("events", {}).get("train", 0)
        trains = NEXT_ITEM.applies(corpus) and has_valid_events(corpus)
        return trains, reads_together(corpus), events

    return sorted(corpora, key=length, reverse=True)


def head(
    name: str,
    corpora: Sequence[Corpus],
    encoder: Path,
    out: Path,
    folders: Folders,
    *,
    config: Path | None = None,
) -> Step:
    """The step that fits an association head, by the defaults or a config."""
    given = [part for c in corpora for part in ("--corpus", str(c.path))]
    line: Line = ("train", "pairs", *given, "--encoder", str(encoder), "--seed", str(folders.seed))
    line += ("--cache", str(folders.cache), "--any-language", "--out", str(out))
    inputs = (encoder, *(c.path for c in corpora))
    if config is not None:
        line += ("--config", str(config))
        inputs = (config, *inputs)
    return Step(name, line, out, inputs, ("--no-resume",))
