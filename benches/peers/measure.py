"""One run of one command in a process of its own, and what it cost: wall time, CPU time and peak memory, by wait4.

This process stays small and imports nothing of the peers: Linux counts the parent's peak into its child's.
"""
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass


@dataclass
class Run:
    """What a run cost. `failure` is None, or says why there is nothing to count."""

    wall: float
    cpu: float
    rss: int
    failure: str | None = None


def run(command, log, env, time_limit):
    """Runs a command; what it says goes to the file `log`."""
    with open(log, "wb") as said:
        start = time.perf_counter()
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env={**os.environ, **env})
        except OSError as error:
            return Run(0.0, 0.0, 0, f"cannot start `{command[0]}`: {error.strerror}")
        late = threading.Event()
        timer = threading.Timer(time_limit, lambda: (late.set(), child.kill()))
        timer.start()
        try:
            _, status, used = os.wait4(child.pid, 0)
            wall = time.perf_counter() - start
            child.returncode = os.waitstatus_to_exitcode(status)
        finally:
            timer.cancel()
    failure = f"stopped after {time_limit:g} s" if late.is_set() else why(child.returncode, log)
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, failure)


def why(code, log):
    """Why a run failed, by its exit code and the last error it told, else its last line; None when it did not."""
    if code == 0:
        return None
    if code == -signal.SIGKILL:
        return "killed by SIGKILL: out of memory?"
    cause = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    with open(log, errors="replace") as said:
        lines = [line.strip() for line in said if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return f"{cause}: {(errors or lines)[-1][:200]}" if lines else cause
