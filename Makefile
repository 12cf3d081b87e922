# The front door.  Every goal sets up what it needs; `make` lists them.
# Meson builds (meson.build); this file only knows the way to it.

BUILD ?= build
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
MODEL ?=
URL ?= http://127.0.0.1:8642/v1
LOAD ?=
SERVE ?=

MESON_TEST = meson test --print-errorlogs

.SILENT:
.PHONY: help build chat serve test lint asan tsan fuzz bench bench-compare bench-load web-full install clean format
.NOTPARALLEL:

help:
	echo "Tiefsee: DeepSeek models on your own machine.  Goals:"
	echo
	echo "  make chat      set up, build, and talk to a model (MODEL=file for another one)"
	echo "  make test      set up, build, and run every fast test"
	echo
	echo "  make build     the program, at $(BUILD)/tiefsee"
	echo "  make serve     the assistant in the browser at http://127.0.0.1:8642, and the API for"
	echo "                 programs at /v1 (MODEL=file, SERVE='--accounts' or other options)"
	echo "  make bench     prefill and decode speed on this machine (MODEL=file)"
	echo "  make bench-compare Tiefsee beside llama.cpp on the same file (MODEL=file)"
	echo "  make bench-load many streaming clients against a server (URL=, LOAD=options)"
	echo "  make lint      layers, limits, banned calls, headers, symbols, format, spills"
	echo "  make asan      unit tests under AddressSanitizer and UBSan"
	echo "  make tsan      threads of engine and server under ThreadSanitizer"
	echo "  make fuzz      every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) (needs clang)"
	echo "  make web-full  the browser's longer tests: every hostile text alone (minutes)"
	echo "  make format    format all C files"
	echo "  make install   install under PREFIX=$(PREFIX)"
	echo "  make clean     remove all build folders"

# Everything up to the program speaks on stderr: stdout belongs to the answer.
build:
	tools/setup build
	tools/build $(BUILD) tiefsee

chat: build
	exec $(BUILD)/tiefsee chat $(MODEL)

serve:
	tools/setup serve
	tools/web
	tools/build $(BUILD) tiefsee
	exec $(BUILD)/tiefsee serve --open $(SERVE) $(MODEL)

bench: build
	exec $(BUILD)/tiefsee bench $(MODEL)

bench-compare: build
	cd bench/compare && npm install --omit=optional --ignore-scripts --no-package-lock
	exec python3 bench/compare/compare.py $(MODEL)

bench-load:
	tools/setup build
	tools/build $(BUILD) bench/load/load
	exec $(BUILD)/bench/load/load $(LOAD) $(URL)

test:
	tools/setup test
	tools/web
	tools/build $(BUILD) all
	$(MESON_TEST) -C $(BUILD) --no-rebuild

lint:
	tools/setup test
	tools/web
	tools/build $(BUILD) all
	$(MESON_TEST) -C $(BUILD) --no-rebuild --suite lint

asan:
	tools/setup test
	tools/web
	tools/build build-asan all -Dbuildtype=debugoptimized -Db_sanitize=address,undefined \
	    -Db_lundef=false -Dc_args=-fno-sanitize-recover=all
	$(MESON_TEST) -C build-asan --no-rebuild --timeout-multiplier 5 \
	    --suite unit --suite fuzz

# Threads of the engine and the server; not part of `make test` (minutes).
tsan:
	tools/setup test
	tools/build build-tsan all -Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false
	TSAN_OPTIONS=halt_on_error=1 $(MESON_TEST) -C build-tsan --no-rebuild --timeout-multiplier 10 \
	    auth engine engine_disk http jobs kvcache kvstore log metrics models cache reply serve session \
	    store task_pool thread worker

# What `make test` does with a share of the texts, with all of them.
web-full:
	tools/setup test
	tools/web
	tools/build $(BUILD) tiefsee
	node web/tests/e2e/corpora.test.mjs $(BUILD)/tiefsee all

fuzz:
	tools/setup fuzz
	CC=clang-14 tools/build build-fuzz all -Dbuildtype=debugoptimized -Dfuzz=true \
	    -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fno-sanitize-recover=all
	tools/fuzz build-fuzz $(FUZZ_SECONDS)

format:
	tools/setup test
	python3 tools/lint/format.py --fix

install: build
	tools/setup serve
	tools/web
	tools/build $(BUILD) all -Dprefix=$(PREFIX)
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-*
