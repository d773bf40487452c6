# Two stages: the first installs, the second runs as a user of its own and holds neither pip's cache nor the sources.
FROM python:3.13-slim AS build
RUN python -m venv /opt/ordergraph
ENV PATH=/opt/ordergraph/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# The lock alone first, so that a change of the sources does not install all packages again.
COPY requirements.lock ./
RUN pip install --require-hashes --no-deps --requirement requirements.lock
COPY . .
RUN pip install --no-deps --no-build-isolation --no-index . \
 && python -m compileall -q /opt/ordergraph/lib

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/ordergraph --create-home --shell /usr/sbin/nologin ordergraph
COPY --from=build /opt/ordergraph /opt/ordergraph
ENV PATH=/opt/ordergraph/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ORDERGRAPH_HOST=0.0.0.0 \
    ORDERGRAPH_DATA_DIR=/var/lib/ordergraph/data
USER ordergraph
WORKDIR /var/lib/ordergraph
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('ORDERGRAPH_PORT', '8000') + '/readyz', timeout=2)"]
ENTRYPOINT ["ordergraph"]
CMD ["serve"]
