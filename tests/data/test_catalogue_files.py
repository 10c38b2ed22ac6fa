"""How files are read: official forms made small, and one sentence for whatever is wrong with a file."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from oodles import data
from oodles.data.catalogue import LISTINGS, celeba, creditcard, idx, kddcup99
from oodles.data.catalogue.listing import Request
from oodles.errors import DatasetError

LISTING = {listing.name: listing for listing in LISTINGS}


def idx_bytes(values: np.ndarray) -> bytes:
    """An IDX file of these values."""
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    return header + values.astype(np.uint8).tobytes()


def sentence(error: pytest.ExceptionInfo) -> str:
    """The message of an error, which is one sentence on one line."""
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def ask(name, path, split="train"):
    """What the reader of a dataset makes of one file."""
    return LISTING[name].read(Request(split, (path,), 0, 0))


@pytest.fixture
def archive_of_faces(tmp_path, monkeypatch):
    """Makes an archive like CelebA's; one of ten faces has eight for training and the last for the test."""
    monkeypatch.setitem(celeba.NUMBERS, 10, {"train": range(1, 9), "test": range(10, 11)})

    def make(faces=10, width=178, height=218, kind="JPEG"):
        """Red is a pixel's left edge and green its upper one, on the published scale; blue is 20 times the number."""
        path = tmp_path / f"{faces}-{width}.zip"
        columns, rows = np.arange(width) * (178 / width), np.arange(height) * (218 / height)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("img_align_celeba/", b"")
            for number in range(1, faces + 1):
                channels = np.broadcast_arrays(columns, rows[:, None], 20.0 * number)
                stream = io.BytesIO()
                face = Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))
                face.save(stream, kind, quality=100, subsampling=0)
                archive.writestr(f"img_align_celeba/{number:06}.jpg", stream.getvalue())
        return path

    return make


