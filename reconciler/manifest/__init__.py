"""YAML to documents: reading with places, variables, defaults, checks, secrets, edits, schemas."""
