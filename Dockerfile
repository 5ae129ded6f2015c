# The images of docker-compose.yml, a stage each, all from Debian's packages. The builder compiles the sources, or, with
# --build-arg BINARIES=FOLDER (inside the context), takes programs that were built already.
FROM debian:bookworm-slim AS builder
ARG BINARIES=
WORKDIR /src
COPY scripts/setup scripts/lib.sh scripts/
RUN [ -n "$BINARIES" ] || scripts/setup build
COPY . .
RUN set -eu; \
    if [ -z "$BINARIES" ]; then \
      cmake --preset release -DJITWG_TESTS=OFF -DCMAKE_UNITY_BUILD=ON; \
      cmake --build build/release --target jitwg-sniffer jitwg-provisioner jitwg-peer-api jitwg-ws-ingress jitwgctl; \
      strip build/release/bin/*; \
      BINARIES=build/release/bin; \
    fi; \
    install -D -t /out "$BINARIES"/*

# Users have the same numbers in all images: their files meet in shared volumes. The folders are where volumes are
# mounted, which take owner and mode from here.
FROM debian:bookworm-slim AS runtime
RUN set -eu; \
    groupadd --gid 4520 jitwg; \
    for user in provisioner:4521 peer-api:4522 ws-ingress:4523; do \
      useradd --uid "${user#*:}" --gid jitwg --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
        "jitwg-${user%:*}"; \
    done; \
    apt-get update; \
    apt-get install -y --no-install-recommends libgrpc++1.51 libprotobuf32 libsodium23 libspdlog1.10 libpcap0.8 libmnl0 \
      libsqlite3-0 libsystemd0 libpq5 libcurl4 libseccomp2 libssl3 libcpp-httplib0.11 libprometheus-cpp-core1.0 libqrencode4 libpng16-16; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin; \
    install -d -m 0750 -g jitwg /run/jitwg; \
    install -d -m 0750 -o jitwg-provisioner -g jitwg /run/jitwg-provisioner; \
    install -d -m 0700 -o jitwg-provisioner -g jitwg /var/lib/jitwg; \
    install -d -m 0700 /run/wireguard /etc/jitwg; \
    install -d -m 0755 /secrets /public

FROM runtime AS sniffer
COPY --from=builder /out/jitwg-sniffer /out/jitwgctl /usr/local/bin/
COPY ops/compose/health ops/compose/with-metrics /usr/local/lib/jitwg/
RUN jitwg-sniffer --version && jitwgctl --version
ENTRYPOINT ["jitwg-sniffer"]

FROM runtime AS provisioner
COPY --from=builder /out/jitwg-provisioner /out/jitwgctl /usr/local/bin/
COPY ops/compose/health ops/compose/with-metrics /usr/local/lib/jitwg/
RUN jitwg-provisioner --version && jitwgctl --version
USER jitwg-provisioner
ENTRYPOINT ["jitwg-provisioner"]

FROM runtime AS peer-api
COPY --from=builder /out/jitwg-peer-api /usr/local/bin/
COPY ops/compose/health ops/compose/with-metrics ops/compose/peer-api /usr/local/lib/jitwg/
RUN jitwg-peer-api --version
USER jitwg-peer-api
ENTRYPOINT ["/usr/local/lib/jitwg/peer-api"]

FROM runtime AS ws-ingress
COPY --from=builder /out/jitwg-ws-ingress /usr/local/bin/
COPY ops/compose/health ops/compose/with-metrics /usr/local/lib/jitwg/
RUN jitwg-ws-ingress --version
USER jitwg-ws-ingress
ENTRYPOINT ["jitwg-ws-ingress"]

# jitwgctl; also makes the trial's secrets.
FROM runtime AS tools
RUN apt-get update && apt-get install -y --no-install-recommends openssl && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
COPY --from=builder /out/jitwgctl /usr/local/bin/
COPY ops/compose/setup /usr/local/lib/jitwg/
RUN jitwgctl --version
ENTRYPOINT ["jitwgctl"]

# The gateway's WireGuard interface.
FROM runtime AS wireguard
RUN apt-get update && apt-get install -y --no-install-recommends wireguard-go wireguard-tools && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
COPY --from=builder /out/jitwgctl /usr/local/bin/
COPY ops/compose/wireguard /usr/local/lib/jitwg/
RUN jitwgctl --version
ENTRYPOINT ["/usr/local/lib/jitwg/wireguard"]

FROM debian:bookworm-slim AS postgres
RUN set -eu; \
    groupadd --gid 4524 postgres; \
    useradd --uid 4524 --gid postgres --no-create-home --home-dir /var/lib/postgresql --shell /bin/bash postgres; \
    mkdir -p /etc/postgresql-common; \
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf; \
    apt-get update; \
    apt-get install -y --no-install-recommends postgresql-15; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin; \
    install -d -m 0700 -o postgres -g postgres /var/lib/postgresql/data; \
    install -d -m 0755 /secrets
COPY ops/compose/postgres /usr/local/lib/jitwg/
USER postgres
ENTRYPOINT ["/usr/local/lib/jitwg/postgres"]

# Watches all programs, with jitwg's rules. Its packages come before the rules, so that a changed rule installs nothing anew.
FROM debian:bookworm-slim AS prometheus
RUN set -eu; \
    apt-get update; \
    apt-get install -y --no-install-recommends prometheus; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/lib/prometheus; \
    groupadd --gid 4525 jitwg-prometheus; \
    useradd --uid 4525 --gid jitwg-prometheus --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin jitwg-prometheus; \
    install -d -m 0700 -o jitwg-prometheus -g jitwg-prometheus /var/lib/prometheus
COPY ops/compose/health /usr/local/lib/jitwg/
COPY ops/prometheus/recording.yml ops/prometheus/alerts.yml /etc/prometheus/
COPY ops/prometheus/compose.yml /etc/prometheus/prometheus.yml
RUN promtool check config /etc/prometheus/prometheus.yml
USER jitwg-prometheus
ENTRYPOINT ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/var/lib/prometheus", \
            "--storage.tsdb.retention.time=15d"]

# A machine with WireGuard and nothing of jitwg.
FROM debian:bookworm-slim AS client
RUN apt-get update && \
    apt-get install -y --no-install-recommends wireguard-go wireguard-tools iproute2 iputils-ping procps curl && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin && \
    install -d -m 0700 /var/lib/client /secrets
COPY ops/compose/client /usr/local/lib/jitwg/
ENTRYPOINT ["/usr/local/lib/jitwg/client"]
