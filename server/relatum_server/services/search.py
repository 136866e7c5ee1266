"""Search: free text to products, by words and by meaning."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import EvidenceKind, RankedPage
from relatum_server.encoder.base import Encoder
from relatum_server.errors import InvalidArgumentError
from relatum_server.index.base import Hits
from relatum_server.index.exact import is_allowed
from relatum_server.ranking.explanation import Contribution, Ranking, union
from relatum_server.ranking.fusion import SearchWeights, by_largest
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.paging import Digest, request_hash
from relatum_server.services.ranked import Paging, Ranked, RankedPages
from relatum_server.services.reranking import Reranking
from relatum_server.services.taste import taste_vector
from relatum_server.services.validation import Violations, missing

AUDIENCE = "search"
POOL = 200
POPULAR = 1000
Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search as the caller put it; `user_id` is raw and goes no further than this service."""

    query: str = ""
    filter: str = ""
    facets: tuple[str, ...] = ()
    candidate_ids: tuple[str, ...] = ()
    disable_lexical: bool = False
    disable_semantic: bool = False
    user_id: str = ""
    all_variants: bool = False
    disable_spelling_correction: bool = False
    disable_reranking: bool = False


class SearchService:
    """Search."""

    def __init__(
        self,
        live: LiveCatalogue,
        encoder: Encoder,
        pages: RankedPages,
        *,
        digest: Digest,
        limits: Limits,
        weights: SearchWeights | None = None,
        reranking: Reranking | None = None,
    ) -> None:
        self._live = live
        self._encoder = encoder
        self._pages = pages
        self._digest = digest
        self._limits = limits
        self._weights = weights or SearchWeights()
        self._reranking = reranking

    def search(self, query: SearchQuery, paging: Paging) -> RankedPage:
        """A page of the products that a text means, best first.

        Raises:
            InvalidArgumentError: no query and no filter, both legs off, too much of anything, a
                bad filter, facet or token.
        """
        self._check(query)
        return self._pages.page(
            AUDIENCE,
            request_hash(AUDIENCE, query),
            paging,
            lambda: self._rank(query, paging.deadline),
            lambda: missing(
                query.candidate_ids, [i for i in query.candidate_ids if i in self._live.keys]
            ),
        )

    def _check(self, query: SearchQuery) -> None:
        limits = self._limits
        found = Violations()
        found.text("query", query.query, limits.max_query_bytes)
        found.text("user_id", query.user_id, limits.max_user_id_bytes)
        found.count("facets", len(query.facets), 0, limits.max_facets)
        found.identifiers("candidate_ids", query.candidate_ids, 0, limits.max_candidate_ids, limits)
        if not query.query.strip() and not query.filter:
            found.add("query", "is empty; give words, or a filter to see what is popular")
        if query.disable_lexical and query.disable_semantic:
            found.add("disable_semantic", "both legs are off; leave one on")
        found.check()

    def _rank(self, query: SearchQuery, deadline: float | None) -> Ranked:
        allowed = self._live.matching(query.filter, self._limits)
        if query.candidate_ids:
            own = self._live.keys.mask(self._live.keys.keys_of(query.candidate_ids))
            allowed = own if allowed is None else both(own, allowed)
        spelt = query.query
        if not query.disable_spelling_correction:
            spelt = self._live.correct(query.query)
        if query.query.strip():
            ranking = self._by_words(replace(query, query=spelt), allowed, deadline)
            named = bool(query.candidate_ids) and not query.disable_semantic
            if self._reranking is not None and named and not query.disable_reranking:
                ranking = self._reranking.added(spelt, ranking, deadline)
        else:
            ranking = self._by_popularity(query, allowed)
        ranking = ranking.take(np.flatnonzero(self._live.keys.present(ranking.keys)))
        if query.user_id:
            ranking = self._personalise(ranking, query.user_id)
        facets = self._live.filtering.facets(query.facets, ranking.keys)
        return Ranked(
            self._pages.shorten(ranking, all_variants=query.all_variants),
            facets,
            spelt if spelt != query.query else "",
        )

    def _by_words(
        self, query: SearchQuery, allowed: Mask | None, deadline: float | None
    ) -> Ranking:
        """The union of both legs' candidates (or the given ones), each scored exactly by both."""
        lexical, text = self._live.lexical, self._live.text
        found: list[Keys] = []
        vector = None
        hits = Hits(np.zeros(0, np.int64), np.zeros(0, np.float32))
        if not query.disable_semantic:
            vector = self._encoder.encode([query.query], "QUERY", deadline=deadline).vectors[0]
            found.append(text.search(vector, POOL, allowed=allowed).keys)
        if not query.disable_lexical:
            hits = lexical.search(query.query, POOL, allowed=allowed)
            found.append(hits.keys)
        # Candidates are ranked all, though neither leg may find one of them.
        keys = (
            np.flatnonzero(allowed) if query.candidate_ids and allowed is not None else union(found)
        )
        parts = []
        if vector is not None:
            values, _ = text.scores(vector, keys)
            parts.append(Contribution(EvidenceKind.TEXT, self._weights.text * values))
        if not query.disable_lexical:
            weight = self._weights.alone
            if vector is not None:
                weight = self._weights.rerank if query.candidate_ids else self._weights.lexical
            share = self._bm25(query.query, keys, hits)
            parts.append(Contribution(EvidenceKind.LEXICAL, weight * share))
        return Ranking(keys.astype(np.int64), tuple(parts))

    def _bm25(self, query: str, keys: Keys, hits: Hits) -> NDArray[np.float64]:
        """BM25 [n] over the query's best; asked for only where the leg's own candidates end."""
        found = dict(zip(hits.keys.tolist(), hits.scores.tolist(), strict=True))
        values = np.array([found.get(key, 0.0) for key in keys.tolist()], np.float64)
        if len(hits.keys) == POOL:  # cut off: others may have matched too
            rest = np.flatnonzero(~np.isin(keys, hits.keys))
            values[rest] = self._live.lexical.score(query, keys[rest].tolist())
        largest = max(float(hits.scores.max(initial=0.0)), float(values.max(initial=0.0)))
        return values / largest if largest > 0 else values

    def _by_popularity(self, query: SearchQuery, allowed: Mask | None) -> Ranking:
        if allowed is None:
            raise InvalidArgumentError("query", "is empty; give words, or a filter")
        keys = np.flatnonzero(allowed).astype(np.int64)
        if len(keys) > POPULAR and not query.facets:
            popularity = self._live.traffic.popularity(keys)
            keys = keys[np.sort(np.argpartition(-popularity, POPULAR - 1)[:POPULAR])]
        values = by_largest(self._live.traffic.popularity(keys))
        return Ranking(keys, (Contribution(EvidenceKind.POPULARITY, values),))

    def _personalise(self, ranking: Ranking, user_id: str) -> Ranking:
        user = self._digest(user_id.encode("utf-8", "surrogatepass"), "user").hex()
        profile = self._live.shoppers.profile(user)
        taste = taste_vector(self._live.text, self._live.keys, profile)
        if taste is None:
            return ranking
        values, _ = self._live.text.scores(taste, ranking.keys)
        part = Contribution(EvidenceKind.PROFILE, self._weights.profile * values)
        return Ranking(ranking.keys, (*ranking.contributions, part))


def both(first: Mask, second: Mask) -> Mask:
    """Keys that two masks of any lengths allow."""
    keys = np.flatnonzero(first)
    result = np.zeros(len(first), np.bool_)
    result[keys[is_allowed(keys, second)]] = True
    return result
