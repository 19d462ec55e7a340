"""The bridge to SDV and CTGAN: a child process reads the pickle, nobody else does, and what it says is checked."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients.cli.bridge import child
from clients.cli.bridge.exporting import metadata_document
from clients.cli.bridge.sampling import sample_rows
from clients.sdk.errors import SensorForgeClientError

Command = Callable[..., Any]
REPOSITORY = Path(__file__).parents[2]


class Runs:
    """Unpickles by running a program, as a hostile file does."""

    def __init__(self, program: str) -> None:
        self.program = program

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self.program,)


class Gives:
    """Unpickles as an object whose `sample(rows)` is what a program defines. Needs no package but those it names."""

    def __init__(self, program: str) -> None:
        self.program = f"{program}\nModel = type('Model', (), {{'sample': lambda self, rows: sample(rows)}})"

    def __reduce__(self) -> tuple[Any, ...]:
        made = f"(lambda space: exec({self.program!r}, space) or space['Model']())({{'__name__': 'foreign'}})"
        return eval, (made,)


FRAME = """
import pandas, numpy
def sample(rows):
    draw = numpy.random.default_rng(0)
    current = 20 + draw.normal(0, 2, rows)
    return pandas.DataFrame({'bearing_temp_C': 40 + current + draw.normal(0, 1, rows), 'current_A': current})
"""


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[object], Path]:
    """Returns a function that pickles an object into a file."""

    def write(thing: object) -> Path:
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(thing))
        return path

    return write


def refusal(model: Path, directory: Path, **options: Any) -> SensorForgeClientError:
    with pytest.raises(SensorForgeClientError) as raised:
        sample_rows(model, 10, directory, **options)
    return raised.value


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Returns the child's working directory."""
    (tmp_path / "child").mkdir()
    return tmp_path / "child"


def test_rows_of_a_model_come_back_as_text(saved: Callable[[object], Path], directory: Path) -> None:
    sampled = sample_rows(saved(Gives(FRAME)), 120, directory)
    assert (sampled.rows, sampled.columns) == (120, ("bearing_temp_C", "current_A"))
    lines = sampled.file.read_text().splitlines()
    assert lines[0] == "bearing_temp_C,current_A"
    assert len(lines) == 121


def test_a_model_of_sdv_2_gives_its_one_table(saved: Callable[[object], Path], directory: Path) -> None:
    wrapped = FRAME.replace("return pandas", "return {'rows': pandas").replace("current})", "current})}")
    assert sample_rows(saved(Gives(wrapped)), 100, directory).rows == 100


@pytest.mark.parametrize(
    ("thing", "word"),
    [
        ({"weights": [1, 2]}, "no method `sample`"),
        (Gives("def sample(rows): return [1] * rows"), "not a table"),
        (Gives("def sample(rows): return {'a': 1, 'b': 2}"), "2 tables"),
    ],
)
def test_what_is_no_model_of_one_table_is_refused(
    saved: Callable[[object], Path], directory: Path, thing: object, word: str
) -> None:
    error = refusal(saved(thing), directory)
    assert error.reason == "IMPORT_REFUSED"
    assert word in error.message


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os; os.kill(os.getpid(), 9)", "signal 9 (SIGKILL)"),
        ("raise RuntimeError('made on a GPU')", "RuntimeError: made on a GPU"),
        ("import sys; sys.exit(0)", "said nothing"),
        ("import os; os._exit(3)", "exit code 3"),
        ("open('outcome.json', 'w').write('[1]'); import os; os._exit(0)", "not understood"),
    ],
)
def test_a_child_that_comes_down_is_told_about_in_a_sentence(
    saved: Callable[[object], Path], directory: Path, program: str, words: str
) -> None:
    error = refusal(saved(Runs(program)), directory)
    assert error.reason == "IMPORT_FAILED"
    assert words in error.message
    assert "--python" in error.remedy


def test_a_missing_package_names_the_extra(saved: Callable[[object], Path], directory: Path) -> None:
    error = refusal(saved(Runs("import a_package_that_is_nowhere")), directory)
    assert error.reason == "SDV_MISSING"
    assert "sensorforge[sdv]" in error.remedy


