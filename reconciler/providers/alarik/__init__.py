"""Alarik: a bucket's replication targets and rules, one document that is written whole and in a safe order."""
