"""Search over loopback, against what a shop expects of it."""

from relatum.types import Attribute, Event, Product
from tests.e2e.ranked_list import assert_explained, ids, kinds

SHOP_SIZE = 40


def test_an_upserted_product_is_found_by_the_next_search(client):
    client.upsert_products([Product(id="kettle", title="stainless steel kettle")])

    assert ids(client.search("steel kettle", page_size=1)) == ["kettle"]
    client.delete_products(["kettle"])


def test_evidence_of_a_search_sums_to_the_score_and_names_both_legs(client):
    ranked = client.search("red mouse", page_size=5)

    assert_explained(ranked)
    assert ids(ranked)[0] == "mouse-red"
    assert {"TEXT", "LEXICAL"} <= kinds(ranked)


def test_a_search_without_the_semantic_leg_has_no_text_evidence(client):
    assert "TEXT" not in kinds(client.search("red mouse", disable_semantic=True))


def test_a_search_without_the_lexical_leg_has_no_lexical_evidence(client):
    assert "LEXICAL" not in kinds(client.search("red mouse", disable_lexical=True))


def test_a_chinese_title_is_found_lexically_by_a_part_of_it(client):
    client.upsert_products(
        [
            Product(id="zh-1", title="无线机械键盘 黑色", language_code="zh"),
            Product(id="zh-2", title="不锈钢电水壶", language_code="zh"),
        ]
    )

    ranked = client.search("键盘", disable_semantic=True)

    assert ids(ranked) == ["zh-1"]
    assert kinds(ranked) == {"LEXICAL"}
    client.delete_products(["zh-1", "zh-2"])


def test_a_filter_leaves_only_what_matches_it(client):
    ranked = client.search("mouse", filter='price < 7 AND categories:"Office > mouse"')

    assert set(ids(ranked)) == {"mouse-black", "mouse-white"}


def test_facets_count_the_matches_of_a_filter(client):
    ranked = client.search("", filter='categories:"Office > pen"', facets=["categories", "price"])

    counts = {facet.column: sum(value.count for value in facet.values) for facet in ranked.facets}
    assert counts["price"] == 5
    assert counts["categories"] >= 5


def test_candidate_ids_are_ranked_alone_and_unknown_ones_are_reported(client):
    ranked = client.search("red", candidate_ids=["pen-red", "mouse-blue", "nowhere"])

    assert set(ids(ranked)) == {"pen-red", "mouse-blue"}
    assert ids(ranked)[0] == "pen-red"
    assert ranked.missing_product_ids == ("nowhere",)


def test_a_read_mask_returns_the_fields_it_names_and_no_others(client):
    with_title = client.search("red mouse", page_size=1, read_mask=["title"]).results[0].product
    without = client.search("red mouse", page_size=1).results[0].product

    assert with_title is not None
    assert with_title.title == "red mouse"
    assert not with_title.categories
    assert with_title.price is None
    assert without is None


def test_the_pages_of_a_search_are_distinct_and_the_same_when_asked_for_again(client):
    def pages() -> list[str]:
        found, token = [], ""
        while True:
            ranked = client.search("office", page_size=7, page_token=token)
            found += ids(ranked)
            token = ranked.next_page_token
            if not token:
                return found

    first = pages()

    assert len(first) == len(set(first)) == SHOP_SIZE
    assert pages() == first


def test_a_pinned_list_does_not_move_when_products_are_written_between_pages(client):
    first = client.search("white chair", page_size=3)
    expected = ids(client.search("white chair", page_size=6))
    client.upsert_products([Product(id="intruder", title="white chair")])

    second = client.search("white chair", page_size=3, page_token=first.next_page_token)

    assert ids(first) + ids(second) == expected
    client.delete_products(["intruder"])


def test_one_variant_of_a_group_is_listed_unless_all_are_asked_for(client):
    shirts = [
        Product(id=f"shirt-{size}", title=f"cotton shirt {size}", group_id="shirt")
        for size in ("small", "medium", "large")
    ]
    client.upsert_products(shirts)

    one = [i for i in ids(client.search("cotton shirt")) if i.startswith("shirt")]
    every = [i for i in ids(client.search("cotton shirt", all_variants=True)) if "shirt" in i]

    assert len(one) == 1
    assert set(every) == {shirt.id for shirt in shirts}
    client.delete_products([shirt.id for shirt in shirts])


def test_a_read_with_the_revision_of_a_write_sees_that_write(client):
    written = client.upsert_products([Product(id="fan", title="green desk fan")])

    ranked = client.search("desk fan", page_size=1, min_revision=written.revision)

    assert ids(ranked) == ["fan"]
    assert ranked.revision >= written.revision
    client.delete_products(["fan"])


def test_a_query_is_completed_by_what_two_shoppers_searched_for_and_by_titles(client):
    client.write_events(
        [Event(type="SEARCH", user_id=user, query="stapler refill") for user in ("u1", "u2")]
    )

    completions = client.complete("stap")

    assert [(q.query, q.count) for q in completions.queries] == [("stapler refill", 2)]
    assert {p.product_id.split("-")[0] for p in completions.products} == {"stapler"}


def test_attributes_are_filtered_and_counted(client):
    client.upsert_products(
        [
            Product(id="tent-2", title="tent", attributes={"persons": Attribute(numbers=[2])}),
            Product(id="tent-4", title="tent", attributes={"persons": Attribute(numbers=[4])}),
        ]
    )

    assert ids(client.search("tent", filter="attributes.persons > 3")) == ["tent-4"]
    client.delete_products(["tent-2", "tent-4"])
