"""The kind of each parameter: the word that `trajectory.json` holds for it."""

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

KINDS: dict[type[nn.Module], str] = {
    _ConvNd: "conv",
    nn.Linear: "linear",
    _NormBase: "norm",
    nn.GroupNorm: "norm",
    nn.LayerNorm: "norm",
    nn.Embedding: "embedding",
    nn.MultiheadAttention: "attention",
}
# What a vision transformer learns beside its layers: a token, and what is added to each by its position.
EMBEDDINGS = {"class_token", "pos_embedding"}


def parameter_kinds(model: nn.Module) -> dict[str, str]:
    """Each learnable parameter's kind, in the model's order.

    It is one of conv, linear, norm, embedding, attention and other. Attention are PyTorch's queries, keys and
    values, which share a tensor; what follows them is linear.
    """
    kinds = {}
    for path, module in model.named_modules():
        kind = next((word for type_, word in KINDS.items() if isinstance(module, type_)), "other")
        for name, _ in module.named_parameters(path, recurse=False):
            kinds[name] = "embedding" if name.rpartition(".")[2] in EMBEDDINGS else kind
    return {name: kinds[name] for name, _ in model.named_parameters()}
