"""Text and arrays: tokenization, vocabulary, samples, batches and packed sequences."""
