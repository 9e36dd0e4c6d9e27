"""What componentize-py makes a component of: the exported interfaces, answered by the classes of module `policy`.

Runs at two times. When the component is built, modules are imported and their memory becomes part of the component;
then, in each evaluation, a copy of that memory is configured, asked once and thrown away.
"""

import gc
import io
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import policy  # noqa: F401 - the author's; importing it registers its classes
from componentize_py_types import Err
from wit_world import exports

from .config import Refused
from .hooks import registered
from .say import Level, log
from .view import View

Result = TypeVar("Result")


# The configured policy of each hook.
_configured: dict[str, Any] = {}


class _Exported:
    """The interface of a hook. componentize-py finds it by its name, and makes a new one for each call."""

    def configure(self, config_json: str) -> None:
        _begin()
        hook = type(self).__name__.lower()
        _configured[hook] = _guarded(lambda: registered[hook].configure(config_json))

    def ask(self, question: str, picture: Any) -> tuple[list[Any], ...]:
        asked = _configured[type(self).__name__.lower()]
        lists: tuple[list[Any], ...] = _guarded(lambda: getattr(asked, question)(View(picture)).lists())
        return lists


class Scaler(_Exported):
    def scale(self, picture: Any) -> tuple[list[Any], ...]:
        return self.ask("scale", picture)


class Placement(_Exported):
    def place(self, picture: Any) -> tuple[list[Any], ...]:
        return self.ask("place", picture)


class Headroom(_Exported):
    def reserve(self, picture: Any) -> tuple[list[Any], ...]:
        return self.ask("reserve", picture)


class Disruption(_Exported):
    def judge(self, picture: Any) -> tuple[list[Any], ...]:
        return self.ask("judge", picture)


class Review(_Exported):
    def review(self, picture: Any) -> tuple[list[Any], ...]:
        return self.ask("review", picture)


def _guarded(work: Callable[[], Result]) -> Result:
    """Has the host told why there is no answer; of what is no refusal, the record gets the traceback first."""
    try:
        return work()
    except Refused as why:
        raise Err(str(why)) from None
    except Exception as error:
        log(Level.ERROR, f"{type(error).__name__}: {error}")
        # Without lines of source: there are no files to read them from.
        for frame, line in list(traceback.walk_tb(error.__traceback__))[:1:-1][:20]:
            log(Level.ERROR, f"  {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}")
        raise


class _Logged(io.TextIOBase):
    """Standard output and error of a policy: lines of the log."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            log(self._level, line)
        return len(text)


def _begin() -> None:
    """The first thing in an evaluation."""
    sys.stdout = _Logged(Level.INFO)
    sys.stderr = _Logged(Level.WARNING)
    # There are no files any more: what is not imported by now is not found, instead of ending in a trap.
    sys.path.clear()


def _finish() -> None:
    """The last thing when the component is built."""
    hooks = ("scaler", "placement", "headroom", "disruption", "review")
    named = {hook for hook in hooks if hasattr(exports, hook.title())}
    if named != set(registered):
        raise TypeError(f"policy.yaml names the hooks {sorted(named)}, policy.py registers {sorted(registered)}")
    # An instance is gone after one evaluation. Looking for what it could forget would only cost, and touch every page.
    gc.collect()
    gc.freeze()
    gc.disable()


_finish()
