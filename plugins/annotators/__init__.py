"""The bundled annotators."""
