"""What `config` takes and refuses. Runs natively: `python3 -m unittest discover tests` in this folder's parent."""

import sys
import types
import unittest
from dataclasses import dataclass, field
from typing import Annotated
from unittest import mock

# What componentize-py generates for each component.
sys.modules.update({name: types.ModuleType(name) for name in ("wit_world", "wit_world.imports")})
sys.modules["wit_world.imports"].host = mock.Mock()  # type: ignore[attr-defined]

from plimsoll_sdk import U32, Between, Refused, config  # noqa: E402


@dataclass
class Hours:
    at: str
    pods: U32 = 1


@dataclass
class Everything:
    flag: bool = False
    text: str = "x"
    whole: U32 = 20
    signed: int = 0
    share: Annotated[float, Between(1, 100)] = 65.0
    kinds: list[str] = field(default_factory=lambda: ["Job"])
    prices: dict[str, float] = field(default_factory=dict)
    hours: list[Hours] = field(default_factory=list)
    perhaps: int | None = 5
    except_: list[str] = field(default_factory=list)


class Config(unittest.TestCase):
    def test_what_is_not_written_keeps_its_default(self) -> None:
        self.assertEqual(config(Everything, "{}"), Everything())

    def test_what_is_written_is_read(self) -> None:
        written = """ {"flag": true, "text": "\\u00e4\\ud83e\\udd80ä", "whole": 4294967295, "signed": -7, "share": 65,
            "kinds": [], "prices": {"a": 1, "b": -0.25}, "hours": [{"at": "9"}], "perhaps": null, "except": ["b"]} """
        read = config(Everything, written)
        wanted = Everything(
            True, "ä🦀ä", 4294967295, -7, 65.0, [], {"a": 1.0, "b": -0.25}, [Hours("9")], None, ["b"]
        )
        self.assertEqual(read, wanted)
        self.assertIs(type(read.share), float)

    def test_mistakes_are_refused_by_name(self) -> None:
        for written, says in {
            '{"wohle": 1}': "unknown field `wohle`",
            '{"except_": []}': "unknown field `except_`",
            '{"whole": 1, "whole": 1}': "`whole` stands twice",
            '{"whole": -1}': "`whole` must be between 0 and 4294967295, not -1",
            '{"whole": 4294967296}': "`whole` must be between",
            '{"whole": 1.0}': "field `whole`: a whole number is wanted, not 1.0",
            '{"whole": "1"}': "field `whole`",
            '{"whole": true}': "field `whole`",
            '{"whole": null}': "field `whole`",
            '{"share": 0.5}': "`share` must be between 1 and 100",
            '{"share": "1"}': "field `share`: a number is wanted",
            '{"share": 1e999}': "field `share`",
            '{"share": NaN}': "no JSON",
            '{"share": true}': "field `share`",
            '{"flag": 0}': "field `flag`: true or false is wanted, not 0",
            '{"text": {}}': "field `text`: a text is wanted, not {}",
            '{"text": "\\ud800"}': "field `text`",
            '{"kinds": ["a", 1]}': "field `kinds[1]`: a text is wanted, not 1",
            '{"kinds": "a"}': "field `kinds`: a list is wanted",
            '{"prices": []}': "field `prices`: an object is wanted",
            '{"prices": {"a": "b"}}': "field `prices.a`: a number is wanted",
            '{"hours": [{}]}': "field `hours[0].at` is missing",
            '{"hours": [{"at": "9", "pod": 1}]}': "unknown field `hours[0].pod`",
            "[]": "no JSON object",
            "": "no JSON",
            '{"whole": 1} x': "no JSON",
            '{"whole": 01}': "no JSON",
            '{"whole": 1,}': "no JSON",
            '{"text": "\n"}': "no JSON",
            '{"text": ' + "[" * 100_000: "no JSON",
        }.items():
            with self.subTest(written[:40]), self.assertRaises(Refused) as refused:
                config(Everything, written)
            self.assertIn(says, str(refused.exception))


if __name__ == "__main__":
    unittest.main()
