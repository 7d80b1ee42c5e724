"""How long `repl --help` and `repl --version` take beside `python -c "import typer"`, in one run.

python bench/start_up.py
"""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c 'import typer'": [sys.executable, "-c", "import typer"],
    "repl --help": [sys.executable, "-m", "reconciler", "--help"],
    "repl --version": [sys.executable, "-m", "reconciler", "--version"],
}


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(15):
        for name, command in COMMANDS.items():
            begun = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - begun)
    base = statistics.median(times["python -c 'import typer'"])
    for name, taken in times.items():
        print(f"{name:26} {statistics.median(taken) / base:5.2f} x")


if __name__ == "__main__":
    main()
