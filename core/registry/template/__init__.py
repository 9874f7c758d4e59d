"""The files that `acc plugins new` writes; see `autocakechat.registry.scaffold`."""
