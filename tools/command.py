"""Run one of the book's commands: python -m tools.command NAME [WORD...]

It runs tools/NAME.py, and says in one sentence what may end any of them:
Ctrl-C, a place that cannot be written, a package that is not there.
"""

from __future__ import annotations

import errno
import runpy
import sys

UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC,
              errno.EDQUOT)


def main(name: str, *words: str) -> int:
    sys.argv = [f"tools/{name}.py", *words]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")   # a terminal without Korean
    try:
        runpy.run_module(f"tools.{name}", run_name="__main__",
                         alter_sys=True)
    except KeyboardInterrupt:
        print(f"\nInterrupted: run the same command again, and make {name} "
              "goes on or begins anew.", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("tools", "lab1784"):
            raise
        print(f"The Python at {sys.executable} does not have {error.name}: "
              "run make without PY=, or install requirements.txt there.",
              file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        print(f"{error.filename or 'A file'} cannot be written "
              f"({error.strerror}): work in a copy of the book that is "
              "yours, on a disk with room.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
