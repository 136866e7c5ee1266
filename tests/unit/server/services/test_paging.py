"""Page tokens."""

import numpy as np
import pytest

from relatum_server.domain import EvidenceKind
from relatum_server.errors import InvalidArgumentError
from relatum_server.ranking.explanation import Contribution, Ranking
from relatum_server.services.paging import PinnedList, PinnedLists, TokenSigner, request_hash
from tests.unit.server.services.conftest import digest

REQUEST = request_hash("search", "milk")


def pinned(count=5):
    part = Contribution(EvidenceKind.TEXT, np.ones(count))
    return PinnedList(Ranking(np.arange(count), (part,)), 7, "attribution")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lists(clock):
    return PinnedLists(TokenSigner(digest), capacity=2, lifetime_s=10, clock=clock)


def reason(lists, token, request=REQUEST, audience="search"):
    with pytest.raises(InvalidArgumentError) as error:
        lists.find(audience, token, request)
    return error.value.reason


def test_a_token_finds_its_list_and_place(lists):
    token = lists.first_token("search", REQUEST, pinned(), 2)
    found, offset = lists.find("search", token, REQUEST)

    following = lists.next_token("search", token, found, 4)

    assert offset == 2
    assert lists.find("search", following, REQUEST)[1] == 4
    assert lists.next_token("search", token, found, 5) == ""


def test_there_is_no_token_past_the_end(lists):
    assert lists.first_token("search", REQUEST, pinned(2), 2) == ""


def test_a_token_of_another_call_or_request_is_invalid(lists):
    token = lists.first_token("search", REQUEST, pinned(), 2)

    assert reason(lists, token, audience="related") == "INVALID_PAGE_TOKEN"
    assert reason(lists, token, request=request_hash("search", "bread")) == "INVALID_PAGE_TOKEN"


def test_each_changed_character_is_found(lists):
    token = lists.first_token("search", REQUEST, pinned(), 2)

    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert reason(lists, changed) == "INVALID_PAGE_TOKEN"


def test_a_list_that_is_no_longer_kept_says_so(lists, clock):
    old = lists.first_token("search", REQUEST, pinned(), 2)
    clock.now = 11

    assert reason(lists, old) == "PAGE_TOKEN_EXPIRED"


def test_only_the_newest_lists_are_kept(lists):
    first, *_ = [lists.first_token("search", REQUEST, pinned(), 2) for _ in range(3)]

    assert reason(lists, first) == "PAGE_TOKEN_EXPIRED"


def test_an_attribution_token_holds_no_page(lists):
    token = TokenSigner(digest).attribution("search", 7)

    assert reason(lists, token) == "INVALID_PAGE_TOKEN"
