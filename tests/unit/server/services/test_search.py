"""Search over fakes."""

import pytest

from relatum_server.artifact import WordWeights
from relatum_server.domain import Event, EventType, EvidenceKind, Product, ProductQuantity
from relatum_server.errors import FailedPreconditionError, InvalidArgumentError
from relatum_server.services.ranked import Paging
from relatum_server.services.search import SearchQuery
from tests.unit.server.services.conftest import WordsOfShop, build_shop

LEXICAL = EvidenceKind.LEXICAL


@pytest.fixture
def dairy(shop):
    shop.add(
        Product("m", "whole milk", brand="Farm", group_id="milk"),
        Product("m2", "whole milk two litres", brand="Farm", group_id="milk"),
        Product("c", "cream cheese", brand="Alm"),
        Product("b", "wheat bread", brand="Farm"),
    )
    return shop


def ids(page):
    return [line.product_id for line in page.results]


def test_a_product_upserted_is_found_by_the_next_search(dairy):
    assert ids(dairy.search.search(SearchQuery("cheese"), Paging()))[0] == "c"


def test_the_contributions_of_each_result_sum_to_its_score(dairy):
    page = dairy.search.search(SearchQuery("whole milk"), Paging())

    for line in page.results:
        assert sum(part.contribution for part in line.evidence) == pytest.approx(line.score)
    assert {p.kind for p in page.results[0].evidence} == {EvidenceKind.TEXT, EvidenceKind.LEXICAL}


def test_a_list_shows_one_product_of_a_group_unless_asked_for_all(dairy):
    one = ids(dairy.search.search(SearchQuery("whole milk"), Paging()))
    every = ids(dairy.search.search(SearchQuery("whole milk", all_variants=True), Paging()))

    assert "m" in one
    assert "m2" not in one
    assert {"m", "m2"} <= set(every)


def test_with_the_semantic_leg_off_only_products_with_a_word_are_found(dairy):
    page = dairy.search.search(SearchQuery("bread", disable_semantic=True), Paging())

    assert ids(page) == ["b"]
    assert {p.kind for p in page.results[0].evidence} == {EvidenceKind.LEXICAL}


def test_with_the_lexical_leg_off_text_alone_scores(dairy):
    page = dairy.search.search(SearchQuery("bread", disable_lexical=True), Paging())

    assert {p.kind for line in page.results for p in line.evidence} == {EvidenceKind.TEXT}


def test_both_legs_off_are_refused(dairy):
    query = SearchQuery("bread", disable_lexical=True, disable_semantic=True)
    with pytest.raises(InvalidArgumentError, match="disable_semantic"):
        dairy.search.search(query, Paging())


def test_an_empty_query_without_a_filter_is_refused(dairy):
    with pytest.raises(InvalidArgumentError, match="query: is empty"):
        dairy.search.search(SearchQuery(" "), Paging())


def test_an_empty_query_with_a_filter_shows_what_is_popular_first(dairy):
    dairy.buy("1", "b")

    page = dairy.search.search(SearchQuery(filter='brand = "Farm"'), Paging())

    assert ids(page)[0] == "b"
    assert page.results[0].evidence[0].kind is EvidenceKind.POPULARITY
    assert "c" not in ids(page)


def test_candidate_ids_rank_just_those_and_report_the_unknown(dairy):
    query = SearchQuery("cheese", candidate_ids=("b", "c", "x"))

    page = dairy.search.search(query, Paging())

    assert ids(page) == ["c", "b"]
    assert list(page.missing_product_ids) == ["x"]


def test_facets_count_the_matches_before_paging(dairy):
    page = dairy.search.search(SearchQuery("milk", facets=("brand",)), Paging(size=1))

    assert dict(page.facets[0].values)["Farm"] == 3


def test_the_shoppers_profile_moves_the_order_with_its_evidence(dairy):
    event = Event("", EventType.PURCHASE, user="ann", items=(ProductQuantity("b"),))
    dairy.events.write([(0, event)])

    page = dairy.search.search(SearchQuery("cheese", user_id="ann"), Paging())

    bread = next(line for line in page.results if line.product_id == "b")
    assert EvidenceKind.PROFILE in {part.kind for part in bread.evidence}


def test_pages_are_cut_from_the_list_that_the_first_page_pinned(dairy):
    query = SearchQuery("milk bread cheese", all_variants=True)
    whole = ids(dairy.search.search(query, Paging()))
    first = dairy.search.search(query, Paging(size=2))
    dairy.add(Product("new", "milk bread cheese"))

    second = dairy.search.search(query, Paging(size=2, token=first.next_page_token))

    assert ids(first) + ids(second) == whole
    assert second.next_page_token == ""
    assert second.revision == first.revision


