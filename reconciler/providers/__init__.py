"""The provider contract, the registry, and one package for each provider type."""
