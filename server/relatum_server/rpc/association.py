"""AssociationService on the wire."""

from collections.abc import Mapping

from relatum.v1 import association_service_pb2 as pb
from relatum_server.domain import Relation
from relatum_server.errors import InvalidArgumentError
from relatum_server.rpc import convert
from relatum_server.rpc.endpoint import Call
from relatum_server.services.association import AssociationService, RelatedQuery
from relatum_server.services.pairs import PairScore, PairService, PairSide
from relatum_server.services.ranked import Paging

_RELATIONS: Mapping[int, Relation] = {
    pb.RELATION_UNSPECIFIED: Relation.SIMILAR,
    pb.RELATION_SIMILAR: Relation.SIMILAR,
    pb.RELATION_COMPLEMENT: Relation.COMPLEMENT,
    pb.RELATION_SUBSTITUTE: Relation.SUBSTITUTE,
}


class AssociationServicer:
    """Bytes to anchors and pairs, ranked lists and scores to bytes."""

    def __init__(self, service: AssociationService, pairs: PairService) -> None:
        self._service, self._pairs = service, pairs

    def ListRelated(self, request: pb.ListRelatedRequest, call: Call) -> pb.ListRelatedResponse:
        """List what is related to the anchor, or to each product of a batch."""
        relation = _RELATIONS.get(request.relation)
        if relation is None:
            raise InvalidArgumentError(
                "relation",
                f"{request.relation} is not a value of Relation",
                reason="UNKNOWN_ENUM_VALUE",
            )
        paths = convert.mask_paths(request.read_mask, "read_mask")
        paging = Paging(
            size=request.page_size,
            token=request.page_token,
            read_mask=bool(paths),
            min_revision=request.min_revision,
            deadline=call.deadline,
        )
        query = RelatedQuery(
            relation=relation,
            product_id=request.product_id,
            text=request.text,
            positives=tuple(request.examples.positive_product_ids),
            negatives=tuple(request.examples.negative_product_ids),
            filter=request.filter,
            all_variants=request.all_variants,
        )
        if request.HasField("batch"):
            return self._batch(request, query, paging, paths)
        page = self._service.list_related(query, paging)
        return pb.ListRelatedResponse(
            results=convert.results(page.results, paths),
            next_page_token=page.next_page_token,
            attribution_token=page.attribution_token,
            revision=page.revision,
            model_id=page.model_id,
            missing_product_ids=page.missing_product_ids,
        )

    def ScoreAssociations(
        self, request: pb.ScoreAssociationsRequest, call: Call
    ) -> pb.ScoreAssociationsResponse:
        """Say what the products of ordered pairs are to each other."""
        answer = self._pairs.score(
            [(_side(pair.a), _side(pair.b)) for pair in request.pairs],
            min_revision=request.min_revision,
            deadline=call.deadline,
        )
        return pb.ScoreAssociationsResponse(
            scores=[_score(score) for score in answer.scores],
            revision=answer.revision,
            model_id=answer.model_id,
            missing_product_ids=answer.missing_product_ids,
        )

    def _batch(
        self,
        request: pb.ListRelatedRequest,
        query: RelatedQuery,
        paging: Paging,
        paths: tuple[str, ...],
    ) -> pb.ListRelatedResponse:
        answer = self._service.list_related_batch(request.batch.product_ids, query, paging)
        return pb.ListRelatedResponse(
            lists=[
                pb.RelatedList(product_id=product_id, results=convert.results(lines, paths))
                for product_id, lines in answer.lists
            ],
            attribution_token=answer.attribution_token,
            revision=answer.revision,
            model_id=answer.model_id,
            missing_product_ids=answer.missing_product_ids,
        )


def _side(message: pb.PairSide) -> PairSide:
    given = message.WhichOneof("side")
    return PairSide(
        product_id=message.product_id if given == "product_id" else None,
        text=message.text if given == "text" else None,
    )


def _score(score: PairScore) -> pb.AssociationScore:
    return pb.AssociationScore(
        probabilities=[
            pb.AssociationProbability(association=int(one), probability=probability)  # type: ignore[arg-type]
            for one, probability in score.probabilities
        ],
        evidence=[convert.evidence(part) for part in score.evidence],
    )
