"""The store in PostgreSQL, for several servers of one shop."""
