"""All sets, one after another: `make models`, `make baselines`, `make evaluate`, `make seeds`."""
