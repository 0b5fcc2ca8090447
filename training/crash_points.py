"""Named steps at which a test lets a process die, as a power cut would.

``CSBOT_CRASH_AT=NAME`` in the environment ends whichever process of a run comes to that step
first, without a goodbye. It is for tests alone: nothing in csbot sets it.
"""

import os

VARIABLE = "CSBOT_CRASH_AT"
STATUS = 137
"""What a shell reports of a process that was killed."""

POINTS = (
    "run.claimed",
    "run.prepared",
    "search.started",
    "run.searched",
    "trainer.loaded",
    "trainer.checkpoint_written",
    "trainer.checkpoint_sealed",
    "trainer.trained",
    "trainer.weights_sealed",
    "run.trained",
    "export.started",
    "export.exported",
    "run.exported",
    "evaluation.started",
    "evaluation.answered",
    "run.evaluated",
    "publishing.moved",
    "publishing.recorded",
    "run.published",
)
"""Every step in the order in which a run comes to them."""


def crash_point(name: str) -> None:
    """Die here if the environment says so."""
    if os.environ.get(VARIABLE) == name:
        os._exit(STATUS)
