"""The templates of `acc plugins new`; see `autocakechat.registry.scaffold`."""
