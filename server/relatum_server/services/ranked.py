"""What the ranked calls share: candidates to a list, a list to a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Facet, RankedPage, Result
from relatum_server.ranking.diversity import one_per_group
from relatum_server.ranking.explanation import Ranking, evidence
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.paging import PinnedList, PinnedLists, TokenSigner
from relatum_server.services.validation import check_min_revision, page_size
from relatum_server.store.base import Store

Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list is wanted, and with what.

    Attributes:
        size: 0 is the default; negative is refused.
        token: of the page before, or "".
        read_mask: whether the products come with the results.
        min_revision: that the read must see.
        deadline: monotonic seconds.
    """

    size: int = 0
    token: str = ""
    read_mask: bool = False
    min_revision: int = 0
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A list before it is cut into pages."""

    ranking: Ranking
    facets: Sequence[Facet] = ()
    corrected_query: str = ""


class RankedPages:
    """Cuts lists into pages and keeps the rest for the next one."""

    def __init__(
        self,
        store: Store,
        live: LiveCatalogue,
        *,
        signer: TokenSigner,
        pinned: PinnedLists,
        limits: Limits,
        model_id: str,
    ) -> None:
        self._store = store
        self._live = live
        self._signer = signer
        self._pinned = pinned
        self._limits = limits
        self.model_id = model_id

    def page(
        self,
        audience: str,
        request: bytes,
        paging: Paging,
        rank: Callable[[], Ranked],
        missing_ids: Callable[[], Sequence[str]] = tuple,
    ) -> RankedPage:
        """A page of the list that `rank` makes, or of the one that the token pins.

        Args:
            audience: the kind of list, such as "search".
            request: hash of the request.
            paging: which page.
            rank: makes the list; called for a first page alone, after `min_revision` is reached.
            missing_ids: of the request, unknown to the catalogue; called after it is reached.
        """
        size = page_size(paging.size, self._limits.default_page_size, self._limits.max_page_size)
        check_min_revision(paging.min_revision)
        if paging.token:
            pinned, offset = self._pinned.find(audience, paging.token, request)
            self._live.wait_for_revision(paging.min_revision, paging.deadline)
            token = self._pinned.next_token(audience, paging.token, pinned, offset + size)
        else:
            revision = self._live.wait_for_revision(paging.min_revision, paging.deadline)
            ranked = rank()
            pinned = PinnedList(
                ranked.ranking,
                revision,
                self._signer.attribution(audience, revision),
                ranked.facets,
                ranked.corrected_query,
            )
            offset = 0
            token = self._pinned.first_token(audience, request, pinned, size)
        return RankedPage(
            results=self.results(pinned.ranking, offset, size, read_mask=paging.read_mask),
            next_page_token=token,
            attribution_token=pinned.attribution_token,
            revision=pinned.revision,
            model_id=self.model_id,
            missing_product_ids=missing_ids(),
            facets=pinned.facets,
            corrected_query=pinned.corrected_query,
        )

    def attribution(self, audience: str, revision: int) -> str:
        """A token for the events that a reply without pages leads to."""
        return self._signer.attribution(audience, revision)

    def results(self, ranking: Ranking, offset: int, size: int, *, read_mask: bool) -> list[Result]:
        """Lines offset..offset+size; a product that was deleted since is left out."""
        keys = ranking.keys[offset : offset + size].tolist()
        products = self._store.get_products_by_key(keys) if read_mask and keys else {}
        id_of = self._live.keys.id_of
        sure: list[float | None] = [None] * len(keys)
        if ranking.probabilities is not None:
            sure = ranking.probabilities[offset : offset + size].tolist()
        lines = []
        for key, (score, parts), probability in zip(
            keys, evidence(ranking, offset, offset + size, id_of), sure, strict=True
        ):
            product_id = id_of(key)
            if product_id and (not read_mask or key in products):
                lines.append(Result(product_id, score, parts, products.get(key), probability))
        return lines

    def shorten(self, ranking: Ranking, *, all_variants: bool) -> Ranking:
        """Best first, one of a group unless all are wanted, at most `max_list_length`."""
        ordered = ranking.best_first()
        if not all_variants and len(ordered):
            ordered = ordered.take(one_per_group(self._live.keys.groups(ordered.keys)))
        if len(ordered) > self._limits.max_list_length:
            ordered = ordered.take(np.arange(self._limits.max_list_length))
        return ordered
