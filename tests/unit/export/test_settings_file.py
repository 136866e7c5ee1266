"""A step's settings come from a file that says nothing else, and can be shown as one."""

import tomllib

import pytest

from relatum_export.__main__ import main
from relatum_export.errors import InputError
from relatum_export.graph.settings import GraphSettings
from relatum_export.settings_file import documented_toml, read_settings
from relatum_export.training.association_head.settings import PairSettings
from relatum_export.training.compression.settings import CompressSettings
from relatum_export.training.pretraining.settings import PretrainSettings
from relatum_export.training.ranker.settings import RankerSettings
from relatum_export.training.settings import TrainSettings
from relatum_export.training.users.settings import UserSettings

KINDS = (
    GraphSettings,
    PretrainSettings,
    CompressSettings,
    TrainSettings,
    PairSettings,
    UserSettings,
    RankerSettings,
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_defaults_read_back_as_the_defaults(kind, tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(documented_toml(kind), encoding="utf-8")

    assert read_settings(kind, file) == kind()


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_says_what_it_means(kind):
    assert all(field.description for field in kind.model_fields.values())


def test_a_flag_goes_before_the_file_and_the_file_before_the_default(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("seed = 3\nepochs = 7\n", encoding="utf-8")

    settings = read_settings(PretrainSettings, file, {"seed": 5, "batch_size": None})

    assert (settings.seed, settings.epochs, settings.batch_size) == (5, 7, 32)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"epochs = 1\nepochs = 2", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"epoch = 1", "unknown key epoch; known are batch_size"),
        (b"epochs = 1.5", "epochs: "),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(tmp_path, content, cause):
    file = tmp_path / "config.toml"
    file.write_bytes(content)

    with pytest.raises(InputError, match=cause) as caught:
        read_settings(PretrainSettings, file)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", [("build", "graph"), ("pretrain",), ("compress",)])
def test_a_command_shows_its_config_and_does_nothing_else(command, capsys):
    assert main([*command, "--show-config"]) == 0

    assert "seed" in tomllib.loads(capsys.readouterr().out)
