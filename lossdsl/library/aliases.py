"""Names that other libraries give to functions of this one, for "did you mean".

Edit distance alone never finds `cross_entropy` from `CrossEntropyLoss`. Names are compared
without case, underscores and the words `loss` and `with logits`.
"""

from __future__ import annotations

from collections.abc import Mapping

_ALIASES = {
    "mse": "mean_squared_error squared_error l2_loss mse_reg",
    "sse": "sum_squared_error squared_l2",
    "mae": "mean_absolute_error absolute_error l1_loss",
    "huber": "smooth_l1 huber_loss smooth_l1_loss",
    "log_cosh": "logcosh",
    "cross_entropy": "categorical_crossentropy sparse_categorical_crossentropy cross_entropy_loss "
    "softmax_cross_entropy softmax_cross_entropy_with_integer_labels "
    "safe_softmax_cross_entropy nll nll_loss ce xent",
    "binary_cross_entropy": "bce bce_with_logits sigmoid_binary_cross_entropy binary_crossentropy "
    "sigmoid_cross_entropy",
    "kl": "kl_div kl_divergence kullback_leibler_divergence kldiv kld",
    "hinge": "hinge_loss hinge_embedding",
    "focal": "sigmoid_focal_loss categorical_focal_crossentropy focal_loss",
    "cosine_distance": "cosine_embedding cosine_loss",
    "cosine_similarity": "cosine cos_sim",
    "pairwise_distance": "cdist pdist",
    "l1": "l1_norm lasso l1_regularization",
    "l2": "l2_norm global_norm tree_l2_norm",
    "sum_squares": "l2_regularization weight_decay tikhonov ridge",
    "l2sqr": "l2sqr_norm l2_squared",
    "l0": "l0_norm l0_norm_approx",
    "bounds": "bounds_cost parameter_boundary_regularizer",
    "summed_exp_boundary": "summed_exp_boundary_loss",
    "silence": "silence_reg",
    "sparsity": "sparsity_reg",
    "accuracy": "sparse_categorical_accuracy categorical_accuracy acc",
    "mean": "average reduce_mean avg nanmean",
    "sum": "reduce_sum total nansum",
    "max": "amax reduce_max",
    "min": "amin reduce_min",
    "std": "stddev standard_deviation",
    "var": "variance",
    "norm": "l2norm linalg_norm vector_norm",
    "count": "count_nonzero",
    "quantile": "percentile median",
    "maximum": "fmax",
    "minimum": "fmin",
    "clip": "clamp clip_by_value",
    "where": "select cond ifelse",
    "abs": "absolute fabs",
    "log": "ln",
    "square": "sqr pow2",
    "sigmoid": "logistic expit",
    "log_sigmoid": "logsigmoid",
    "softplus": "log1pexp",
    "silu": "swish",
    "log_softmax": "logsoftmax",
    "one_hot": "onehot",
    "take": "gather embedding index_select",
    "take_along": "take_along_axis take_along_dim",
    "top_k": "topk",
    "concatenate": "concat cat",
    "transpose": "permute swapaxes moveaxis",
    "expand": "expand_dims unsqueeze newaxis",
    "reshape": "view flatten ravel",
    "broadcast": "broadcast_to expand_as",
    "stop_gradient": "detach nograd",
    "matmul": "dot mm bmm",
    "diag": "diagonal",
    "entr": "entropy",
    "gammaln": "lgamma log_gamma",
    "max_pool": "maxpool",
    "avg_pool": "avgpool average_pool",
    "segment_sum": "scatter_add scatter_sum",
    "segment_mean": "scatter_mean",
    "recurrence": "associative_scan scan",
    "floor": "trunc",
    "cosine_decay_schedule": "cosine_decay cosine_schedule cosine_annealing",
    "linear_schedule": "linear_decay linear_lr",
    "exponential_decay": "exponential_schedule exponential_lr",
    "piecewise_constant_schedule": "multi_step_lr piecewise_constant_decay",
}


def _folded(name: str) -> str:
    return name.lower().replace("_", "")


def _bare(name: str) -> str:
    """Return a folded name without the words that only say what it is."""
    bare = _folded(name).replace("withlogits", "").replace("loss", "")
    return bare or _folded(name)


def _table() -> Mapping[str, str]:
    """Return the functions by folded and bare names; a name written in full comes first."""
    pairs = [(name, name) for name in _ALIASES]
    pairs += [(alias, name) for name, text in _ALIASES.items() for alias in text.split()]
    table: dict[str, str] = {}
    for fold in (_folded, _bare):
        for alias, name in pairs:
            table.setdefault(fold(alias), name)
    return table


ALIASES = _table()


def known_as(name: str) -> str | None:
    """Return what a function of another library is called here, or None.

    >>> known_as("CrossEntropyLoss"), known_as("BCEWithLogits"), known_as("L1Loss")
    ('cross_entropy', 'binary_cross_entropy', 'mae')
    """
    return ALIASES.get(_folded(name)) or ALIASES.get(_bare(name))


_OPTIONS = {
    "reduction": "reduce",
    "mask": "where",
    "weights": "weight",
    "sample_weight": "weight",
    "dim": "axis",
    "keepdim": "keepdims",
    "label_smoothing": "smoothing",
}


def option_known_as(name: str) -> str | None:
    """Return the option that another library calls so, or None.

    >>> option_known_as("reduction")
    'reduce'
    """
    return _OPTIONS.get(name)
