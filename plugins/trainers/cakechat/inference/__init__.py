"""Generates replies: sampling, beam search, reranking."""
