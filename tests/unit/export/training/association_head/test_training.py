"""A head learns what the labels say, on resume the same, and its graph says it too."""

import json

import numpy as np
import onnxruntime
import pyarrow.parquet as pq
import pytest
import torch

from relatum_export.training.association_head.export import FACTS, GRAPH, write_pair_head
from relatum_export.training.association_head.joint import JointFit
from relatum_export.training.association_head.member import MemberFit
from relatum_export.training.association_head.saved import load
from relatum_export.training.association_head.training import train_pairs
from relatum_export.training.bases import resolve
from relatum_export.training.encoder import TorchEncoder
from tests.unit.export.training.association_head.pair_shops import QUIET, SMALL, write_shop

MARGIN = 0.2


def train(corpora, base, out, *, resume=True, **changed):
    settings = SMALL.model_copy(update=changed)
    return train_pairs(corpora, base, out, settings, QUIET, resume=resume, cache=None)


@pytest.fixture(scope="module")
def run(shop, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    return out, train([shop], tiny, out)


def test_a_head_learns_relations_that_chance_does_not_give(run):
    _, metrics = run
    measures = metrics["valid"]["office"]["relations"]

    assert measures["classes"] == ["unrelated", "complement", "substitute"]
    assert measures["macro-F1"] > 1 / 3 + MARGIN  # all "unrelated" would have less than 1/3
    assert measures["NLL"] <= measures["before_calibration"]["NLL"] + 1e-6
    assert metrics["classes_trained"] == ["unrelated", "substitute", "complement"]
    assert metrics["label_sources"]["alike"] == {"people": 3 * 6 * 5}


def test_the_run_holds_model_metrics_and_logs_and_no_checkpoints(run):
    out, metrics = run

    assert {path.name for path in out.iterdir()} == {
        "config.json",
        "metrics.json",
        "model",
        "tensorboard",
    }
    assert json.loads((out / "metrics.json").read_text()) == metrics
    assert len({row["member"] for row in metrics["curve"]}) == SMALL.members + SMALL.word_members
    assert sum(metrics["shares"].values()) == pytest.approx(1)


def test_a_class_that_no_label_spoke_for_has_no_probability(run):
    head = load(run[0]).head
    shape = head.shape
    with torch.inference_mode():
        said = head(*torch.rand(2, 5, shape.dimension), torch.rand(5, shape.features))

    assert said[:, 1].tolist() == [0] * 5
    assert torch.allclose(said.sum(1), torch.ones(5))


def test_a_run_that_was_interrupted_ends_as_the_uninterrupted_one(
    run, shop, tiny, tmp_path, monkeypatch
):
    original = MemberFit.run

    def fails_at_the_second(self):
        if self._number == 1:
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(MemberFit, "run", fails_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        train([shop], tiny, tmp_path / "run")
    monkeypatch.setattr(MemberFit, "run", original)
    metrics = train([shop], tiny, tmp_path / "run")

    assert metrics == run[1]


def test_graph_and_pytorch_agree_and_the_facts_say_how_to_feed_it(run, tmp_path):
    saved = load(run[0])

    difference = write_pair_head(saved, tmp_path)

    facts = json.loads((tmp_path / FACTS).read_text())
    session = onnxruntime.InferenceSession(tmp_path / GRAPH, providers=["CPUExecutionProvider"])
    assert difference <= 1e-5
    assert [i.name for i in session.get_inputs()] == ["a", "b", "features"]
    a, b = np.random.default_rng(0).random((2, 3, facts["dimension"]), np.float32)
    features = np.zeros((3, len(facts["features"])), np.float32)
    said = session.run(None, {"a": a, "b": b, "features": features})[0]
    assert said.shape == (3, len(facts["classes"]))
    assert facts["encoder_id"] == saved.description["encoder_id"]
    assert facts["label_sources"]["complement"] == {"people": 3 * 4 * 6}


def test_a_head_of_vectors_alone_has_a_graph_of_two_inputs(shop, tiny, tmp_path):
    train([shop], tiny, tmp_path / "run", lexical=False, members=1, epochs=1)

    write_pair_head(load(tmp_path / "run"), tmp_path)

    session = onnxruntime.InferenceSession(tmp_path / GRAPH, providers=["CPUExecutionProvider"])
    assert [i.name for i in session.get_inputs()] == ["a", "b"]


def test_complements_keep_their_direction(shop, tiny, tmp_path):
    train([shop], tiny, tmp_path / "run", members=1)
    head = load(tmp_path / "run").head
    draw = torch.Generator().manual_seed(0)
    a, b = torch.nn.functional.normalize(
        torch.randn(2, 4, head.shape.dimension, generator=draw), dim=2
    )
    features = torch.rand(4, head.shape.features, generator=draw)
    with torch.inference_mode():
        assert not torch.allclose(head(a, b, features), head(b, a, features))


def test_joint_training_leaves_an_encoder_of_its_own_that_the_head_stands_on(shop, tiny, tmp_path):
    out = tmp_path / "run"
    before = TorchEncoder.load(tiny.location).module.state_dict()
    metrics = train([shop], tiny, out, joint=True, joint_epochs=2, members=1)

    tuned = resolve(str(out / "encoder"))
    after = TorchEncoder.load(out / "encoder").module.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert tuned.text_form is not None
    assert tuned.text_form.name == "title"
    assert any("layer.3" in name for name in moved)
    assert not any("embeddings" in name or "layer.0" in name for name in moved)
    curve = metrics["joint_curve"]
    assert curve[-1]["loss"] < curve[0]["loss"]
    with pytest.raises(Exception, match="was trained on the encoder"):
        load(out, "0" * 16)


def test_joint_training_that_was_interrupted_ends_as_the_uninterrupted_one(
    shop, tiny, tmp_path, monkeypatch
):
    joint = {"joint": True, "joint_epochs": 2, "members": 1, "epochs": 2}
    whole = train([shop], tiny, tmp_path / "whole", **joint)
    original = JointFit._pass

    def fails_at_the_second(self, before, epochs):
        if before.epoch == 1:
            raise KeyboardInterrupt
        return original(self, before, epochs)

    monkeypatch.setattr(JointFit, "_pass", fails_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        train([shop], tiny, tmp_path / "cut", **joint)
    monkeypatch.setattr(JointFit, "_pass", original)
    cut = train([shop], tiny, tmp_path / "cut", **joint)

    assert cut["encoder_id"] == whole["encoder_id"]
    assert cut["valid"] == whole["valid"]


def test_several_corpora_train_one_head_of_all_classes(shop, tiny, tmp_path):
    products = [{"id": f"{n}-{i}", "title": f"lamp x{i}00{n}"} for n in "ab" for i in range(30)]
    rows = [
        {
            "item_id_a": f"a-{i}",
            "item_id_b": f"b-{(i + step) % 30}",
            "same_product": int(step == 0),
            "split": ("train", "train", "valid")[i % 3],
        }
        for i in range(30)
        for step in (0, 1, 2)
    ]
    match = write_shop(tmp_path / "match", products, {"pairs": rows}, name="match")

    metrics = train([shop, match], tiny, tmp_path / "run")

    assert metrics["classes_trained"] == ["unrelated", "same", "substitute", "complement"]
    assert metrics["valid"]["match"]["same_product"]["F1"] > 0.5 + MARGIN  # all "same": 1/2
    assert set(load(tmp_path / "run").description["same_thresholds"]) == {""}


def test_features_of_real_offers_tell_the_same_product(data, tiny, tmp_path):
    source = data("product_matching")
    frame = pq.read_table(source / "pairs.parquet").to_pandas()
    parts = [
        part.groupby("same_product").head(120)
        for split, part in frame[frame["source"] == "Abt-Buy"].groupby("split")
        if split != "test"
    ]
    rows = [row for part in parts for row in part.to_dict("records")]
    wanted = {row[side] for row in rows for side in ("item_id_a", "item_id_b")}
    items = pq.read_table(source / "items.parquet", columns=["item_id", "title"]).to_pylist()
    products = [
        {"id": item["item_id"], "title": item["title"] or ""}
        for item in items
        if item["item_id"] in wanted
    ]
    corpus = write_shop(tmp_path / "offers", products, {"pairs": rows}, name="offers")

    metrics = train([corpus], tiny, tmp_path / "run", epochs=15, hidden=32)

    found = metrics["valid"]["offers"]["same_product"]
    all_same = 2 / 3  # F1 of calling every pair the same where half of them are
    assert found["F1"] > all_same + 0.1
    assert list(found["thresholds"]) == ["", "Abt-Buy"]


def test_the_same_seed_gives_the_same_head_and_another_seed_another(run, shop, tiny, tmp_path):
    again = train([shop], tiny, tmp_path / "again")
    other = train([shop], tiny, tmp_path / "other", seed=1)

    assert again == run[1]
    assert other["curve"] != run[1]["curve"]


def test_a_base_with_a_form_of_its_own_keeps_it(run, shop, tiny, tmp_path):
    joined = train([shop], tiny, tmp_path / "run", joint=True, joint_epochs=1, members=1, epochs=1)
    tuned = resolve(str(tmp_path / "run" / "encoder"))

    frozen = train([shop], tuned, tmp_path / "frozen", members=1, epochs=1, text_form="auto")

    assert frozen["text_form"] == "title"
    assert frozen["encoder_id"] == joined["encoder_id"]
