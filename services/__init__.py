"""The five stages of a case, one package each, with the shared kernel and runtime below them."""
