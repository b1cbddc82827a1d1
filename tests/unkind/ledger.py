"""Every message that was ever accepted, by what is in it: lost, altered, doubled, or in place."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

UNCOUNTED = frozenset({"redrive_count"})
"""Attributes that a move may change."""

Content = tuple[Any, ...]


def content_of(body: str, attributes: Mapping[str, Any], system: Mapping[str, str]) -> Content:
    """What has to arrive as it was: all but the redrive count and what SQS itself writes."""
    kept = [
        (name, value["DataType"], value.get("StringValue"), value.get("BinaryValue"))
        for name, value in attributes.items()
        if name not in UNCOUNTED
    ]
    if len(kept) > 1:
        kept.sort(key=lambda one: one[0])
    return body, tuple(kept), system.get("MessageGroupId"), system.get("AWSTraceHeader")


class Ledger:
    """Counts the copies of each content; two messages of a test must differ in something.

    Attributes:
        named: the message id under which a content was first in the world.
        unsafe_deletions: contents that were deleted when no other copy was accepted anywhere.
        expired: contents that SQS forgot because their time was over.
        purged: contents that a purge or the deletion of a queue took.
        processed: how often a consumer has processed each content.
    """

    def __init__(self) -> None:
        self.named: dict[Content, str] = {}
        self.unsafe_deletions: list[Content] = []
        self.expired: list[Content] = []
        self.purged: list[Content] = []
        self.processed: Counter[Content] = Counter()
        self._seeded: Counter[Content] = Counter()
        self._copies: Counter[Content] = Counter()

    def seeded(self, content: Content, message_id: str) -> None:
        """A test has put a message into the world."""
        self._seeded[content] += 1
        self.named.setdefault(content, message_id)

    def accepted(self, content: Content) -> None:
        self._copies[content] += 1

    def deleted(self, content: Content, *, was_processed: bool) -> None:
        """A copy is gone: processed, or deleted by the code under test."""
        self._copies[content] -= 1
        if was_processed:
            self.processed[content] += 1
        elif self._copies[content] < 1 and not self.processed[content]:
            self.unsafe_deletions.append(content)

    def forgotten(self, content: Content, into: list[Content]) -> None:
        """A copy is gone without anybody's having deleted it."""
        self._copies[content] -= 1
        into.append(content)

    def copies(self, content: Content) -> int:
        """How often a message is there, or was processed."""
        return self._copies[content] + self.processed[content]

    def lost(self, *, elsewhere: Iterable[Content] = ()) -> list[str]:
        """Ids of messages that are nowhere: in no queue, not processed, not expired.

        Args:
            elsewhere: contents that are safe outside of the world, in a file for example.
        """
        safe = {*self.expired, *elsewhere}
        return [
            self.named[content]
            for content in self._seeded
            if self.copies(content) < 1 and content not in safe
        ]

    def altered(self) -> list[Content]:
        """Contents that are there, and that nobody has put there."""
        there = {content for content, count in self._copies.items() if count > 0}
        return [content for content in there | self.processed.keys() if content not in self._seeded]

    def doubled(self) -> set[str]:
        """Ids of messages of which there are more copies than were put there."""
        return {
            self.named[content]
            for content, count in self._seeded.items()
            if self.copies(content) > count
        }

    def assert_law(
        self, *, doubled_are_named: Collection[str] = (), elsewhere: Iterable[Content] = ()
    ) -> None:
        """No message lost, none altered; whatever is there twice is among those that are named."""
        assert not (lost := self.lost(elsewhere=elsewhere)), f"{len(lost)} lost: {lost[:5]}"
        assert not (altered := self.altered()), f"{len(altered)} altered: {altered[:2]}"
        unnamed = self.doubled() - set(doubled_are_named)
        assert not unnamed, f"{len(unnamed)} doubled and not named: {sorted(unnamed)[:5]}"


Forget = Callable[[Content, list[Content]], None]
