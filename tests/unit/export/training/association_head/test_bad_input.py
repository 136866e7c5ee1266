"""What `train pairs` refuses: one line that names the cause and the remedy, exit status 2."""

import json

import pytest
import torch

from relatum_export.__main__ import main
from relatum_export.errors import InputError
from relatum_export.settings_file import read_settings
from relatum_export.training.association_head import member
from relatum_export.training.association_head.saved import load
from relatum_export.training.association_head.settings import PairSettings
from relatum_export.training.association_head.training import train_pairs
from relatum_export.training.bases import resolve
from tests.unit.export.evaluation.corpora import write_corpus
from tests.unit.export.training.association_head.pair_shops import (
    QUIET,
    SMALL,
    office_pairs,
    office_products,
    write_shop,
)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("membres = 2", "unknown key membres; known are batch_pairs, bins"),
        ("joint_epochs = 2", "joint_epochs needs joint = true"),
        ('relations = {spare = "part"}', "spare = 'part' is no class; classes are unrelated, same"),
        ("dropout = 1.0", "dropout"),
        ('text_form = "all"', "text_form"),
        ("members = [", "is not TOML"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(tmp_path, config, complaint):
    file = tmp_path / "pairs.toml"
    file.write_text(config, encoding="utf-8")

    with pytest.raises(InputError) as refused:
        read_settings(PairSettings, file)

    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def refused(corpus, base, tmp_path, **changed):
    out = tmp_path / "out"
    with pytest.raises(InputError) as raised:
        train_pairs(
            [corpus],
            base,
            out,
            SMALL.model_copy(update=changed),
            QUIET,
            resume=True,
            cache=None,
        )
    assert not (out / "model").exists()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def with_pairs(tmp_path, rows):
    tables = {"pairs": rows} if rows else {}
    return write_shop(tmp_path / "shop", office_products(), tables)


def test_labels_of_one_class_are_refused(tiny, tmp_path):
    rows = [row for row in office_pairs() if row["relation"] == "other"]

    complaint = refused(with_pairs(tmp_path, rows), tiny, tmp_path)

    assert "all train labels are of one class, unrelated" in complaint


def test_an_empty_validation_is_refused(tiny, tmp_path):
    rows = [row for row in office_pairs() if row["split"] == "train"]

    assert "has no valid pairs to calibrate on" in refused(
        with_pairs(tmp_path, rows), tiny, tmp_path
    )


def test_a_corpus_without_pairs_and_behaviour_is_refused(tiny, tmp_path):
    corpus = with_pairs(tmp_path, [])

    assert "neither judged pairs nor behaviour" in refused(corpus, tiny, tmp_path)
    assert "weak_labels = true" in refused(corpus, tiny, tmp_path, weak_labels=False)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_members_before(
    shop, tiny, tmp_path, monkeypatch
):
    original = member.set_loss
    calls = []

    def breaks_in_the_second_member(*arguments):
        calls.append(1)
        first_member = SMALL.epochs * -(-3 * 6 * 35 // SMALL.batch_pairs)
        loss = original(*arguments)
        return loss * torch.nan if len(calls) > first_member + 1 else loss

    monkeypatch.setattr(member, "set_loss", breaks_in_the_second_member)
    complaint = refused(shop, tiny, tmp_path, patience=SMALL.epochs)

    assert "not finite in member 1, epoch 1, batch 2" in complaint
    assert (tmp_path / "out" / "checkpoints" / "member-0.safetensors").is_file()


def test_a_text_form_that_contradicts_the_encoder_is_refused(shop, tiny, tmp_path):
    out = tmp_path / "joint"
    settings = SMALL.model_copy(
        update={"joint": True, "joint_epochs": 1, "members": 1, "epochs": 1}
    )
    train_pairs([shop], tiny, out, settings, QUIET, resume=True, cache=None)
    complaint = refused(shop, resolve(str(out / "encoder")), tmp_path, text_form="full")

    assert "text_form is full, and the encoder was trained on title" in complaint


def test_a_folder_without_a_finished_head_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no association head"):
        load(tmp_path)


def test_a_run_of_other_settings_is_not_gone_on_with(shop, tiny, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    config = {"format": "relatum-pairs", "settings": {}}
    (out / "config.json").write_text(json.dumps(config), encoding="utf-8")

    assert "unfinished run of other data, settings" in refused(shop, tiny, tmp_path)


def test_products_that_vanished_are_missed_by_name(shop, tiny, tmp_path):
    corpus = with_pairs(tmp_path, office_pairs())
    (corpus.path / "products.jsonl").unlink()

    assert "products.jsonl is missing" in refused(corpus, tiny, tmp_path)


def test_the_command_says_one_line_and_exits_with_two(tiny, tmp_path, capsys):
    write_corpus(tmp_path / "empty", tables={"queries": [{"query_id": "q", "query": "x"}]})
    line = ("train", "pairs", "--encoder", tiny.location, "--out", str(tmp_path / "out"))

    status = main((*line, "--corpus", str(tmp_path / "empty")))

    said = capsys.readouterr().err.strip().splitlines()
    assert status == 2
    assert said[-1].startswith("relatum-export: corpus ")
    assert "has no items" in said[-1]
    assert not (tmp_path / "out").exists()


def test_the_command_prints_its_metrics_as_json(shop, tiny, tmp_path, capsys):
    config = tmp_path / "small.toml"
    config.write_text('text_form = "title"\nmembers = 1\nepochs = 1\nhidden = 8\n', "utf-8")
    line = ["train", "pairs", "--encoder", tiny.location, "--config", str(config), "--json"]
    line += ["--out", str(tmp_path / "out"), "--corpus", str(shop.path)]

    status = main(line)

    assert status == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "metrics.json").read_text())