def test_a_token_of_another_request_is_refused(dairy):
    first = dairy.search.search(SearchQuery("milk bread"), Paging(size=1))

    with pytest.raises(InvalidArgumentError) as error:
        dairy.search.search(SearchQuery("cheese"), Paging(size=1, token=first.next_page_token))
    assert error.value.reason == "INVALID_PAGE_TOKEN"


def test_a_negative_page_size_is_refused(dairy):
    with pytest.raises(InvalidArgumentError, match="page_size"):
        dairy.search.search(SearchQuery("milk"), Paging(size=-1))


def test_a_revision_that_no_write_returned_is_not_reached(dairy):
    with pytest.raises(FailedPreconditionError) as error:
        dairy.search.search(SearchQuery("milk"), Paging(min_revision=10**9, deadline=0.0))
    assert error.value.reason == "REVISION_NOT_REACHED"


def test_products_come_with_the_results_only_when_asked_for(dairy):
    without = dairy.search.search(SearchQuery("milk"), Paging())
    given = dairy.search.search(SearchQuery("milk"), Paging(read_mask=True))

    assert without.results[0].product is None
    assert given.results[0].product.title == "whole milk"


def test_completion_gives_popular_products_and_queries_of_two_shoppers(dairy):
    for user in ("ann", "bob"):
        dairy.events.write([(0, Event("", EventType.SEARCH, user=user, query="Milk shake"))])
    dairy.events.write([(0, Event("", EventType.SEARCH, user="ann", query="milk secret"))])

    found = dairy.completion.complete("mil")

    assert list(found.queries) == [("milk shake", 2)]
    assert {product_id for product_id, _ in found.products} == {"m", "m2"}


def test_a_misspelt_word_is_searched_for_as_it_was_meant_and_the_reply_says_so(dairy):
    page = dairy.search.search(SearchQuery("chese", disable_semantic=True), Paging())

    assert ids(page) == ["c"]
    assert page.corrected_query == "cheese"


def test_a_query_of_known_words_is_not_corrected(dairy):
    assert not dairy.search.search(SearchQuery("Cream cheese"), Paging()).corrected_query


def test_spelling_correction_can_be_turned_off(dairy):
    query = SearchQuery("chese", disable_semantic=True, disable_spelling_correction=True)

    page = dairy.search.search(query, Paging())

    assert not page.results
    assert not page.corrected_query


def test_the_next_page_says_what_was_corrected_too(dairy):
    query = SearchQuery("wholw milk", all_variants=True)
    first = dairy.search.search(query, Paging(size=1))

    second = dairy.search.search(query, Paging(size=1, token=first.next_page_token))

    assert second.corrected_query == first.corrected_query == "whole milk"


def test_what_two_shoppers_searched_for_is_not_corrected(dairy):
    for user in ("a", "b"):
        dairy.events.write([(0, Event("", EventType.SEARCH, user=user, query="brend"))])

    assert not dairy.search.search(SearchQuery("brend"), Paging()).corrected_query


def lexical(page):
    return {
        line.product_id: sum(e.contribution for e in line.evidence if e.kind is LEXICAL)
        for line in page.results
    }


@pytest.fixture
def worded(tmp_path):
    words = WordsOfShop(WordWeights({}, 1.0), search=0.7, rerank=0.0)
    shop = build_shop(tmp_path, words=words)
    shop.add(Product("oat", "oat milk"), Product("milk", "milk"), Product("tea", "tea"))
    yield shop
    shop.live.close()


def test_words_count_as_much_beside_the_cosine_as_the_artifact_says(worded):
    added = lexical(worded.search.search(SearchQuery("oat milk"), Paging()))

    assert added["oat"] == pytest.approx(0.7)
    assert 0 < added["milk"] < 0.7
    assert added["tea"] == 0


def test_products_that_the_caller_names_are_ranked_by_a_weight_of_their_own(worded):
    query = SearchQuery("oat milk", candidate_ids=("milk", "tea"))

    page = worded.search.search(query, Paging())

    assert lexical(page) == {"milk": 0, "tea": 0}


def test_a_search_by_words_alone_needs_no_weight(worded):
    query = SearchQuery("oat milk", candidate_ids=("milk", "oat"), disable_semantic=True)

    page = worded.search.search(query, Paging())

    assert list(lexical(page)) == ["oat", "milk"]
    assert lexical(page)["oat"] == pytest.approx(0.2)
