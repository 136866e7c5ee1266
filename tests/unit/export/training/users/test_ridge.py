"""The ridge map in closed form."""

import numpy as np
from sklearn.linear_model import Ridge

from relatum_export.training.users.ridge import Regression, apply_map, fit_ridge

DRAW = np.random.default_rng(0)
TEXT = DRAW.normal(size=(40, 6)).astype(np.float32)
VECTORS = (TEXT @ DRAW.normal(size=(6, 3)) + 0.3 + DRAW.normal(size=(40, 3))).astype(np.float32)


def test_the_map_is_that_of_ridge_regression():
    expected = Ridge(alpha=2.0).fit(TEXT, VECTORS).predict(TEXT)

    weights = Regression(TEXT, VECTORS).weights(2.0)

    np.testing.assert_allclose(apply_map(weights, TEXT), expected, atol=1e-4)


def test_a_product_left_out_is_predicted_from_the_others_alone():
    kept = np.arange(len(TEXT)) != 7
    expected = Ridge(alpha=2.0).fit(TEXT[kept], VECTORS[kept]).predict(TEXT[7:8])

    predicted = Regression(TEXT, VECTORS).left_out(2.0)

    np.testing.assert_allclose(predicted[7:8], expected, atol=1e-4)


def test_only_what_was_bought_teaches_and_what_has_no_text_is_nowhere():
    text, vectors = TEXT.copy(), VECTORS.copy()
    bought = np.arange(len(text)) < 30
    vectors[~bought] = 1e6
    text[35] = 0.0

    ridge = fit_ridge(text, vectors, bought, penalty=1.0, scale=0.5)

    expected = 0.5 * Ridge(alpha=1.0).fit(text[:30], vectors[:30]).predict(text[30:31])
    np.testing.assert_allclose(ridge(text)[30:31], expected, atol=1e-4)
    assert not ridge(text)[35].any()
