# Build with the Makefile's own steps, so that the image runs what is tested; run on the Functions host's base image.
FROM swift:6.3-bookworm AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY scripts/deps.sh scripts/deps.sh
RUN scripts/deps.sh build
COPY . .
RUN make package

# The Functions host. The program brings its own libraries in `lib`; it needs nothing of this image but the C library.
FROM mcr.microsoft.com/azure-functions/dotnet:4 AS functions
ENV AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    FUNCTIONS_WORKER_RUNTIME=custom
COPY --from=build /source/dist/app /home/site/wwwroot

# The program alone: a service of its own, or a one-shot job (`docker run … backup --table … --date …`).
FROM debian:bookworm-slim AS standalone
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* && useradd --system --create-home sluice
COPY --from=build /source/dist/app /opt/sluice
USER sluice
WORKDIR /home/sluice
EXPOSE 7071
ENTRYPOINT ["/opt/sluice/sluice"]
# Off loopback it asks for SLUICE_KEY, and does not start without it.
CMD ["serve", "--host", "0.0.0.0"]

# `docker build .` gives the Functions image.
FROM functions
