"""From a dialog to the text that a language model reads. Pure functions: no tokenizer, no model."""
