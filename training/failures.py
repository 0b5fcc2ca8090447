"""Why a run ends without a model."""


class RunFailure(Exception):
    """A stage cannot succeed, however often it is tried. Both texts are safe to show."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class LostLease(Exception):
    """Somebody else works on the run now, or nobody may: write nothing more, anywhere."""
