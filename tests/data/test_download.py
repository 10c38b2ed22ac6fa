"""The downloader, against a server on this machine that behaves well, badly, or not at all."""

import gzip
import hashlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from oodles.data import download
from oodles.data.catalogue import idx
from oodles.data.catalogue.listing import Listing
from oodles.data.download import File, fetch, folder
from oodles.errors import DatasetError

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


class Handler(BaseHTTPRequestHandler):
    """One behaviour a path."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        behaviour = getattr(self, self.path.strip("/").partition("/")[0])
        behaviour()

    def send(self, content: bytes, promised: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) if promised is None else promised))
        self.end_headers()
        self.wfile.write(content)

    def good(self) -> None:
        self.send(CONTENT)

    def wrong(self) -> None:
        self.send(CONTENT[::-1])

    def cut(self) -> None:
        self.send(CONTENT[:100_000], promised=len(CONTENT))

    def missing(self) -> None:
        self.send_error(404)

    def slow(self) -> None:
        time.sleep(0.6)

    def file(self) -> None:
        self.send(self.server.files[self.path.rpartition("/")[2]])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A server on this machine that remembers what it was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.files = [], {}
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def address(server) -> str:
    """Its address."""
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def dead() -> str:
    """The address of a server that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        return f"http://127.0.0.1:{nobody.getsockname()[1]}"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    """An empty data folder, and little patience."""
    monkeypatch.setenv("OODLES_DATA", str(tmp_path))
    monkeypatch.delenv("OODLES_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    return tmp_path


def files(root: Path) -> list[str]:
    """All files under a folder."""
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]


def refusal(file: File, **options: bool) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(DatasetError) as error:
        fetch(file, dataset="some-set", **options)
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


class TestSuccess:
    @pytest.mark.parametrize("hashes", [(SHA256,), (MD5,), ()], ids=["sha256", "md5", "no hash"])
    def test_a_missing_file_is_downloaded_once(self, hashes, address, server, here, capfd):
        file = File("some-set/some.bin", (f"{address}/good",), hashes)
        assert fetch(file, dataset="some-set") == here / "some-set" / "some.bin"
        assert fetch(file, dataset="some-set").read_bytes() == CONTENT
        assert server.asked == ["/good"]
        assert files(here) == ["some-set/some.bin"]
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("bad", ["wrong", "cut", "missing", "slow"])
    def test_the_second_address_is_asked_when_the_first_fails(self, bad, address, server, here):
        file = File("some.bin", (f"{address}/{bad}", f"{address}/good"), (SHA256,))
        assert fetch(file, dataset="some-set").read_bytes() == CONTENT
        assert server.asked == [f"/{bad}", "/good"]
        assert files(here) == ["some.bin"]

    def test_a_dead_address_is_passed_over(self, address, dead, here):
        file = File("some.bin", (dead, f"{address}/good"), (SHA256,))
        assert fetch(file, dataset="some-set").read_bytes() == CONTENT
        assert files(here) == ["some.bin"]

    def test_progress_is_drawn_on_standard_error_when_asked(self, address, capfd):
        fetch(File("some-set/some.bin", (f"{address}/good",), (SHA256,)), dataset="some-set", progress=True)
        out, err = capfd.readouterr()
        assert out == ""
        assert "some.bin" in err
        assert "100%" in err

    def test_the_logger_of_pooch_is_left_as_it_was(self, address):
        import pooch

        before = pooch.get_logger().level
        fetch(File("some.bin", (f"{address}/good",), (SHA256,)), dataset="some-set")
        refusal(File("other.bin", (f"{address}/missing",), (SHA256,)))
        assert pooch.get_logger().level == before

    def test_a_dataset_loads_what_it_downloaded(self, address, server, here):
        pictures = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
        edition = idx.pair("tiny", "train", f"{address}/file")
        for file, values in zip(edition.files, (pictures, np.array([3, 8], np.uint8)), strict=True):
            header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
            server.files[Path(file.path).name] = gzip.compress(header + values.tobytes())
        listing = Listing(
            name="tiny",
            description="Two pictures",
            kind="pictures",
            size="2 of 28×28",
            citation="nobody",
            licence="none",
            read=idx.pictures,
            editions={"train": (edition,)},
        )
        assert listing.entry().presence == "downloadable"
        tiny = listing.load("train", rows=None, seed=None, download=True, progress=False)
        assert np.array_equal(tiny.X, pictures)
        assert tiny.labels.tolist() == [3, 8]
        assert listing.entry().presence == "present"
        assert sorted(files(here)) == ["tiny/train-images-idx3-ubyte.gz", "tiny/train-labels-idx1-ubyte.gz"]


