#!/bin/sh
# The book's environment: sh tools/env.sh FOLDER [PYTHON]
# Makes FOLDER (.venv) from PYTHON, or from the first Python 3.11 to 3.13 that
# it finds, and installs requirements.txt. Does nothing where FOLDER already
# holds just that: a copy of the list is its stamp.
set -u
venv=$1 python=${2:-} stamp=$1/requirements.installed log=$1/install.log

say() { echo "$*" >&2; exit 1; }
version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' \
            2>/dev/null; }
fits() { case $(version "$1") in 3.11|3.12|3.13) ;; *) false ;; esac; }

if [ -n "$python" ]; then
    command -v "$python" >/dev/null 2>&1 ||
        say "There is no $python here: name a Python 3.11, 3.12 or 3.13 with PYTHON=."
    fits "$python" ||
        say "$python is Python $(version "$python"): the book needs 3.11, 3.12 or 3.13; name one with PYTHON=."
    # Another version than the one inside: start anew.
    [ -e "$stamp" ] && [ "$(version "$python")" != "$(version "$venv/bin/python")" ] &&
        rm -f "$stamp"
fi
cmp -s requirements.txt "$stamp" && fits "$venv/bin/python" && exit 0

if [ -z "$python" ]; then
    for python in python3 python python3.13 python3.12 python3.11 ''; do
        [ -z "$python" ] &&
            say "No Python 3.11, 3.12 or 3.13 was found: install one, or name it with PYTHON=."
        fits "$python" && break
    done
fi
case $("$python" -c 'import platform as p; print(p.system(), p.machine())' 2>/dev/null) in
    "Darwin x86_64") say "PyTorch has no packages for Intel Macs any more: open the pages in Colab, or use a Linux machine. (A Mac with Apple's own chip needs a Python built for it, named with PYTHON=.)" ;;
esac
mkdir -p "$venv" 2>/dev/null && [ -w "$venv" ] ||
    say "$venv cannot be written: work in a copy of the book that is yours, or name an interpreter that has requirements.txt with PY=."
if ! fits "$venv/bin/python" ||
   [ "$(version "$python")" != "$(version "$venv/bin/python")" ]; then
    "$python" -m venv --clear "$venv" >/dev/null 2>&1 ||
        say "$python cannot make an environment in $venv: on Debian and Ubuntu, install the package python3-venv."
fi
echo "Installing the book's packages into $venv: 2 to 5 minutes, once."
rm -f "$stamp"
# What a line "# Alone: name==version" names comes without what it asks for.
alone=$(sed -n 's/^# Alone: //p' requirements.txt)
if ! { "$venv/bin/python" -m pip install --disable-pip-version-check \
           -r requirements.txt &&
       { [ -z "$alone" ] ||
         "$venv/bin/python" -m pip install --disable-pip-version-check \
             --no-deps $alone; }; } >"$log" 2>&1; then
    if grep -qE 'NewConnectionError|Failed to establish|ConnectTimeout|ProxyError|Connection to .* timed out|name resolution' "$log"; then
        say "The packages could not be fetched: no connection to the package index. Run the same command again with a network; pip's words are in $log."
    fi
    say "The packages could not be installed: $(grep '^ERROR' "$log" | head -n 1) (all of it in $log)."
fi
cp requirements.txt "$stamp"
