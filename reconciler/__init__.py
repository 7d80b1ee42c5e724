"""Storage replication as code."""
