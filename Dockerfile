# The image of ocs-bridge: Debian's Python 3.11 without a shell, the locked dependencies, and the bridge, its hot path
# compiled.
# Build: make image. Both bases are arguments, so that an inside registry, pinned digests or home-made ones can be used; the
# second must have /usr/bin/python3 of the same version as the first.
ARG BUILD_BASE=docker.io/library/debian:bookworm-slim
ARG RUN_BASE=gcr.io/distroless/python3-debian12:nonroot

# hadolint ignore=DL3006
FROM ${BUILD_BASE} AS build
ARG SOURCE_DATE_EPOCH=0
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore DEBIAN_FRONTEND=noninteractive
# No versions: Debian keeps only the newest of each. Nothing of this stage but files of Python and the CAs goes on.
# hadolint ignore=DL3008
RUN { command -v pip3 && command -v strip && command -v gcc; } >/dev/null || { apt-get update \
    && apt-get install -y --no-install-recommends binutils ca-certificates gcc libc6-dev libpython3-dev python3 python3-pip python3-venv \
    && rm -rf /var/lib/apt/lists/*; }
WORKDIR /src
COPY requirements/ requirements/
# Secrets pip and ca: pip.conf and CA certificates of a place with an index of its own. They stay out of the image.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca,target=/run/ca.pem \
    if [ -s /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi; \
    python3 -m pip install --quiet --no-compile --require-hashes --only-binary=:all: --target=/opt/ocs-bridge \
      --requirement=requirements/run.txt \
    && python3 -m venv /opt/build \
    && awk '/^[a-z]/ {wanted = /^(ast-serialize|hatchling|librt|mypy|mypy-extensions|packaging|pathspec|pluggy|setuptools|tomlkit|trove-classifiers|types-pyyaml|typing-extensions)==/} wanted' \
      requirements/dev.txt > /opt/build.txt \
    && /opt/build/bin/python -m pip install --quiet --require-hashes --requirement=/opt/build.txt \
    && echo /opt/ocs-bridge > "$(echo /opt/build/lib/python3*/site-packages)/run.pth"
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY tools/hatch_build.py tools/
COPY bridge/ bridge/
# The hot path is compiled: docs/decisions/0008. Programs and tests of packages are of no use here, nor is zstandard's other backend,
# nor debug information. Python's own compiled files are checked by nothing at the start: the image does not change. All times
# are the same, so that the same sources make the same bytes.
RUN OCS_BRIDGE_COMPILE=1 /opt/build/bin/python -m hatchling build -t wheel -d /opt/wheel \
    && python3 -m pip install --quiet --no-compile --no-index --no-deps --target=/opt/ocs-bridge /opt/wheel/*.whl \
    && rm -rf /opt/ocs-bridge/bin /opt/ocs-bridge/zstandard/_cffi*.so \
    && find /opt/ocs-bridge -name '*.so' -exec strip --strip-unneeded {} + \
    && find /opt/ocs-bridge \( -name tests -o -name test \) -type d -prune -exec rm -rf {} + \
    && find /opt/ocs-bridge \( -name direct_url.json -o -name RECORD -o -name REQUESTED \) -delete \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/ocs-bridge \
    && find /opt/ocs-bridge -exec touch -h -d "@${SOURCE_DATE_EPOCH}" {} +

# hadolint ignore=DL3006
FROM ${RUN_BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ocs-bridge" \
      org.opencontainers.image.description="Genesys OCS campaign group notifications from any dialling platform that writes to Kafka" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /opt/ocs-bridge /opt/ocs-bridge
ENV PYTHONPATH=/opt/ocs-bridge PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1
USER 10001:10001
EXPOSE 9464
# Python is process 1 and gets SIGTERM itself. Health: the probes of the chart (/livez, /readyz); a HEALTHCHECK would be one more
# process each time.
ENTRYPOINT ["/usr/bin/python3", "-m", "bridge"]
CMD ["run"]
