"""A fit can be stopped at any moment, and goes on as if it had not been."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from samples import put, table

from oodles import load
from oodles.cli.app import outcome
from oodles.detectors import neural
from oodles.encoding import TableEncoder

RUN = ["--set", "hidden=[8]", "--set", "latent=2", "--members", "2", "--epochs", "40", "--set", "batch_size=32"]
RUN += ["--seed", "5", "--threads", "1", "--quiet"]

SLOW = """
# `oodles`, with a checkpoint and a word on standard output after every step.
import sys, time
from dataclasses import replace
from oodles.cli.app import main
from oodles.detectors import neural
from oodles.training import loop

train, save = neural.train, loop.Run.save

def saved(run, schedule):
    save(run, schedule)
    print("saved", flush=True)
    time.sleep(0.01)

loop.Run.save = saved
neural.train = lambda model, x, held_out, schedule, **more: train(
    model, x, held_out, replace(schedule, every=0.0), **more
)
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    return put(table(), tmp_path_factory.mktemp("rows") / "rows.parquet")


@pytest.fixture(scope="module")
def uninterrupted(rows, tmp_path_factory) -> dict[str, np.ndarray]:
    """The weights and the calibration of a run that nobody disturbed."""
    model = tmp_path_factory.mktemp("whole") / "model"
    assert outcome(["fit", str(rows), "-o", str(model), *RUN]) == 0
    return load_file(model / "model.safetensors")


@pytest.fixture
def stopped(monkeypatch, refuses, rows, tmp_path) -> Path:
    """A model's name whose fit was stopped by Ctrl-C after 30 steps."""
    train, count = neural.train, 0

    def interrupted(model, *arguments, **more):
        step = model.step

        def counted(*batch):
            nonlocal count
            count += 1
            if count == 30:
                signal.raise_signal(signal.SIGINT)
            return step(*batch)

        model.step = counted
        return train(model, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(neural, "train", interrupted)
        refuses(1, ("Stopped", "model.checkpoint", "--resume"), "fit", rows, "-o", tmp_path / "model", *RUN)
    assert [path.name for path in tmp_path.iterdir()] == ["model.checkpoint"]
    return tmp_path / "model"


def same(model: Path, tensors: dict[str, np.ndarray]) -> bool:
    """Whether a model has exactly these weights and this calibration, bit for bit."""
    found = load_file(model / "model.safetensors")
    return found.keys() == tensors.keys() and all(found[name].tobytes() == tensors[name].tobytes() for name in tensors)


def test_a_seed_decides_every_bit(run, rows, uninterrupted, tmp_path):
    """Without which the other tests would mean nothing."""
    assert run("fit", rows, "-o", tmp_path / "same", *RUN).code == 0
    assert run("fit", rows, "-o", tmp_path / "other", *RUN, "--seed", "6").code == 0

    assert same(tmp_path / "same", uninterrupted)
    assert not same(tmp_path / "other", uninterrupted)


class TestStopped:
    def test_resume_ends_as_if_nothing_had_happened(self, run, rows, stopped, uninterrupted):
        """The weights are those of the uninterrupted run; the checkpoint is gone."""
        assert run("fit", rows, "-o", stopped, *RUN, "--resume") == (0, "", "")
        assert same(stopped, uninterrupted)
        assert [path.name for path in stopped.parent.iterdir()] == ["model"]

    def test_without_resume_nothing_is_thrown_away(self, refuses, rows, stopped):
        """Who forgets the option loses nothing."""
        checkpoint = stopped.with_name("model.checkpoint")
        before = checkpoint.read_bytes()

        refuses(1, ("was stopped", "--resume", "delete it"), "fit", rows, "-o", stopped, *RUN)
        assert checkpoint.read_bytes() == before

    @pytest.mark.parametrize("other", [["--seed", "6"], ["--set", "lr=0.001"], ["--schema", "count=category"]])
    def test_another_run_is_not_continued(self, refuses, rows, stopped, other):
        """A stale checkpoint is refused, and stays."""
        checkpoint = stopped.with_name("model.checkpoint")
        before = checkpoint.read_bytes()

        refuses(1, ("belongs to a run with other",), "fit", rows, "-o", stopped, *RUN, *other, "--resume")
        assert checkpoint.read_bytes() == before
        assert not stopped.exists()

    def test_other_rows_are_not_continued(self, refuses, stopped, tmp_path):
        other = put(table(seed=1), tmp_path / "other.parquet")

        refuses(1, ("belongs to a run with other",), "fit", other, "-o", stopped, *RUN, "--resume")

    @pytest.mark.parametrize("size", [0, 4, 1000])
    def test_a_damaged_checkpoint_is_refused(self, refuses, rows, stopped, size):
        checkpoint = stopped.with_name("model.checkpoint")
        checkpoint.write_bytes(checkpoint.read_bytes()[:size])

        refuses(1, ("not a readable checkpoint", "Delete it"), "fit", rows, "-o", stopped, *RUN, "--resume")


def test_resume_without_a_checkpoint_starts_at_the_beginning(run, rows, uninterrupted, tmp_path):
    """So that a script can always say --resume."""
    assert run("fit", rows, "-o", tmp_path / "model", *RUN, "--resume").code == 0
    assert same(tmp_path / "model", uninterrupted)


def test_ctrl_c_before_the_training_is_one_line(monkeypatch, refuses, rows, tmp_path):
    """There is nothing to go on with, and nothing is promised."""

    def stopped(*_):
        raise KeyboardInterrupt  # a signal would do, but not in a worker of pytest-xdist, which ignores it

    monkeypatch.setattr(TableEncoder, "transform", stopped)

    assert "--resume" not in refuses(1, ("Stopped.",), "fit", rows, "-o", tmp_path / "model", *RUN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_true_process_is_stopped_and_resumed(run, rows, uninterrupted, tmp_path, number):
    """Ctrl-C, or kill -9 at a random moment: resumed, the weights are those of the uninterrupted run, bit for bit."""
    steps = int(np.random.default_rng().integers(3, 100))
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "fit", rows, "-o", tmp_path / "model", *RUN],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(steps):
        assert process.stdout.readline() == "saved\n", process.communicate()
    process.send_signal(number)
    complaint = process.communicate()[1]

    if number == signal.SIGINT:
        assert process.returncode == 1
        assert re.fullmatch(r"oodles: Stopped\. .+ add --resume to go on\.\n", complaint)
    assert not (tmp_path / "model").exists()
    assert run("fit", rows, "-o", tmp_path / "model", *RUN, "--resume") == (0, "", "")
    assert same(tmp_path / "model", uninterrupted), f"killed after {steps} steps"
    assert load(tmp_path / "model").random_state == 5
    assert not (tmp_path / "model.checkpoint").exists()
