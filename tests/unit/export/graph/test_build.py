"""`build graph` on the small shop: what it writes, what it keeps, what it refuses."""

import json

import numpy as np
import pytest

from relatum_export.__main__ import main
from relatum_export.console import Reporter
from relatum_export.corpus.text import TITLE
from relatum_export.errors import InputError
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.graph.build import check_out, write_folder
from relatum_export.graph.diffusion_choice import ProductTexts
from relatum_export.graph.folder import GraphFolder
from relatum_export.graph.settings import GraphSettings
from relatum_export.training.products import Catalogue
from tests.unit.export.evaluation.corpora import GivenVectors, event, write_corpus

QUIET = Reporter(as_json=True)
NAMED = {"base": "given", "encoder_id": "0123"}
SETTINGS = GraphSettings.model_validate({"edges": {"max_share": 1.0}})


def inputs(corpus, vectors=None):
    catalogue = Catalogue.read(corpus)
    titles = [product.title for product in catalogue.products]
    axes = np.eye(len(titles)).tolist()
    given = GivenVectors(vectors or dict(zip(titles, axes, strict=True)))
    return ProductTexts(corpus, catalogue, CachedEncoder(given, "x", None, "given", QUIET), TITLE)


def build(corpus, out, settings=SETTINGS, vectors=None):
    return write_folder(inputs(corpus, vectors), NAMED, settings, out, QUIET)


def test_the_folder_holds_edges_spaces_and_what_was_chosen(shop, tmp_path):
    metrics = build(shop, tmp_path / "graph")

    folder = GraphFolder.open(tmp_path / "graph")
    leading, led = folder.space("complement_out"), folder.space("complement_in")

    assert leading is not None
    assert led is not None
    assert folder.metrics == json.loads(json.dumps(metrics))
    assert folder.config["encoder_id"] == "0123"
    assert folder.config["data_sha256"] == shop.fingerprint
    assert set(folder.graph().relations) == {"brand", "category", "attribute", "bought_with"}
    assert leading.item_ids == led.item_ids
    assert set(leading.item_ids) == {"machine", "pods", "mug"}
    assert leading.vectors.shape == led.vectors.shape


def test_two_builds_give_the_same_bytes(shop, tmp_path):
    for name in ("one", "two"):
        build(shop, tmp_path / name)

    for file in (tmp_path / "one").rglob("*"):
        if file.is_file():
            assert (
                file.read_bytes()
                == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()
            )


@pytest.fixture
def twins(tmp_path):
    """Bundles of one brand whose texts say nothing: the graph alone finds the mates."""
    products, bundles = [], []
    for brand in range(12):
        ids = [f"b{brand}-{n}" for n in range(3)]
        products += [{"id": item, "title": item, "brand": f"brand {brand}"} for item in ids]
        bundles.append({"bundle_id": str(brand), "items": ids, "split": "valid"})
    ids = [product["id"] for product in products]
    corpus = write_corpus(tmp_path / "twins", ids, (), {"bundles": bundles})
    lines = "".join(json.dumps(product) + "\n" for product in products)
    (corpus.path / "products.jsonl").write_text(lines, encoding="utf-8")
    return corpus


def test_diffusion_that_finds_more_mates_on_valid_is_kept(twins, tmp_path):
    metrics = build(twins, tmp_path / "graph")["diffusion"]

    space = GraphFolder.open(tmp_path / "graph").space("diffused")

    assert space is not None
    assert metrics["kept"]
    assert metrics["diffused"] > metrics["text"] + 0.3
    assert metrics["gain"]["low"] > 0
    assert len(space.item_ids) == 36
    np.testing.assert_allclose(np.linalg.norm(space.vectors, axis=1), 1, atol=2e-3)


