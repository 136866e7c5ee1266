"""How one encoder is trained on many corpora: what is drawn, noised, masked, measured, averaged."""
