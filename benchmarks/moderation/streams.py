"""What holding back costs a reader: generated text at the pace of a model."""

import random
import time

from benchmarks.machine import Figure, figure
from moderation.current import built_in_policy
from moderation.findings import Direction
from moderation.stream import StreamGuard

# Tokens per second of one answer that the default engine writes alone; see docs/performance.md.
TOKENS_PER_SECOND = 80
TEXTS = (
    "Your parcel left our warehouse on Monday and will be with you tomorrow before noon. If nobody is at home, the driver leaves it with a neighbour and puts a card into your letter box. ",
    "You can send the lamp back within thirty days, and we pay for it. Please print the label in your account, put it on the box, and take it to any post office. ",
    "您的包裹已于周一发出，预计明天中午之前送达。如果家里没有人，快递员会放在邻居那里，并在您的信箱里留一张卡片。",
    "支持七天无理由退货，运费由我们承担。请在账户里打印退货标签，贴在箱子上，交给附近的快递点即可。",
    "Call our service on 400-800-1234 or write to help@shop.example; order 4711 ships on 3 May at 10:30. ",
)  # fmt: skip


def figures() -> list[Figure]:
    """Delays in stream time: how long a character waits for later tokens, and computing."""
    source = random.Random(2)
    delays: list[tuple[int, float]] = []
    busy: list[float] = []
    for _ in range(12):
        for text in TEXTS:
            now = 0.0
            guard = StreamGuard(built_in_policy(), Direction.OUTBOUND, clock=lambda: now)  # noqa: B023
            position = 0
            while position < len(text):
                size = source.choice((1, 2) if text[0] > "\u3000" else (2, 3, 4, 5, 6))
                started = time.perf_counter()
                guard.push(text[position : position + size])
                busy.append(time.perf_counter() - started)
                position += size
                now += 1 / TOKENS_PER_SECOND
            guard.close()
            delays.append((len(text), guard.delay()))
    total = sum(count for count, _ in delays)
    mean = sum(count * seconds for count, seconds in delays) / total
    busy.sort()
    return [
        figure(
            "stream: delay of a character, P95 of each answer, mean",
            "ms",
            [1000 * mean],
            at_most=30,
        ),
        figure("stream: computing per token, P95", "ms", [1000 * busy[int(len(busy) * 0.95)]]),
    ]
