"""`python -m bench [name …]`: run the measurements one after the other and repeat their result lines at the end."""

import subprocess
import sys

from bench.common import ROOT

NAMES = (
    "send_rate",
    "send_rate --sqlite",
    "send_tls",
    "latency",
    "text_rate",
    "paced",
    "growth",
    "million",
    "peers",
    "import_contacts",
    "panel",
    "kill",
)


def main() -> int:
    """Run those that are named, all by default; 1 when one fell short or failed."""
    results: list[str] = []
    for name in [" ".join(sys.argv[1:])] if sys.argv[1:] else NAMES:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", *f"bench.{name}".split()]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            for line in running.stdout:
                print(line, end="", flush=True)
                if line.rstrip().endswith((" ok", " short")):
                    results.append(line.rstrip())
        if running.returncode:
            results.append(f"{name}: failed short")
    print("\n".join(["== results", *results]))
    return int(any(line.endswith("short") for line in results))


if __name__ == "__main__":
    sys.exit(main())
