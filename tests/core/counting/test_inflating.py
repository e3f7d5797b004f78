"""Gzip is undone however it is cut, and nothing that is broken in it passes for whole."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from governor.core.counting.inflating import PIECE_BYTES, Decoder

MIB = 1024 * 1024
TEXT = b"".join(b'{"id":"%d","text":"x"}\r\n' % number for number in range(40))
CODED = {
    "identity": TEXT,
    "one member": gzip.compress(TEXT),
    "stored": gzip.compress(TEXT, compresslevel=0),
    "members": gzip.compress(TEXT[:99]) + gzip.compress(b"") + gzip.compress(TEXT[99:]),
}


def coding(way: str) -> str:
    return "" if way == "identity" else "gzip"


@pytest.mark.parametrize("way", CODED)
def test_every_cut_gives_the_same_bytes(way: str) -> None:
    coded = CODED[way]
    for cut in range(len(coded) + 1):
        decoder = Decoder(coding(way))
        text = b"".join([*decoder.decode(coded[:cut]), *decoder.decode(coded[cut:])])

        assert text == TEXT
        assert decoder.whole
        assert not decoder.trouble


@pytest.mark.parametrize("way", ["one member", "stored"])
def test_what_is_cut_off_is_never_whole(way: str) -> None:
    for cut in range(1, len(CODED[way])):
        decoder = Decoder("gzip")
        list(decoder.decode(CODED[way][:cut]))

        assert not decoder.whole


@pytest.mark.parametrize("way", ["one member", "members"])
def test_a_byte_that_was_changed_shows(way: str) -> None:
    """Unless it changes nothing but the header's time, flags or system, which nobody reads."""
    for at in range(len(CODED[way])):
        coded = bytearray(CODED[way])
        coded[at] ^= 0x20
        decoder = Decoder("gzip")
        text = b"".join(decoder.decode(bytes(coded)))

        assert decoder.trouble or not decoder.whole or text == TEXT


@pytest.mark.parametrize(
    "name", ["br", "zstd", "deflate", "compress", "gzip, gzip", "x", "gzip,", "identity, gzip"]
)
def test_another_coding_is_trouble_from_the_first_byte(name: str) -> None:
    decoder = Decoder(name)

    assert decoder.trouble == "its content coding is not gzip"
    assert list(decoder.decode(CODED["one member"])) == []
    assert decoder.is_coded


@pytest.mark.parametrize("name", ["gzip", "x-gzip", " GZIP "])
def test_gzip_has_several_names(name: str) -> None:
    assert b"".join(Decoder(name).decode(CODED["one member"])) == TEXT


@pytest.mark.parametrize("name", ["", "identity", " Identity"])
def test_no_coding_has_two_names(name: str) -> None:
    decoder = Decoder(name)

    assert b"".join(decoder.decode(TEXT)) == TEXT
    assert not decoder.is_coded


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        gzip.compress(b"{}") + b"junk",
        gzip.compress(b"{}") + bytes(512),
        gzip.compress(b"{}")[:-8] + bytes(8),
        gzip.compress(b"{}")[:-4] + bytes(4),
        zlib.compress(b"{}"),
    ],
    ids=["not gzip", "junk behind", "padded", "checksum wrong", "length wrong", "zlib"],
)
def test_broken_gzip_is_trouble_and_stays_so(body: bytes) -> None:
    decoder = Decoder("gzip")
    list(decoder.decode(body))

    assert decoder.trouble == "its gzip coding is broken"
    assert list(decoder.decode(CODED["one member"])) == []


def test_what_was_flushed_can_be_read_at_once() -> None:
    """A stream in gzip is flushed after each record."""
    packer = zlib.compressobj(wbits=31)
    decoder = Decoder("gzip")
    for line in TEXT.splitlines(keepends=True):
        coded = packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH)

        assert b"".join(decoder.decode(coded)) == line


def test_a_bomb_comes_in_pieces_and_is_never_held() -> None:
    """32 MB of zeros in 32 KB."""
    bomb = gzip.compress(bytes(32 * MIB))
    decoder = Decoder("gzip")
    length = 0
    tracemalloc.start()
    for piece in decoder.decode(bomb):
        assert len(piece) <= PIECE_BYTES
        length += len(piece)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert length == 32 * MIB
    assert peak_bytes < MIB


def test_thousands_of_tiny_members_are_no_burden() -> None:
    members = gzip.compress(b"") * (16 * 1024) + gzip.compress(TEXT)

    assert b"".join(Decoder("gzip").decode(members)) == TEXT
