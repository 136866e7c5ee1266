"""A load generator for a relatum server (extra `loadtest`)."""
