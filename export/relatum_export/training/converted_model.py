"""Models that a package ships in a form of its own, converted once into the user's cache."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def converted_folder(name: str, convert: Callable[[Path], None]) -> Path:
    """The folder of a converted model; made at the first call.

    Args:
        name: of the folder; another one for each change of the conversion.
        convert: writes the model into a folder.
    """
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(root) / "relatum" / name
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
    try:
        convert(building)
        building.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process was first, and its copy serves
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder
