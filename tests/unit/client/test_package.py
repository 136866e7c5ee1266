"""The public names load lazily."""

import subprocess
import sys

import pytest

import relatum


def test_importing_the_generated_code_loads_no_grpc() -> None:
    code = (
        "import sys; import relatum.v1.search_service_pb2, relatum.v1.product_pb2;"
        "sys.exit('grpc' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False)

    assert done.returncode == 0


def test_the_command_and_the_client_load_no_numpy() -> None:
    code = (
        "import sys; import relatum.__main__;"
        "import relatum.async_client; sys.exit('numpy' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False)

    assert done.returncode == 0


def test_each_public_name_resolves() -> None:
    assert sorted(relatum.__all__) == ["AsyncClient", "Client", "RelatumError"]
    assert all(getattr(relatum, name).__name__ == name for name in relatum.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Klient"):
        relatum.Klient  # noqa: B018
