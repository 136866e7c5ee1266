"""The API's messages to the client's values."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from google.protobuf import timestamp_pb2
from google.rpc import code_pb2
from google.type import money_pb2

from relatum import pairs, types
from relatum.server_info import ModelInfo, ServerInfo
from relatum.v1 import (
    association_service_pb2,
    catalog_service_pb2,
    embedding_service_pb2,
    product_pb2,
    recommendation_service_pb2,
    result_pb2,
    search_service_pb2,
    server_info_service_pb2,
)

NANOS = 1_000_000_000


def enum_name(enum: Any, prefix: str, number: Any) -> str:
    """Name of an enum's value without the prefix; empty if unspecified, digits if unknown."""
    if number == 0 and prefix:
        return ""
    if number not in enum.values():  # a newer server has it
        return str(number)
    return str(enum.Name(number)).removeprefix(f"{prefix}_")


def product(message: product_pb2.Product) -> types.Product:
    """A product from the wire."""
    return types.Product(
        id=message.id,
        title=message.title,
        description=message.description,
        brand=message.brand,
        categories=tuple(message.categories),
        attributes={
            name: types.Attribute(tuple(value.text), tuple(value.numbers))
            for name, value in message.attributes.items()
        },
        price=_money(message.price) if message.HasField("price") else None,
        availability=enum_name(product_pb2.Availability, "AVAILABILITY", message.availability),
        rating=types.Rating(message.rating.average, message.rating.count)
        if message.HasField("rating")
        else None,
        image_uris=tuple(message.image_uris),
        language_code=message.language_code,
        group_id=message.group_id,
        platform=message.platform,
        vectors=tuple(
            types.Vector(vector.space, vector.packed_f16, vector.encoder_id)
            for vector in message.vectors
        ),
        update_time=_time(message.update_time) if message.HasField("update_time") else None,
        etag=message.etag,
    )


def results(messages: Iterable[result_pb2.Result]) -> tuple[types.Result, ...]:
    """The lines of a ranked list."""
    return tuple(
        types.Result(
            product_id=message.product_id,
            score=message.score,
            product=product(message.product) if message.HasField("product") else None,
            evidence=evidence(message.evidence),
            probability=message.probability if message.HasField("probability") else None,
        )
        for message in messages
    )


def evidence(messages: Iterable[result_pb2.Evidence]) -> tuple[types.Evidence, ...]:
    """Parts of a score, or facts of a pair."""
    return tuple(
        types.Evidence(
            enum_name(result_pb2.EvidenceKind, "EVIDENCE_KIND", part.kind),
            part.contribution,
            part.product_id,
            part.attribute,
            tuple(
                types.PathStep(step.source, step.relation, step.target, step.count)
                for step in part.path
            ),
        )
        for part in messages
    )


def scores(reply: association_service_pb2.ScoreAssociationsResponse) -> pairs.AssociationScores:
    """What the products of each pair are to each other."""
    classes = association_service_pb2.AssociationClass
    return pairs.AssociationScores(
        scores=tuple(
            pairs.AssociationScore(
                {
                    enum_name(classes, "ASSOCIATION_CLASS", one.association): one.probability
                    for one in score.probabilities
                },
                evidence(score.evidence),
            )
            for score in reply.scores
        ),
        revision=reply.revision,
        model_id=reply.model_id,
        missing_product_ids=tuple(reply.missing_product_ids),
    )


def ranked(reply: Any) -> types.RankedList:
    """The reply of Search, ListRelated or Recommend: facets and lists where it has them."""
    return types.RankedList(
        results=results(reply.results),
        next_page_token=reply.next_page_token,
        attribution_token=reply.attribution_token,
        revision=reply.revision,
        model_id=reply.model_id,
        missing_product_ids=tuple(reply.missing_product_ids),
        facets=tuple(
            types.Facet(
                facet.column,
                tuple(types.FacetValue(value.value, value.count) for value in facet.values),
            )
            for facet in getattr(reply, "facets", ())
        ),
        lists=tuple(
            types.RelatedList(line.product_id, results(line.results))
            for line in getattr(reply, "lists", ())
        ),
        corrected_query=getattr(reply, "corrected_query", ""),
    )


def completions(reply: search_service_pb2.CompleteQueryResponse) -> types.Completions:
    """Suggested queries and products."""
    return types.Completions(
        tuple(types.QuerySuggestion(line.query, line.count) for line in reply.queries),
        tuple(types.ProductSuggestion(line.product_id, line.title) for line in reply.products),
    )


