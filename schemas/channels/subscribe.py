"""SUB: every message once and in order, and every gap noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import zmq

from schemas.blackbox.tap import Direction, Keep
from schemas.channels.drain import BUDGET, Drained, Opened, get_option
from schemas.channels.frame import HEADER_SIZE, MAX_PAYLOAD, STAMP, TOPIC_SIZE, pad_topic, prefix, topic_of
from schemas.channels.sequence import Arrival, Gap, Track

OnMessage = Callable[[str, int, int, memoryview], None]
"""topic, sequence, timestamp_ns (since 1970 UTC), payload."""

_EVENTS: Final = int(zmq.EVENTS)
_READABLE: Final = int(zmq.POLLIN)
_MAX_TOPICS: Final = 4096


class Subscriber(Drained):
    """Receives topics, or prefixes of topics ("tick." selects all that start so, "" all).

    Duplicates are dropped. A gap is counted and told to `on_gap` before the message that revealed it; unless the
    topic starts with one of `healing` (streams whose next message mends all), the topic is asked for again, so that
    its last value comes once more. A publisher that restarted is accepted from its first message on.
    `conflate`: only the newest message per topic and drain is handed over, for screens; gaps are counted still.
    `newest`: of one topic, only the newest message, and only at each call of `look`; what was before it is never read,
    by nobody counted and not recorded. For whoever shows a stream that is faster than eyes are.
    `on_drained` is called after each drain that handed something over: act there on what the messages changed.

    Queue: bounded by `high_water` messages; beyond it the publisher drops the newest, and a gap appears here.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        topics: Iterable[str],
        on_message: OnMessage,
        on_gap: Callable[[Gap], None] | None,
        on_drained: Callable[[], None] | None,
        conflate: bool,
        healing: tuple[str, ...],
        vital: bool,
        newest: bool = False,
    ) -> None:
        super().__init__(opened)
        self._looked_at = newest
        self.received = 0
        """Messages taken, duplicates not among them."""
        self.gaps = 0
        self.lost = 0
        """Messages that the gaps stand for."""
        self.duplicates = 0
        self.restarts = 0
        """Times that a topic's numbers began anew."""
        self._on_message = on_message
        self._on_gap = on_gap
        self._on_drained = on_drained
        self._healing = healing
        self._vital = vital
        self._newest: dict[str, tuple[int, int, memoryview]] | None = {} if conflate else None
        self._tracks: dict[bytes, Track] = {}
        self._lanes: dict[str, Keep | None] = {}
        self._unrecorded: list[tuple[str, bytes]] = []
        self._ask_again: set[str] = set()
        self._topics: set[str] = set()
        for topic in topics:
            self.add_topic(topic)
        if newest:
            self._schedule_drain()
        else:
            self._start()

    def look(self) -> None:
        """Hands over the newest message, if there was one since the last look."""
        self._drain()

    @property
    def topics(self) -> frozenset[str]:
        """What is subscribed to."""
        return frozenset(self._topics)

    def add_topic(self, topic: str) -> None:
        """Subscribes to a topic or prefix; the last value of each topic follows. Nothing if it is subscribed already.

        Raises: BadTopic, ChannelClosed.
        """
        self._demand_open()
        wanted = prefix(topic)
        if topic not in self._topics:
            self._topics.add(topic)
            self._sock.subscribe(wanted)
            self._schedule_drain()

    def remove_topic(self, topic: str) -> None:
        """Ends what `add_topic` began; messages in flight may still arrive. Nothing if it was not subscribed."""
        self._demand_open()
        if topic in self._topics:
            self._topics.remove(topic)
            self._sock.unsubscribe(prefix(topic))
            self._schedule_drain()

    def ask_again(self, topic: str) -> None:
        """Asks for the last value of a topic that is subscribed to; it comes as any message does.

        Raises: BadTopic, ChannelClosed.
        """
        self._demand_open()
        pad_topic(topic)
        self._ask_again.add(topic)
        self._schedule_drain()

    def _receive(self) -> bool:
        sock = self._sock
        receive = sock.recv
        before = self.received
        more = True
        try:
            for _ in range(BUDGET):
                if self._closed:
                    return False
                try:
                    message = receive(zmq.NOBLOCK)
                except zmq.Again:
                    more = False
                    break
                self._take(message)
                if not get_option(sock, _EVENTS) & _READABLE:  # asking costs a tenth of being told by an exception
                    more = False
                    break
        finally:
            if self._ask_again:
                self._recover()
        if self.received != before and not self._closed:
            if self._newest:
                self._hand_over()
            if self._on_drained is not None:
                self._on_drained()
        if self._unrecorded:
            self._record_all()
        return more

    def _record_all(self) -> None:
        """What is not vital is recorded after it was acted on: the order that follows from a tick does not wait."""
        taken, self._unrecorded = self._unrecorded, []
        for topic, message in taken:
            self._keep(topic, message)

    def _keep(self, topic: str, message: bytes) -> None:
        keep = self._lanes.get(topic)
        if keep is None:
            keep = self._lanes[topic] = self._lane(Direction.RECEIVED, topic, vital=self._vital, skip=HEADER_SIZE)
        if keep is not None:
            keep(message)

    def _take(self, message: bytes) -> None:
        padded = message[:TOPIC_SIZE]
        track = self._tracks.get(padded)
        if track is None or not HEADER_SIZE <= len(message) <= HEADER_SIZE + MAX_PAYLOAD:
            track = self._new_track(message, padded)
            if track is None:
                self.malformed += 1
                return
        sequence, timestamp_ns = STAMP.unpack_from(message, TOPIC_SIZE)
        payload = memoryview(message)[HEADER_SIZE:]
        if self._tap is not None and self._vital:  # what follows from it stands behind it
            self._keep(track.topic, message)
        elif self._tap is not None:
            self._unrecorded.append((track.topic, message))
        if sequence == track.sequence + 1:
            track.sequence, track.timestamp_ns = sequence, timestamp_ns
        elif not self._is_new(track, sequence, timestamp_ns):
            return
        self.received += 1
        if self._newest is None:
            self._on_message(track.topic, sequence, timestamp_ns, payload)
        else:
            self._newest[track.topic] = (sequence, timestamp_ns, payload)

    def _is_new(self, track: Track, sequence: int, timestamp_ns: int) -> bool:
        """A message that does not simply follow: False for one that is held already."""
        expected = track.sequence + 1
        arrival = track.judge(sequence, timestamp_ns)
        if arrival is Arrival.DUPLICATE:
            self.duplicates += 1
            return False
        if arrival is Arrival.RESTART:
            self.restarts += 1
        elif arrival is Arrival.GAP and not self._looked_at:
            self._note_gap(track, expected, sequence)
        return True

    def _new_track(self, message: bytes, padded: bytes) -> Track | None:
        topic = topic_of(padded)
        well_sized = HEADER_SIZE <= len(message) <= HEADER_SIZE + MAX_PAYLOAD
        if topic is None or not well_sized or len(self._tracks) >= _MAX_TOPICS:
            return None
        track = self._tracks[padded] = Track(topic, resume=not topic.startswith(self._healing))
        return track

    def _note_gap(self, track: Track, expected: int, received: int) -> None:
        gap = Gap(track.topic, expected, received)
        self.gaps += 1
        self.lost += gap.lost
        if track.resume:
            self._ask_again.add(track.topic)
        if self._on_gap is not None:
            self._on_gap(gap)

    def _recover(self) -> None:
        """A second subscription, to the whole topic and at once withdrawn, makes the publisher send its last value."""
        topics, self._ask_again = self._ask_again, set()
        if self._closed:
            return
        for topic in topics:
            padded = pad_topic(topic)
            self._sock.subscribe(padded)
            self._sock.unsubscribe(padded)
        self._schedule_drain()

    def _hand_over(self) -> None:
        if self._newest:
            newest, self._newest = self._newest, {}
            for topic, (sequence, timestamp_ns, payload) in newest.items():
                self._on_message(topic, sequence, timestamp_ns, payload)

    def _closing(self) -> None:
        self._record_all()
