"""Replies that are ranked: past ones and generated ones. What training writes for it, and the responder."""
