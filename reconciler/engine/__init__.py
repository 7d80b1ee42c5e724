"""From manifests and the live world to a plan, and from a plan to a changed world."""
