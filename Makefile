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

# Figures, best on a machine that has nothing else to do. `engine` runs one of its own, as root.
BENCHES ?= parse engine
bench:
	for bench in $(BENCHES); do cargo bench --locked --bench $$bench -- $(CASES) || exit 1; done

# Feeds the decoder of logs, the readers of lines and the reader of the state file with anything, for so many seconds each.
SECONDS ?= 60
fuzz:
	fuzz/run $(SECONDS)

# Rewrites the files that tests compare with; review the difference.
golden:
	AUTHTAIL_GOLDEN=1 cargo test --test it -- settings exposition diagnose::shape

fmt:
	cargo fmt

image:
	docker build --tag authtail --build-arg REVISION=$$(git rev-parse --short=12 HEAD) .
