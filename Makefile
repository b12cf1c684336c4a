# One command a target. `make test` is what a change has to pass; `make test ENGINE=1` also starts
# containers on the local engine.

.PHONY: build test golden fmt image

build:
	cargo build --release --locked

test:
	ENGINE=$(ENGINE) STRICT=$(STRICT) tests/all

# Rewrites the files that tests compare with; review the difference.
golden:
	AUTHTAIL_GOLDEN=1 cargo test --test it -- settings exposition

fmt:
	cargo fmt

image:
	docker build --tag authtail --build-arg REVISION=$$(git rev-parse --short=12 HEAD) .
