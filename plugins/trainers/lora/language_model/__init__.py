"""The language model in PyTorch: base, tokenizer, adapter and log-likelihood."""
