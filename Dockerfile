# The image of all of Tidegate: gateway, ingest and operator differ in the first argument only.
#
#   docker build -t tidegate .
#
# BUILD  has npm and libatomic; what it has of Node does not get into the image.
# BASE   needs no more than glibc of the same Debian as BUILD, or newer: a distroless base does.
# The runtime is the npm package `node`, the very binary that the tests run with, whatever the bases have.
ARG BUILD=node:lts-bookworm
ARG BASE=debian:bookworm-slim

FROM ${BUILD} AS build
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
# A private registry: --secret id=npmrc,src=$HOME/.npmrc
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --no-update-notifier
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/build.ts
COPY src src
COPY client/guarded-event-source.js client/guarded-event-source.js
RUN node_modules/.bin/node scripts/build.ts \
  && mkdir -p /out/bin /out/lib \
  && cp node_modules/node/bin/node /out/bin/node \
  && ldd /out/bin/node | awk '$1 ~ /^lib(atomic|stdc\+\+|gcc_s)\./ { print $3 }' | xargs -I{} cp -L {} /out/lib/
# Two dependencies stay behind: `node` is in place already, and `selfsigned` is for `dev`, which runs from a checkout.
# So does what only type checkers and debuggers read.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm uninstall --no-save --omit=dev --ignore-scripts --no-update-notifier node selfsigned \
  && rm -rf node_modules/@types \
  && find node_modules -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' \) -delete \
  && sed -i '1s|.*|#!/usr/local/bin/node|' dist/cli.js \
  && chmod 0755 dist/cli.js \
  && ln -s /app/dist/cli.js /out/bin/tidegate

FROM ${BASE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="tidegate" \
  org.opencontainers.image.description="Server-Sent Events that stay authorised" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}"
COPY --from=build /out/lib/ /usr/lib/
COPY --from=build /out/bin/ /usr/local/bin/
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/package.json /app/package.json
COPY --from=build /app/dist /app/dist
# By number, so that a kubelet can tell that it is not root. Nothing is written anywhere.
USER 65532:65532
ENV NODE_ENV=production PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENTRYPOINT ["tidegate"]
EXPOSE 7001 7002 7114 7143 7190 7191
