"""The weights of a trained model as bytes, in the format of safetensors."""

from safetensors.torch import load, save

from mtlsearch.records import TrainingJob
from mtlsearch.seeding import fork_rng
from mtlsearch.training.member import replicate_seed
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.training_data import TrainingData


def save_weights(model: CompositionNetwork) -> bytes:
    """All weights and buffers of a model. Tensors that share memory are written once each."""
    tensors = {}
    for name, tensor in model.state_dict().items():
        on_cpu = tensor.detach().cpu()
        tensors[name] = on_cpu.clone().contiguous()
    weights: bytes = save(tensors)
    return weights


def load_weights(model: CompositionNetwork, weights: bytes) -> None:
    """Put the weights of an equal model into this one, in place."""
    model.load_state_dict(load(weights))


def load_model(
    job: TrainingJob,
    data: TrainingData,
    weights: bytes,
) -> CompositionNetwork:
    """Return the model of a job with the weights that its training came to."""
    signature = data.signature(job.replicate)
    seed = replicate_seed(job)
    with fork_rng():
        networks = [
            Network(
                component,
                signature,
                seed,
            )
            for component in job.composition
        ]
    model = CompositionNetwork(job.composition, networks).to(data.device)
    load_weights(model, weights)
    return model
