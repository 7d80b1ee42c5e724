"""Storage replication as code: plan, apply and prove replication across storage systems."""

__all__ = ["__version__"]

__version__ = "0.1.0"
