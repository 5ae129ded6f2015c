"""All scenarios, in the order in which they run: the harness proves itself first."""

from scenarios import harness  # noqa: F401
