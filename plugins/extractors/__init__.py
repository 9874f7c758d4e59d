"""The bundled extractors."""
