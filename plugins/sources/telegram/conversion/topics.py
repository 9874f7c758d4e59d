"""Assigns the messages of a forum, a group or a private chat with topics, to their topics.

An export names no topic. A message in a topic replies to the service message that created the topic, or to a message of
the topic; the others belong to the topic General.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice, repeat

from autocakechat import MessageBatch

GENERAL = "General"
_CREATED, _EDITED = "service: topic_created", "service: topic_edit"
_MAX_REMEMBERED_MESSAGES = 1 << 18  # A reply to an older message of a topic belongs to General.
_MAX_OLDER_TOPICS = 1000
_MIN_POSTS = 3  # to the same missing message, so that it is the beginning of a topic and not just any message


def assign_topics(batches: Iterator[MessageBatch]) -> Iterator[MessageBatch]:
    """Sets the topics of the messages of a group, from the first topic on. A chat without topics stays as it is.

    Args:
        batches: The messages of the chat in order. A service message that creates a topic or gives it another title
            has this title as its topic.
    """
    forum: _Forum | None = None
    first_id: int | None = None
    for batch in batches:
        if first_id is None:
            first_id = min(batch.ids)
        if forum is None and any(batch.topics):
            forum = _Forum(first_id)
        if forum is not None:
            forum.assign(batch)
        yield batch


class _Forum:
    """The topics of a forum so far.

    Args:
        first_id: The id of the first message of the export. Older topics are known only from messages in them.
    """

    def __init__(self, first_id: int) -> None:
        self._first_id = first_id
        self._topics: dict[int, str] = {}  # by the id of the service message that created the topic
        self._titles = {GENERAL}
        self._topic_of: dict[int, str] = {}  # for each recent message in a topic other than General
        self._posts: Counter[int] = Counter()  # by topics that are older than the export
        self._has_begun = False

    def assign(self, batch: MessageBatch) -> None:
        """Sets the topics of a batch. Replies to the beginning of a topic are no replies: they are posts in it."""
        titles = batch.topics or repeat("")
        topics: list[str] = []
        replies = list(batch.reply_to)
        for id_, kind, title, target in zip(batch.ids, batch.kinds, titles, batch.reply_to, strict=False):
            self._has_begun = self._has_begun or bool(title)
            if kind == _CREATED:
                topic = self._topics[id_] = self._unique(title, id_)
            elif target is None or not self._has_begun:
                topic = GENERAL if self._has_begun else ""
            else:
                topic = self._topic_of_reply(target, title if kind == _EDITED else "")
                if target in self._topics and (target >= self._first_id or self._posts[target] >= _MIN_POSTS):
                    replies[len(topics)] = None
                if topic != GENERAL:
                    self._topic_of[id_] = topic
            topics.append(topic)
        batch.topics, batch.reply_to = topics, replies
        excess = len(self._topic_of) - _MAX_REMEMBERED_MESSAGES
        for old in list(islice(self._topic_of, max(0, excess))):
            del self._topic_of[old]

    def _topic_of_reply(self, target: int, new_title: str) -> str:
        if target < self._first_id and (target in self._posts or len(self._posts) < _MAX_OLDER_TOPICS):
            self._posts[target] += 1
            if target not in self._topics:
                self._topics[target] = self._unique(new_title or f"topic {target}", target)
        return self._topics.get(target) or self._topic_of.get(target, GENERAL)

    def _unique(self, title: str, id: int) -> str:
        """Returns the title of a topic; with its id if another topic has the same title."""
        unique = f"{title} ({id})" if title in self._titles else title
        self._titles.add(unique)
        return unique
