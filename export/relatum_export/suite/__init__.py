"""All sets, one after another: what `make models` and `make evaluate` run."""
