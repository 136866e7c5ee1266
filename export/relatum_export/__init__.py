"""The offline side of relatum: from a shop's files to an artifact that the server serves."""
