"""ScoreAssociations: what the products of ordered pairs are to each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from relatum_server.domain import AssociationClass, Evidence, EvidenceKind
from relatum_server.errors import ArtifactLacksPartError
from relatum_server.ranking.fusion import association
from relatum_server.services.bought_together import NEIGHBOURS
from relatum_server.services.knowledge import KnowledgeGraph
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.pair_scores import PairScorer, Side
from relatum_server.services.validation import Violations, check_min_revision, missing


@dataclass(frozen=True, slots=True)
class PairSide:
    """One side of a pair: a product of the catalogue or a text; None for the other."""

    product_id: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class PairScore:
    """What is known of one pair.

    Attributes:
        probabilities: of each class, most probable first; empty where a side is unknown or has no
            text.
        evidence: facts beside them; a contribution is the fact's own value.
    """

    probabilities: tuple[tuple[AssociationClass, float], ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class PairScores:
    """One score a pair, in order."""

    scores: Sequence[PairScore]
    revision: int
    model_id: str
    missing_product_ids: Sequence[str]


class PairService:
    """ScoreAssociations."""

    def __init__(
        self,
        live: LiveCatalogue,
        scorer: PairScorer | None,
        model_id: str,
        limits: Limits,
        graph: KnowledgeGraph | None = None,
    ) -> None:
        """Serve with a scorer, or say what the artifact lacks; with paths where it has a graph."""
        self._live, self._scorer, self._graph = live, scorer, graph
        self._model_id, self._limits = model_id, limits

    def score(
        self,
        pairs: Sequence[tuple[PairSide, PairSide]],
        *,
        min_revision: int = 0,
        deadline: float | None = None,
    ) -> PairScores:
        """Probabilities and facts of 1..256 ordered pairs.

        Args:
            pairs: what is asked about, and what it may be to it.
            min_revision: that the read must see.
            deadline: monotonic seconds.

        Raises:
            InvalidArgumentError: too many pairs, or a side that is not one product id or text.
            ArtifactLacksPartError: the artifact has no association head.
        """
        self._check(pairs)
        check_min_revision(min_revision)
        if self._scorer is None:
            raise ArtifactLacksPartError(
                "ScoreAssociations needs an association head in the artifact; run `relatum-export "
                "train pairs` and export with --pairs RUN"
            )
        revision = self._live.wait_for_revision(min_revision, deadline)
        sides = [side for pair in pairs for side in pair]
        ids = [side.product_id for side in sides if side.product_id is not None]
        keys = {i: key for i in ids if (key := self._live.keys.key_of(i)) is not None}
        texts = list(dict.fromkeys(side.text for side in sides if side.text is not None))
        by_key = self._scorer.of_products(list(keys.values()))
        by_text = dict(zip(texts, self._scorer.of_texts(texts, deadline), strict=True))

        def prepared(side: PairSide) -> Side | None:
            if side.text is not None:
                return by_text[side.text]
            key = keys.get(side.product_id or "")
            return None if key is None else by_key.get(key)

        both = [(prepared(a), prepared(b)) for a, b in pairs]
        whole = [(a, b) for a, b in both if a is not None and b is not None]
        rows = iter(self._scorer.probabilities(whole).tolist())
        classes = [AssociationClass[name.upper()] for name in self._scorer.classes]
        bought = _CoPurchases(self._live)
        scores = []
        for pair, (a, b) in zip(pairs, both, strict=True):
            if a is None or b is None:
                scores.append(PairScore((), ()))
                continue
            found = sorted(zip(classes, next(rows), strict=True), key=lambda one: -one[1])
            at = [keys.get(side.product_id or "") for side in pair]
            facts = [Evidence(EvidenceKind.TEXT, float(a.vector @ b.vector))]
            if at[0] is not None and at[1] is not None:
                facts += self._facts(at[0], at[1], bought)
            scores.append(PairScore(tuple(found), tuple(facts)))
        return PairScores(scores, revision, self._model_id, missing(ids, keys))

    def _check(self, pairs: Sequence[tuple[PairSide, PairSide]]) -> None:
        found = Violations()
        if found.count("pairs", len(pairs), 1, self._limits.max_pairs):
            for i, pair in enumerate(pairs):
                for name, side in zip("ab", pair, strict=True):
                    self._check_side(found, f"pairs[{i}].{name}", side)
        found.check()

    def _check_side(self, found: Violations, field: str, side: PairSide) -> None:
        if side.product_id is not None:
            size = self._limits.max_product_id_bytes
            found.identifier(f"{field}.product_id", side.product_id, size)
        elif side.text is None:
            found.add(field, "is empty; give a product_id or a text")
        elif not side.text.strip():
            found.add(f"{field}.text", "is empty; give words")
        else:
            found.text(f"{field}.text", side.text, self._limits.max_query_bytes)

    def _facts(self, a: int, b: int, bought: Callable[[int, int], float]) -> list[Evidence]:
        """What spaces, baskets and categories say of two products."""
        live, both = self._live, np.array([a, b], np.int64)
        facts: list[Evidence] = []
        if live.behaviour.index is not None:
            vectors, present = live.behaviour.index.get(both)
            if present.all():
                facts.append(Evidence(EvidenceKind.BEHAVIOUR, float(vectors[0] @ vectors[1])))
        leading, led = (live.spaces.get(f"complement_{side}") for side in ("out", "in"))
        if leading is not None and led is not None:
            (out, known), (into, there) = leading.get(both[:1]), led.get(both[1:])
            if known.all() and there.all():
                facts.append(Evidence(EvidenceKind.COMPLEMENT, float(out[0] @ into[0])))
        share = bought(a, b)
        if share:
            facts.append(Evidence(EvidenceKind.CO_PURCHASE, share))
        first, second = live.keys.categories(both).tolist()
        if first >= 0 and second >= 0:
            facts.append(Evidence(EvidenceKind.CATEGORY, 1.0 if first == second else -1.0))
        if self._graph is not None:
            ids = live.keys
            paths = self._graph.paths(ids.id_of(a), ids.id_of(b), ids.__contains__)
            facts += [Evidence(EvidenceKind.PATH, p.strength, path=p.steps) for p in paths]
        return facts


class _CoPurchases:
    """Association of two products in baskets, 0..1; what goes with one is looked up once."""

    def __init__(self, live: LiveCatalogue) -> None:
        self._live = live
        self._known: dict[int, Mapping[int, float]] = {}

    def __call__(self, a: int, b: int) -> float:
        traffic = self._live.traffic
        if a not in self._known:
            keys, counts = traffic.neighbours(a, NEIGHBOURS)
            own = float(traffic.baskets(np.array([a], np.int64))[0])
            values = association(counts, own, traffic.baskets(keys))
            self._known[a] = dict(zip(keys.tolist(), values.tolist(), strict=True))
        return self._known[a].get(b, 0.0)
