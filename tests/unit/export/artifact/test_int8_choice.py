"""Which int8 graph ships: fixed ranges unless they cost agreement or speed."""

import numpy as np
import pytest

from relatum_export.artifact import conversion, int8_choice
from relatum_export.artifact.int8_choice import Int8Form, choose_int8, write_int8
from relatum_export.artifact.onnx_encoder import OnnxEncoder
from relatum_export.artifact.shop_texts import ShopTexts
from relatum_export.artifact.verification import Agreement, Verification, Verifier
from relatum_export.corpus.text import TITLE
from relatum_export.errors import QualityError
from relatum_export.training.encoder import TorchEncoder
from relatum_export.training.products import Catalogue
from tests.unit.export.evaluation.corpora import write_corpus
from tests.unit.export.training.tiny_encoder import write_tiny_encoder

WORDS = ("red", "blue", "green", "mug", "lamp", "pen", "hat", "a")
TITLES = [f"{colour} {thing}" for colour in WORDS[:3] for thing in WORDS[3:7]]


def form(cosine=0.99, speed=100.0, agreeing=(), refusal=""):
    agreements = tuple(
        Agreement(f"shop/valid/{n}", 0.8, 0.8, 0, agrees) for n, agrees in enumerate(agreeing)
    )
    verification = None if refusal else Verification("int8", 0.9, cosine, agreements)
    return Int8Form(verification, refusal, speed, 0.0)


@pytest.mark.parametrize(
    ("fixed", "by_batch", "chosen", "why"),
    [
        (form(), form(), "fixed", "as well"),
        (form(agreeing=[True]), form(agreeing=[True]), "fixed", "as well"),
        (form(agreeing=[False]), form(agreeing=[False]), "fixed", "as well"),
        (form(agreeing=[True, False]), form(agreeing=[True, True]), "by_batch", "shop/valid/1"),
        (form(cosine=0.97), form(cosine=0.99), "by_batch", "farther"),
        (form(cosine=0.989), form(cosine=0.99), "fixed", "as well"),
        (form(speed=80.0), form(speed=100.0), "by_batch", "slower"),
        (form(speed=97.0), form(speed=100.0), "fixed", "as fast"),
        (form(refusal="broken"), form(), "by_batch", "broken"),
        (form(), form(refusal="broken"), "fixed", "broken"),
    ],
)
def test_fixed_ranges_ship_unless_they_cost_agreement_or_speed(fixed, by_batch, chosen, why):
    ranges, reason = choose_int8({"fixed": fixed, "by_batch": by_batch})

    assert ranges == chosen
    assert why in reason


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    """A tiny encoder, its fused graph, the shop's texts, and the comparison with PyTorch."""
    folder = tmp_path_factory.mktemp("int8")
    encoder = TorchEncoder.load(write_tiny_encoder(folder / "base", WORDS))
    raw, fused = folder / "raw.onnx", folder / "fused.onnx"
    conversion.export_fp32(encoder.module, raw)
    conversion.fuse(raw, encoder.module.transformer.config, fused)
    corpus = write_corpus(folder / "corpus", TITLES, (), {})
    catalogue = Catalogue.read(corpus)
    shop = ShopTexts.read(corpus, catalogue, TITLE)
    return encoder, fused, shop, Verifier("shop", shop.documents, catalogue, TITLE, [])


def written(setting, out):
    encoder, fused, shop, verifier = setting
    return write_int8(
        fused,
        out,
        shop,
        text_input=encoder.text_input,
        verifier=verifier,
        reference=verifier.reference(encoder),
    )


def test_the_graph_that_is_left_is_the_one_that_was_chosen_and_measured(
    setting, tmp_path, monkeypatch
):
    out = tmp_path / "encoder.int8.onnx"
    monkeypatch.setattr(int8_choice, "MAX_SLOWER", 1.0)

    choice = written(setting, out)

    assert list(tmp_path.iterdir()) == [out]
    assert choice.ranges == "fixed"
    text_input = setting[0].text_input
    found = OnnxEncoder(out, text_input, None).encode(TITLES, kind="document")
    expected = choice.encoder.encode(TITLES, kind="document")
    np.testing.assert_allclose(found, expected, atol=1e-6)
    metrics = choice.metrics()
    assert metrics["fixed"]["batch_change"] < 1e-6 < metrics["by_batch"]["batch_change"]
    assert metrics["fixed"]["mean_cosine"] == choice.verification.mean_cosine


def test_with_both_graphs_refused_nothing_is_left(setting, tmp_path):
    encoder, fused, shop, verifier = setting
    reference = verifier.reference(encoder)
    elsewhere = type(reference)(reference.texts, -reference.vectors, reference.measures)

    with pytest.raises(QualityError, match="int8 graph differs"):
        write_int8(
            fused,
            tmp_path / "encoder.int8.onnx",
            shop,
            text_input=encoder.text_input,
            verifier=verifier,
            reference=elsewhere,
        )

    assert not list(tmp_path.iterdir())


def test_a_shop_is_asked_by_the_queries_of_train_alone_or_by_its_titles(tmp_path):
    queries = [
        {"query_id": str(n), "query": f"a {WORDS[n]}", "split": split}
        for n, split in enumerate(("train", "valid", "test"))
    ]
    asked = write_corpus(tmp_path / "asked", TITLES, (), {"queries": queries})
    unasked = write_corpus(tmp_path / "unasked", TITLES, (), {})

    first, second = (ShopTexts.read(c, Catalogue.read(c), TITLE) for c in (asked, unasked))

    assert first.queries == ["a red"]
    assert second.queries == second.titles == TITLES
