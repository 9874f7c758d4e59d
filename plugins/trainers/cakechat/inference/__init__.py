"""From a context to a reply: sampling, beam search, reranking."""
