"""All scenarios, in the order in which they run: the harness proves itself first."""

from scenarios import harness  # noqa: F401
from scenarios import startup  # noqa: F401
from scenarios import privileges  # noqa: F401
from scenarios import mutual_tls  # noqa: F401
from scenarios import admission  # noqa: F401
from scenarios import hold  # noqa: F401
from scenarios import generic_client  # noqa: F401
from scenarios import eviction  # noqa: F401
from scenarios import outbound  # noqa: F401
from scenarios import hostile  # noqa: F401
from scenarios import secrets  # noqa: F401
from scenarios import interfaces  # noqa: F401
from scenarios import gateway  # noqa: F401
from scenarios import migration  # noqa: F401
from scenarios import terminal  # noqa: F401
from scenarios import restarts  # noqa: F401
from scenarios import many  # noqa: F401
from scenarios import crowds  # noqa: F401
from scenarios import control_plane  # noqa: F401
from scenarios import outages  # noqa: F401
from scenarios import websockets  # noqa: F401
