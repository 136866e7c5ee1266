"""Customer service: the reply sought in a pool of 1,000."""

import numpy as np
import pytest

from relatum_export.evaluation.protocols.service import SERVICE, most_frequent
from relatum_export.evaluation.reply_pool import reply_pool
from tests.unit.export.evaluation.corpora import encoder_system, figures, task_of, write_corpus


def test_the_pool_is_the_splits_distinct_replies_filled_to_1000_from_train():
    own = ["b", "a", "b"]
    train = [f"t{i}" for i in range(3_000)] + ["a"]

    pool = reply_pool(own, train)

    assert len(pool) == len(set(pool)) == 1_000
    assert {"a", "b"} < set(pool)
    assert pool == sorted(pool)
    assert pool == reply_pool(own, list(reversed(train)))
    assert pool != reply_pool(own, train, seed=1)


def test_a_short_train_gives_what_it_has_and_many_own_replies_all_stay():
    assert reply_pool(["a"], ["b", "b", "a"]) == ["a", "b"]
    assert len(reply_pool([str(i) for i in range(1_200)], ["x"])) == 1_200


def test_a_reply_counts_when_it_is_among_the_ten_nearest(tmp_path):
    # Thirty replies on a quarter circle; a question points at a reply's place.
    angles = np.linspace(0, np.pi / 2, 30)
    vectors = {f"reply {i:02}": (np.cos(a), np.sin(a)) for i, a in enumerate(angles)}
    vectors |= {"near": vectors["reply 02"], "far": vectors["reply 29"]}
    faq = [
        {"question_id": f"t{i}", "question": "x", "answer": f"reply {i:02}", "split": "train"}
        for i in range(1, 30)
    ]
    faq += [
        {"question_id": "1", "question": "near", "answer": "reply 00", "split": "test"},
        {"question_id": "2", "question": "far", "answer": "reply 00", "split": "test"},
    ]
    corpus = write_corpus(tmp_path, tables={"faq": faq})

    found = figures(SERVICE, task_of(corpus, encoder_system(vectors)))

    assert found["test/R@10/zero-shot"].units == ("1", "2")
    assert found["test/R@10/zero-shot"].numerator.tolist() == [1, 0]
    assert found["test/R@10/random"].value == pytest.approx(10 / 30)


def test_the_replies_most_frequent_in_train_stand_beside_it_ties_by_text(tmp_path):
    pool = [f"reply {i:02}" for i in range(20)]
    train = ["reply 15"] * 3 + ["reply 07"] * 2 + ["reply 03"]

    given = [pool[i] for i in most_frequent(pool, train)]

    rest = [reply for reply in pool if reply not in train]
    assert given == ["reply 15", "reply 07", "reply 03", *rest[:7]]


@pytest.mark.parametrize("splits", [("valid", "test"), ("train",)])
def test_a_faq_without_train_or_test_is_not_judged(tmp_path, splits):
    faq = [{"question_id": s, "question": "x", "answer": "y", "split": s} for s in splits]
    corpus = write_corpus(tmp_path, tables={"faq": faq})

    assert not SERVICE.applies(corpus)
