# Every target installs what it needs first (scripts/install, deps.lock) and then builds with all cores.
.DEFAULT_GOAL := help
.PHONY: help build demo test test-cpp test-interop torture bench lint docs clean

help:  ## this list
	@echo "make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

build:  ## the program, build/tapemill
	@scripts/install build
	@scripts/build release tapemill

demo: build  ## from an empty lake to a report: what this program does, in under a minute
	build/tapemill demo

test: test-programs  ## all tests of C++, then those in which other programs read what ours wrote
	@scripts/test build cpp interop

.PHONY: test-programs
test-programs:
	@scripts/install build test
	@scripts/build release all

test-cpp: test-programs
	@scripts/test build cpp

test-interop: test-programs  ## the heavy ones: qlib and its like, in a virtual environment of their own
	@scripts/install interop
	@scripts/test build heavy

torture: test-programs  ## SIGKILL 500 times at random points of ingest, compaction, vacuum and S3 commits (KILLS=n): nothing lost, nothing twice
	@TAPEMILL=$(CURDIR)/build/tapemill TAPEMILL_KILLS=$(or $(KILLS),500) build/tests_pipeline --gtest_filter='FaultKill.FiftyTimes*'
	@TAPEMILL_KILLS=$(or $(KILLS),500) build/tests_lake --gtest_filter='CompactFault.Killed*:ObjectStore.Killed*'

bench:  ## ratios to Polars and DuckDB, answers compared first (ONLY=id,id for some of them)
	@scripts/install build bench
	@scripts/build release tapemill tapemill_bench
	@.deps/venv-bench/bin/python bench/run.py $(if $(ONLY),--only $(ONLY))

lint:  ## clang-format, clang-tidy (of changed files; ALL=1 for all), layers and owners
	@scripts/install build test lint
	@scripts/lint $(if $(ALL),--all)

docs: build  ## the reference pages that come out of the program's own declarations
	@scripts/docs

clean:  ## remove what was built; .deps/ and lakes stay
	rm -rf build build-*
