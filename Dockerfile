# syntax=docker/dockerfile:1

# Sequent with all its roles and commands: docker build --tag sequent . && docker run --rm sequent --help
# "npm run pin-images" adds the digests of the images here and in the compose files (docs/deployment.md).
ARG NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# The files that npm would publish. A package has no lock file, by which the command recognises a clone.
RUN mkdir /package \
  && npm pack --silent --pack-destination /package \
  && tar -xzf /package/*.tgz -C /package

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund
# Optional packages, in the versions of the lock file: OTEL_EXPORTER_OTLP_ENDPOINT turns traces on.
COPY --from=build /src/node_modules/@opentelemetry ./node_modules/@opentelemetry
# Empty folders for volumes. A new volume gets the owner of the folder that it is mounted on.
RUN mkdir -p /volumes && cd /volumes \
  && mkdir -p data nats nats-2 nats-3 keys/worker keys/responders keys/scheduler keys/destinations keys/projection keys/janitor keys/gateway

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="sequent" \
  org.opencontainers.image.description="Asynchronous function invocation on NATS JetStream: durable, retried, every transition an event" \
  org.opencontainers.image.version="0.3.0-dev" \
  org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
  PATH=/app/bin:$PATH \
  SEQUENT_DATA=/data \
  SEQUENT_PROBES=0.0.0.0:8081
WORKDIR /app
COPY --from=build /package/package ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY deploy/credentials.json ./deploy/
COPY --from=dependencies --chown=1000:1000 /volumes /
RUN mkdir bin && ln -s ../src/main/sequent.mjs bin/sequent
# The user "node" of the base image. The tree belongs to root; Sequent writes to /data and /tmp only.
USER 1000:1000
# HTTP of the gateway, and the probes of every role.
EXPOSE 8080 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8081/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["sequent"]
CMD ["serve"]
