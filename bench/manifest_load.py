"""How long loading 10,000 replications in 200 files takes beside PyYAML's C loader only parsing them, in one run.

python bench/manifest_load.py [replications] [files]

Loading here means all of it: finding and reading the files, parsing with places, variables, defaults by label,
validation to models with options, references. The other side parses the same bytes, already read.
"""

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from reconciler.manifest.load import load
from reconciler.model.manifest import Config, Options

ROUNDS = 7

WORKSPACE = """\
apiVersion: repl/v1
kind: Workspace
metadata: {name: bench}
spec:
  vars: {stage: prod}
  defaults:
    - match: {tier: gold}
      spec: {deletes: keep, schedule: {every: 5m}, verify: {within: 20m}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: aws-eu, labels: {jurisdiction: eu}}
spec: {cloud: {region: eu-west-1}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: aws-us}
spec: {cloud: {region: us-east-1}}
"""

REPLICATION = """\
apiVersion: repl/v1
kind: Replication
metadata: {{name: logs-{n}, labels: {{team: platform, tier: gold}}}}
spec:
  source:      {{provider: aws-eu, bucket: logs-{n}, prefix: app/}}
  destination: {{provider: aws-us, bucket: "{{{{ vars.stage }}}}-logs-{n}"}}
  state: active              # active | paused
  existing: copy             # what was there before the rule
  storageClass: STANDARD_IA
  filter: {{exclude: ["*.tmp"], tags: {{class: hot}}}}
  protect: true
  verify: {{level: canary}}
  cloud: {{priority: {n}}}
"""


class CloudConfig(Config):
    """A connection."""

    region: str


class CloudOptions(Options):
    """Options."""

    priority: int | None = None


class OneType:
    """The catalog of this benchmark."""

    types = ("cloud",)

    def models(self, _: str, /) -> tuple[type[Config], type[Options]]:
        return CloudConfig, CloudOptions


def write(folder: Path, replications: int, files: int) -> list[bytes]:
    """Write the workspace and return what every file holds."""
    shares = [range(file, replications, files - 1) for file in range(files - 1)]
    texts = [WORKSPACE, *("---\n".join(REPLICATION.format(n=n) for n in share) for share in shares)]
    for number, text in enumerate(texts):
        (folder / f"{number:04}.yaml").write_text(text)
    return [text.encode() for text in texts]


def parse(contents: list[bytes]) -> None:
    """Parse every file as PyYAML does it, one after the other."""
    for data in contents:
        list(yaml.load_all(data, Loader=yaml.CSafeLoader))


def without_collector(work: Callable[[], object]) -> None:
    """Run with the cyclic collector off, as `load` does."""
    gc.disable()
    try:
        work()
    finally:
        gc.enable()


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of one run."""
    gc.collect()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Measure both sides by turns and print the medians."""
    replications, files = (int(text) for text in (sys.argv[1:] + ["10000", "200"][len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contents = write(folder, replications, files)
        loaded = load([folder], catalog=OneType())
        assert len(loaded.replications) == replications
        assert not loaded.findings
        del loaded
        sides: dict[str, Callable[[], object]] = {
            "CSafeLoader, parsing only": lambda: parse(contents),
            "the same, collector off": lambda: without_collector(lambda: parse(contents)),
            "load, everything": lambda: load([folder], catalog=OneType()),
        }
        taken: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(ROUNDS):
            for side, work in sides.items():
                taken[side].append(timed(work))
    size = sum(map(len, contents)) / 1024**2
    print(f"{replications:,} replications in {files} files, {size:.1f} MiB, medians of {ROUNDS} rounds taken by turns")
    medians = {side: statistics.median(times) for side, times in taken.items()}
    base = medians["CSafeLoader, parsing only"]
    for side, times in taken.items():
        print(f"{side:27} {medians[side]:6.2f} s  ({min(times):.2f}-{max(times):.2f})  {medians[side] / base:5.2f} x")


if __name__ == "__main__":
    main()
