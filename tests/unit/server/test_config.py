"""Settings come from flags, then the environment, then a file; nothing unknown is ignored."""

from pathlib import Path

import pytest

from relatum_server import config
from relatum_server.errors import ConfigError

REQUIRED = {"artifact": "a", "data_dir": "d"}


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_file(tmp_path, monkeypatch):
    file = tmp_path / "server.toml"
    file.write_text('drain_s = 2\ngrace_s = 3\nlog_level = "error"\n')
    monkeypatch.setenv("RELATUM_DRAIN_S", "4")
    monkeypatch.setenv("RELATUM_GRACE_S", "5")
    settings = config.load({**REQUIRED, "drain_s": "6"}, config_file=file)
    assert (settings.drain_s, settings.grace_s, settings.log_level) == (6.0, 5.0, "error")


def test_the_tests_own_variables_are_not_settings(monkeypatch):
    monkeypatch.setenv("RELATUM_TEST_DATA", "/somewhere")
    assert config.load(REQUIRED).artifact == Path("a")


@pytest.mark.parametrize(
    ("flags", "environment", "file", "said"),
    [
        ({"data_dir": "d"}, {}, "", "--artifact is required"),
        (REQUIRED, {"RELATUM_DRAIN": "1"}, "", "RELATUM_DRAIN is not a setting"),
        (REQUIRED, {"RELATUM_DRAIN_S": "soon"}, "", "drain_s"),
        (REQUIRED, {"RELATUM_DRAIN_S": "0.1"}, "", "drain_s"),
        (REQUIRED, {"RELATUM_PROVIDER": "tpu"}, "", "provider"),
        (REQUIRED, {}, "colour = 1", "colour is not a setting"),
        (REQUIRED, {}, "drain_s = ", "cannot be read"),
    ],
)
def test_a_bad_setting_is_refused_with_its_name(
    flags, environment, file, said, tmp_path, monkeypatch
):
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    path = tmp_path / "server.toml"
    path.write_text(file)
    with pytest.raises(ConfigError, match=said):
        config.load(flags, config_file=path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(REQUIRED, config_file=tmp_path / "none.toml")
