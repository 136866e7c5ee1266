"""What the artifacts must reach on the sets whose tests are known, and what is hoped for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from relatum_export.evaluation.rows import OWN, REFITTED, VERSUS, ZERO_SHOT
from relatum_export.training.compression.table import POOLED, TEACHER

TITLE = f"{ZERO_SHOT}-title"


@dataclass(frozen=True, slots=True)
class Figure:
    """A row's value against a fixed number, in the direction that is better.

    Attributes:
        name: of the row.
        required: reached or not.
        wanted: what is hoped for beyond; None where nothing is said.
    """

    name: str
    required: float
    wanted: float | None = None


@dataclass(frozen=True, slots=True)
class Beats:
    """A system's row against another's on the same units, resampled together.

    Attributes:
        group: set, split and measure, with slashes.
        other: the system to be above.
        system: the system that must be.
        surely: whether the interval of the difference must leave 0 out, or the value be above.
    """

    group: str
    other: str
    system: str = OWN
    surely: bool = True

    @property
    def name(self) -> str:
        """Of the row of the difference."""
        return f"{self.group}{VERSUS}{self.other}/{self.system}"


@dataclass(frozen=True, slots=True)
class Pooled:
    """The mean over sets of a system's gain over others, each set's units resampled by themselves.

    Attributes:
        label: for people.
        groups: set, split and measure of each, with slashes.
        others: systems; of several the one with the highest figure on the set, which is the
            hardest to beat.
        factor: how many times the other's figure is to be exceeded.
        least: the difference that its lower end, or without ``surely`` its value, must exceed.
        surely: see ``least``.
    """

    label: str
    groups: tuple[str, ...]
    others: tuple[str, ...]
    factor: float = 1.0
    least: float = 0.0
    surely: bool = True


@dataclass(frozen=True, slots=True)
class EachSet:
    """A figure of every set that has it, against a fixed number.

    Attributes:
        group: split and measure, with a slash.
        system: of the rows.
        required: reached or not, by each.
        wanted: what is hoped for beyond.
    """

    group: str
    system: str
    required: float
    wanted: float

    @property
    def label(self) -> str:
        """For people, where no set has it."""
        return f"each set/{self.group}/{self.system}"

    def of(self, row: Mapping[str, Any]) -> Figure | None:
        """What is required of a row; None where it is another figure."""
        name = f"{row['set']}/{self.group}/{self.system}"
        return Figure(name, self.required, self.wanted) if row["name"] == name else None


Requirement = Figure | Beats | Pooled | EachSet

BASKETS = ("online_retail/test/NDCG@10", "completejourney/test/NDCG@10")
ENGLISH = (
    "search_crowdflower/test/NDCG@10",
    "product_qa/test/P@1",
    "bundles_electronics/test/R@10",
    "bundles_food/test/R@10",
)
ASKUL = "askul_relations_2023/test"
COLD = "online_retail/test/R@50/cold"
SERVICE = "zh_customer_service/test/R@10"
NOT_WORSE = -0.01
STUDENT = "student-half"
JOINT = "multilingual"  # the shipped encoder of that name

REQUIREMENTS: tuple[Requirement, ...] = (
    Figure("amazon_beauty/test/NDCG@10/relatum", 0.058, 0.062),
    Figure("amazon_beauty/test/HR@10/relatum", 0.100),
    Figure("amazon_beauty/test/NDCG@10/relatum+valid", 0.066, 0.070),
    Figure("amazon_beauty/test/HR@10/relatum+valid", 0.104),
    Beats("amazon_beauty/test/NDCG@10", "transitions"),
    Beats("amazon_beauty/test/NDCG@10", f"transitions{REFITTED}", OWN + REFITTED),
    Figure("amazon_office/test/NDCG@10/relatum", 0.121, 0.130),
    Beats("amazon_office/test/NDCG@10", "transitions"),
    Figure("online_retail/test/NDCG@10/relatum", 0.307, 0.33),
    Figure("completejourney/test/NDCG@10/relatum", 0.211, 0.225),
    *(
        Beats(group, other)
        for group in BASKETS
        for other in ("own-frequency", "own-frequency-mix", "tifu-knn")
    ),
    Figure("online_retail/test/NDCG@10/new/relatum", 0.085),
    Figure("completejourney/test/NDCG@10/new/relatum", 0.016),
    *(Beats(f"{group}/new", "popularity-7d", surely=False) for group in BASKETS),
    Figure("search_crowdflower/test/NDCG@10/relatum", 0.885, 0.900),
    Figure("product_qa/test/P@1/relatum", 0.63, 0.70),
    Figure("bundles_electronics/test/R@10/relatum", 0.135, 0.17),
    Figure("bundles_food/test/R@10/relatum", 0.29, 0.35),
    Pooled("four English sets, pooled, less the best zero-shot form", ENGLISH, (ZERO_SHOT, TITLE)),
    *(
        Pooled(
            f"{group} less the best zero-shot form", (group,), (ZERO_SHOT, TITLE), least=NOT_WORSE
        )
        for group in ENGLISH
    ),
    Figure(f"{ASKUL}/macro-F1/relatum", 0.78, 0.82),
    Figure(f"{ASKUL}/ECE/relatum", 0.07, 0.04),
    Beats(f"{ASKUL}/Brier", "relatum-uncalibrated", surely=False),
    Beats(f"{ASKUL}/NLL", "relatum-uncalibrated", surely=False),
    Figure("product_matching/test/F1/Amazon-Google/relatum", 0.72, 0.76),
    Figure("product_matching/test/F1/Abt-Buy/relatum", 0.82, 0.90),
    Pooled(f"{COLD} less 3 x random", (COLD,), ("random",), factor=3.0, surely=False),
    Beats(COLD, ZERO_SHOT),
    Pooled(f"{SERVICE} less 2 x bm25", (SERVICE,), ("bm25",), factor=2.0),
    Beats(SERVICE, "most-frequent-replies"),
    Figure("search_crowdflower/test/loss/typos/relatum", 0.03, 0.02),
    Figure(f"{POOLED}/valid/titles/s{VERSUS}{TEACHER}/{STUDENT}", 1.8, 2.0),
    Figure(f"{POOLED}/valid/loss/{STUDENT}", 0.015, 0.01),
    EachSet("test/loss", JOINT, 0.02, 0.0),
)
REQUIRED: Mapping[str, float] = {
    one.name: one.required if isinstance(one, Figure) else 0.0
    for one in REQUIREMENTS
    if isinstance(one, Figure | Beats)
}
EACH = tuple(one for one in REQUIREMENTS if isinstance(one, EachSet))


def with_required(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each with what is required of it."""
    return [{**row, "required": _required(row)} for row in rows]


def _required(row: Mapping[str, Any]) -> float | None:
    found = next((figure for one in EACH if (figure := one.of(row))), None)
    return REQUIRED.get(row["name"], row["required"]) if found is None else found.required
