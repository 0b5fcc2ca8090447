"""``manage.py run``: everything csbot needs, in one terminal, until Ctrl-C."""

import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from csbot import starting
from csbot.fleet import Fleet


class Command(BaseCommand):
    help = "Start csbot: Valkey, web server, runner, worker, beat and trainer, until Ctrl-C."
    # Run below, so that a mistake is told in one sentence.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with starting.only_instance(settings.VAR_DIR):
                self._prepare()
                self._run()
        except starting.CannotStart as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            sys.exit(130)

    def _prepare(self) -> None:
        starting.check_settings()
        starting.check_port(settings.HOST, settings.PORT)
        starting.check_disk(settings.VAR_DIR)
        with starting.disk_errors(settings.VAR_DIR):
            call_command("migrate", interactive=False, verbosity=0)
            starting.prepare_model()
            call_command("seed_demo")
            call_command("seed_demo_dataset")
            # In a process of its own: the embedder would stay in memory until csbot ends.
            starting.index_knowledge()

    def _run(self) -> None:
        fleet = Fleet(when_started=self._announce)
        code = fleet.run(starting.commands(), starting.environment(), settings.BASE_DIR)
        if fleet.failed:
            name, status = fleet.failed
            self.stderr.write(
                f"csbot stopped because its {name} ended (exit code {status}); "
                f"what it said last is above."
            )
        else:
            self.stdout.write("csbot stopped.")
        sys.exit(code)

    def _announce(self) -> None:
        if starting.wait_for_web(settings.HOST, settings.PORT):
            self.stdout.write(f"\n  csbot is ready: {settings.PUBLIC_URL}  (Ctrl-C stops it)\n\n")
            self.stdout.flush()
