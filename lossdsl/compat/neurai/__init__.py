"""neurai's `neurai.grads`: learning rules in `autograd`, spikes in `surrogate_grad`."""

from lossdsl.compat.neurai.autograd import (
    BP,
    EP,
    PC,
    BiPC,
    EPMode,
    GradeBase,
    LocalBase,
    PCMode,
    grad,
)
from lossdsl.compat.neurai.surrogate_grad import (
    Gaussian,
    MultiGaussian,
    Polynomial,
    Rectangular,
    Sigmoid,
    SingleExponential,
    SlayerPdf,
    SuperSpike,
    SurrogateFunctionBase,
)

__all__ = [
    "BP",
    "EP",
    "PC",
    "BiPC",
    "EPMode",
    "Gaussian",
    "GradeBase",
    "LocalBase",
    "MultiGaussian",
    "PCMode",
    "Polynomial",
    "Rectangular",
    "Sigmoid",
    "SingleExponential",
    "SlayerPdf",
    "SuperSpike",
    "SurrogateFunctionBase",
    "grad",
]
