"""Low-rank adapters: few weights are trained, and merged into the transformer's own at the end."""

from dataclasses import dataclass
from typing import Any

from peft import AdaLoraConfig, LoraConfig
from peft.tuners.adalora import AdaLoraModel
from peft.tuners.lora import LoraModel
from torch import Tensor, nn
from transformers import TrainerCallback

from relatum_export.training.settings import TrainSettings

NAME = "default"
INITIAL_RANK = 1.5  # of AdaLoRA, as a multiple of the rank that it ends with
UNTIL_BUDGET, AFTER_BUDGET = 0.1, 0.3  # shares of the steps before and after ranks are cut
BUDGETS = 20  # times that ranks are cut


@dataclass(frozen=True, slots=True)
class Adapter:
    """What was put on a transformer.

    Attributes:
        tuner: peft's.
        transformer: its linear layers are the tuner's until ``merge``.
    """

    tuner: Any
    transformer: Any

    @property
    def adaptive(self) -> bool:
        """Whether ranks are allocated while training."""
        return isinstance(self.tuner, AdaLoraModel)

    def merge(self) -> None:
        """Add what was learned to the transformer's own weights, and take the adapter off."""
        self.tuner.merge_and_unload()
        if hasattr(self.transformer, "peft_config"):
            del self.transformer.peft_config
        for parameter in self.transformer.parameters():
            parameter.requires_grad = True

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What the allocation of ranks remembers beside the weights."""
        if not self.adaptive:
            return {}, {}
        allocator = self.tuner.rankallocator
        kept = {f"ipt/{name}": tensor for name, tensor in allocator.exp_avg_ipt.items()}
        kept |= {f"unc/{name}": tensor for name, tensor in allocator.exp_avg_unc.items()}
        return kept, dict(self.tuner.peft_config[NAME].rank_pattern or {})

    def go_on(self, kept: dict[str, Tensor], ranks: dict[str, Any]) -> None:
        """Take up what ``state`` gave."""
        if not self.adaptive:
            return
        allocator = self.tuner.rankallocator
        for name, tensor in kept.items():
            part, _, parameter = name.partition("/")
            target = allocator.exp_avg_ipt if part == "ipt" else allocator.exp_avg_unc
            target[parameter] = tensor
            allocator.ipt[parameter] = tensor.new_zeros(tensor.shape)
        self.tuner.peft_config[NAME].rank_pattern = ranks


def attach(transformer: Any, settings: TrainSettings, steps: int) -> Adapter | None:
    """Put the adapter of the settings on every linear layer but the pooler's; None without one.

    Virtual tokens are none: see ``prefix``.

    AdaLoRA goes without its penalty on singular vectors that are not orthogonal: peft adds that to
    a loss which the transformer returns itself, and an encoder returns none.

    **Source**: Hu et al. 2022, "LoRA"; Zhang et al. 2023, "AdaLoRA" (sensitivity-based allocation
    of ranks).

    Args:
        transformer: a Hugging Face encoder; changed in place.
        settings: which, and of what rank.
        steps: of the whole run, by which AdaLoRA cuts ranks.
    """
    if settings.adapter in ("none", "prefix"):
        return None
    layers = [
        name
        for name, module in transformer.named_modules()
        if isinstance(module, nn.Linear) and not name.startswith("pooler")
    ]
    common: dict[str, Any] = {
        "target_modules": layers,
        "lora_alpha": settings.adapter_alpha,
        "lora_dropout": settings.adapter_dropout,
    }
    if settings.adapter == "lora":
        return Adapter(
            LoraModel(transformer, LoraConfig(r=settings.adapter_rank, **common), NAME), transformer
        )
    before, after = int(UNTIL_BUDGET * steps), int(AFTER_BUDGET * steps)
    config = AdaLoraConfig(
        init_r=max(settings.adapter_rank + 1, round(INITIAL_RANK * settings.adapter_rank)),
        target_r=settings.adapter_rank,
        tinit=before,
        tfinal=after,
        total_step=steps,
        deltaT=max(1, (steps - before - after) // BUDGETS),
        **common,
    )
    tuner = AdaLoraModel(transformer, config, NAME)  # type: ignore[no-untyped-call]
    return Adapter(tuner, transformer)


class Allocation(TrainerCallback):
    """Lets AdaLoRA cut ranks after each step, while the gradients are there."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The trainer's call."""
        self._adapter.tuner.update_and_allocate(state.global_step)
