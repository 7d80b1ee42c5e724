"""Evidence about data: what a provider says of itself, and what a fresh object shows."""