class TestOfficialForms:
    def test_emnist_is_read_from_its_archive(self, tmp_path):
        pictures, labels = np.arange(5 * 28 * 28).reshape(5, 28, 28) % 256, np.arange(1, 6)
        with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as archive:
            archive.writestr("gzip/emnist-letters-test-images-idx3-ubyte.gz", gzip.compress(idx_bytes(pictures)))
            archive.writestr("gzip/emnist-letters-test-labels-idx1-ubyte.gz", gzip.compress(idx_bytes(labels)))
        content = ask("emnist-letters", tmp_path / "gzip.zip", "test")
        assert np.array_equal(content.X, pictures)
        assert np.array_equal(content.labels, labels)
        assert "transposed" in content.note
        with pytest.raises(DatasetError, match="damaged: expected the archive of the EMNIST sets"):
            ask("emnist-letters", tmp_path / "gzip.zip", "train")

    def test_emnist_is_found_unpacked(self, tmp_path, monkeypatch):
        monkeypatch.setenv("OODLES_DATA", str(tmp_path))
        (tmp_path / "emnist").mkdir()
        for part, values in (("images-idx3", np.zeros((2, 28, 28))), ("labels-idx1", np.ones(2))):
            path = tmp_path / "emnist" / f"emnist-letters-train-{part}-ubyte.gz"
            path.write_bytes(gzip.compress(idx_bytes(values)))
        letters = data.load("emnist-letters", download=False)
        assert letters.X.shape == (2, 28, 28)
        assert "transposed" in letters.note

    def test_cifar_10_is_read_from_its_archive(self, tmp_path):
        rows = np.random.default_rng(0).integers(256, size=(10, 3073), dtype=np.uint8)
        rows[:, 0] = np.arange(10)
        with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
            for number, pair in enumerate(rows.reshape(5, 2, 3073), 1):
                member = tarfile.TarInfo(f"cifar-10-batches-bin/data_batch_{number}.bin")
                member.size = pair.nbytes
                archive.addfile(member, io.BytesIO(pair.tobytes()))
        content = ask("cifar-10", tmp_path / "cifar-10-binary.tar.gz")
        assert content.X.shape == (10, 32, 32, 3)
        assert np.array_equal(content.X[3, :, :, 1], rows[3, 1 + 1024 : 1 + 2048].reshape(32, 32))
        assert content.labels.tolist() == list(range(10))

    def test_ahcd_is_read_from_its_archive_upright(self, tmp_path):
        pictures = np.random.default_rng(0).integers(256, size=(3, 32, 32))
        rows = io.StringIO()
        np.savetxt(rows, pictures.transpose(0, 2, 1).reshape(3, 1024), fmt="%d", delimiter=",")
        with zipfile.ZipFile(tmp_path / "csv.zip", "w") as archive:
            archive.writestr("Arabic Handwritten Characters Dataset CSV/csvTestImages 3360x1024.csv", rows.getvalue())
            archive.writestr("Arabic Handwritten Characters Dataset CSV/csvTestLabel 3360x1.csv", "1\n2\n28\n")
        content = ask("ahcd", tmp_path / "csv.zip", "test")
        assert np.array_equal(content.X, pictures)
        assert content.labels.tolist() == [1, 2, 28]

    def test_svhn_is_read_from_a_matlab_file(self, tmp_path):
        from scipy.io import savemat

        pictures = np.random.default_rng(0).integers(256, size=(3, 32, 32, 3), dtype=np.uint8)
        savemat(tmp_path / "train_32x32.mat", {"X": pictures.transpose(1, 2, 3, 0), "y": np.array([[1], [10], [9]])})
        content = ask("svhn", tmp_path / "train_32x32.mat")
        assert np.array_equal(content.X, pictures)
        assert content.labels.tolist() == [1, 0, 9]

    @pytest.mark.parametrize("scale", [1, 2], ids=["official size", "half size"])
    def test_faces_are_the_middle_square_of_108_pixels(self, scale, archive_of_faces):
        """Of 64 pixels, the i-th has its center (i + 0.5)·108/64 from the edge at column 35 and at row 55."""
        path = archive_of_faces(width=178 // scale, height=218 // scale)
        train, test = ask("celeba", path), ask("celeba", path, "test")
        assert train.X.shape == (8, 64, 64, 3)
        assert test.X.shape == (1, 64, 64, 3)
        assert train.X.dtype == np.uint8
        centers = (np.arange(64) + 0.5) * 108 / 64 - scale / 2  # a pixel's value is that of its edge
        faces = np.concatenate([train.X, test.X]).astype(float)
        assert faces[..., 0].mean((0, 1)) == pytest.approx(35 + centers, abs=0.4)
        assert faces[..., 1].mean((0, 2)) == pytest.approx(55 + centers, abs=0.4)
        assert faces[..., 2].mean((1, 2)) == pytest.approx(20 * np.array([*range(1, 9), 10]), abs=0.4)

    @pytest.mark.parametrize("scale", [1, 2], ids=["official size", "half size"])
    def test_whole_faces_are_squeezed(self, scale, archive_of_faces):
        """The center of the i-th of 128 pixels is (i + 0.5)·178/128 from the left, (i + 0.5)·218/128 from above."""
        path = archive_of_faces(width=178 // scale, height=218 // scale)
        train = ask("celeba-128", path)
        assert train.X.shape == (8, 128, 128, 3)
        inner = slice(2, -2)  # at the edges, bicubic weights are cut off
        for axis, side in ((0, 178), (1, 218)):
            centers = (np.arange(128) + 0.5) * side / 128 - scale / 2
            found = train.X[..., axis].astype(float).mean((0, 1 + axis))
            assert found[inner] == pytest.approx(centers[inner], abs=0.5)

    def test_faces_have_the_official_partition(self):
        """162,770 + 19,867 for validation + 19,962 are 202,599."""
        official = celeba.NUMBERS[202_599]
        assert {split: (numbers[0], numbers[-1], len(numbers)) for split, numbers in official.items()} == {
            "train": (1, 162_770, 162_770),
            "test": (182_638, 202_599, 19_962),
        }

    def test_only_the_faces_of_the_split_are_decoded(self, archive_of_faces, monkeypatch):
        opened = []
        real = Image.open
        monkeypatch.setattr(Image, "open", lambda *args, **more: opened.append(1) or real(*args, **more))
        ask("celeba", archive_of_faces(), "test")
        assert len(opened) == 1

    def test_the_full_credit_card_file_quotes_its_classes(self, tmp_path):
        header = ",".join(f'"{column}"' for column in [*creditcard.SCHEMA, "Class"])
        values = ",".join(["1e+05", *["0.5"] * 28, "2.69"])
        (tmp_path / "creditcard.csv").write_text(f'{header}\n{values},"0"\n{values},"1"\n')
        content = ask("creditcard", tmp_path / "creditcard.csv")
        assert content.y.tolist() == [0, 1]
        assert content.X["Time"].to_pylist() == [100_000, 100_000]


class TestDamage:
    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            (lambda packed: packed[: len(packed) // 2], "end-of-stream"),
            (lambda _: b"<html>Not Found</html>", "gzip"),
            (lambda _: b"", "no header"),
            (lambda _: gzip.compress(b"\0\0\x0d\x01" + bytes(8)), "no header"),
            (lambda _: gzip.compress(b"\0\0\x08\x03\0\0", mtime=0), "buffer size"),
            (
                lambda packed: gzip.compress(gzip.decompress(packed)[:-1]),
                "1,567 values where the header promises 1,568",
            ),
        ],
        ids=["truncated", "a web page", "empty", "another type", "half a header", "a pixel short"],
    )
    def test_a_damaged_idx_file_is_refused_with_a_sentence(self, damage, reason, tmp_path):
        path = tmp_path / "pictures.gz"
        path.write_bytes(damage(gzip.compress(idx_bytes(np.ones((2, 28, 28))))))
        with pytest.raises(DatasetError, match=reason) as error:
            idx.read(path)
        assert f"{path} is damaged: expected an IDX file" in sentence(error)

    def test_pictures_without_labels_are_refused(self, tmp_path):
        for name, values in (("images.gz", np.ones((2, 28, 28))), ("labels.gz", np.ones(3))):
            (tmp_path / name).write_bytes(gzip.compress(idx_bytes(values)))
        with pytest.raises(DatasetError, match="2 pictures and 3 labels") as error:
            idx.pictures(Request("train", (tmp_path / "images.gz", tmp_path / "labels.gz"), 0, 0))
        sentence(error)

    @pytest.mark.parametrize(
        "arrays",
        [
            {"x": np.ones((3, 2)), "y": np.ones(3)},
            {"X": np.ones((3, 2))},
            {"X": np.ones((3, 2)), "y": np.ones(2)},
            {"X": np.ones((3, 2)), "y": np.array([0, 1, 2])},
            {"X": np.array([[object()]]), "y": np.ones(1)},
        ],
        ids=["no X", "no y", "other lengths", "y is not 0 or 1", "pickled objects"],
    )
    def test_a_wrong_npz_archive_is_refused_with_a_sentence(self, arrays, tmp_path, monkeypatch):
        monkeypatch.setenv("OODLES_DATA", str(tmp_path))
        (tmp_path / "adbench").mkdir()
        np.savez(tmp_path / "adbench" / "47_yeast.npz", **arrays)
        with pytest.raises(DatasetError, match=r"47_yeast\.npz is damaged: expected an npz archive") as error:
            data.load("yeast")
        sentence(error)

    @pytest.mark.parametrize(
        ("name", "file"),
        [
            ("cifar-10", "a.bin.gz"),
            ("cifar-10", "a.bin"),
            ("cifar-10", "a.tar.gz"),
            ("svhn", "a.mat"),
            ("emnist-letters", "gzip.zip"),
            ("ahcd", "a.zip"),
            ("celeba", "a.zip"),
            ("6_cardio", "a.npz"),
            ("kddcup99", "a.gz"),
            ("creditcard", "a.csv.gz"),
            ("creditcard", "a.csv"),
        ],
    )
    @pytest.mark.parametrize("content", [b"", b"<html>404</html>" * 300, gzip.compress(b"0,tcp,http\n", mtime=0)[:-9]])
    def test_no_reader_lets_a_damaged_file_pass(self, name, file, content, tmp_path):
        path = tmp_path / file
        path.write_bytes(content)
        with pytest.raises(DatasetError, match="is damaged: expected") as error:
            ask(name, path)
        sentence(error)

    @pytest.mark.parametrize(
        ("made", "reason"),
        [
            ({"faces": 9}, "9 faces instead of 202,599 or 4,000"),
            ({"width": 178, "height": 178}, r"000001\.jpg is 178×178 pixels"),
            ({"kind": "PNG"}, "cannot identify image"),
        ],
        ids=["a face missing", "another size", "no JPEG"],
    )
    def test_another_archive_of_faces_is_refused_with_a_sentence(self, made, reason, archive_of_faces):
        path = archive_of_faces(**made)
        with pytest.raises(DatasetError, match=reason) as error:
            ask("celeba", path)
        assert f"{path} is damaged: expected a zip archive of img_align_celeba/000001.jpg" in sentence(error)

    def test_an_archive_with_a_cut_or_changed_face_is_refused(self, archive_of_faces):
        path = archive_of_faces()
        whole = path.read_bytes()
        for damaged in (whole[: len(whole) // 2], whole[:5000] + bytes(100) + whole[5100:]):
            path.write_bytes(damaged)
            with pytest.raises(DatasetError, match="is damaged: expected a zip archive") as error:
                ask("celeba", path)
            sentence(error)

    def test_missing_faces_are_got_by_hand(self, tmp_path, monkeypatch):
        monkeypatch.setenv("OODLES_DATA", str(tmp_path))
        with pytest.raises(DatasetError, match=r"get it by hand from https://mmlab\.ie\.cuhk\.edu\.hk") as error:
            data.load("celeba")
        assert f"put it into {tmp_path / 'celeba'}" in sentence(error)

    def test_a_credit_card_file_that_is_cut_off_is_refused(self, tmp_path):
        rows = np.random.default_rng(0).integers(2, size=(20_000, 31)).tolist()
        text = "\n".join([",".join([*creditcard.SCHEMA, "Class"]), *(",".join(map(str, row)) for row in rows)])
        path = tmp_path / "creditcard.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
        assert len(ask("creditcard", path).y) == 20_000
        path.write_bytes(path.read_bytes()[:-40_000])
        with pytest.raises(DatasetError, match="end-of-stream"):
            ask("creditcard", path)

    def test_a_shortened_kddcup99_is_refused(self, tmp_path):
        row = ",".join("tcp" if kind == "category" else "0" for kind in kddcup99.SCHEMA.values())
        path = tmp_path / "corrected.gz"
        path.write_bytes(gzip.compress(f"{row},normal.\n".encode() * 5))
        with pytest.raises(DatasetError, match="'5 rows'"):
            ask("kddcup99", path, "test")

    def test_a_local_file_with_another_hash_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setenv("OODLES_DATA", str(tmp_path))
        (tmp_path / "adbench").mkdir()
        np.savez(tmp_path / "adbench" / "6_cardio.npz", X=np.ones((3, 2)), y=np.zeros(3))
        with pytest.raises(
            DatasetError, match=r"6_cardio\.npz is not the public file: expected hash bc5009.*found"
        ) as error:
            data.load("cardio")
        sentence(error)
