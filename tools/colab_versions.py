"""Compare Colab's packages of today with tests/colab-packages.txt.

    python -m tools.colab_versions < pip-freeze.txt

Reads a list as Colab publishes it (googlecolab/backend-info). Exit code 1
where a package that the book uses is gone or has a new major version.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
USED = ("torch", "numpy", "scipy", "matplotlib", "pandas", "scikit-learn",
        "statsmodels", "mlxtend", "ipykernel", "ipython")


def versions(text: str) -> dict[str, str]:
    """Package -> version, from `name==1.2` and `name @ .../name-1.2-...`."""
    found = {}
    for line in text.splitlines():
        match = (re.match(r"([\w.-]+)==([\w.]+)", line) or
                 re.match(r"([\w.-]+) @ \S+/[^/-]+-(\d[\d.]*)", line))
        if match:
            found[match[1].lower().replace("_", "-")] = match[2]
    return found


def compare(then: dict[str, str], now: dict[str, str]) -> list[str]:
    """What changed so much that somebody should look, in words."""
    found = []
    for name in USED:
        if name not in now:
            found.append(f"{name} is no longer in Colab")
        elif now[name].split(".")[0] != then.get(name, "").split(".")[0]:
            found.append(f"{name} was {then.get(name, 'absent')}, is now "
                         f"{now[name]}")
    return found


def main() -> int:
    then = versions((ROOT / "tests" / "colab-packages.txt").read_text(
        encoding="utf-8"))
    found = compare(then, versions(sys.stdin.read()))
    print("\n".join(found) or "No package that the book uses has a new major "
          "version in Colab.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
