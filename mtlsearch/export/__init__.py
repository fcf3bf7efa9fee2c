"""Writes a trained model as a folder of plain PyTorch code that predicts without mtlsearch."""
