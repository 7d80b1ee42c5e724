"""Says how much of each room the tests reach, and fails if a core room is below its share of branches.

Run after `coverage combine`.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

LEAST = 95.0

CORE = {
    "model": ("reconciler/model/",),
    "engine": ("reconciler/engine/",),
    "convert": (
        "reconciler/providers/s3/convert.py", "reconciler/providers/s3/document.py",
        "reconciler/providers/s3/rewrite.py", "reconciler/providers/s3/rules.py",
        "reconciler/providers/qumulo/convert.py", "reconciler/providers/bos/convert.py",
        "reconciler/providers/alarik/convert.py", "reconciler/providers/alarik/order.py",
        "reconciler/providers/scp/convert.py", "reconciler/providers/clonecloudstore/convert.py",
        "reconciler/providers/clonecloudstore/steps.py", "reconciler/providers/clonecloudstore/survey.py",
    ),
}  # fmt: skip


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(path)], check=True)
        files = json.loads(path.read_text())["files"]
    rooms: dict[str, list[dict[str, int]]] = defaultdict(list)
    for name, facts in sorted(files.items()):
        parts = Path(name).parts
        rooms[parts[1] if len(parts) > 2 else "(top)"].append(facts["summary"])
        for room, prefixes in CORE.items():
            if room not in parts and name.startswith(prefixes):
                rooms[room].append(facts["summary"])
    print(f"{'room':12} {'lines':>7} {'branches':>9}")
    short = []
    for room, summaries in sorted(rooms.items()):
        lines, branches = (share(summaries, kind) for kind in ("statements", "branches"))
        print(f"{room:12} {lines:6.1f}% {branches:8.1f}%")
        if room in CORE and branches < LEAST:
            short.append(f"{room}: {branches:.1f} % of its branches, not {LEAST} %")
    for line in short:
        print(line, file=sys.stderr)
    return 1 if short else 0


def share(summaries: list[dict[str, int]], kind: str) -> float:
    covered = "covered_lines" if kind == "statements" else "covered_branches"
    total = sum(summary[f"num_{kind}"] for summary in summaries)
    return 100.0 * sum(summary[covered] for summary in summaries) / total if total else 100.0


if __name__ == "__main__":
    sys.exit(main())
