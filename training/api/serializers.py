"""What the API answers about models, and the order of its fields."""

from typing import Any

from rest_framework import serializers

from chat.models import RunnerReport
from chat.services import reporting


class ModelAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    number = serializers.IntegerField()
    aliases = serializers.SerializerMethodField(help_text="Of candidate and champion.")
    base = serializers.CharField()
    artifact = serializers.CharField()
    format = serializers.CharField()
    precision = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    manifest_sha256 = serializers.CharField()
    created_at = serializers.DateTimeField()

    def get_aliases(self, version: Any) -> list[str]:
        return sorted(alias.name for alias in version.aliases.all())


class ModelsAnswer(serializers.Serializer[Any]):
    results = ModelAnswer(many=True)


class GateAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    verdict = serializers.CharField(help_text="passed, failed, missing or not_needed.")
    is_open = serializers.BooleanField()
    value = serializers.FloatField(allow_null=True)
    limit = serializers.FloatField(allow_null=True)
    unit = serializers.CharField(allow_blank=True)
    missing = serializers.CharField(allow_blank=True, help_text="The figure that is not there.")


class DeploymentAnswer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    engine = serializers.CharField()
    artifact = serializers.CharField(allow_blank=True)
    manifest_sha256 = serializers.CharField(allow_blank=True)
    is_active = serializers.BooleanField(help_text="It serves.")
    created_at = serializers.DateTimeField()


class DeploymentsAnswer(serializers.Serializer[Any]):
    results = DeploymentAnswer(many=True)


class GatesAnswer(serializers.Serializer[Any]):
    model = ModelAnswer()
    serving = DeploymentAnswer(allow_null=True)
    gates = GateAnswer(many=True)
    are_open = serializers.BooleanField()


class ChangeAnswer(serializers.Serializer[Any]):
    change = serializers.CharField(help_text="better, broke, both_wrong or both_right.")
    scenario = serializers.CharField(source="after.scenario")
    question = serializers.CharField(source="after.question")
    expected = serializers.CharField(source="after.expected", allow_blank=True)
    before = serializers.CharField(source="before.given", allow_blank=True)
    after = serializers.CharField(source="after.given", allow_blank=True)


class ComparedAnswer(serializers.Serializer[Any]):
    total = serializers.IntegerField(help_text="Questions that both were asked.")
    right_before = serializers.IntegerField()
    right_after = serializers.IntegerField()
    changes = serializers.ListField(
        child=ChangeAnswer(),
        allow_null=True,
        help_text="Answers that differ; null for who may not look at evaluations.",
    )


class ComparisonAnswer(serializers.Serializer[Any]):
    comparison = ComparedAnswer(
        allow_null=True, help_text="Null until both were asked the same questions."
    )


class RunnerAnswer(serializers.Serializer[Any]):
    runner = serializers.CharField()
    host = serializers.CharField()
    pid = serializers.IntegerField()
    state = serializers.SerializerMethodField(
        help_text="loading, draining, serving, failed; silent: not heard of for 20 seconds."
    )
    serving = DeploymentAnswer(allow_null=True)
    wanted = DeploymentAnswer(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    seen_at = serializers.DateTimeField()

    def get_state(self, report: RunnerReport) -> str:
        return "silent" if reporting.is_silent(report) else report.state


class RunnersAnswer(serializers.Serializer[Any]):
    results = RunnerAnswer(many=True)


class ExperimentAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    model = serializers.UUIDField(source="model_version.public_id")
    share = serializers.IntegerField(source="traffic.share", help_text="Percent of the visitors.")
    base = serializers.FloatField(help_text="The rate it was planned with.")
    effect = serializers.FloatField(help_text="The difference worth finding.")
    per_arm = serializers.IntegerField(help_text="Planned conversations of each.")
    verdict = serializers.CharField(
        help_text="running, winner, harm, no_difference, ended or outdated."
    )
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField(allow_blank=True)
    trouble = serializers.CharField(
        source="traffic.trouble", allow_blank=True, help_text="Why a runner cannot load it."
    )


class ExperimentsAnswer(serializers.Serializer[Any]):
    results = ExperimentAnswer(many=True)


class EstimateAnswer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="Conversations.")
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class MeasuredAnswer(serializers.Serializer[Any]):
    champion = EstimateAnswer()
    challenger = EstimateAnswer()
    difference = EstimateAnswer()


class MeasureAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    event = serializers.CharField(allow_blank=True, help_text="The site's name of it.")
    comparison = MeasuredAnswer()


class ReportAnswer(serializers.Serializer[Any]):
    experiment = ExperimentAnswer()
    looks_taken = serializers.IntegerField(source="report.reading.look")
    looks = serializers.IntegerField(source="report.plan.looks")
    to_next_look = serializers.IntegerField(
        source="report.reading.needed", help_text="Missing conversations of the smaller side."
    )
    to_last_look = serializers.IntegerField(source="report.still_needed")
    next_look = serializers.DateTimeField(source="report.next_look", allow_null=True)
    last_look = serializers.DateTimeField(source="report.last_look", allow_null=True)
    level = serializers.FloatField(
        source="report.reading.level", help_text="Of the interval of what decides."
    )
    resolved = MeasuredAnswer(source="report.resolved", help_text="What decides, at looks alone.")
    beside = MeasureAnswer(
        source="report.beside", many=True, help_text="For orientation: decides nothing."
    )
