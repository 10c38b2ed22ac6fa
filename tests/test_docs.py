"""The documentation says what the code does: its names, defaults, links, snippets and command lines."""

import re
import shlex
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import typer

from oodles import detectors, likelihoods, scores
from oodles.cli import app, main
from oodles.detectors import neural
from oodles.detectors.decoding import DecodingDetector
from oodles.encoding import learning as table_encoding
from oodles.likelihoods import gaussian, student
from oodles.nn import reshaping
from oodles.training import Schedule, threads

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/**/*.md"))]
COMMANDS = typer.main.get_command(app).commands
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FEW_EPOCHS = re.compile(r"epochs([= ])\d+")


def page(name):
    """The text of a page of docs/."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def blocks(text, language):
    """The code blocks of one language, in order."""
    return [code for kind, code in FENCE.findall(text) if kind == language]


def section(text, heading):
    """What stands under a heading, up to the next one of its level or above."""
    level = heading.split(" ")[0]
    body = f"\n{text}".split(f"\n{heading}\n")
    assert len(body) == 2, f"expected one heading {heading!r}"
    return re.split(rf"\n#{{2,{len(level)}}} ", body[1])[0]


def table(text):
    """The first table of a text: its header and rows, cells without backticks and padding."""
    lines = re.search(r"^\|.*\n(\|.*\n)+", text, re.MULTILINE)[0].splitlines()
    header, _, *rows = [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return header, rows


def headings(text):
    """The anchors that a page's headings have on GitHub."""
    words = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", word.lower()).replace(" ", "-") for word in words}


def command_lines(text):
    """The words of every `$ oodles …` line, up to a pipe; a backslash continues a line."""
    shown = "".join(blocks(text, "console")).replace("\\\n", " ")
    found = re.findall(r"^\$ (?:.*\| *)?(?:\w+=\S+ )*oodles ([^|<>\n]*)", shown, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in found]


def parameters():
    """The names of all parameters of all detectors."""
    return list(dict.fromkeys(name for kind in detectors.NAMES.values() for name in kind().get_params()))


def having(parameter):
    """The detectors that have a parameter."""
    return [name for name, kind in detectors.NAMES.items() if parameter in kind().get_params()]


def owners(names):
    """Detectors in words."""
    trained = [name for name, kind in detectors.NAMES.items() if issubclass(kind, neural.NeuralDetector)]
    if names == list(detectors.NAMES):
        return "all"
    return "trained" if names == trained else ", ".join(names) or "—"


def defaults_of(parameter):
    """The commonest default of a parameter, then those of detectors that have another."""
    defaults = {name: repr(detectors.NAMES[name]().get_params()[parameter]) for name in having(parameter)}
    common = Counter(defaults.values()).most_common(1)[0][0]
    others = [f"{name} {value}" for name, value in defaults.items() if value != common]
    return "; ".join([common, *others])


class TestNames:
    def test_every_command_has_a_section(self):
        """And no section describes a command that does not exist."""
        assert set(re.findall(r"^## `oodles (\w+)`$", page("cli.md"), re.MULTILINE)) == set(COMMANDS)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_a_command_has_the_options_that_its_section_names(self, name):
        """Every `--option` in the section is one of the command's own."""
        options = {flag for parameter in COMMANDS[name].params for flag in parameter.opts} | {"--help"}
        assert set(re.findall(r"--[a-z][\w-]*", section(page("cli.md"), f"## `oodles {name}`"))) <= options

    def test_every_detector_has_a_row_and_a_section(self):
        """The list of detectors, and the heading of each."""
        text = page("detectors.md")
        assert [row[0] for row in table(text)[1]] == list(detectors.NAMES)
        assert set(detectors.NAMES) <= set(re.findall(r"^## (\w+)$", text, re.MULTILINE))

    def test_every_parameter_stands_in_the_table_with_its_default(self):
        """Exactly the parameters of `get_params()`, whose they are, and their defaults, the commonest first."""
        _, rows = table(section(page("detectors.md"), "## Parameters"))
        expected = {name: (defaults_of(name), owners(having(name))) for name in parameters()}
        assert {row[0]: (row[1], row[2]) for row in rows} == expected

    def test_every_score_of_a_detector_stands_in_the_table(self):
        """Exactly the scores of its model; and whose default they are."""
        _, rows = table(section(page("detectors.md"), "## Scores"))
        kinds = detectors.NAMES.items()
        known = dict.fromkeys(score for _, kind in kinds for score in kind.model_class.scores)
        expected = {
            score: (
                owners([name for name, kind in kinds if score in kind.model_class.scores]),
                owners([name for name, kind in kinds if score == kind.scoring]),
            )
            for score in known
        }
        assert {row[0]: (row[1], row[2]) for row in rows} == expected

    def test_likelihoods_and_scores_have_a_row(self):
        """In the concepts, every name and no other; and every unit begins as `oodles.scores.UNITS` says."""
        text = page("concepts.md")
        assert {row[0] for row in table(section(text, "## Likelihoods"))[1]} == set(likelihoods.NAMES)
        listed = {row[0]: row[1] for row in table(section(text, "## Scores"))[1]}
        assert set(listed) == set(scores.UNITS)
        for name, unit in listed.items():
            assert unit.split()[0] == scores.UNITS[name].split()[0].rstrip(":"), name


