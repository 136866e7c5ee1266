"""Text to vectors: tokenising, batching, inference and the cache before them."""
