# mtlsearch on CPUs. At the root of the checkout, then in the folder of your data:
#   docker build -t mtlsearch -f docker/cpu.Dockerfile --build-arg TORCH_CPU_INDEX=URL .
# URL is the index of CPU builds that PyTorch's own page on installing names.
#   docker run --rm -it --shm-size=2g -v "$PWD:/data" mtlsearch search visits.csv --task readmitted
FROM python:3.11-slim
ARG TORCH_CPU_INDEX

WORKDIR /opt/mtlsearch
COPY constraints.txt pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY mtlsearch mtlsearch
COPY search_spaces search_spaces

# torch comes first, from the index of its CPU builds: a plain `torch` brings gigabytes of CUDA.
RUN grep '^torch==' constraints.txt > torch.txt \
    && pip install --no-cache-dir --index-url "$TORCH_CPU_INDEX" --requirement torch.txt \
    && pip install --no-cache-dir --constraint constraints.txt '.[references]'

# Ray writes to the home folder, so the user has one.
RUN useradd --create-home mtlsearch
USER mtlsearch
WORKDIR /data
ENTRYPOINT ["mtlsearch"]
CMD ["--help"]
