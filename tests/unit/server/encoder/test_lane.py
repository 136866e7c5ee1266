from hypothesis import given
from hypothesis import strategies as st

from relatum_server.encoder.lane import nearest_in_length


@given(st.lists(st.integers(1, 256), min_size=1, max_size=60), st.integers(1, 2048))
def test_the_oldest_text_is_always_chosen_and_the_budget_kept(lengths, budget):
    chosen = nearest_in_length(lengths, budget)

    assert 0 in chosen
    padded = len(chosen) * max(lengths[i] for i in chosen)
    assert padded <= budget or chosen == {0}


def test_texts_of_the_oldest_length_come_before_others():
    assert nearest_in_length([8, 64, 8, 9, 64, 8], 32) == {0, 2, 5}
