"""Bad requests get the documented status, reason and field, and the server still answers."""

import math
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.message import Message

from relatum.errors import from_rpc_error
from relatum.v1 import catalog_service_pb2, recommendation_service_pb2, search_service_pb2
from tests.e2e.raw_requests import (
    MIB,
    batch,
    embed,
    event,
    events,
    examples,
    get,
    many,
    number,
    offer,
    offers,
    pairs,
    price,
    product,
    rating,
    recommend,
    related,
    search,
    send,
    still_answers,
    upsert,
    vector,
)

INVALID = "INVALID_ARGUMENT"
TAMPERED = "AAAA"
NOT_ASCII = "\u00e9"


@dataclass(frozen=True)
class Case:
    """A request that is refused, and how."""

    name: str
    method: str
    request: Message | bytes
    field: str
    reason: str = INVALID
    code: str = INVALID


TEXTS = [
    Case("empty text", "EmbedTexts", embed(""), "texts[0]"),
    Case("no text", "EmbedTexts", embed(), "texts"),
    Case("NUL in a text", "EmbedTexts", embed("ok", "a\0b"), "texts[1]"),
    Case("1 MB text", "EmbedTexts", embed("x" * MIB), "texts[0]"),
    Case("text not UTF-8", "EmbedTexts", b"\x0a\x02\xff\xfe", "UTF-8", "MALFORMED_REQUEST"),
    Case("empty query", "Search", search(""), "query"),
    Case("blank query", "Search", search(" \t "), "query"),
    Case("NUL in a query", "Search", search("a\0b"), "query"),
    Case("1 MB query", "Search", search("x" * MIB), "query"),
    Case("query not UTF-8", "Search", b"\x0a\x02\xff\xfe", "UTF-8", "MALFORMED_REQUEST"),
    Case("empty prefix", "CompleteQuery", search_service_pb2.CompleteQueryRequest(), "prefix"),
    Case(
        "long prefix",
        "CompleteQuery",
        search_service_pb2.CompleteQueryRequest(prefix="x" * 257),
        "prefix",
    ),
    Case("1 MB anchor", "ListRelated", related(text="x" * MIB), "text"),
    Case("NUL in an anchor", "ListRelated", related(text="a\0b"), "text"),
    Case("no anchor", "ListRelated", related(), "anchor"),
    Case("NUL in a title", "UpsertProducts", upsert(product(title="a\0b")), "products[0].title"),
    Case("1 MB title", "UpsertProducts", upsert(product(title="x" * MIB)), "products[0].title"),
    Case("no id", "UpsertProducts", upsert(product(id="")), "products[0].id"),
    Case("long id", "UpsertProducts", upsert(product(id="x" * 129)), "products[0].id"),
    Case("control in an id", "UpsertProducts", upsert(product(id="a\n")), "products[0].id"),
    Case("long user", "Recommend", recommend(user_id="x" * 257), "user_id"),
    Case("empty user", "GetProfile", recommendation_service_pb2.GetProfileRequest(), "user_id"),
    Case("no text at all", "UpsertProducts", upsert(product(title="")), "products[0].title"),
    Case("both legs off", "Search", search(disable_lexical=True, disable_semantic=True), "disable"),
]
NAMES = [
    Case(
        "unknown product", "GetProduct", get("nowhere"), "nowhere", "PRODUCT_NOT_FOUND", "NOT_FOUND"
    ),
    Case(
        "unknown anchor",
        "ListRelated",
        related(product_id="nowhere"),
        "nowhere",
        "PRODUCT_NOT_FOUND",
        "NOT_FOUND",
    ),
    Case("unknown column", "Search", search(filter="colour = 1"), "colour", "INVALID_FILTER"),
    Case("unknown facet", "Search", search(facets=["colour"]), "colour", "UNKNOWN_FACET"),
    Case("unknown relation", "ListRelated", related(relation=9, text="x"), "relation", "ENUM"),
    Case("unknown kind", "Recommend", recommend(kind=9), "kind", "UNKNOWN_ENUM_VALUE"),
    Case("again for nobody", "Recommend", recommend(kind=3), "user_id"),
    Case(
        "again without the bought",
        "Recommend",
        recommend(kind=3, user_id="u", exclude_purchased=True),
        "exclude_purchased",
    ),
    Case("unknown text kind", "EmbedTexts", embed("x", kind=9), "kind", "UNKNOWN_ENUM_VALUE"),
    Case("unknown format", "EmbedTexts", embed("x", format=9), "format", "UNKNOWN_ENUM_VALUE"),
    Case("odd dimension", "EmbedTexts", embed("x", dimension=7), "dimension"),
    Case(
        "unknown availability",
        "UpsertProducts",
        upsert(product(availability=9)),
        "availability",
        "ENUM",
    ),
    Case(
        "unknown read path",
        "Search",
        search(read_mask={"paths": ["colour"]}),
        "colour",
        "UNKNOWN_PATH",
    ),
    Case(
        "unknown path of a get",
        "GetProduct",
        get("p", read_mask={"paths": ["x.y"]}),
        "x.y",
        "UNKNOWN_PATH",
    ),
    Case(
        "unknown update path",
        "UpsertProducts",
        upsert(product(), update_mask={"paths": ["etag"]}),
        "etag",
        "UNKNOWN_PATH",
    ),
    Case(
        "tampered token", "Search", search(page_token=TAMPERED), "page_token", "INVALID_PAGE_TOKEN"
    ),
    Case(
        "token not ASCII",
        "Search",
        search(page_token=NOT_ASCII),
        "page_token",
        "INVALID_PAGE_TOKEN",
    ),
    Case("token of a batch", "ListRelated", batch("pen-red", page_token=TAMPERED), "page_token"),
    *(
        Case(f"filter {text}", "Search", search(filter=text), "filter", "INVALID_FILTER")
        for text in (
            "price <",
            "price < x",
            "(price < 1",
            "brand < 1",
            "price = 1 OR",
            "AND",
            "price:1",
            'brand = "x',
            "NOT",
            "availability = 9",
            "(" * 2000,
        )
    ),
    Case("long filter", "Search", search(filter="x" * 4097), "filter"),
    Case("NUL in a filter", "Search", search(filter='brand = "\0"'), "filter"),
]
COUNTS = [
    Case("257 products", "UpsertProducts", upsert(*(product(id=i) for i in many(257))), "products"),
    Case("no product", "UpsertProducts", upsert(), "products"),
    Case("257 texts", "EmbedTexts", embed(*many(257)), "texts"),
    Case("257 events", "WriteEvents", events(*(event(id=i) for i in many(257))), "events"),
    Case("no event", "WriteEvents", events(), "events"),
    Case("101 session events", "Recommend", recommend(session_events=[event()] * 101), "session_"),
    Case("1,001 candidates", "Search", search(candidate_ids=many(1001)), "candidate_ids"),
    Case("1,001 to recommend", "Recommend", recommend(candidate_ids=many(1001)), "candidate_ids"),
    Case("65 in a batch", "ListRelated", batch(*many(65)), "batch.product_ids"),
    Case("65 positives", "ListRelated", examples(many(65), []), "positive_product_ids"),
    Case("65 negatives", "ListRelated", examples(["pen-red"], many(65)), "negative_product_ids"),
    Case("only negatives", "ListRelated", examples([], ["pen-red"]), "anchor"),
    Case("9 facets", "Search", search(facets=["brand"] * 9), "facets"),
    Case(
        "257 deletions",
        "DeleteProducts",
        catalog_service_pb2.DeleteProductsRequest(product_ids=many(257)),
        "product_ids",
    ),
    Case("1,001 offers", "UpdateOffers", offers(*[offer()] * 1001), "updates"),
    Case("no offer", "UpdateOffers", offers(), "updates"),
    Case("an offer of nothing", "UpdateOffers", offers(offer(), {"product_id": "a"}), "updates[1]"),
    Case(
        "an offer of no product",
        "UpdateOffers",
        offers({"availability": 1}),
        "updates[0].product_id",
    ),
    Case(
        "unknown availability of an offer",
        "UpdateOffers",
        offers(offer(availability=99)),
        "updates[0].availability",
        "UNKNOWN_ENUM_VALUE",
    ),
    Case(
        "an offer of the year 0",
        "UpdateOffers",
        offers(offer(observe_time={"seconds": -70_000_000_000})),
        "updates[0].observe_time",
        "INVALID_TIME",
    ),
    Case("negative page", "Search", search(page_size=-1), "page_size"),
    Case("negative page of related", "ListRelated", related(text="x", page_size=-1), "page_size"),
    Case("negative page for a user", "Recommend", recommend(page_size=-1), "page_size"),
    Case("negative revision", "Search", search(min_revision=-1), "min_revision"),
    Case("same id twice", "UpsertProducts", upsert(product(), product()), "products[1].id"),
    Case("same id twice in a batch", "ListRelated", batch("pen-red", "pen-red"), "product_ids[1]"),
    Case("candidate twice", "Search", search(candidate_ids=["a", "a"]), "candidate_ids[1]"),
    Case("liked and disliked", "ListRelated", examples(["pen-red"], ["pen-red"]), "negative"),
]
NUMBERS = [
    Case("negative price", "UpsertProducts", upsert(price(units=-1)), "products[0].price"),
    Case("price without currency", "UpsertProducts", upsert(price(currency_code="")), "currency"),
    Case("nanos above a unit", "UpsertProducts", upsert(price(nanos=10**9)), "price.nanos"),
    *(
        case
        for value in (math.nan, math.inf, -math.inf)
        for case in (
            Case(f"rating {value}", "UpsertProducts", upsert(rating(value)), "rating.average"),
            Case(f"number {value}", "UpsertProducts", upsert(number(value)), "numbers[0]"),
        )
    ),
    Case("rating of 6", "UpsertProducts", upsert(rating(6.0)), "rating.average"),
    Case("negative count", "UpsertProducts", upsert(rating(4.0, -1)), "rating.count"),
    Case("another encoder", "UpsertProducts", upsert(vector("other")), "encoder_id", "ENCODER"),
    Case("another space", "UpsertProducts", upsert(vector("x", space="image")), "space"),
    Case(
        "session event with NaN",
        "Recommend",
        recommend(session_events=[event(value=math.nan)]),
        "session_events[0].value",
    ),
]
RED, BLUE = {"product_id": "pen-red"}, {"product_id": "pen-blue"}
PAIRS = [
    Case("no pair", "ScoreAssociations", pairs(), "pairs"),
    Case("257 pairs", "ScoreAssociations", pairs(*[(RED, BLUE)] * 257), "pairs"),
    Case("no first side", "ScoreAssociations", pairs(({}, BLUE)), "pairs[0].a"),
    Case("no second side", "ScoreAssociations", pairs((RED, BLUE), (RED, {})), "pairs[1].b"),
    Case(
        "empty id", "ScoreAssociations", pairs(({"product_id": ""}, BLUE)), "pairs[0].a.product_id"
    ),
    Case("long id", "ScoreAssociations", pairs(({"product_id": "x" * 129}, BLUE)), "a.product_id"),
    Case("blank side", "ScoreAssociations", pairs((RED, {"text": " "})), "pairs[0].b.text"),
    Case("NUL in a side", "ScoreAssociations", pairs((RED, {"text": "a\0b"})), "pairs[0].b.text"),
    Case("1 MB side", "ScoreAssociations", pairs((RED, {"text": "x" * MIB})), "pairs[0].b.text"),
    Case(
        "negative revision of pairs",
        "ScoreAssociations",
        pairs((RED, BLUE), min_revision=-1),
        "min_revision",
    ),
    Case("pairs cut short", "ScoreAssociations", b"\x0a\xff", "Score", "MALFORMED_REQUEST"),
]
BYTES = [
    Case("cut bytes", "Search", b"\x0a\xff", "SearchRequest", "MALFORMED_REQUEST"),
    Case("bad wire type", "WriteEvents", b"\x0f\x01", "WriteEventsRequest", "MALFORMED_REQUEST"),
    Case("random bytes", "UpsertProducts", bytes(range(255, 0, -1)), "", "MALFORMED_REQUEST"),
]


@pytest.mark.parametrize(
    "case", [*TEXTS, *NAMES, *COUNTS, *NUMBERS, *PAIRS, *BYTES], ids=lambda case: case.name
)
def test_a_bad_request_is_refused_with_its_reason_and_field(channel, case):
    with pytest.raises(grpc.RpcError) as caught:
        send(channel, case.method, case.request)

    error = from_rpc_error(caught.value)
    assert error.code == case.code, error
    assert case.reason in error.reason
    assert case.field in " ".join([error.message, *(v.field for v in error.violations)])
    assert "\n" not in error.message
    assert (error.code == INVALID) == bool(error.violations)
    assert still_answers(channel)
