"""Put first on a kernel's path: it refuses what Colab does not have.

A package that is missing there raises the same error here, so that code
which can do without it still does.  Only kernels are concerned.
"""

import os
import sys

if "ipykernel_launcher" in sys.orig_argv:
    MISSING = frozenset(os.environ["LAB1784_MISSING"].split())

    class Refuse:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition(".")[0] in MISSING:
                raise ModuleNotFoundError(
                    f"No module named {name!r} in Colab "
                    "(tests/colab-packages.txt)", name=name)
            return None

    sys.meta_path.insert(0, Refuse)
