"""The tables of the bot's database, and how those of earlier versions become them."""

from __future__ import annotations

SCHEMA_VERSION = 2

# `topic` is Telegram's id of a topic of the chat, 0 outside of topics.
#
# updates   Ids of the updates that were handled; `seen` is when (Unix seconds, like all times).
# lines     Messages of users and replies of the bot. `place` orders a conversation: a user's message has its own id as
#           its place, a reply has the id of the last message that it replies to. A message that arrives while the model
#           runs thus comes after the reply. `said` is the time; `waits` is 1 while the message has no reply;
#           `message` is Telegram's message id, if the reply quotes it. A message without text is no longer in the
#           context; its row tells until the reply to it is deleted, too, whom that reply was for.
# outbox    Messages to send. `asked` is the time of the first message that a reply replies to.
# refusals  Users without access; `told` is when they were last notified.
# pins      Usernames of the `allow` option and the id of the first user seen with each.
# moves     Ids of supergroups, and the ids that they had as groups.
SCHEMA = """
CREATE TABLE updates (id INTEGER PRIMARY KEY, seen REAL NOT NULL);
CREATE TABLE moods (chat INTEGER NOT NULL, topic INTEGER NOT NULL, mood TEXT NOT NULL, PRIMARY KEY (chat, topic));
CREATE TABLE lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, place INTEGER, chat INTEGER NOT NULL, speaker INTEGER NOT NULL,
    text TEXT NOT NULL, said REAL NOT NULL, waits INTEGER NOT NULL, message INTEGER,
    topic INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX lines_of_conversation ON lines (chat, topic, place, id);
CREATE INDEX lines_waiting ON lines (chat, topic, id, said) WHERE waits;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, chat INTEGER NOT NULL, text TEXT NOT NULL, reply_to INTEGER, asked REAL,
    topic INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX outbox_of_conversation ON outbox (chat, topic, id);
CREATE TABLE refusals (user INTEGER PRIMARY KEY, told REAL NOT NULL);
CREATE TABLE pins (username TEXT PRIMARY KEY, user INTEGER NOT NULL);
CREATE TABLE moves (new INTEGER PRIMARY KEY, old INTEGER NOT NULL);
"""

# Version 2: topics.
_TO_VERSION_2 = """
ALTER TABLE lines ADD COLUMN topic INTEGER NOT NULL DEFAULT 0;
DROP INDEX lines_of_chat;
CREATE INDEX lines_of_conversation ON lines (chat, topic, place, id);
DROP INDEX lines_waiting;
CREATE INDEX lines_waiting ON lines (chat, topic, id, said) WHERE waits;
ALTER TABLE outbox ADD COLUMN topic INTEGER NOT NULL DEFAULT 0;
DROP INDEX outbox_of_chat;
CREATE INDEX outbox_of_conversation ON outbox (chat, topic, id);
ALTER TABLE moods RENAME TO former_moods;
CREATE TABLE moods (chat INTEGER NOT NULL, topic INTEGER NOT NULL, mood TEXT NOT NULL, PRIMARY KEY (chat, topic));
INSERT INTO moods SELECT chat, 0, mood FROM former_moods;
DROP TABLE former_moods;
"""

MIGRATIONS = (_TO_VERSION_2,)
