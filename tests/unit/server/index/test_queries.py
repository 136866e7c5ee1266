import pytest

from relatum_server.index import queries as module
from relatum_server.index.queries import MAX_QUERY_CHARS, QueryLog


def test_a_query_of_one_shopper_is_never_shown() -> None:
    log = QueryLog()
    for _ in range(50):
        log.add("my secret illness", "shopper-1")

    assert list(log.complete("my", 10)) == []
    assert list(log.complete("", 10)) == []


def test_a_query_of_two_shoppers_is_shown_with_its_count() -> None:
    log = QueryLog()
    for query, shopper in (("Red  Shoes", "a"), ("red shoes", "b"), ("RED SHOES ", "b")):
        log.add(query, shopper)
    log.add("red hat", "a")

    assert list(log.complete(" RED", 10)) == [("red shoes", 3)]


def test_queries_come_most_frequent_first_then_by_name() -> None:
    log = QueryLog()
    for query, count in (("tea c", 1), ("tea a", 1), ("tea b", 3), ("coffee", 9)):
        for number in range(count):
            log.add(query, f"first-{number}")
        log.add(query, "second")

    assert [query for query, _ in log.complete("tea", 10)] == ["tea b", "tea a", "tea c"]
    assert [query for query, _ in log.complete("tea", 1)] == ["tea b"]


def test_an_empty_query_is_not_kept() -> None:
    log = QueryLog()
    log.add("  ", "a")
    log.add("", "b")

    assert list(log.complete("", 10)) == []


def test_a_query_that_is_too_long_to_complete_is_not_kept() -> None:
    log = QueryLog()
    for shopper in ("a", "b"):
        log.add("x" * MAX_QUERY_CHARS, shopper)
        log.add("y" * (MAX_QUERY_CHARS + 1), shopper)

    assert [len(query) for query, _ in log.complete("", 10)] == [MAX_QUERY_CHARS]
    assert list(log.complete("y", 10)) == []


def test_beyond_the_limit_the_query_used_longest_ago_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_QUERIES", 2)
    log = QueryLog()
    for query in ("tea", "milk", "tea", "coffee"):
        log.add(query, "a")
        log.add(query, "b")

    assert list(log.complete("", 10)) == [("tea", 4), ("coffee", 2)]


def test_what_was_saved_goes_on_as_if_it_had_never_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_QUERIES", 3)
    searches = [("tea", "a"), ("milk", "a"), ("oat", "b"), ("tea", "b"), ("tea", ""), ("rum", "a")]
    searches += [("milk", "b"), ("rum", "b"), ("oat", "a"), ("oat", "c")]
    whole = QueryLog()
    for search in searches:
        whole.add(*search)

    for cut in range(len(searches) + 1):
        first = QueryLog()
        for search in searches[:cut]:
            first.add(*search)
        second = QueryLog(first.save())
        for search in searches[cut:]:
            second.add(*search)

        assert second.complete("", 10) == whole.complete("", 10)
        assert second.save() == whole.save()
