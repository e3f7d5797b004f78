"""What flows by never holds more posts than its marks say, however keys are spelled and cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.counting.marks import Marks, marks_in
from governor.core.counting.walkers import PLAIN_KEY
from tests.core.counting import reference, written
from tests.fakes.walkers import ALL, V2, only

PLAIN = [chr(code) for code in range(128) if PLAIN_KEY.fullmatch(chr(code))]


@pytest.mark.parametrize("case", ["04x", "04X"])
@pytest.mark.parametrize("character", PLAIN)
def test_a_mark_with_one_character_spelled_by_number_is_seen(character: str, case: str) -> None:
    mark = f"a{character}b"
    spelled = f'{{"a\\u{format(ord(character), case)}b":1}}'.encode()

    assert marks_in(spelled, [mark]) == 1


@pytest.mark.parametrize("character", "<>&'\"/+=")
def test_characters_that_encoders_do_escape_are_no_marks(character: str) -> None:
    """Else every link in a v1.1 status would seem to be a post."""
    assert marks_in(f"\\u{ord(character):04x}a href".encode(), ["text"]) == 0
    assert marks_in(b"caf\\u00e9 \\u00dc", ["text"]) == 0


@given(written.texts())
def test_no_document_holds_more_posts_than_marks(text: bytes) -> None:
    expected = reference.found(text)

    assert marks_in(text, ALL.marks) >= expected.together
    assert marks_in(text, only(V2).marks) >= expected.v2


@given(written.texts(), st.lists(st.integers(0, 2000), max_size=8))
def test_no_cut_hides_a_mark_and_none_is_seen_twice(text: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    marks = Marks(ALL.marks)
    for start, end in pairwise(edges):
        marks.look(text[start:end])

    assert marks.posts == marks_in(text, ALL.marks)


def test_every_cut_of_a_mark_and_of_an_escape_is_seen_through() -> None:
    text = b'{"text":1,"te\\u0078t":2,"full_text":"text"}'
    for cut in range(len(text) + 1):
        marks = Marks(("text", "full_text"))
        marks.look(text[:cut])
        marks.look(text[cut:])

        assert marks.posts == 4

    one_by_one = Marks(("text", "full_text"))
    for byte in text:
        one_by_one.look(bytes([byte]))

    assert one_by_one.posts == 4
