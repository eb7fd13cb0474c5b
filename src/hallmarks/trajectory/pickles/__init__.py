"""Torch's pickles read without running them: tensors become places in a file, all else inert stand-ins."""
