"""What the bot knows, in the staff console."""

from chat.console import answers, calibrations, disputes

__all__ = ["answers", "calibrations", "disputes"]
