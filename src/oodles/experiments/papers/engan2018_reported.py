"""What Kumar et al. (2018) report for connections and digits: means and standard deviations, as printed."""

from collections.abc import Mapping

from ..tasks import Reported

__all__ = ["ENGAN_3", "PUBLISHED_4"]

ENGAN_3: tuple[Reported, ...] = ((0.9307, 0.0146), (0.9472, 0.0153), (0.9389, 0.0148))
"""Precision, recall and F1 of EnGAN on KDD Cup 99."""

PUBLISHED_4: Mapping[int, tuple[Reported, Reported, Reported]] = {
    1: ((0.281, 0.035), (0.287, 0.023), (0.063, None)),
    4: ((0.401, 0.061), (0.443, 0.029), (0.337, None)),
    5: ((0.402, 0.062), (0.514, 0.029), (0.325, None)),
    7: ((0.290, 0.040), (0.347, 0.017), (0.148, None)),
    9: ((0.342, 0.034), (0.307, 0.028), (0.104, None)),
}
"""AUPRC of EnGAN, BiGAN and a VAE for each held-out digit."""