class TestFailure:
    @pytest.mark.parametrize(
        ("behaviour", "reason"),
        [
            ("wrong", "what came is not the public file (its hash is wrong)"),
            ("cut", "the connection was cut before the whole file had come"),
            ("missing", "the server answered 404 Not Found"),
            ("slow", "no answer in time"),
        ],
    )
    def test_a_failed_download_is_one_sentence_and_leaves_nothing(self, behaviour, reason, address, here):
        file = File("some-set/some.bin", (f"{address}/{behaviour}",), (SHA256,))
        text = refusal(file)
        assert f"'some-set' needs some-set/some.bin, which is not in {here}" in text
        assert f"{address}/{behaviour}: {reason}" in text
        assert f"set OODLES_DATA to a folder that has it, or get it by hand from {address}/{behaviour}" in text
        assert text.endswith(f"put it into {here}/some-set.")
        assert files(here) == []

    def test_a_cut_connection_is_noticed_without_a_hash(self, address, here):
        assert "the connection was cut" in refusal(File("some.bin", (f"{address}/cut",)))
        assert files(here) == []

    def test_every_address_that_failed_is_named(self, address, dead):
        text = refusal(File("some.bin", (dead, f"{address}/missing"), (SHA256,)))
        assert f"({dead}: no connection, or it was lost; {address}/missing: the server answered 404 Not Found)" in text

    def test_a_folder_that_cannot_be_written_to_is_a_sentence(self, address, here, monkeypatch):
        (here / "a file").touch()
        monkeypatch.setenv("OODLES_DATA", str(here / "a file"))
        assert "could not be downloaded" in refusal(File("some-set/some.bin", (f"{address}/good",), (SHA256,)))

    @pytest.mark.parametrize("value", ["1", "true"])
    def test_offline_means_offline(self, value, address, server, monkeypatch):
        monkeypatch.setenv("OODLES_OFFLINE", value)
        assert "OODLES_OFFLINE is set" in refusal(File("some.bin", (f"{address}/good",), (SHA256,)))
        assert server.asked == []

    def test_a_caller_can_forbid_downloads(self, address, server):
        assert "download=False" in refusal(File("some.bin", (f"{address}/good",), (SHA256,)), download=False)
        assert server.asked == []

    def test_a_file_without_address_is_to_be_fetched_by_hand(self, here):
        text = refusal(File("some-set/some.csv", page="https://example.org/some"))
        assert f"get it by hand from https://example.org/some and put it into {here}/some-set." in text


class TestLocalFiles:
    def test_any_of_the_known_hashes_will_do(self, here):
        file = File("some.bin", hashes=("0" * 64, MD5))
        file.place.write_bytes(CONTENT)
        assert fetch(file, dataset="some-set") == here / "some.bin"
        assert "is not the public file: expected hash 000" in refusal(replace(file, hashes=("0" * 64,)))

    def test_a_wrong_file_is_refused_and_not_replaced(self, address, server):
        file = File("some.bin", (f"{address}/good",), (SHA256,))
        file.place.write_bytes(b"edited")
        text = refusal(file)
        assert f"expected hash {SHA256}, found {hashlib.sha256(b'edited').hexdigest()}; delete it" in text
        assert file.place.read_bytes() == b"edited"
        assert server.asked == []

    def test_a_file_that_cannot_be_read_is_a_sentence(self, here, monkeypatch):
        file = File("some.bin", hashes=(SHA256,))
        file.place.write_bytes(CONTENT)

        def refuse(*_: object) -> None:
            raise PermissionError("not for you")

        monkeypatch.setattr(Path, "open", refuse)
        assert f"{here}/some.bin cannot be read (not for you)" in refusal(file)

    def test_without_a_chosen_folder_it_is_the_users_cache(self, monkeypatch):
        import pooch

        monkeypatch.delenv("OODLES_DATA")
        assert folder() == Path(pooch.os_cache("oodles"))
        monkeypatch.setenv("OODLES_DATA", "~/somewhere")
        assert folder() == Path.home() / "somewhere"
