"""The bundled trainers."""
