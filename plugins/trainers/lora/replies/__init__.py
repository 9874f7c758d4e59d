"""Replies: candidates of a language model, ranked together with past replies of the person."""
