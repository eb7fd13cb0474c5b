"""transformers' GPT-NeoX, initialised as Pythia's training code initialises it."""

import math

from torch import Tensor, nn
from transformers.models.gpt_neox.configuration_gpt_neox import GPTNeoXConfig
from transformers.models.gpt_neox.modeling_gpt_neox import GPTNeoXForCausalLM

# Of each block, what writes into the residual stream.
OUTPUTS = ("attention.dense.weight", "mlp.dense_4h_to_h.weight")


class GPTNeoX(GPTNeoXForCausalLM):
    """transformers' class, called with tokens [N, L]; its scores are [N, L, vocabulary]."""

    def forward(self, tokens: Tensor) -> Tensor:
        """The score of each token that may come next, at every position."""
        return super().forward(input_ids=tokens, use_cache=False).logits


def gpt_neox(
    vocabulary: int, length: int, width: int, depth: int, heads: int, hidden: int, rotary: float
) -> GPTNeoX:
    """A network of this size: parallel residuals, embeddings that are not tied, no dropout.

    Initialised as GPT-NeoX's `small_init` and `wang_init` say, which Pythia's configurations name: normal of
    variance 2 / (5 width), and of deviation 2 / (depth √width) where a block writes into the residual stream.
    """
    network = GPTNeoX(
        GPTNeoXConfig(
            vocab_size=vocabulary,
            max_position_embeddings=length,
            hidden_size=width,
            num_hidden_layers=depth,
            num_attention_heads=heads,
            intermediate_size=hidden,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": rotary},
            use_parallel_residual=True,
            tie_word_embeddings=False,
            hidden_dropout=0.0,
            attention_dropout=0.0,
            classifier_dropout=0.0,
            use_cache=False,
        )
    )
    small, wang = math.sqrt(2 / (5 * width)), 2 / (depth * math.sqrt(width))
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=wang if name.endswith(OUTPUTS) else small)
    return network
