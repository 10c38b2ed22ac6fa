"""Classical autoencoders."""

from torch import nn

from .. import likelihoods
from ..layout import Layout
from ..likelihoods import Likelihood
from ..scores import Combined, latent_norm, likelihood, reconstruction_error
from ..shapes import Batch, Codes, Parameters, PerRow
from ..training import LossModel
from .decoding import DecodingDetector
from .estimator import hyperparameters
from .networks import codec

__all__ = ["AutoEncoder", "AutoEncoderModel"]


class AutoEncoderModel(LossModel):
    """Encoder $z = e(x)$, decoder $p(x | z)$; nothing is random.

    Arguments:
        likelihood: The observation model p(x | z), whose -log p is the loss.
        networks: Encoder (rows → L codes) and decoder (L codes → the likelihood's parameters).
    """

    scores = {  # noqa: RUF012 - annotated as a ClassVar where it is declared
        "likelihood": likelihood,
        "reconstruction_error": reconstruction_error,
        "latent_norm": latent_norm,
    }

    def __init__(self, likelihood: Likelihood, networks: tuple[nn.Module, nn.Module]) -> None:
        super().__init__()
        self.encode, self.decode = networks
        self.likelihood = likelihood

    def code(self, x: Batch) -> Codes:
        """The code of each row."""
        return self.encode(x)

    def decoder(self, z: Codes) -> Parameters:
        """The parameters of p(x | z)."""
        return self.decode(z)

    def loss(self, x: Batch) -> PerRow:
        r"""$-\log p(x | e(x))$: with one fixed σ, the squared error; with learned ones, weighed by them."""
        return likelihood(self, x)

    def criterion(self, x: Batch) -> PerRow:
        """The loss."""
        return likelihood(self, x)


@hyperparameters
class AutoEncoder(DecodingDetector):
    r"""Classical autoencoder: rows that cannot be rebuilt from a few codes are strange.

    It minimizes $-\log p(x | z)$ with $z = e(x)$; the score is the same number for a new row.

    References:
        | Reducing the Dimensionality of Data with Neural Networks (Hinton & Salakhutdinov, 2006)
        | Outlier Detection Using Replicator Neural Networks (Hawkins et al., 2002)

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.AutoEncoder(members=1, epochs=5, random_state=0).fit(X).predict(X).shape
        (100,)
    """

    scoring: str | Combined = "likelihood"

    model_class = AutoEncoderModel

    def build(self, layout: Layout, members: int, missing: list[int]) -> AutoEncoderModel:
        """The untrained model."""
        observation = likelihoods.from_layout(layout, self.noise_model(pictures=bool(layout.shape)), members)
        latent = self.codes(layout)
        networks = codec(
            self.network,
            layout,
            observation,
            codes=latent,
            latent=latent,
            hidden=tuple(self.hidden),
            activation=self.activation,
            members=members,
            missing=missing,
        )
        return AutoEncoderModel(observation, networks)

    def codes(self, layout: Layout) -> int:
        """The number of codes; `auto` is a third of a table's features, 10 for gray and 100 for color pictures."""
        if self.latent != "auto":
            return int(self.latent)
        if layout.shape:
            return 100 if layout.shape[0] == 3 else 10
        return -(-layout.features // 3)
