"""From a corpus to a model folder."""
