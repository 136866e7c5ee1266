"""ListRelated: which products belong together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import RankedPage, Relation, Result
from relatum_server.encoder.base import Encoder
from relatum_server.errors import ArtifactLacksPartError, InvalidArgumentError
from relatum_server.index.base import Space
from relatum_server.ranking.explanation import Ranking
from relatum_server.ranking.fusion import RelationWeights
from relatum_server.services.embedding import check_one_text
from relatum_server.services.field_mask import product_not_found
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.paging import request_hash
from relatum_server.services.pair_scores import PairScorer
from relatum_server.services.ranked import Paging, Ranked, RankedPages
from relatum_server.services.relation import Complements, Similars
from relatum_server.services.substitute import CLASS as SUBSTITUTE_CLASS
from relatum_server.services.substitute import Substitutes
from relatum_server.services.validation import (
    Violations,
    check_min_revision,
    missing,
    page_size,
)

AUDIENCE = "related"
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RelatedQuery:
    """What to start from: exactly one of `product_id`, `text`, `positives` (with `negatives`)."""

    relation: Relation = Relation.SIMILAR
    product_id: str = ""
    text: str = ""
    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    filter: str = ""
    all_variants: bool = False


@dataclass(frozen=True, slots=True)
class RelatedLists:
    """Answer to a batch: one list a product, in the order of the request."""

    lists: Sequence[tuple[str, Sequence[Result]]]
    attribution_token: str
    revision: int
    model_id: str
    missing_product_ids: Sequence[str]


class AssociationService:
    """ListRelated."""

    def __init__(
        self,
        live: LiveCatalogue,
        encoder: Encoder,
        pages: RankedPages,
        limits: Limits,
        *,
        scorer: PairScorer | None = None,
        places: Space | None = None,
        weights: RelationWeights | None = None,
    ) -> None:
        """Serve.

        Args:
            live: the catalogue.
            encoder: of texts asked with.
            pages: cuts the lists.
            limits: of requests.
            scorer: SUBSTITUTE is served if its head learned substitutes.
            places: the behaviour space with a place for what has a text alone, if there is one.
            weights: of the parts of a relation.
        """
        self._live = live
        self._encoder = encoder
        self._pages = pages
        self._limits = limits
        self._similars = Similars(live, places, weights)
        self._complements = Complements(live, weights)
        learned = scorer is not None and SUBSTITUTE_CLASS in scorer.classes
        self._substitutes = None
        if scorer is not None and learned:
            self._substitutes = Substitutes(live, scorer, weights)

    def list_related(self, query: RelatedQuery, paging: Paging) -> RankedPage:
        """A page of what is related to a product, a text, or to liked and disliked products.

        Raises:
            InvalidArgumentError: no or several anchors, bad ids, filter or token.
            NotFoundError: PRODUCT_NOT_FOUND, the one product is unknown, or every positive is.
            ArtifactLacksPartError: COMPLEMENT where nothing is known of what goes together,
                SUBSTITUTE without an association head that learned substitutes.
        """
        self._check(query)
        ids = (query.product_id,) if query.product_id else (*query.positives, *query.negatives)
        return self._pages.page(
            AUDIENCE,
            request_hash(AUDIENCE, query),
            paging,
            lambda: Ranked(self._rank(query, paging.deadline)),
            lambda: missing(ids, [i for i in ids if i in self._live.keys]),
        )

    def list_related_batch(
        self, product_ids: Sequence[str], query: RelatedQuery, paging: Paging
    ) -> RelatedLists:
        """One list for each of 1..64 products; unknown ones are reported, with an empty list."""
        found = Violations()
        found.identifiers(
            "batch.product_ids", product_ids, 1, self._limits.max_batch_products, self._limits
        )
        if paging.token:
            found.add("page_token", "a batch has no pages; ask for one product to page on")
        found.check()
        size = page_size(paging.size, self._limits.default_page_size, self._limits.max_page_size)
        check_min_revision(paging.min_revision)
        allowed = self._live.matching(query.filter, self._limits)
        revision = self._live.wait_for_revision(paging.min_revision, paging.deadline)
        self._check_parts(query.relation)
        lists: list[tuple[str, Sequence[Result]]] = []
        for product_id in product_ids:
            key = self._live.keys.key_of(product_id)
            results: Sequence[Result] = ()
            if key is not None:
                ranking = self._related(query, [key], [], allowed)
                results = self._pages.results(ranking, 0, size, read_mask=paging.read_mask)
            lists.append((product_id, results))
        return RelatedLists(
            lists,
            self._pages.attribution(AUDIENCE, revision),
            revision,
            self._pages.model_id,
            missing(product_ids, [i for i in product_ids if i in self._live.keys]),
        )

    def _check(self, query: RelatedQuery) -> None:
        given = [bool(query.product_id), bool(query.text), bool(query.positives)]
        if sum(given) != 1:
            raise InvalidArgumentError(
                "anchor", "give exactly one of product_id, text, examples (with positives), batch"
            )
        found = Violations()
        most = self._limits.max_batch_products
        if query.product_id:
            found.identifier("product_id", query.product_id, self._limits.max_product_id_bytes)
        elif query.text:
            check_one_text("text", query.text, self._limits)
        else:
            ids = "examples.positive_product_ids"
            found.identifiers(ids, query.positives, 1, most, self._limits)
            ids = "examples.negative_product_ids"
            found.identifiers(ids, query.negatives, 0, most, self._limits)
            both = set(query.positives) & set(query.negatives)
            if both:
                found.add(
                    ids, f"{min(both)[:128]!r} is among the positives too; take it out of one"
                )
        found.check()

    def _check_parts(self, relation: Relation) -> None:
        live = self._live
        known = len(live.behaviour) or live.traffic.has_pairs or "complement_in" in live.spaces
        if relation is Relation.COMPLEMENT and not known:
            raise ArtifactLacksPartError(
                "relation COMPLEMENT needs behaviour or copurchase in the artifact, or purchases "
                "written here; export with a corpus that has events, or write some"
            )
        if relation is Relation.SUBSTITUTE and self._substitutes is None:
            raise ArtifactLacksPartError(
                "relation SUBSTITUTE needs an association head in the artifact that learned "
                "substitutes; run `relatum-export train pairs` and export with --pairs RUN"
            )

    def _rank(self, query: RelatedQuery, deadline: float | None) -> Ranking:
        self._check_parts(query.relation)
        allowed = self._live.matching(query.filter, self._limits)
        if query.text:
            vector = self._encoder.encode([query.text], "QUERY", deadline=deadline).vectors[0]
            if query.relation is Relation.COMPLEMENT:
                ranking = self._complements.of_text(vector, allowed)
            elif query.relation is Relation.SUBSTITUTE and self._substitutes is not None:
                ranking = self._substitutes.of_text(query.text, vector, allowed, deadline)
            else:
                ranking = self._similars.of_text(vector, allowed)
            return self._pages.shorten(ranking, all_variants=query.all_variants)
        if query.product_id:
            key = self._live.keys.key_of(query.product_id)
            if key is None:
                raise product_not_found(query.product_id)
            return self._related(query, [key], [], allowed)
        positives = self._live.keys.keys_of(query.positives).tolist()
        if not positives:
            raise product_not_found(query.positives[0])
        negatives = self._live.keys.keys_of(query.negatives).tolist()
        return self._related(query, positives, negatives, allowed)

    def _related(
        self,
        query: RelatedQuery,
        positives: Sequence[int],
        negatives: Sequence[int],
        allowed: Mask | None,
    ) -> Ranking:
        source: Similars | Complements | Substitutes = self._similars
        if query.relation is Relation.COMPLEMENT:
            source = self._complements
        elif query.relation is Relation.SUBSTITUTE and self._substitutes is not None:
            source = self._substitutes
        ranking = source.of_products(positives, negatives, allowed)
        keep = self._not_anchors(ranking, [*positives, *negatives])
        return self._pages.shorten(ranking.take(keep), all_variants=query.all_variants)

    def _not_anchors(self, ranking: Ranking, anchors: Sequence[int]) -> NDArray[np.int64]:
        """Rows of neither an anchor nor a variant of one."""
        keys = self._live.keys
        own = np.array(anchors, np.int64)
        groups = keys.groups(own)
        theirs = keys.groups(ranking.keys)
        keep = keys.present(ranking.keys)
        for key, group in zip(own.tolist(), groups.tolist(), strict=True):
            keep &= ranking.keys != key
            if group >= 0:
                keep &= theirs != group
        return np.flatnonzero(keep)
