FROM rust:1.95-bookworm AS build

WORKDIR /src
# Static, and for the architecture that the build runs on. The target is named even so: RUSTFLAGS then do not
# apply to build scripts and procedural macros, which cannot be static.
ENV RUSTFLAGS="-C target-feature=+crt-static"

# The dependencies alone, so that a change in src/ does not compile them again.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs && touch src/lib.rs \
    && cargo build --release --locked --target "$(rustc --print host-tuple)"

COPY . .
ARG REVISION=unknown
# `touch`: the files of the checkout may be older than the stand-ins above.
RUN find src -name '*.rs' -exec touch {} + \
    && AUTHTAIL_REVISION="$REVISION" cargo build --release --locked --target "$(rustc --print host-tuple)" \
    && mkdir -p /root-fs/bin /root-fs/var/lib/authtail \
    && cp "target/$(rustc --print host-tuple)/release/authtail" /root-fs/bin/

FROM scratch

ARG VERSION=0.0.0
ARG REVISION=unknown
# The last one: never follow our own log, however the container is named or networked.
LABEL org.opencontainers.image.title="authtail" \
      org.opencontainers.image.description="Prometheus exporter that counts auth requests in container logs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      authtail.enable="false"

COPY --from=build /root-fs/bin/ /bin/
# The state directory. A new named volume that is mounted here takes over its owner.
COPY --from=build --chown=65532:65532 /root-fs/var/lib/ /var/lib/

USER 65532:65532
EXPOSE 8401
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 CMD ["/bin/authtail", "healthcheck"]
ENTRYPOINT ["/bin/authtail"]
