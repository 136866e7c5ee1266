"""What identifies a command's code: the modules that it really imports, without their words."""

import ast
import functools
import hashlib
import importlib.util
from pathlib import Path

import grimp

PACKAGE = "relatum_export"
COMMANDS = {  # by the words of the command line, the longest first
    ("train", "answers"): "relatum_export.training.answer_head.command",
    ("train", "encoder"): "relatum_export.training.command",
    ("train", "pairs"): "relatum_export.training.association_head.command",
    ("train", "ranker"): "relatum_export.training.ranker.command",
    ("train", "users"): "relatum_export.training.users.command",
    ("build", "graph"): "relatum_export.graph.command",
    ("compress",): "relatum_export.training.compression.command",
    ("evaluate",): "relatum_export.evaluation.command",
    ("export",): "relatum_export.artifact.command",
    ("prepare",): "relatum_export.corpus.command",
    ("tune",): "relatum_export.evaluation.baselines.tuning",
}
State = tuple[tuple[str, int, int], ...]  # path, time of change, size of each file of the package


def command_module(arguments: tuple[str, ...]) -> str:
    """The module that a command line runs.

    Raises:
        KeyError: no command of this package.
    """
    two = COMMANDS.get(arguments[:2])
    return COMMANDS[arguments[:1]] if two is None else two


def code_key(module: str) -> str:
    """SHA-256 over a module and all that it imports of its own package, lower-case hex.

    Imports inside functions count, and so do the data files beside each module (templates);
    comments, docstrings and the help texts of flags do not.

    Args:
        module: dotted name.
    """
    package = module.partition(".")[0]
    home = _home(package)
    files = sorted(path for path in home.rglob("*") if _counts(path))
    closure = _closure(module, package, _state(files))
    lines = [f"{name} {_meaning(*_stat(_file(home, name)))}" for name in sorted(closure)]
    beside = {_file(home, name).parent for name in closure}
    for path in files:
        owner = next(folder for folder in path.parents if (folder / "__init__.py").is_file())
        if path.suffix != ".py" and owner in beside:
            lines.append(f"{path.relative_to(home)} {_bytes(*_stat(path))}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def meaning(source: str) -> str:
    """A module's syntax tree without positions, comments, docstrings and help texts.

    Args:
        source: Python.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(body, list):
                body[:] = [line for line in body if not _is_docstring(line)]
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "typer.Option",
            "typer.Argument",
        ):
            node.keywords = [word for word in node.keywords if word.arg != "help"]
    return ast.dump(tree)


def _is_docstring(line: ast.stmt) -> bool:
    """Whether a statement is a string alone: a docstring, or one under an attribute."""
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def _home(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    return Path(spec.origin).parent


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _file(home: Path, module: str) -> Path:
    inner = home.joinpath(*module.split(".")[1:])
    return inner / "__init__.py" if inner.is_dir() else inner.with_suffix(".py")


def _stat(path: Path) -> tuple[Path, int, int]:
    stat = path.stat()
    return path, stat.st_mtime_ns, stat.st_size


def _state(files: list[Path]) -> State:
    return tuple((str(path), *_stat(path)[1:]) for path in files if path.suffix == ".py")


# The state, the times and the sizes tell whether what is kept still holds: code may change while a
# long suite runs, and each step runs what is there when it starts.
@functools.lru_cache(maxsize=64)
def _closure(module: str, package: str, state: State) -> frozenset[str]:
    graph = _graph(package, state)
    return frozenset({module, *graph.find_upstream_modules(module)})


@functools.lru_cache(maxsize=1)
def _graph(package: str, state: State) -> grimp.ImportGraph:
    return grimp.build_graph(package, cache_dir=None)


@functools.lru_cache(maxsize=4096)
def _meaning(path: Path, changed: int, size: int) -> str:
    text = meaning(path.read_text(encoding="utf-8"))
    return hashlib.sha256(text.encode()).hexdigest()


@functools.lru_cache(maxsize=256)
def _bytes(path: Path, changed: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
