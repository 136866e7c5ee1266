"""Which numbers a transformer's matrix products are made of while it is trained."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

import torch

Precision: TypeAlias = Literal["auto", "fp32", "bf16"]
NATIVE = ("amx_bf16", "avx512_bf16")  # processors without these emulate bf16, slower than fp32


def has_native_bf16(device: torch.device) -> bool:
    """Whether a device multiplies bf16 faster than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Older releases of torch cannot be asked; fp32 is right everywhere.
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    found = {} if capabilities is None else capabilities()
    return any(bool(found.get(name)) for name in NATIVE)


def takes_bf16(precision: Precision, device: torch.device) -> bool:
    """Whether products are made of bf16: where asked for, or where ``auto`` finds it fast."""
    return precision == "bf16" or (precision == "auto" and has_native_bf16(device))


@contextmanager
def products_in(transformer: Any, precision: Precision) -> Iterator[None]:
    """Let a transformer multiply in bf16 for a while; weights, states and gradients stay fp32.

    What it hands on is fp32 again: cosines and losses lose nothing, since at a temperature of .01
    the three digits of bf16 would not tell two cosines apart.

    Args:
        transformer: a Hugging Face encoder on its device; its `forward` is wrapped and given back.
        precision: see ``takes_bf16``.

    **Source**: Micikevicius et al. 2018, "Mixed Precision Training"; bf16 needs no loss scaling
    (Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning Training").
    """
    device = next(transformer.parameters()).device
    if not takes_bf16(precision, device):
        yield
        return
    whole = transformer.forward

    def forward(*given: Any, **named: Any) -> Any:
        if not transformer.training:  # it is measured as it will be exported
            return whole(*given, **named)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            output = whole(*given, **named)
        if isinstance(output, tuple):
            return (output[0].float(), *output[1:])
        output.last_hidden_state = output.last_hidden_state.float()
        return output

    transformer.forward = forward
    try:
        yield
    finally:
        del transformer.forward  # the class's own again
