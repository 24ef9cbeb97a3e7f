# syntax=docker/dockerfile:1
# The operator's image for those who have a container engine: docker build -t <your registry>/readiness-operator:0.1.0 .
# The files of the last stage are those of `npm run image`: Node, the libraries it is linked to, the bundle. There is no
# shell and no package manager, nothing is written, and it runs as user 65532 on a read-only root.
FROM node:26.10.0-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY scripts/build.js scripts/
COPY scripts/build scripts/build
COPY src src
RUN npm ci
COPY . .
RUN npm run build && node scripts/image.ts --rootfs /rootfs

FROM scratch
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="readiness-operator" \
      org.opencontainers.image.description="Keeps workloads that are not ready for production out of production" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /rootfs /
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["/usr/bin/node", "--heap-growing-percent=20", "--max-semi-space-size=4", "--expose-gc", "--no-sparkplug", "/app/bin/readiness-operator.js"]
CMD ["serve"]
