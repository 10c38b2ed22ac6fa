"""Rows that are larger than memory: pieces are read when they are needed, and every row is learned."""

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from oodles.data import pieces as cutting
from oodles.data.pictures import Album
from oodles.data.pieces import pieces
from oodles.detectors import VAE
from oodles.detectors.preparing import streamed
from oodles.errors import DataError, FileError, ParameterError
from oodles.metrics import auroc

SETTINGS = {"members": 2, "epochs": 4, "random_state": 0}


def rows(n=6000, seed=0):
    """Three hidden numbers behind six columns; a seventh counts the rows."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(9).normal(size=(3, 6))
    return np.column_stack([rng.normal(size=(n, 3)) @ mixing + 0.2 * rng.normal(size=(n, 6)), np.arange(n)])


@pytest.fixture
def folder(tmp_path):
    """Three Parquet files of several row groups, with a category and holes."""
    table = pa.table({f"c{i}": column for i, column in enumerate(rows().T)})
    kinds = pa.array(["a", "b", None, "a", "c"] * 1200)
    table = table.append_column("kind", kinds)
    for i in range(3):
        pq.write_table(table.slice(2000 * i, 2000), tmp_path / f"{i}.parquet", row_group_size=300)
    return tmp_path


def blocks_of(X, memory=1.0, epoch=0):
    """The blocks of an epoch as a detector would learn them, and the held-out rows."""
    detector = VAE(**SETTINGS, memory=memory)
    prepared = streamed(detector, X, torch.device("cpu"), memory)
    return detector, prepared, list(prepared.source.blocks(epoch, 0))


class TestPieces:
    def test_every_row_is_in_one_piece(self, folder, tmp_path):
        """Arrays, tables, memory maps and folders of Parquet."""
        X = rows()
        np.save(tmp_path.with_suffix(".npy"), X)
        for source in (
            X,
            np.load(tmp_path.with_suffix(".npy"), mmap_mode="r"),
            pa.table({"a": X[:, 6]}),
            ds.dataset(folder),
        ):
            every = pieces(source)
            assert sum(piece.rows for piece in every) == len(X)
            assert [len(piece.load()) for piece in every] == [piece.rows for piece in every]
            last = every[-1].load()
            assert len(every) > 1
            assert (last.column(-1 if last.num_columns == 1 else 6) if isinstance(last, pa.Table) else last[:, 6])[-1]

    @pytest.mark.parametrize("X", [[[1.0, 2.0]] * 5, np.empty((0, 3)), pa.table({"a": pa.array([], pa.float64())})])
    def test_what_cannot_be_read_in_pieces_is_refused(self, X):
        with pytest.raises(DataError):
            pieces(X)


class TestBlocks:
    def test_every_row_is_learned_or_held_out_and_never_both(self, folder):
        """In each epoch once, in another order of blocks; sizes are known before anything is read."""
        seen = []
        for epoch in (0, 1):
            detector, prepared, found = blocks_of(ds.dataset(folder), memory=0.08, epoch=epoch)
            assert prepared.source.sizes(epoch) == [len(x) for x in found]
            assert len(found) > 5
            column = detector.encoder_.layout.columns[6]
            number = [np.rint(x[:, 6].double().numpy() * column.scale + column.center) for x in found]
            held = np.rint(prepared.held_out[:, 6].double().numpy() * column.scale + column.center)
            together = np.concatenate([*number, held])
            assert sorted(together) == list(range(6000))
            assert len(held) == 600
            seen.append(np.concatenate(number))
        assert not np.array_equal(*seen)

    def test_memory_bounds_a_block(self):
        """Two blocks, one learned from and one being read, fit into it."""
        for memory in (0.25, 1.0):
            _, _, found = blocks_of(rows(20_000), memory=memory)
            assert 2 * max(x.nbytes for x in found) <= memory * 2**20
            assert len(found) > 1

    def test_a_bad_row_is_named_by_where_it_lies(self):
        """Deep inside, and only met while training."""
        X = rows(20_000)
        X[15_000, 2] = np.inf
        with pytest.raises(DataError, match=r"from row 12289 on: Column 'x2' holds an infinite number in row 2713"):
            VAE(**SETTINGS, memory=1).fit(X)


class TestFit:
    def test_it_learns_what_resident_rows_teach(self):
        """Broken correlations are found as well; alarms keep their rate."""
        X, test = rows(12_000)[:, :6], rows(2000, seed=1)[:, :6]
        rng = np.random.default_rng(2)
        broken = np.stack([rng.permutation(column) for column in test.T], axis=1)
        y, both = np.repeat([0, 1], 2000), np.r_[test, broken]
        found = {}
        for memory in (None, 1.0):
            detector = VAE(**SETTINGS, memory=memory).fit(X)
            found[memory] = auroc(y, detector.anomaly_score(both))
            assert (detector.predict(test) < 0).mean() == pytest.approx(0.05, abs=0.02)
        assert found[1.0] == pytest.approx(found[None], abs=0.04)
        assert found[1.0] > 0.78

    def test_a_folder_with_categories_and_holes(self, folder):
        """Names, kinds and scores are those of a table; a share of alarms counts all rows."""
        detector = VAE(**SETTINGS, memory=1, contamination=0.1).fit(ds.dataset(folder))
        table = ds.dataset(folder).to_table()
        assert list(detector.feature_names_in_) == table.column_names
        assert (detector.predict(table) < 0).mean() == pytest.approx(0.1, abs=0.001)

    def test_members_never_meet(self):
        """Member m of a stack is what it would have been alone, bit for bit."""
        X = rows(12_000)
        together = VAE(**SETTINGS | {"memory": 1.0}).fit(X).model_.state_dict()
        for m in range(2):
            alone = VAE(**SETTINGS | {"memory": 1.0, "members": 1, "random_state": m}).fit(X).model_.state_dict()
            for name, tensor in alone.items():
                assert name == "points" or torch.equal(together[name][m : m + 1], tensor), name

    def test_stopped_in_the_middle_of_an_epoch_it_goes_on(self, monkeypatch, tmp_path):
        """With the blocks and rows that were left, to the same bits."""
        X, settings = rows(12_000), SETTINGS | {"memory": 1.0, "members": 1}
        expected = VAE(**settings).fit(X).model_.state_dict()
        from oodles.training import loop

        add, count = loop.Run.add, 0

        def stopping(run, logs):
            nonlocal count
            add(run, logs)
            count += 1
            if count == 130:
                run.save(run_schedule[0])
                raise KeyboardInterrupt

        save, run_schedule = loop.Run.save, []
        train = loop.train
        from oodles.detectors import neural

        def noted(model, source, held_out, schedule, **more):
            run_schedule[:] = [schedule]
            return train(model, source, held_out, schedule, **more)

        monkeypatch.setattr(neural, "train", noted)
        with monkeypatch.context() as patch:
            patch.setattr(loop.Run, "add", stopping)
            with pytest.raises(KeyboardInterrupt):
                VAE(**settings, checkpoint=tmp_path / "run").fit(X)
        assert loop.Run.save is save
        resumed = VAE(**settings, checkpoint=tmp_path / "run").fit(X).model_.state_dict()
        assert all(torch.equal(resumed[name], tensor) for name, tensor in expected.items())

    @pytest.mark.parametrize("memory", [0, -1, "much"])
    def test_impossible_memory_is_refused(self, memory):
        with pytest.raises(ParameterError, match="memory"):
            VAE(memory=memory).fit(rows(100))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """2,400 pictures of 16 x 16 pixels in color, 7 MiB encoded; their first pixel counts them."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for i in range(2400):
        pixels = rng.integers(0, 60, (16, 16, 3), dtype=np.uint8)
        pixels[0, 0, :2] = divmod(i, 256)
        Image.fromarray(pixels).save(folder / f"{i:04}.png")
    return folder


