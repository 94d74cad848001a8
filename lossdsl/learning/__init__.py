"""Learning rules: a network driven by a declared loss, by backpropagation or by local rules."""

from lossdsl.learning import surrogate
from lossdsl.learning.backprop import BackProp
from lossdsl.learning.bidirectional import BiPredictiveCoding
from lossdsl.learning.energies import ConditionalGaussian, Hopfield
from lossdsl.learning.equilibrium import EquilibriumPropagation
from lossdsl.learning.layers import Bidirectional
from lossdsl.learning.predictive import PredictiveCoding
from lossdsl.learning.result import LearningResult

__all__ = [
    "BackProp",
    "BiPredictiveCoding",
    "Bidirectional",
    "ConditionalGaussian",
    "EquilibriumPropagation",
    "Hopfield",
    "LearningResult",
    "PredictiveCoding",
    "surrogate",
]
