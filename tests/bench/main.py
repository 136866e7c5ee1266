"""The numbers of the main job, as ratios to bounds of the same run: `make bench-main`.

Bounds: the bare session and the bare USearch graph called in a loop, and a bare RPC whose handler
returns a canned reply of the same size. Rounds are interleaved; the median round is the value, the
smallest and largest stand beside it. Writes build/bench/main.json.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
from usearch.index import Index as Graph

from relatum.v1 import association_service_pb2 as association
from relatum.v1 import association_service_pb2_grpc as association_grpc
from relatum.v1 import embedding_service_pb2 as embedding
from relatum.v1 import embedding_service_pb2_grpc as embedding_grpc
from relatum_server.artifact import load_artifact
from relatum_server.encoder.session import SessionSettings, open_session
from relatum_server.encoder.tokenizer import TextTokenizer
from relatum_server.index.exact import ExactIndex
from relatum_server.index.snapshot import SnapshotFolder
from relatum_server.index.usearch import EXPANSION_SEARCH
from tests.bench import bare_rpc, processes, rows

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
DEMO = ROOT / "build" / "demo"
DATA = ROOT.parent / "shared" / "data" / "instacart"
ROUNDS = 7
CALLS = 200
PAGE = 20
TIE = 1e-3  # half floats: closer scores are ties, and ties count as hits


def main() -> int:
    """Measure and write the rows."""
    corpus, artifact, data = BUILD / "corpus", BUILD / "artifact", BUILD / "data"
    if not (corpus / "corpus.json").is_file():
        command("relatum_export", "prepare", "--data", DATA, "--out", corpus)
    if not (artifact / "manifest.json").is_file():
        command(
            "relatum_export", "export", "--corpus", corpus, "--encoder", "minilm", "--out", artifact
        )
    if not DEMO.joinpath("demo.json").is_file():
        subprocess.run([sys.executable, "examples/demo.py"], check=True, cwd=ROOT)
    fresh = not data.is_dir()
    with processes.serving(artifact, data, "--embedding-cache-mib", "0") as target:
        if fresh:
            command("relatum", "import", "products", corpus / "products.jsonl", "--target", target)
    with processes.serving(artifact, data, "--embedding-cache-mib", "0") as target:
        measured = [embed_one(target, artifact), related(target, artifact, data)]
    measured.insert(0, recall(artifact, data))
    measured.append(restart())
    demo = json.loads(DEMO.joinpath("demo.json").read_text(encoding="utf-8"))
    measured.append(rows.Row("demo_s", demo["seconds"], "s", n=1, required=720.0))
    rows.write(BUILD / "main.json", measured)
    for row in measured:
        sys.stdout.write(f"{row.name:22} {row.value:8.3f} {row.unit:6} required {row.required}\n")
    return 0


def embed_one(target: str, artifact: Path) -> rows.Row:
    """EmbedTexts of one short title, one client, against the bare session and a bare RPC."""
    loaded = load_artifact(artifact)
    session = open_session(loaded.encoder, SessionSettings(provider="cpu"))
    ids = TextTokenizer(loaded.encoder).tokenize(["organic whole milk"], "DOCUMENT")[0].ids
    tokens = np.array([ids], np.int64)
    mask = np.ones_like(tokens)
    request = embedding.EmbedTextsRequest(texts=["organic whole milk"])
    with grpc.insecure_channel(target) as channel:
        stub = embedding_grpc.EmbeddingServiceStub(channel)
        size = stub.EmbedTexts(request).ByteSize()
        with canned(size) as bare:
            return ratio(
                "embed_one_vs_bound",
                lambda: stub.EmbedTexts(request),
                [lambda: session.run(tokens, mask), bare],
            )


def related(target: str, artifact: Path, data: Path) -> rows.Row:
    """ListRelated by id, one client, against the bare graph and a bare RPC."""
    graph, keys = bare_graph(artifact, data)
    queries = np.asarray(graph.get(keys[:CALLS]), np.float16)
    place = iter(int(i) for i in np.tile(np.arange(len(queries)), 10 * ROUNDS))
    with grpc.insecure_channel(target) as channel:
        stub = association_grpc.AssociationServiceStub(channel)
        ids = iter(product_ids(CALLS) * 10 * ROUNDS)
        first = association.ListRelatedRequest(product_id=next(ids), page_size=PAGE)
        size = stub.ListRelated(first).ByteSize()
        with canned(size) as bare:
            return ratio(
                "related_50k_vs_bound",
                lambda: stub.ListRelated(
                    association.ListRelatedRequest(product_id=next(ids), page_size=PAGE)
                ),
                [lambda: graph.search(queries[next(place)], PAGE, threads=1), bare],
            )


def recall(artifact: Path, data: Path) -> rows.Row:
    """recall@10 of the served text graph against the exact oracle, over 1,000 products."""
    encoder = load_artifact(artifact).encoder
    index, _ = SnapshotFolder(data / "text", encoder.encoder_id, encoder.dimension).open()
    keys = np.sort(index.keys())
    vectors, _ = index.get(keys)
    exact = ExactIndex(encoder.dimension)
    exact.upsert(keys, vectors)
    sample = np.random.default_rng(0).choice(len(keys), 1000, replace=False)
    hits = []
    for row in sample:
        expected, found = exact.search(vectors[row], 10), index.search(vectors[row], 10)
        hits.append(float(np.mean(found.scores >= expected.scores[-1] - TIE)))
    return rows.Row(
        "recall_at_10_50k", float(np.mean(hits)), "ratio", n=len(hits), required=0.99,
        better="higher",
    )  # fmt: skip


def restart() -> rows.Row:
    """Seconds from the start of a process with the demo's catalogue to SERVING."""
    seconds = []
    for _ in range(5):
        started = time.monotonic()
        server = processes.ServerProcess(DEMO / "artifact", DEMO / "data")
        server.wait_serving()
        seconds.append(time.monotonic() - started)
        server.stop()
    return rows.of_runs("restart_90k_s", seconds, "s", required=10.0)