def test_diffusion_that_text_needs_not_is_left_out(twins, tmp_path):
    titles = [f"b{brand}-{n}" for brand in range(12) for n in range(3)]
    perfect = {title: np.eye(12)[i // 3].tolist() for i, title in enumerate(titles)}

    metrics = build(twins, tmp_path / "graph", vectors=perfect)["diffusion"]

    assert not metrics["kept"]
    assert metrics["text"] == 1.0
    assert GraphFolder.open(tmp_path / "graph").space("diffused") is None


def test_without_a_valid_split_the_first_settings_are_taken_and_it_is_said(tmp_path):
    events = [event(f"u{i}", item, position=at) for i in range(4) for at, item in enumerate("abcd")]
    corpus = write_corpus(tmp_path / "corpus", list("abcd"), events)

    metrics = build(corpus, tmp_path / "graph")

    assert metrics["diffusion"]["measure"] is None
    assert metrics["complement"]["measure"] is None
    assert metrics["complement"]["kept"]


def test_a_corpus_without_any_edge_is_refused_and_nothing_is_written(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", ["a", "b"])

    with pytest.raises(InputError, match="gives no edge"):
        build(corpus, tmp_path / "graph")

    assert not (tmp_path / "graph").exists()


def test_a_graph_is_replaced_only_by_force_and_anything_else_never(shop, tmp_path):
    build(shop, tmp_path / "graph")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear", encoding="utf-8")

    check_out(tmp_path / "graph", force=True)
    check_out(tmp_path / "new", force=False)
    with pytest.raises(InputError, match="--force"):
        check_out(tmp_path / "graph", force=False)
    with pytest.raises(InputError, match="is not a graph"):
        check_out(tmp_path / "other", force=True)


@pytest.mark.parametrize(
    ("config", "cause"),
    [
        ("alpha = 0.1", "unknown key alpha"),
        ("[diffusion]\nalphas = [1.5]", "between 0 and 1"),
        ("[diffusion]\nsteps = []", "at least 1 item"),
        ('[diffusion]\nrelation_sets = [["colour"]]', "colour"),
        ("[complement]\nshifts = [0.5]", "at least 1"),
        ("[complement]\ndimension = 1", "complement.dimension"),
        ("[edges]\nmax_share = 0", "edges.max_share"),
        ("edges = 3", "edges"),
        ("not toml", "is not TOML"),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused_in_one_line(
    shop, tmp_path, capsys, config, cause
):
    file = tmp_path / "graph.toml"
    file.write_text(config, encoding="utf-8")
    where = ("--corpus", str(shop.path), "--out", str(tmp_path / "graph"))

    status = main(["build", "graph", "--encoder", "minilm", "--config", str(file), *where])

    printed = capsys.readouterr().err
    assert status == 2
    assert cause in printed
    assert len(printed.splitlines()) == 1
    assert not (tmp_path / "graph").exists()


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"--corpus": "nowhere"}, "not a corpus"),
        ({"--config": "nowhere.toml"}, "cannot read --config"),
        ({"--encoder": "minlm"}, "neither minilm"),
    ],
)
def test_arguments_that_lead_nowhere_are_named_in_one_line(shop, tmp_path, capsys, change, cause):
    given = {"--corpus": str(shop.path), "--encoder": "minilm", "--out": str(tmp_path / "graph")}
    arguments = [part for pair in (given | change).items() for part in pair]

    status = main(["build", "graph", *arguments])

    printed = capsys.readouterr().err
    assert status == 2
    assert cause in printed
    assert len(printed.splitlines()) == 1


def test_a_corpus_of_questions_has_no_products_to_join(tmp_path, capsys):
    faq = [{"question": "where?", "answer": "here", "split": "train"}]
    corpus = write_corpus(tmp_path / "corpus", (), (), {"faq": faq})
    arguments = ["--corpus", str(corpus.path), "--encoder", "minilm", "--out", str(tmp_path / "g")]

    assert main(["build", "graph", *arguments]) == 2
    assert "has no items" in capsys.readouterr().err


def test_a_folder_that_is_no_graph_is_not_opened(tmp_path):
    with pytest.raises(InputError, match="build graph"):
        GraphFolder.open(tmp_path)