def text_of(name):
    """A page on one line."""
    return " ".join(page(name).split())


class TestNumbers:
    @pytest.mark.parametrize(
        ("sentence", "constant"),
        [
            ("- u, for |u| ≤ {:.0f};", table_encoding.TAIL),
            ("(it is more than {:.0f} times that of the values", table_encoding.HEAVY),
            ("because {} others were commoner", table_encoding.MOST_LEVELS),
            ("cut to [−{0:.0f}, {0:.0f}]", reshaping.REACH),
            ("a soft floor of −{:.0f},", -gaussian.FLOOR),
            ("and of −{:.0f} for `student`", -student.FLOOR),
            ("log t₁₀((x − μ) / σ_d)", student.FREEDOM == 10),
            ("at least {:,} steps", neural.LEAST_STEPS),
            ("at least {} passes over a table", neural.LEAST_EPOCHS),
            ("or {} over pictures", neural.LEAST_PICTURE_EPOCHS),
            ("about every {} steps", neural.STEPS_PER_LOOK),
            ("saved every {:.0f} seconds", Schedule.every),
            ("Work below 5·10⁸ floating-point operations", threads.SMALL == 5e8),
        ],
    )
    def test_the_concepts_know_the_constants(self, sentence, constant):
        """A number in the text is the number in the code."""
        assert constant
        assert sentence.format(constant) in text_of("concepts.md")

    @pytest.mark.parametrize("name", having("members"))
    def test_auto_means_what_the_table_says(self, name):
        """Codes, likelihood, network and members of a table with 7 columns, and of gray and color pictures."""
        header, rows = table(section(page("detectors.md"), "### What auto means"))
        meant = {row[0].replace("`", ""): dict(zip(header[1:], row[1:], strict=True)) for row in rows}
        rng = np.random.default_rng(0)
        for what, shape in (("table", (20, 7)), ("gray pictures", (8, 4, 4)), ("color pictures", (8, 4, 4, 3))):
            detector = detectors.NAMES[name](epochs=1, random_state=0).fit(rng.random(shape))
            assert detector.model_.members == int(meant["members"][what])
            resolved = detector.resolved(detector.encoder_.layout)
            if detector.get_params().get("latent") == "auto":
                codes = meant[f"latent of {name}"][what].replace("a third of the columns, rounded up", "3")
                assert resolved["latent"] == int(codes)
            owner = "network" if isinstance(detector, DecodingDetector) else "network of the others"
            assert resolved["network"] == meant[owner][what].strip("`")
            if isinstance(detector, DecodingDetector):
                assert detector.embed(rng.random(shape)).shape[1] == resolved["latent"]
                named = likelihoods.from_layout(detector.encoder_.layout, meant["likelihood"][what], 1)
                assert str(named.state_dict().keys()) == str(detector.model_.likelihood.state_dict().keys())
                assert type(named) is type(detector.model_.likelihood)


class TestLinks:
    @pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
    def test_relative_links_resolve(self, path):
        """To a file or folder that exists, and to a heading that it has."""
        text = path.read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
            if "://" in link:
                continue
            file, _, anchor = link.partition("#")
            there = (path.parent / file).resolve() if file else path
            assert there.exists(), link
            assert not anchor or anchor in headings(there.read_text(encoding="utf-8")), link

    def test_every_page_can_be_found(self):
        """Each page of docs/ is linked from another one, from the README or from CONTRIBUTING."""
        texts = {path: path.read_text(encoding="utf-8") for path in PAGES}
        for path in PAGES[3:]:
            linked = any(path.name in text for other, text in texts.items() if other != path)
            assert linked, path.name


class TestSnippets:
    @pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
    def test_python_compiles_and_command_lines_parse(self, path):
        """Every block of Python, and every `$ oodles …` line: its command and options exist."""
        text = path.read_text(encoding="utf-8")
        for number, code in enumerate(blocks(text, "python"), 1):
            compile(code, f"{path.name}, block {number}", "exec")
        for name, *words in filter(None, command_lines(text)):
            if not name.startswith("-") and "--help" not in words:
                COMMANDS[name].make_context(name, words)

    def test_the_tour_runs(self, tmp_path, monkeypatch, capsys):
        """All its Python and all its command lines, in their order; both write the same model. With fewer epochs."""
        monkeypatch.chdir(tmp_path)
        names = {"__name__": "tour"}
        for kind, code in FENCE.findall(FEW_EPOCHS.sub(r"epochs\g<1>2", page("tour.md"))):
            if kind == "python":
                exec(compile(code, "docs/tour.md", "exec"), names)
            for words in command_lines(f"```{kind}\n{code}```\n"):
                with pytest.raises(SystemExit) as stop:
                    main(words)
                assert stop.value.code == 0, (words, capsys.readouterr().err)

        for file in ("config.json", "model.safetensors", "README.md"):
            from_python, from_commands = (tmp_path / f"{model}.oodles" / file for model in ("same", "cells"))
            assert from_python.read_bytes() == from_commands.read_bytes(), file
