# One command a target. `make test` is what a change has to pass; `make test ENGINE=1` also starts
# containers on the local engine.

.PHONY: build test test-exact bench fuzz golden fmt image

build:
	cargo build --release --locked

test:
	ENGINE=$(ENGINE) STRICT=$(STRICT) tests/all

# Exact counting on the local engine, in full; the results are in target/exact.md.
test-exact:
	AUTHTAIL_EXACT=full cargo test --release --locked --features test-engine --test it -- exact::

# Figures, on an engine of its own: as root, and best on a machine that has nothing else to do.
bench:
	cargo bench --locked --bench engine -- $(CASES)

# Feeds the readers of logs, of lines and of the state file with anything, for so many seconds each.
SECONDS ?= 60
fuzz:
	fuzz/run $(SECONDS)

# Rewrites the files that tests compare with; review the difference.
golden:
	AUTHTAIL_GOLDEN=1 cargo test --test it -- settings exposition

fmt:
	cargo fmt

image:
	docker build --tag authtail --build-arg REVISION=$$(git rev-parse --short=12 HEAD) .
