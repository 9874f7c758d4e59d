"""The fields of a message in the export of any version so far."""

from __future__ import annotations

# fmt: off
KNOWN_FIELDS = frozenset({
    "action", "actor", "actor_id", "address", "author", "contact_information", "contact_vcard", "date",
    "date_unixtime", "duration_seconds", "edited", "edited_unixtime", "file", "file_name", "file_size",
    "forwarded_from", "forwarded_from_id", "from", "from_id", "game_description", "game_link", "game_message_id",
    "game_title", "giveaway_information", "giveaway_results", "height", "id", "inline_bot_buttons",
    "invoice_information", "live_location_period_seconds", "location_information", "media_spoiler", "media_type",
    "mime_type", "paid_stars_amount", "performer", "photo", "photo_file_size", "place_name", "poll", "reactions",
    "reply_to_message_id", "reply_to_peer_id", "rich_message", "saved_from", "self_destruct_period_seconds",
    "sticker_emoji", "text", "text_entities", "thumbnail", "thumbnail_file_size", "title", "todo_list",
    "total_stars", "type", "via_bot", "width",
})
# fmt: on
"""The fields that the exporter writes into messages. Another field holds content of a kind that is not known yet."""
