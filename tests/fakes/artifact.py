"""A small artifact folder by hand, whose files and manifest a test may spoil."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

DIMENSION = 4


class ArtifactFolder:
    """An encoder and a behaviour space; `seal` writes the manifest over what there is then."""

    def __init__(self, path: Path):
        self.path = path
        self.manifest: dict[str, Any] = {
            "formatVersion": 1,
            "name": "shop",
            "modelId": "00112233aabbccdd",
            "encoder": {
                "encoderId": "ffeeddcc00112233",
                "baseModel": "minilm",
                "dimension": DIMENSION,
                "pooling": "POOLING_MEAN",
                "queryPrefix": "query: ",
                "maxTokens": 256,
                "tokenizerFile": "tokenizer.json",
                "padTokenId": 1,
                "textForm": {
                    "name": "title",
                    "fields": [{"name": "title"}, {"name": "description", "maxChars": 300}],
                    "separator": " | ",
                },
                "variants": [
                    {
                        "precision": "int8",
                        "file": "encoder.int8.onnx",
                        "providers": ["CPUExecutionProvider"],
                    }
                ],
                "matryoshkaDimensions": [4, 2],
            },
            "spaces": [
                {
                    "name": "behaviour",
                    "vectorsFile": "spaces/behaviour.npy",
                    "idsFile": "spaces/behaviour.ids.json",
                    "dimension": 2,
                }
            ],
            "copurchaseFile": "copurchase.parquet",
            "goldenFile": "golden.jsonl",
            "thresholds": {"goldenMinCosine": 0.99},
            "languages": [{"code": "en", "share": 0.75}],
        }
        self.write("encoder.int8.onnx", b"graph")
        self.write("tokenizer.json", b"{}")
        self.write("copurchase.parquet", b"table")
        self.write("golden.jsonl", b'{"text": "milk"}')
        self.write("spaces/behaviour.ids.json", b'["a", "b", "c"]')
        self.write_vectors(np.ones((3, 2), dtype=np.float16))

    def write(self, name: str, content: bytes) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(content)

    def write_vectors(self, vectors) -> None:
        np.save(self.path / "spaces/behaviour.npy", vectors)

    def seal(self) -> Path:
        self.manifest["files"] = [
            {
                "name": file.relative_to(self.path).as_posix(),
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "bytes": str(file.stat().st_size),
            }
            for file in sorted(self.path.rglob("*"))
            if file.is_file() and file.name != "manifest.json"
        ]
        self.write_manifest()
        return self.path

    def write_manifest(self) -> None:
        self.write("manifest.json", json.dumps(self.manifest).encode())

    def write_table(self, name: str, columns: dict[str, Any], types: list[pa.DataType]) -> None:
        schema = pa.schema(list(zip(columns, types, strict=True)))
        parquet.write_table(pa.table(columns, schema), self.path / name)

    def add_parts(self) -> None:
        """Every optional part, small and sound."""
        string = pa.string()
        self.manifest["thresholds"]["goldenMaxDifference"] = 0.001
        self._add_pair_head()
        self._add_user_encoder()
        for name in ("complement_out", "complement_in"):
            np.save(self.path / f"spaces/{name}.npy", np.ones((2, 3), np.float16))
            self.write(f"spaces/{name}.ids.json", b'["a", "c"]')
            self.manifest["spaces"].append(
                {
                    "name": name,
                    "vectorsFile": f"spaces/{name}.npy",
                    "idsFile": f"spaces/{name}.ids.json",
                    "dimension": 3,
                }
            )
        pairs: dict[str, Any] = {
            "item_id_a": ["a", "a"],
            "item_id_b": ["b", "c"],
            "weight": [2.5, 1.0],
        }
        self.write_table("transitions.parquet", pairs, [string, string, pa.float32()])
        self.manifest["transitionsFile"] = "transitions.parquet"
        edges: dict[str, Any] = {
            "source": ["a"],
            "relation": ["brand"],
            "target": ["acme"],
            "count": [2],
        }
        self.write_table("graph.parquet", edges, [string, string, string, pa.int32()])
        self.manifest["graphFile"] = "graph.parquet"
        tables = {"products": {"rare": 3.5, "weights": {"lamp": 1.25}}}
        self.write("words.json", json.dumps(tables).encode())
        self.manifest["words"] = {"file": "words.json", "similar": 0.4, "search": 0.2}
        self._add_reranker()
        self.write_ranker()
        self.manifest["ranker"] = {
            "file": "ranker.json",
            "version": 1,
            "sources": ["users", "transitions"],
        }

    def _add_reranker(self) -> None:
        self.write("reranker.onnx", b"graph")
        self.write("reranker_tokenizer.json", b"{}")
        self.write("golden_reranker.jsonl", b"{}")
        self.manifest["reranker"] = {
            "baseModel": "ms-marco",
            "maxTokens": 160,
            "tokenizerFile": "reranker_tokenizer.json",
            "padTokenId": 7,
            "variants": [
                {
                    "precision": "int8",
                    "file": "reranker.onnx",
                    "providers": ["CPUExecutionProvider"],
                }
            ],
            "rerank": 0.02,
            "goldenFile": "golden_reranker.jsonl",
        }

    def write_ranker(self, **changes: object) -> None:
        """A ranker of two sources; `changes` replace keys of the first."""
        users = {"name": "users", "weight": 1.5, "new_weight": 0.75, "candidates": 200}
        other = {"name": "transitions", "weight": 0.5, "new_weight": 0.5, "candidates": 0}
        sources = [
            users | {"power": 0.5, "settings": {}} | changes,
            other | {"power": 1, "settings": {"step": 0.8}},
        ]
        content = {"version": 1, "repeats": True, "sources": sources}
        self.write("ranker.json", json.dumps(content).encode())

    def _add_pair_head(self) -> None:
        self.write("pair_head.onnx", b"head")
        words = {"rare": 3.5, "weights": {"lamp": 1.25}}
        self.write("pair_head.json", json.dumps({"words": words}).encode())
        facts = {"title": "lamp", "brand": "", "description": "", "category": "", "price": None}
        line = {"a": facts, "b": facts | {"price": 2.5}, "features": [0.5, 1.0]}
        self.write("golden/pair_features.jsonl", json.dumps(line).encode())
        arrays: dict[str, Any] = {
            "input.a": np.ones((1, DIMENSION), np.float32),
            "input.b": np.ones((1, DIMENSION), np.float32),
            "output.probabilities": np.array([[0.25, 0.75]], np.float32),
        }
        np.savez(self.path / "golden/pair_head.npz", **arrays)
        self.manifest["pairHead"] = {
            "file": "pair_head.onnx",
            "classes": ["unrelated", "complement"],
            "learnedClasses": ["unrelated", "complement"],
            "dimension": DIMENSION,
            "features": ["title_cosine", "brand"],
            "wordsFile": "pair_head.json",
            "temperature": 1.5,
            "labelSources": [{"label": "complement", "source": "people", "pairs": "7"}],
            "goldenFile": "golden/pair_head.npz",
            "goldenFeaturesFile": "golden/pair_features.jsonl",
        }

    def _add_user_encoder(self) -> None:
        self.write("user_encoder.onnx", b"users")
        arrays: dict[str, Any] = {
            "input.vectors": np.ones((1, 3, 2), np.float32),
            "input.lengths": np.array([3]),
            "output.query": np.array([[0.6, 0.8]], np.float32),
        }
        np.savez(self.path / "golden/user_encoder.npz", **arrays)
        np.save(self.path / "ridge.npy", np.ones((DIMENSION + 1, 2), np.float32))
        self.manifest["userEncoder"] = {
            "file": "user_encoder.onnx",
            "space": "behaviour",
            "dimension": 2,
            "maxHistory": 8,
            "readsGaps": True,
            "goldenFile": "golden/user_encoder.npz",
        }
        self.manifest["ridge"] = {
            "file": "ridge.npy",
            "space": "behaviour",
            "inputDimension": DIMENSION,
            "dimension": 2,
        }
