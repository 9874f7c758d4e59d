"""Measures of replies alone. They need no scores, so every model can be measured."""
