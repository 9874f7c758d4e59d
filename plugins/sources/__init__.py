"""The bundled sources."""