def profile(reply: recommendation_service_pb2.GetProfileResponse) -> types.Profile | None:
    """A shopper's profile; None when nothing is known."""
    if not reply.HasField("profile"):
        return None
    known = reply.profile
    return types.Profile(
        known.event_count,
        _time(known.last_event_time) if known.HasField("last_event_time") else None,
        tuple(
            types.Interest(line.product_id, line.weight, line.purchases) for line in known.interests
        ),
    )


def embeddings(reply: embedding_service_pb2.EmbedTextsResponse) -> types.Embeddings:
    """Vectors, as floats or as packed halves, whichever the reply carries."""
    lines = reply.embeddings
    return types.Embeddings(
        vectors=tuple(tuple(line.values) for line in lines if line.values),
        packed=tuple(line.packed_f16 for line in lines if line.packed_f16),
        token_counts=tuple(line.token_count for line in lines),
        truncated=tuple(line.truncated for line in lines),
        encoder_id=reply.encoder_id,
        model_id=reply.model_id,
    )


def item_errors(
    messages: Iterable[catalog_service_pb2.ImportError],
) -> tuple[types.ItemError, ...]:
    """Refused items of a write or a stream."""
    return tuple(
        types.ItemError(
            line.index, line.id, enum_name(code_pb2.Code, "", line.status.code), line.status.message
        )
        for line in messages
    )


def imported(reply: Any) -> types.ImportResult:
    """The sums of ImportProducts or ImportEvents."""
    return types.ImportResult(
        revision=reply.revision,
        received=reply.received,
        written=reply.written,
        failed=reply.failed,
        errors=item_errors(reply.errors),
        deleted=getattr(reply, "deleted", 0),
        without_text_vector=getattr(reply, "without_text_vector", 0),
        duplicates=getattr(reply, "duplicates", 0),
        missing_products=getattr(reply, "missing_products", 0),
    )


def server_info(reply: server_info_service_pb2.GetServerInfoResponse) -> ServerInfo:
    """Versions, model, limits and state."""
    model = reply.model
    return ServerInfo(
        version=reply.version,
        library_versions=dict(reply.library_versions),
        model=ModelInfo(
            model_id=model.model_id,
            name=model.name,
            encoder_id=model.encoder_id,
            base_model=model.base_model,
            dimension=model.dimension,
            matryoshka_dimensions=tuple(model.matryoshka_dimensions),
            max_tokens=model.max_tokens,
            provider=model.provider,
            precision=model.precision,
            languages=tuple(model.languages),
            parts=tuple(model.parts),
        ),
        limits={
            field.name: getattr(reply.limits, field.name)
            for field in server_info_service_pb2.Limits.DESCRIPTOR.fields
        },
        revision=reply.revision,
        product_count=reply.product_count,
        vector_counts=dict(reply.vector_counts),
    )


def upserted(reply: catalog_service_pb2.UpsertProductsResponse) -> types.UpsertResult:
    """What UpsertProducts did."""
    return types.UpsertResult(reply.revision, tuple(reply.etags), tuple(reply.without_text_vector))


def updated_offers(reply: catalog_service_pb2.UpdateOffersResponse) -> types.OffersResult:
    """What UpdateOffers did."""
    outcome = catalog_service_pb2.OfferOutcome
    names = (enum_name(outcome, "OFFER_OUTCOME", value) for value in reply.outcomes)
    return types.OffersResult(reply.revision, tuple(names))


def deleted(reply: catalog_service_pb2.DeleteProductsResponse) -> types.DeleteResult:
    """What DeleteProducts did."""
    return types.DeleteResult(reply.revision, reply.deleted, tuple(reply.missing_product_ids))


def written_events(
    reply: recommendation_service_pb2.WriteEventsResponse,
) -> types.WriteEventsResult:
    """What WriteEvents did."""
    return types.WriteEventsResult(
        reply.revision,
        reply.written,
        reply.duplicates,
        item_errors(reply.errors),
        tuple(reply.missing_product_ids),
    )


def product_page(reply: catalog_service_pb2.ListProductsResponse) -> types.ProductPage:
    """One page of ListProducts."""
    return types.ProductPage(
        tuple(product(message) for message in reply.products),
        reply.next_page_token,
        reply.total_size,
        reply.revision,
    )


def _time(stamp: timestamp_pb2.Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)


def _money(message: money_pb2.Money) -> types.Money:
    return types.Money(
        Decimal(message.units) + Decimal(message.nanos) / NANOS, message.currency_code
    )
