"""A contest: rounds in which each contestant runs once, and the check of the cells after the first of them."""
import importlib.util
import os
import shutil
import subprocess
import sys

from measure import run
from workloads import HERE, command

# Seconds; a contestant whose first run takes longer is not run again.
SLOW = 60


def say(text):
    print(text, file=sys.stderr, flush=True)


class Contest:
    """Who takes part, and what came of it: `results` by name, and `cells`, what the check found, or None without one."""

    def __init__(self, workload, setting, able, time_limit):
        self.workload, self.setting, self.able, self.time_limit = workload, setting, able, time_limit
        self.results = {c.name: {"name": c.name, "label": c.label, "runs": [], "failure": None, "slow": False} for c in able}
        self.cells = None

    def hold(self, rounds, warm_up, check):
        """All rounds. Returns why no cells were compared; None when they were."""
        kept = self.setting.work / "kept"
        reason = "not asked for"
        for number in range(-1 if warm_up else 0, rounds):
            self.clear(kept)
            kept.mkdir()
            self.round(number, keep=check and number == 0)
            if number == 0 and check:
                reason = self.uncheckable()
                self.cells = None if reason else self.check()
        self.clear(kept)
        return reason

    def round(self, number, keep):
        """Each contestant once; the order moves on with each round, so that nobody always follows the same one."""
        start = number % len(self.able) if number > 0 else 0
        for contestant in self.able[start:] + self.able[:start]:
            result = self.results[contestant.name]
            if result["failure"] is not None or result["slow"]:
                continue
            one = self.run(contestant, keep)
            told = one.failure or f"{one.wall:.2f} s, {one.cpu:.2f} CPU-s, {one.rss / 1e9:.2f} GB"
            say(f"{'warm-up' if number < 0 else f'round {number + 1}'} {contestant.name}: {told}")
            result["failure"] = one.failure
            if one.failure is None and number >= 0:
                result["runs"].append(one)
                result["slow"] = number == 0 and one.wall > SLOW

    def run(self, contestant, keep):
        """One measured run. `keep` leaves its Parquet file for the check."""
        out = self.setting.output(contestant)
        self.clear(out)
        out.mkdir(parents=True)
        line, env = command(contestant, self.workload, self.setting)
        one = run(line, self.setting.work / f"{contestant.name}.log", env, self.time_limit)
        if one.failure is None and not (out / "profiles.parquet").is_file():
            one.failure = "wrote no `profiles.parquet`"
        if keep and one.failure is None:
            (out / "profiles.parquet").replace(self.setting.kept(contestant))
        self.clear(out)
        return one

    @staticmethod
    def clear(folder):
        """Removes a folder and lets the disk come to rest: no run pays for the writes of the one before."""
        shutil.rmtree(folder, ignore_errors=True)
        os.sync()

    def failed(self, name):
        return name in self.results and self.results[name]["failure"] is not None

    def uncheckable(self):
        """Why cells cannot be compared; None when they can."""
        if self.able[0].name != "onefold":
            return "onefold is not among the contestants"
        if self.failed("onefold"):
            return "onefold failed"
        if all(self.failed(c.name) for c in self.able[1:]):
            return "there is no peer's output to compare with"
        return None if importlib.util.find_spec("pyarrow") else f"{sys.executable} has no pyarrow"

    def check(self):
        """Compares each peer's cells with onefold's, in a process of its own."""
        ours, *peers = self.able
        found = {}
        for peer in peers:
            if self.failed(peer.name):
                found[peer.name] = {"same": None, "text": "not compared: it failed"}
                continue
            files = [self.setting.kept(ours), self.setting.kept(peer)]
            compared = subprocess.run([sys.executable, HERE / "compare.py", *files], capture_output=True, text=True)
            text = (compared.stdout + compared.stderr).strip()
            found[peer.name] = {"same": compared.returncode == 0, "text": text}
            say(f"cells of {peer.name}: {text.splitlines()[-1] if text else 'no answer'}")
        return found
