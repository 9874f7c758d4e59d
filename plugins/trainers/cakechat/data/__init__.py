"""From dialogs to arrays: tokens, vocabulary, samples and packed batches."""
