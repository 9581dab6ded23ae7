"""The workloads by name: which data, which contestants, and how each is started."""
import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Contestant:
    """onefold (no script), or a peer's script; all leave `profiles.csv` and `profiles.parquet` in their output folder."""

    name: str
    label: str
    script: str = ""
    needs: tuple = ()
    arguments: tuple = ()
    threads: str = ""  # the flag for the number of threads, or in capitals the variable
    memory: str = ""  # the flag for the memory limit


@dataclass(frozen=True)
class Workload:
    name: str
    profile: str
    customers: int
    contestants: list = field(default_factory=list)
    limited: bool = False


def polars(script, engine):
    return Contestant(f"polars-{engine}", f"Polars, {engine}", script, ("polars",), ("--engine", engine), "POLARS_MAX_THREADS")


def duckdb(script):
    return Contestant("duckdb", "DuckDB", script, ("duckdb",), (), "--threads", "--memory")


ONEFOLD = Contestant("onefold", "onefold", threads="--threads", memory="--memory-limit")
PANDAS = Contestant("pandas", "pandas", "pandas_default.py", ("pandas", "pyarrow"))
DEFAULT = [
    ONEFOLD,
    polars("polars_default.py", "in-memory"),
    polars("polars_default.py", "streaming"),
    duckdb("duckdb_default.py"),
    PANDAS,
]
EVENTS = [ONEFOLD, polars("polars_events.py", "in-memory"), polars("polars_events.py", "streaming"), duckdb("duckdb_events.py")]

WORKLOADS = {
    w.name: w
    for w in (
        Workload("default", "default", 1_000_000, DEFAULT),
        Workload("events", "events", 1_000_000, EVENTS),
        Workload("default-limited", "default", 10_000_000, [ONEFOLD, duckdb("duckdb_default.py")], limited=True),
    )
}


@dataclass(frozen=True)
class Setting:
    """Where things lie and what all contestants are told alike."""

    onefold: Path
    work: Path
    data: Path
    memory: str | None
    threads: int | None

    def output(self, contestant):
        return self.work / "out" / contestant.name

    def kept(self, contestant):
        """The Parquet file of its first run, for the check."""
        return self.work / "kept" / f"{contestant.name}.parquet"


def command(contestant, workload, setting):
    """The command line and the environment that start a contestant."""
    out = setting.output(contestant)
    if contestant.script:
        line = [sys.executable, str(HERE / contestant.script), str(setting.data), str(out / "profiles")]
    else:
        line = [str(setting.onefold), "run", "--quiet", "--input", str(setting.data), "--output", str(out)]
        if workload.profile != "default":
            line += ["--profile", str(setting.data / "profile.toml")]
    line += contestant.arguments
    env = {}
    if setting.memory and contestant.memory:
        line += [contestant.memory, setting.memory]
    if setting.threads and contestant.threads.isupper():
        env[contestant.threads] = str(setting.threads)
    elif setting.threads and contestant.threads:
        line += [contestant.threads, str(setting.threads)]
    return line, env


def missing(contestant):
    """What a contestant lacks to run; None when it can."""
    absent = [p for p in contestant.needs if importlib.util.find_spec(p) is None]
    return f"{sys.executable} has no {' and '.join(absent)}; see README.md beside peers.py" if absent else None
