"""The bundled deployers."""
