"""RecommendationService on the wire."""

from collections.abc import Iterator, Mapping

from relatum.v1 import recommendation_service_pb2 as pb
from relatum_server.domain import ItemFailure
from relatum_server.errors import FieldViolation, InvalidArgumentError
from relatum_server.rpc import convert
from relatum_server.rpc.endpoint import Call
from relatum_server.rpc.idempotency import Idempotency
from relatum_server.services.catalog import Replay
from relatum_server.services.events import EventLine, EventsAccepted, EventService, EventsImported
from relatum_server.services.ranked import Paging
from relatum_server.services.recommendation import (
    ProfileRead,
    RecommendationKind,
    RecommendationService,
    RecommendQuery,
)

_KINDS: Mapping[int, RecommendationKind] = {
    pb.RECOMMENDATION_KIND_UNSPECIFIED: RecommendationKind.PERSONALIZED,
    pb.RECOMMENDATION_KIND_PERSONALIZED: RecommendationKind.PERSONALIZED,
    pb.RECOMMENDATION_KIND_BUY_AGAIN: RecommendationKind.BUY_AGAIN,
    pb.RECOMMENDATION_KIND_TRENDING: RecommendationKind.TRENDING,
}


class RecommendationServicer:
    """Bytes to events, ranked lists to bytes."""

    def __init__(
        self, service: RecommendationService, events: EventService, idempotency: Idempotency
    ) -> None:
        self._service, self._events, self._idempotency = service, events, idempotency

    def WriteEvents(
        self, request: pb.WriteEventsRequest, call: Call
    ) -> pb.WriteEventsResponse | bytes:
        """Write events."""
        del call
        outcome = self._events.write(
            list(enumerate(convert.events(request.events, 0, "events"))),
            request=self._idempotency.key("WriteEvents", request.request_id, request),
            serialise=lambda done: _accepted(done).SerializeToString(),
        )
        return outcome.reply if isinstance(outcome, Replay) else _accepted(outcome)

    def ImportEvents(
        self, requests: Iterator[pb.ImportEventsRequest], call: Call
    ) -> pb.ImportEventsResponse:
        """Write the events of a stream."""
        del call
        return _imported(self._events.import_events(_batches(requests)))

    def Recommend(self, request: pb.RecommendRequest, call: Call) -> pb.RecommendResponse:
        """Recommend to a shopper, or say what is popular."""
        kind = _KINDS.get(request.kind)
        if kind is None:
            raise InvalidArgumentError(
                "kind",
                f"{request.kind} is not a value of RecommendationKind",
                reason="UNKNOWN_ENUM_VALUE",
            )
        session = convert.events(request.session_events, 0, "session_events")
        failures = [line for line in session if isinstance(line, ItemFailure)]
        if failures:
            first = failures[0]
            raise InvalidArgumentError(
                f"session_events[{first.index}]",
                first.message,
                reason=first.reason,
                violations=tuple(
                    FieldViolation(f"session_events[{f.index}]", f.message) for f in failures
                ),
            )
        paths = convert.mask_paths(request.read_mask, "read_mask")
        page = self._service.recommend(
            RecommendQuery(
                kind=kind,
                user_id=request.user_id,
                session_events=tuple(e for e in session if not isinstance(e, ItemFailure)),
                filter=request.filter,
                candidate_ids=tuple(request.candidate_ids),
                exclude_purchased=request.exclude_purchased,
                all_variants=request.all_variants,
            ),
            Paging(
                size=request.page_size,
                token=request.page_token,
                read_mask=bool(paths),
                min_revision=request.min_revision,
                deadline=call.deadline,
            ),
        )
        return pb.RecommendResponse(
            results=convert.results(page.results, paths),
            next_page_token=page.next_page_token,
            attribution_token=page.attribution_token,
            revision=page.revision,
            model_id=page.model_id,
            missing_product_ids=page.missing_product_ids,
        )

    def GetProfile(self, request: pb.GetProfileRequest, call: Call) -> pb.GetProfileResponse:
        """What is known of a shopper."""
        read = self._service.profile(
            request.user_id, min_revision=request.min_revision, deadline=call.deadline
        )
        reply = pb.GetProfileResponse(revision=read.revision)
        if read.event_count:
            _set_profile(reply.profile, read)
        return reply


def _batches(requests: Iterator[pb.ImportEventsRequest]) -> Iterator[list[EventLine]]:
    start = 0
    for request in requests:
        yield list(enumerate(convert.events(request.events, start, "events"), start))
        start += len(request.events)


def _set_profile(profile: pb.Profile, read: ProfileRead) -> None:
    profile.event_count = read.event_count
    profile.last_event_time.FromMicroseconds(read.last_event_time_us)
    for interest in read.interests:
        profile.interests.add(
            product_id=interest.product_id,
            weight=interest.weight,
            purchases=interest.purchases,
        )


def _accepted(outcome: EventsAccepted) -> pb.WriteEventsResponse:
    return pb.WriteEventsResponse(
        revision=outcome.revision,
        written=outcome.written,
        duplicates=outcome.duplicates,
        errors=[convert.import_error(failure) for failure in outcome.errors],
        missing_product_ids=outcome.missing_product_ids,
    )


def _imported(outcome: EventsImported) -> pb.ImportEventsResponse:
    return pb.ImportEventsResponse(
        revision=outcome.revision,
        received=outcome.received,
        written=outcome.written,
        duplicates=outcome.duplicates,
        failed=outcome.failed,
        errors=[convert.import_error(failure) for failure in outcome.errors],
        missing_products=outcome.missing_products,
    )
