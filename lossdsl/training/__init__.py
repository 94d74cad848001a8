"""What a training loop asks of a loss: its objective, its terms by themselves, their gradients.

Functions of a compiled loss, of which `CompiledLoss` has the methods.
"""
