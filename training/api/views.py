"""Models, gates, experiments and what serves, to be read by staff. Nothing is decided here:

a promotion takes the console's confirmation of who somebody is.
"""

import uuid
from typing import cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.access import NotFound, bots_of
from chat.models import Bot
from chat.services import reporting
from training import comparisons
from training.access import model_versions_of
from training.api import serializers as answers
from training.api.authentication import MayLookAtModels, StaffAuthentication
from training.models import Experiment, ModelVersion
from training.services import gating
from training.services.gating import Case

MOST = 100
"""Rows of a list, the newest ones."""


class StaffView(APIView):
    """Base of everything that staff reads: rows of their own bots, and no others."""

    authentication_classes = (StaffAuthentication,)
    permission_classes = (MayLookAtModels,)

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    def bot(self, public_id: str) -> Bot:
        found = bots_of(self.user).filter(public_id=_uuid(public_id)).first()
        if found is None:
            raise NotFound
        return found

    def case(self, public_id: str) -> Case:
        """A model of theirs before the gates of its bot."""
        version = self.models().filter(public_id=_uuid(public_id)).first()
        if version is None:
            raise NotFound
        bots = bots_of(self.user)
        bot = version.run.bot if version.run else bots.filter(slug=version.name).first()
        if bot is None or not bots.filter(pk=bot.pk).exists():
            raise NotFound
        return gating.examine(version, bot)

    def models(self) -> QuerySet[ModelVersion]:
        found = model_versions_of(self.user).select_related("run__bot")
        return found.prefetch_related("aliases").order_by("-id")

    def experiments(self) -> QuerySet[Experiment]:
        found = Experiment.objects.filter(bot__in=bots_of(self.user))
        return found.select_related("bot", "model_version", "traffic")


class ModelsView(StaffView):
    @extend_schema(responses=answers.ModelsAnswer)
    def get(self, request: Request, bot: str) -> Response:
        found = self.models().filter(run__bot=self.bot(bot))
        return Response(answers.ModelsAnswer({"results": found[:MOST]}).data)


class ModelView(StaffView):
    """One model, and its gates as things are now."""

    @extend_schema(responses=answers.GatesAnswer)
    def get(self, request: Request, model: str) -> Response:
        case = self.case(model)
        body = {
            "model": case.version,
            "serving": case.deployment,
            "gates": case.gates,
            "are_open": not case.closed,
        }
        return Response(answers.GatesAnswer(body).data)


class ComparisonView(StaffView):
    """What got better and what broke beside what serves."""

    @extend_schema(responses=answers.ComparisonAnswer)
    def get(self, request: Request, model: str) -> Response:
        case = self.case(model)
        if case.candidate is None or case.champion is None:
            return Response({"comparison": None})
        found = comparisons.comparison(case.champion, case.candidate)
        may_read = self.user.has_perm("training.view_evaluation")
        body = {
            "total": found.total,
            "right_before": found.right_before,
            "right_after": found.right_after,
            "changes": found.changed[:MOST] if may_read else None,
        }
        return Response(answers.ComparisonAnswer({"comparison": body}).data)


class ExperimentsView(StaffView):
    @extend_schema(responses=answers.ExperimentsAnswer)
    def get(self, request: Request, bot: str) -> Response:
        found = self.experiments().filter(bot=self.bot(bot))
        return Response(answers.ExperimentsAnswer({"results": found[:MOST]}).data)


class ExperimentView(StaffView):
    """Where one stands: what decides, what is measured besides, and what is missing."""

    @extend_schema(responses=answers.ReportAnswer)
    def get(self, request: Request, experiment: str) -> Response:
        # It loads statistics, which few processes need.
        from training import experiment_report

        found = self.experiments().filter(public_id=_uuid(experiment)).first()
        if found is None:
            raise NotFound
        body = {"experiment": found, "report": experiment_report.report(found)}
        return Response(answers.ReportAnswer(body).data)


class DeploymentsView(StaffView):
    @extend_schema(responses=answers.DeploymentsAnswer)
    def get(self, request: Request, bot: str) -> Response:
        found = self.bot(bot).deployments.order_by("-version")
        return Response(answers.DeploymentsAnswer({"results": found[:MOST]}).data)


class RunnersView(StaffView):
    """What each runner says it serves; those of the last hour."""

    @extend_schema(responses=answers.RunnersAnswer)
    def get(self, request: Request, bot: str) -> Response:
        found = reporting.fleet(self.bot(bot))
        return Response(answers.RunnersAnswer({"results": found[:MOST]}).data)


def _uuid(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError:
        raise NotFound from None