class TestPictures:
    """A folder of pictures that is larger than the memory it is given."""

    def test_a_piece_has_few_large_pictures(self, photos, monkeypatch):
        """So many that a piece is small, and never fewer than one."""
        monkeypatch.setattr(cutting, "CELLS", 16 * 16 * 3 * 10)
        every = pieces(Album.of(photos))
        assert {piece.rows for piece in every} == {10}
        assert every[7].load().shape == (10, 16, 16, 3)
        monkeypatch.setattr(cutting, "CELLS", 5)
        assert len(pieces(Album.of(photos))) == 2400

    def test_blocks_stay_within_memory_and_hold_every_picture_once(self, photos, monkeypatch):
        """One that is learned from and one that is being read; held-out pictures are never among them."""
        monkeypatch.setattr(cutting, "CELLS", 2**14)
        detector, prepared, found = blocks_of(Album.of(photos), memory=1.0)
        assert len(found) > 5
        assert 2 * max(x.nbytes for x in found) <= 2**20
        first = [x.unflatten(1, (3, 16, 16))[:, :2, 0, 0] for x in (*found, prepared.held_out)]
        high, low = torch.cat(first).mul(255).round().int().T
        assert sorted((256 * high + low).tolist()) == list(range(2400))
        assert detector.encoder_.layout.shape == (3, 16, 16)

    def test_it_is_learned_as_the_same_array_would_be(self, photos):
        """Bit for bit; and without `memory`, all at once."""
        settings = {"latent": 2, "epochs": 1, "random_state": 0, "network": "mlp", "hidden": (8,)}
        album = Album.of(photos)
        for memory in (2.0, None):
            one, other = (VAE(**settings, memory=memory).fit(X) for X in (album, album.pixels))
            assert one.offset_ == other.offset_
            np.testing.assert_array_equal(one.anomaly_score(album[:9]), other.anomaly_score(album[:9]))

    def test_a_damaged_picture_in_the_middle_is_named(self, photos, tmp_path):
        """While training, when its piece is read."""
        for path in sorted(photos.iterdir())[:200]:
            (tmp_path / path.name).write_bytes(path.read_bytes())
        whole = (tmp_path / "0120.png").read_bytes()
        (tmp_path / "0120.png").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FileError, match=r"a picture, but .*0120\.png cannot be decoded .* replace or remove"):
            VAE(latent=2, epochs=1, memory=1, random_state=0).fit(Album.of(tmp_path))
