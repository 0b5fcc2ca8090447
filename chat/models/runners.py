"""What each runner serves, as it says itself."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.bots import Bot, Deployment


class RunnerReport(models.Model):
    """One runner and one bot: what answers there now, and what should.

    Written by the runner on every change and as a heartbeat. One that has been silent for
    :data:`chat.services.reporting.SILENT_SECONDS` is gone, whatever its row says.
    """

    class State(models.TextChoices):
        LOADING = "loading", _("loading")
        DRAINING = "draining", _("finishing answers first")
        SERVING = "serving", _("serving")
        FAILED = "failed", _("cannot load it")

    runner = models.CharField(_("runner"), max_length=120)
    host = models.CharField(_("machine"), max_length=80)
    pid = models.PositiveIntegerField(_("process"))
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="runner_reports")
    # What answers, and what it was asked to load; the same unless something is on its way.
    serving = models.ForeignKey(Deployment, models.CASCADE, null=True, related_name="+")
    wanted = models.ForeignKey(Deployment, models.CASCADE, null=True, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    error = models.CharField(_("error"), max_length=300, blank=True)
    # Seconds from the news of the last deployment to its first possible answer.
    took = models.FloatField(_("seconds taken"), null=True)
    seen_at = models.DateTimeField(_("last heard of"))

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["bot", "host", "pid"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["runner", "bot"], name="runner_report_unique")
        ]

    def __str__(self) -> str:
        return f"{self.runner}: {self.state}"
