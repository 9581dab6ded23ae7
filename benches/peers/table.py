"""What was measured, as Markdown and as JSON."""
import importlib.metadata
import os
import platform
import subprocess
from statistics import median


def fields(path, *names):
    """The first value of each name in a file of `name: value` lines."""
    found = {}
    try:
        for line in open(path):
            name, _, value = line.partition(":")
            found.setdefault(name.strip(), value.strip())
    except OSError:
        pass
    return [found.get(name) for name in names]


def machine():
    (model,) = fields("/proc/cpuinfo", "model name")
    (memory,) = fields("/proc/meminfo", "MemTotal")
    return {
        "cpu": model or platform.processor() or "unknown CPU",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": int(memory.split()[0]) * 1024 if memory else None,
        "kernel": f"{platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 2),
    }


def versions(onefold, contestants):
    said = subprocess.run([onefold, "--version"], capture_output=True, text=True).stdout.split() or ["?"]
    packages = sorted({p for c in contestants for p in c.needs})
    return {"onefold": said[-1], **{p: importlib.metadata.version(p) for p in packages}, "Python": platform.python_version()}


def describe(report):
    """The lines above the table."""
    m, w = report["machine"], report["workload"]
    memory = f", {m['memory_bytes'] / 1e9:.1f} GB memory" if m["memory_bytes"] else ""
    limit = f", memory limit {w['memory']}" if w["memory"] else ""
    threads = f", {w['threads']} threads" if w["threads"] else ""
    return [
        f"**{w['name']}**: {w['customers']:,} customers, {w['rows']:,} rows in, {w['bytes'] / 1e6:,.0f} MB in{limit}{threads}; CSV and Parquet written  ",
        f"{m['cpu']}, {m['cores']} cores{memory}, {m['kernel']}, load {m['load']} at the start  ",
        ", ".join(f"{name} {version}" for name, version in report["versions"].items()),
    ]


def summary(runs, rows):
    """The medians of the runs of one contestant."""
    walls = [r.wall for r in runs]
    cpu = median(r.cpu for r in runs)
    return {
        "wall": median(walls),
        "wall_min": min(walls),
        "wall_max": max(walls),
        "cpu": cpu,
        "cpu_us_per_row": cpu * 1e6 / rows,
        "peak_rss_bytes": median(r.rss for r in runs),
    }


def line(result, base):
    """A contestant's row."""
    label = f"**{result['label']}**" if result["name"] == "onefold" else result["label"]
    m = result["median"]
    if m is None:
        return f"| {label} | {plain(result['failure'])} | | | | | 0 |"
    spread = f" ({m['wall_min']:.2f}–{m['wall_max']:.2f})" if len(result["runs"]) > 1 else ""
    ratio = f"{m['wall'] / base:.2f} ×" if base else ""
    note = f", then {plain(result['failure'])}" if result["failure"] else ", over a minute" if result["slow"] else ""
    return (
        f"| {label} | {m['wall']:.2f} s{spread} | {ratio} | {m['cpu']:.2f} s | {m['cpu_us_per_row']:.2f} | "
        f"{m['peak_rss_bytes'] / 1e9:.2f} GB | {len(result['runs'])}{note} |"
    )


def plain(text):
    return text.replace("|", "\\|")


def markdown(report):
    base = next((r["median"]["wall"] for r in report["results"] if r["name"] == "onefold" and r["median"]), None)
    head = ["| | wall, median (min–max) | against onefold | CPU | CPU µs per row in | peak memory | runs |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*describe(report), "", *head, *(line(r, base) for r in report["results"])])
