"""Scripts are made of parts, and an error in one says where it is in its part."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ResponseError

from governor.store.scripts import PARTS, Script

if TYPE_CHECKING:
    from tests.fakes.redis import RedisServer


@pytest.mark.parametrize("name", PARTS)
def test_redis_compiles_every_script_and_knows_it_by_its_name(
    fresh_redis: RedisServer, name: str
) -> None:
    script = Script(name)
    with fresh_redis.client() as inside:
        assert inside.script_load(script.text) == script.sha1


def test_every_part_is_in_a_script() -> None:
    parts = {part for parts in PARTS.values() for part in parts}

    assert {f"{part}.lua" for part in parts} == {
        file.name for file in (files("governor") / "lua").iterdir() if file.name.endswith(".lua")
    }


def test_an_error_says_its_file_and_line(fresh_redis: RedisServer) -> None:
    script = Script("converse")
    with fresh_redis.client() as inside:
        inside.set("ledger", "not a hash")
        with pytest.raises(ResponseError) as raised:
            inside.eval(script.text, 1, "ledger", "prefix", 2, b"\x90")
    said = script.located(str(raised.value))

    found = re.search(r"(\w+\.lua):(\d+)", said)
    assert found is not None
    lines = (files("governor") / "lua").joinpath(found[1]).read_text("utf-8").splitlines()
    assert "'HMGET', key" in lines[int(found[2]) - 1]
    assert "user_script" not in said
