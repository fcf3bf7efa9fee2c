# mtlsearch on NVIDIA GPUs: the machine needs a driver and the NVIDIA Container Toolkit.
# At the root of the checkout, then in the folder of your data:
#   docker build -t mtlsearch:gpu -f docker/gpu.Dockerfile .
#   docker run --rm -it --gpus all --shm-size=2g -v "$PWD:/data" mtlsearch:gpu \
#       search visits.csv --task readmitted --gpus-per-worker 0.5
FROM python:3.11-slim

WORKDIR /opt/mtlsearch
COPY constraints.txt pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY mtlsearch mtlsearch
COPY search_spaces search_spaces

# On Linux torch from PyPI brings the CUDA libraries that it was built with.
RUN pip install --no-cache-dir --constraint constraints.txt torch \
    && pip install --no-cache-dir --constraint constraints.txt '.[references]'

# Ray writes to the home folder, so the user has one.
RUN useradd --create-home mtlsearch
USER mtlsearch
WORKDIR /data
ENTRYPOINT ["mtlsearch"]
CMD ["--help"]
