"""Files in GGUF, the format of llama.cpp: the adapter, the base with the adapter, the chat format of a base."""
