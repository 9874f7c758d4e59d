"""The plugins that come with autocakechat."""
