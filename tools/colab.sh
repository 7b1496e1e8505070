#!/bin/sh
# The notebooks and the techniques with the versions that Colab has:
# sh tools/colab.sh [pytest arguments]. A second environment, .venv-colab, on
# Colab's Python; versions from tests/colab-packages.txt. Several GB on Linux,
# where the package index holds PyTorch's CUDA build.
set -eu
venv=.venv-colab list=tests/colab-packages.txt
python=${PYTHON:-python3.13}
if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then
    echo "Colab runs Python 3.13, and $python is not that: name one with PYTHON=." >&2
    exit 1
fi
# The stamp holds both lists and this script: a package added is installed.
if ! cat "$list" requirements.txt tools/colab.sh | cmp -s - "$venv/colab.installed"; then
    echo "Installing Colab's versions into $venv: 5 to 15 minutes, once."
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    # Not held to the list: what builds and installs, and what torch brings along.
    grep == "$list" | grep -viE '^(pip=|setuptools=|nvidia|cuda|triton)' >"$venv/versions.txt"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check \
        -c "$venv/versions.txt" torch numpy scipy matplotlib scikit-learn \
        mlxtend statsmodels ipykernel ipython pytest pytest-xdist nbval \
        nbclient nbformat jupytext adamp jiwer simpy scikit-activeml fairlearn \
        prdc transformers optuna fastapi uvicorn pytorch-metric-learning \
        httpx build 'setuptools>=77' wheel PyYAML \
        >"$venv/install.log" 2>&1 &&
    "$venv/bin/python" -m pip install -q --disable-pip-version-check \
        --no-deps $(sed -n 's/^# Alone: //p' requirements.txt) \
        >>"$venv/install.log" 2>&1 || {
        echo "Colab's versions could not be installed: $venv/install.log says why." >&2
        exit 1; }
    cat "$list" requirements.txt tools/colab.sh >"$venv/colab.installed"
fi
PYTHONPATH=$(pwd) OMP_NUM_THREADS=1 exec "$venv/bin/python" -m pytest -q \
    -n 2 --dist loadgroup tests/techniques tests/book/test_alone.py "$@"