def test_a_file_that_is_no_pickle_is_not_read_as_one(tmp_path: Path, directory: Path) -> None:
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    assert refusal(tmp_path / "table.csv", directory).reason == "IMPORT_FAILED"


def test_an_interpreter_that_is_not_there_is_named(saved: Callable[[object], Path], directory: Path) -> None:
    error = refusal(saved(Gives(FRAME)), directory, python="/nowhere/python")
    assert error.reason == "PYTHON_UNUSABLE"
    assert "/nowhere/python" in error.message


def test_a_child_that_does_not_end_is_ended_with_all_it_started(
    saved: Callable[[object], Path], directory: Path
) -> None:
    program = (
        "import subprocess, sys\n"
        "started = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('started', 'w').write(str(started.pid))\n"
        "import time; time.sleep(600)"
    )
    assert refusal(saved(Runs(program)), directory, timeout_s=6).reason == "IMPORT_TIMEOUT"
    grandchild = int((directory / "started").read_text())
    assert _ends(grandchild)


def _ends(process: int) -> bool:
    """Returns whether a process that was killed is gone, which the kernel may see to a little later."""
    deadline = time.monotonic() + 10
    while _runs(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not _runs(process)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")


def test_the_child_has_none_of_our_secrets(
    saved: Callable[[object], Path], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSORFORGE_TOKEN", "ours")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours")
    program = "import json, os; open('seen', 'w').write(json.dumps(dict(os.environ))); os._exit(1)"
    refusal(saved(Runs(program)), directory)
    seen = json.loads((directory / "seen").read_text())
    assert "ours" not in seen.values()
    assert not [name for name in seen if name.startswith(("SENSORFORGE_", "AWS_"))]
    assert seen["HOME"] == str(directory)


def test_nothing_but_the_child_unpickles() -> None:
    """No module of services, SDK or front ends imports a way to unpickle; the child imports nothing of ours."""
    ways = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "_pickle"}
    found = set()
    for path in (*REPOSITORY.glob("services/**/*.py"), *REPOSITORY.glob("clients/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if ways & {name.split(".")[0] for name in names}:
                found.add(path.relative_to(REPOSITORY).as_posix())
    assert found == {"clients/cli/bridge/child.py"}
    imports = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(Path(child.__file__).read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert not imports & {"services", "clients", "sensorforge"}


# The commands ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(here: Command, services: str, tmp_path: Path) -> Command:
    """Returns a function that runs a command against the real services, where the machine `foreign` is registered."""
    (tmp_path / "foreign.yaml").write_text(
        "machine_id: foreign\nsensors:\n  - {name: bearing_temp_C, unit: °C, min: 0, max: 150}\n"
        "  - {name: current_A, unit: A, min: 0, max: 100}\n",
        "utf-8",
    )

    def run(*arguments: str) -> Any:
        return here(*arguments, SENSORFORGE_ENDPOINT=services)

    assert run("machines", "add", "foreign.yaml").returncode == 0
    return run


def test_nothing_is_read_before_a_person_agreed(here: Command, saved: Callable[[object], Path], tmp_path: Path) -> None:
    trace = tmp_path / "it-ran"
    model = saved(Runs(f"open({str(trace)!r}, 'w')"))
    done = here("models", "import", str(model), "--machine", "foreign")
    assert done.returncode == 2
    assert "runs whatever code is in it" in done.stderr
    assert "IMPORT_NOT_CONFIRMED" in done.stderr
    assert not trace.exists()


def test_a_hostile_file_brings_down_its_own_process_alone(
    served: Command, saved: Callable[[object], Path], tmp_path: Path
) -> None:
    trace = tmp_path / "who"
    program = (
        f"import os, signal; open({str(trace)!r}, 'w').write(str(os.getpid())); os.kill(os.getpid(), signal.SIGSEGV)"
    )
    done = served("models", "import", str(saved(Runs(program))), "--machine", "foreign", "--yes", "--json")
    assert done.returncode == 5
    assert json.loads(done.stdout)["error"]["reason"] == "IMPORT_FAILED"
    assert int(trace.read_text()) != os.getpid()
    assert served("machines", "show", "foreign").returncode == 0
    assert json.loads(served("models", "list", "foreign", "--json").stdout)["models"] == []


def test_an_imported_model_is_ours_trained_on_its_rows_and_its_lineage_says_so(
    served: Command, saved: Callable[[object], Path], tmp_path: Path
) -> None:
    model = saved(Gives(FRAME))
    arguments = ("models", "import", str(model), "--machine", "foreign", "--rows", "400", "--epochs", "3", "--yes")
    done = served(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["is_default"]
    shown = json.loads(served("models", "show", made["model"], "--json").stdout)
    assert (shown["origin"], shown["metrics"]["rows_seed"] > 300) == ("seed", True)
    (seeds,) = [item for item in shown["lineage"] if item["operation"] == "refine.seed"]
    assert seeds["params"]["imported_from"] == made["imported_from"]
    assert "model.pkl" in made["imported_from"]
    assert json.loads(served(*arguments, "--json").stdout)["model"] == made["model"]
    history = json.loads(served("models", "history", "foreign", "--json").stdout)["history"]
    assert [(entry["version"], entry["model"], entry["reason"]) for entry in history] == [
        (1, made["model"], "first model")
    ]
    exported = served("models", "export", made["model"], "--rows", "50", "--out", "for-sdv", "--json")
    assert exported.returncode == 0, exported.stderr
    lines = (tmp_path / "for-sdv" / "rows.csv").read_text().splitlines()
    assert len(lines) == 51
    metadata = json.loads((tmp_path / "for-sdv" / "metadata.json").read_text())
    assert list(metadata["tables"]["rows"]["columns"]) == lines[0].replace('"', "").split(",")


def test_rows_that_fit_no_sensor_need_review_before_anything_is_trained(
    served: Command, saved: Callable[[object], Path]
) -> None:
    strange = FRAME.replace("bearing_temp_C", "xq1").replace("current_A", "xq2")
    done = served("models", "import", str(saved(Gives(strange))), "--machine", "foreign", "--rows", "200", "--yes")
    assert done.returncode == 6
    assert "--map" in done.stderr


# SDV's own ------------------------------------------------------------------------------------------------------------


def test_metadata_describes_numbers_texts_and_times() -> None:
    columns = [("a", "double"), ("b", "int64"), ("c", "string"), ("d", "bool"), ("e", "timestamp[us, tz=UTC]")]
    described = metadata_document(columns)["tables"]["rows"]["columns"]
    assert [described[name]["sdtype"] for name, _ in columns] == [
        "numerical", "numerical", "categorical", "categorical", "datetime",
    ]  # fmt: skip


@pytest.mark.skipif(importlib.util.find_spec("sdv") is None, reason="sdv is not installed")
def test_models_that_sdv_and_ctgan_saved_are_sampled_and_sdv_reads_our_metadata(tmp_path: Path) -> None:
    program = """
import json, sys, warnings
warnings.filterwarnings("ignore")
import numpy, pandas
from ctgan import CTGAN
from sdv.metadata import Metadata
from sdv.single_table import TVAESynthesizer
draw = numpy.random.default_rng(0)
current = 20 + draw.normal(0, 2, 200)
state = draw.choice(["on", "off"], 200)
table = pandas.DataFrame({"bearing_temp_C": 40 + current, "current_A": current, "state": state})
metadata = Metadata.load_from_json("metadata.json")
metadata.validate()
tvae = TVAESynthesizer(metadata, epochs=1)
tvae.fit({"rows": table})
tvae.save("tvae.pkl")
ctgan = CTGAN(epochs=1, batch_size=100)
ctgan.fit(table, ["state"])
ctgan.save("ctgan.pkl")
"""
    columns = [("bearing_temp_C", "double"), ("current_A", "double"), ("state", "large_string")]
    (tmp_path / "metadata.json").write_text(json.dumps(metadata_document(columns)))
    made = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    for name in ("tvae", "ctgan"):
        directory = tmp_path / name
        directory.mkdir()
        sampled = sample_rows(tmp_path / f"{name}.pkl", 30, directory)
        assert (sampled.rows, sampled.columns) == (30, ("bearing_temp_C", "current_A", "state"))
