"""Values only: frozen pydantic models and the standard library; no I/O, no clock, no logging."""
