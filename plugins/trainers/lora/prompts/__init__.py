"""From a dialog to the text that a language model reads. No tokenizer, no model."""
