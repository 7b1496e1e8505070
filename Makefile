# The commands of the book; `make help` lists them. They need Python 3.11,
# 3.12 or 3.13, make and git, and make everything else themselves.

VENV ?= .venv
# PY=/path/to/python uses an interpreter that has requirements.txt already.
PY ?= $(VENV)/bin/python
PORT ?= 8000
JOBS ?= 2
SEED ?= 1000
export PYTHONPATH := $(CURDIR)
export OMP_NUM_THREADS := 1
# Whatever the terminal's own encoding is.
export PYTHONUTF8 := 1

# Runs tools/NAME.py; what may end any command it says in one sentence.
RUN = $(PY) -m tools.command

.PHONY: help env book test serve run try record fill check new student fork trust \
        bench colab clean
.DEFAULT_GOAL := help

help: ## list the commands
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 16

env:
ifeq ($(origin PY),file)
	@sh tools/env.sh '$(VENV)' '$(PYTHON)'
endif

book: env ## build the book; a second run is instant
	@$(RUN) book

test: env ## every gate, up to an hour; of one page, a minute (NB=cutmix)
ifdef NB
	@$(RUN) nb check '$(NB)'
	@$(PY) -m pytest tests/techniques tests/book/test_alone.py \
	    tests/book/test_recorded.py -k '$(NB)' -n $(JOBS) -q
else
	@$(RUN) nb check
	@$(RUN) book
	@$(PY) -m pytest tests -n $(JOBS) --dist loadgroup -q
endif

serve: book ## build, then show the book at localhost (PORT=8000)
	@$(RUN) serve '$(PORT)'

run: env ## execute a notebook into its twin (NB=cutmix, NB=all)
	@$(RUN) nb run $(NB)

try: env ## develop: run on other seeds, keep nothing (NB=cutmix SEED=1000)
	@$(RUN) nb try '$(NB)' '$(SEED)'

record: env ## the long trainings of a page, resumable (NB=stargan JOBS=2)
	@$(RUN) record '$(NB)' '$(JOBS)'

fill: env ## numbers, prose and cell ids into the twins, without running
	@$(RUN) nb fill

check: env ## what is missing, too long or out of step, in seconds (NB=)
	@$(RUN) nb check $(NB)

new: env ## a page from the template (NB=name CHAPTER=3, or KIND=stop)
	@$(RUN) new '$(NB)' '$(CHAPTER)' '$(KIND)'

student: env ## the edition without solutions, in _student/
	@$(RUN) student

fork: env ## point every link at another repository (REPO=owner/name)
	@$(RUN) fork '$(REPO)'

trust: env ## nulls, noise, shifted seeds: hours, or one page (NB=cutmix)
	@$(RUN) trust $(NB)

bench: env ## time every notebook, compare two techniques with others
	@$(RUN) bench

colab: ## the notebooks with the versions that Colab has (Python 3.13)
	@sh tools/colab.sh

clean: ## remove what the commands made, except .venv
	@rm -rf _build _student .pytest_cache && \
	find . -name '.venv*' -prune -o -name __pycache__ -type d -print0 \
	    | xargs -0 rm -rf
	@echo "Removed _build and _student; rm -r .venv removes the environment too."
