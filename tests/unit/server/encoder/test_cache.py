import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from relatum_server.encoder.base import EncodedTexts
from relatum_server.encoder.cache import VectorCache, normalize
from relatum_server.errors import DeadlineExceededError, ResourceExhaustedError

WAIT_S = 10.0
DIMENSION = 100
ENTRY_BYTES = DIMENSION * 4 + 400


class Compute:
    """Encodes a text to its length; remembers the calls; can be held or fail."""

    def __init__(self):
        self.calls = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.error = None

    def __call__(self, texts):
        self.calls.append(texts)
        self.entered.set()
        assert self.gate.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        vectors = np.array([[len(t)] * DIMENSION for t in texts], dtype=np.float32)
        return EncodedTexts(vectors, [len(t) for t in texts], [False] * len(texts))


def encode(cache, compute, *texts, kind="QUERY", lane="query", wait_s=None):
    found = cache.encode(list(texts), kind, compute, wait_s=lambda: wait_s, lane=lane)
    return [int(text.vector[0]) for text in found]


def test_a_text_encoded_before_is_not_encoded_again():
    cache, compute = VectorCache("e", 10**6), Compute()
    encode(cache, compute, "milk")

    result = encode(cache, compute, "coffee", "milk")

    assert result == [6, 4]
    assert compute.calls == [["milk"], ["coffee"]]
    assert (cache.hits, cache.misses) == (1, 2)


def test_equal_texts_of_one_call_are_encoded_once():
    cache, compute = VectorCache("e", 10**6), Compute()

    result = encode(cache, compute, "milk", "tea", "milk")

    assert result == [4, 3, 4]
    assert compute.calls == [["milk", "tea"]]


def test_a_query_and_a_document_of_equal_text_are_two_entries():
    cache, compute = VectorCache("e", 10**6), Compute()
    encode(cache, compute, "milk", kind="QUERY")

    encode(cache, compute, "milk", kind="DOCUMENT")

    assert len(compute.calls) == 2


def test_the_least_recently_used_entry_leaves_when_the_bytes_are_full():
    cache, compute = VectorCache("e", 2 * ENTRY_BYTES), Compute()
    encode(cache, compute, "a", "bb")
    encode(cache, compute, "a")
    encode(cache, compute, "ccc")

    encode(cache, compute, "a")
    encode(cache, compute, "bb")

    assert compute.calls == [["a", "bb"], ["ccc"], ["bb"]]
    assert cache.size_bytes == 2 * ENTRY_BYTES


def test_a_cache_of_zero_bytes_keeps_nothing_and_still_answers():
    cache, compute = VectorCache("e", 0), Compute()

    assert encode(cache, compute, "a") == encode(cache, compute, "a") == [1]
    assert cache.size_bytes == 0
    assert len(compute.calls) == 2


def test_bulk_texts_are_answered_from_the_cache_but_do_not_enter_it():
    cache, compute = VectorCache("e", 10**6), Compute()
    encode(cache, compute, "milk", lane="query")

    encode(cache, compute, "milk", "tea", lane="bulk")
    encode(cache, compute, "tea", lane="bulk")

    assert compute.calls == [["milk"], ["tea"], ["tea"]]


def test_equal_texts_of_callers_at_one_time_are_encoded_once():
    cache, compute = VectorCache("e", 10**6), Compute()
    compute.gate.clear()
    with ThreadPoolExecutor(2) as callers:
        leader = callers.submit(encode, cache, compute, "milk")
        assert compute.entered.wait(WAIT_S)
        follower = callers.submit(encode, cache, compute, "milk")
        while cache.hits == 0:
            assert not follower.done()
        compute.gate.set()

        assert leader.result(WAIT_S) == follower.result(WAIT_S) == [4]
    assert compute.calls == [["milk"]]


def test_a_follower_computes_for_itself_when_its_leader_fails():
    cache, failing, working = VectorCache("e", 10**6), Compute(), Compute()
    failing.gate.clear()
    failing.error = ResourceExhaustedError("full")
    with ThreadPoolExecutor(2) as callers:
        leader = callers.submit(encode, cache, failing, "milk")
        assert failing.entered.wait(WAIT_S)
        follower = callers.submit(encode, cache, working, "milk")
        while cache.hits == 0:
            assert not follower.done()
        failing.gate.set()

        with pytest.raises(ResourceExhaustedError):
            leader.result(WAIT_S)
        assert follower.result(WAIT_S) == [4]


def test_a_follower_stops_waiting_when_its_own_time_is_up():
    cache, compute = VectorCache("e", 10**6), Compute()
    compute.gate.clear()
    with ThreadPoolExecutor(1) as callers:
        leader = callers.submit(encode, cache, compute, "milk")
        assert compute.entered.wait(WAIT_S)

        with pytest.raises(DeadlineExceededError):
            encode(cache, compute, "milk", wait_s=0.0)

        compute.gate.set()
        assert leader.result(WAIT_S) == [4]


def test_a_failed_text_is_encoded_anew_by_the_next_call():
    cache, compute = VectorCache("e", 10**6), Compute()
    compute.error = ResourceExhaustedError("full")
    with pytest.raises(ResourceExhaustedError):
        encode(cache, compute, "milk")
    compute.error = None

    assert encode(cache, compute, "milk") == [4]


def test_a_cached_vector_cannot_be_written_to():
    cache, compute = VectorCache("e", 10**6), Compute()
    (text,) = cache.encode(["a"], "QUERY", compute, wait_s=lambda: None, lane="query")

    with pytest.raises(ValueError, match="read-only"):
        text.vector[0] = 1


def test_white_space_is_normalised_to_single_blanks():
    assert normalize("  whole\tmilk \n 1l ") == "whole milk 1l"