def bare_graph(artifact: Path, data: Path) -> tuple[Graph, np.ndarray]:
    """The served graph's own file, and its keys."""
    newest = max((data / "text").glob("*.json"))
    manifest = json.loads(newest.read_bytes().splitlines()[0])  # the second line is its hash
    graph = Graph(
        ndim=load_artifact(artifact).encoder.dimension,
        metric="ip",
        dtype="f16",
        expansion_search=EXPANSION_SEARCH,
    )
    graph.load(str(data / "text" / manifest["file"]))
    return graph, np.sort(np.asarray(graph.keys[:], np.uint64))


def product_ids(count: int) -> list[str]:
    """The first products of the catalogue."""
    with (BUILD / "corpus" / "products.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line)["id"] for line, _ in zip(lines, range(count), strict=False)]


def ratio(
    name: str, call: Callable[[], object], bounds: Sequence[Callable[[], object]]
) -> rows.Row:
    """Median latency of a call over the sum of its bounds' medians, in interleaved rounds."""
    for one in (call, *bounds):
        for _ in range(CALLS // 4):
            one()
    ratios = []
    for _ in range(ROUNDS):
        bound = sum(median_s(one) for one in bounds)
        ratios.append(median_s(call) / bound)
    return rows.of_runs(name, ratios, "ratio", required=1.6)


def median_s(call: Callable[[], object]) -> float:
    """Median seconds of one call, of 200."""
    seconds = []
    for _ in range(CALLS):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


@contextmanager
def canned(reply_bytes: int) -> Iterator[Callable[[], object]]:
    """A call of a server that answers with as many bytes."""
    with (
        processes.bare_rpc(reply_bytes) as target,
        grpc.insecure_channel(target) as channel,
    ):
        method = channel.unary_unary(bare_rpc.METHOD, None, None)
        yield lambda: method(b"")


def command(module: str, *arguments: object) -> None:
    """Run one command of the project."""
    subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=True)


if __name__ == "__main__":
    raise SystemExit(main())
