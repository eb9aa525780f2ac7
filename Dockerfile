# One image for every process; which one is the command: `counterfoil door`, `worker`, `sweeper`, `console`, `migrate`.
#
# No Postgres inside (DATABASE_URL names one) and nothing that is not locked by hash.

FROM python:3.12-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /venv

# The packages first: they change less often than the code, so this layer is reused.
COPY requirements-production.lock ./
RUN /venv/bin/pip install --require-hashes --no-deps -r requirements-production.lock

COPY pyproject.toml README.md ./
COPY counterfoil ./counterfoil
COPY contracts ./contracts
COPY exceptions_queue ./exceptions_queue
COPY destinations ./destinations
COPY judgement ./judgement
COPY engine ./engine
COPY handlers ./handlers
COPY ingest ./ingest
COPY console ./console
RUN /venv/bin/pip install --no-deps --no-build-isolation . \
    && /venv/bin/python -m compileall -q /venv/lib


FROM python:3.12-slim

# A number, so that an orchestrator can see that it is not root.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin counterfoil
COPY --from=build /venv /venv

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    COUNTERFOIL_ENV=production \
    COUNTERFOIL_HOST=0.0.0.0 \
    COUNTERFOIL_PORT=8000 \
    COUNTERFOIL_CONSOLE_PORT=8001

WORKDIR /home
USER 10001
EXPOSE 8000 8001

# For the door; compose.yaml and fly.toml ask the other processes in their own way.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]

# No entrypoint: a release command or a shell is then what it says.
CMD ["counterfoil", "door"]
