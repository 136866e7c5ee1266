"""An artifact folder by hand, and what a refused one says."""

from pathlib import Path

import pytest

from relatum_server.artifact import load_artifact
from relatum_server.errors import ArtifactError
from tests.fakes.artifact import ArtifactFolder


@pytest.fixture
def folder(tmp_path) -> ArtifactFolder:
    return ArtifactFolder(tmp_path / "artifact")


@pytest.fixture
def refusal():
    """`refusal(path)`: the one line that refuses the folder."""

    def read(path: Path) -> str:
        with pytest.raises(ArtifactError) as error:
            load_artifact(path)
        message = str(error.value)
        assert "\n" not in message
        return message

    return read
