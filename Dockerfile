# Two targets: `docker build --target cpu .` and `docker build --target cuda .`
# The server alone: no torch, no training stack. The artifact comes in as a volume.
FROM python:3.12.8-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY client client
COPY server server
COPY export export
RUN python -m venv /opt/relatum \
 && /opt/relatum/bin/pip install --no-cache-dir -c constraints.txt '.[server]'

FROM python:3.12.8-slim-bookworm AS cpu
RUN useradd --system --uid 10001 --home-dir /data relatum && install -d -o relatum /data
COPY --from=build /opt/relatum /opt/relatum
ENV PATH=/opt/relatum/bin:$PATH RELATUM_ARTIFACT=/artifact RELATUM_DATA_DIR=/data RELATUM_LISTEN=0.0.0.0:50051
USER 10001
VOLUME ["/data"]
EXPOSE 50051
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["relatum", "info", "--target", "127.0.0.1:50051", "--timeout", "2"]
ENTRYPOINT ["relatum-server"]
CMD ["serve"]

FROM build AS build-cuda
RUN /opt/relatum/bin/pip install --no-cache-dir -c constraints.txt '.[server,cuda]'

FROM cpu AS cuda
COPY --from=build-cuda /opt/relatum /opt/relatum
ENV RELATUM_REQUIRE_CUDA=true NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
