"""Every limit of the API, as GetServerInfo reports them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server accepts; what goes beyond is InvalidArgumentError unless said otherwise.

    Attributes:
        max_products: in one UpsertProducts, DeleteProducts or message of ImportProducts.
        max_texts: in one EmbedTexts.
        max_events: in one WriteEvents or message of ImportEvents.
        max_session_events: in one Recommend.
        max_candidate_ids: in one Search or Recommend.
        max_batch_products: in one batch of ListRelated; also positives and negatives, each.
        default_page_size: where a request says 0.
        max_page_size: above it page sizes are coerced.
        max_text_bytes: of a text to encode.
        max_query_bytes: of a search query.
        max_prefix_bytes: of what CompleteQuery completes.
        max_filter_bytes: of a filter.
        max_facets: in one Search.
        max_message_bytes: of a request; beyond it ResourceExhaustedError, by rpc.
        max_concurrent_requests: worked on at once; beyond it ResourceExhaustedError, by rpc.
        max_deadline_s: longer deadlines are capped to it, by rpc.
        max_event_ahead_s: how far an event, or what was observed of an offer, may be ahead of the
            server's clock.
        max_product_id_bytes: of a product's, group's or event's id.
        max_user_id_bytes: of a shopper's or session's id.
        max_request_id_bytes: of an idempotency key.
        max_pairs: in one ScoreAssociations.
        max_offer_updates: in one UpdateOffers.
        max_list_length: products that a ranked list holds over all its pages.
        max_deleted_share: of the catalogue that a FULL import deletes without `force_delete`.
        max_import_errors: refusals that an import's reply holds.
    """

    max_products: int = 256
    max_texts: int = 256
    max_events: int = 256
    max_session_events: int = 100
    max_candidate_ids: int = 1000
    max_batch_products: int = 64
    default_page_size: int = 20
    max_page_size: int = 100
    max_text_bytes: int = 65_536
    max_query_bytes: int = 8192
    max_prefix_bytes: int = 256
    max_filter_bytes: int = 4096
    max_facets: int = 8
    max_message_bytes: int = 8 * 1024 * 1024
    max_concurrent_requests: int = 256
    max_deadline_s: float = 60.0
    max_event_ahead_s: float = 300.0
    max_product_id_bytes: int = 128
    max_user_id_bytes: int = 256
    max_request_id_bytes: int = 128
    max_list_length: int = 500
    max_pairs: int = 256
    max_offer_updates: int = 1000
    max_deleted_share: float = 0.2
    max_import_errors: int = 100
