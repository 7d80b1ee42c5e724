"""The conformance suite and a reference provider, for the project and for the providers of others."""
