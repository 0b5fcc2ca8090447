"""``{{ finding.category|category }}``: what moderation found, in words."""

from django import template

from moderation.console import wording

register = template.Library()
register.filter("category", wording.category)
register.filter("family", wording.family)
register.filter("action", wording.action)
