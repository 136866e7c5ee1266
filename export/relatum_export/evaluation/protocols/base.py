"""What every protocol is given, and the choice of a text form on valid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from typing import Protocol as Interface

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.pair_head import PairHead
from relatum_export.evaluation.rows import Outcome
from relatum_export.evaluation.systems import BehaviourSpace, TextSystem
from relatum_export.training.products import Catalogue

Kind: TypeAlias = Literal["next item", "next basket"]
Baselines: TypeAlias = Callable[[Corpus, Sequence[str]], list[Outcome]]


class Recommender(Interface):
    """Answers as the server's `Recommend`."""

    def outcomes(self, task: "Task", kind: Kind) -> list[Outcome]:
        """The protocol's figures of the artifact's ranker, system by system."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """One corpus to measure.

    Attributes:
        corpus: the tables.
        catalogue: its products as text; None where it has no items.
        splits: which to report.
        text: the text systems.
        behaviour: the artifact's behaviour space, if it has one.
        head: the artifact's association head, if it has one.
        recommender: the artifact's ranker, if it has one.
        baselines: every tuned baseline of shoppers, if they are asked for.
        notes: lines to show beside the table, such as the form chosen.
    """

    corpus: Corpus
    catalogue: Catalogue | None
    splits: tuple[str, ...]
    text: Sequence[TextSystem]
    behaviour: BehaviourSpace | None
    head: PairHead | None = None
    recommender: Recommender | None = None
    baselines: Baselines | None = None
    notes: list[str] = field(default_factory=list)

    def products(self) -> Catalogue:
        """The catalogue of a protocol that needs one."""
        if self.catalogue is None:
            raise ValueError("this protocol needs products")
        return self.catalogue


@dataclass(frozen=True, slots=True)
class Protocol:
    """How one kind of set is measured.

    Attributes:
        kind: for people.
        judges: the tables whose rows it judges by.
        reads_text: whether it needs the text systems.
        applies: whether the corpus has what is needed.
        measure: the outcomes of all systems on the task's splits.
    """

    kind: str
    judges: tuple[str, ...]
    reads_text: bool
    applies: Callable[[Corpus], bool]
    measure: Callable[[Task], list[Outcome]]


def choose_form(
    task: Task, system: TextSystem, on_valid: Callable[[TextForm], float | None]
) -> TextForm:
    """The form with the highest valid figure; forms of equal texts count once, the first wins.

    Without a valid figure the first form, the title, is taken.

    Args:
        task: for the catalogue.
        system: whose forms are tried.
        on_valid: the valid figure of a form; None where valid has no case.
    """
    if len(system.forms) == 1:
        return system.forms[0]
    seen: dict[int, float | None] = {}
    best, best_figure = system.forms[0], float("-inf")
    for form in system.forms:
        key = hash(tuple(task.products().texts(form)))
        if key in seen:
            continue
        seen[key] = figure = on_valid(form)
        if figure is not None and figure > best_figure:
            best, best_figure = form, figure
    why = "chosen on valid" if best_figure > float("-inf") else "valid has no case to choose by"
    task.notes.append(f"{system.name}: text form {best.name}, {why}")
    return best
