"""The online side of relatum: serves an artifact over gRPC."""

# Trap 1 of the stack: usearch imported before onnxruntime kills the process (SIGSEGV), so
# onnxruntime comes first, here, whichever module of the package a caller imports.
import onnxruntime  # noqa: F401
