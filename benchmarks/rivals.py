"""The other side of every comparison: what people run today.

As a script: python rivals.py MODEL.pickle ROWS.parquet SCORES.parquet scores a table with pandas and PyOD.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def pyod_vae(network: dict[str, Any], **more: Any) -> Any:
    """PyOD's VAE with a given network; its KL term switched on, without dropout."""
    from pyod.models.vae import VAE  # noqa: PLC0415

    widths = list(network["hidden"])
    return VAE(
        encoder_neuron_list=widths,
        decoder_neuron_list=widths[::-1],
        latent_dim=network["latent"],
        capacity=1e9,
        dropout_rate=0.0,
        verbose=0,
        **more,
    )


def pyod_default(seed: int) -> Any:
    """PyOD's VAE as it comes."""
    from pyod.models.vae import VAE  # noqa: PLC0415

    return VAE(random_state=seed, verbose=0)


def pyod_epochs(X: np.ndarray, network: dict[str, Any], batch: int, epochs: int) -> Callable[[], None]:
    """PyOD's own loop over its own loader."""
    from pyod.utils.torch_utility import TorchDataset  # noqa: PLC0415

    model = pyod_vae(network, batch_size=batch, epoch_num=epochs)
    model.data_num, model.feature_size = X.shape
    model.build_model()
    model.training_prepare()
    wrapped = TorchDataset(X=X, y=None, mean=X.mean(0), std=X.std(0))
    loader = DataLoader(wrapped, batch_size=batch, shuffle=True, drop_last=True)
    return lambda: model.train(loader)


def pyod_fitted(X: np.ndarray, network: dict[str, Any]) -> Any:
    """PyOD's VAE after an epoch."""
    return pyod_vae(network, epoch_num=1).fit(X)


class Gray(nn.Module):
    """The light gray VAE in plain layers: what a user of PyTorch would write."""

    def __init__(self) -> None:
        super().__init__()
        convolutions = [
            nn.Conv2d(a, b, 5, s, padding=2)
            for a, b, s in ((1, 8, 2), (8, 16, 1), (16, 32, 2), (32, 64, 1), (64, 64, 2))
        ]
        self.encoder = nn.Sequential(
            *(m for c in convolutions for m in (c, nn.ReLU())), nn.Flatten(), nn.Linear(1024, 20)
        )
        self.decoder = nn.Sequential(
            nn.Linear(10, 3136),
            nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 5, 2, padding=2, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 32, 5, 2, padding=2, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 32, 5, 1, padding=2),
            nn.ReLU(),
            nn.Conv2d(32, 1, 5, padding=2),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The negative ELBO with σ = 1."""
        mean, log_std = self.encoder(x).chunk(2, dim=1)
        std = log_std.clamp(-6, 3).exp()
        divergence = 0.5 * (mean**2 + std**2 - 2 * std.log() - 1).sum(1)
        picture = self.decoder(mean + std * torch.randn_like(std)).sigmoid()
        return (divergence + 0.5 * (x - picture).square().flatten(1).sum(1)).mean()


def plain_convolutions(x: torch.Tensor, batch: int, epochs: int) -> Callable[[], None]:
    """A DataLoader and Adam."""
    model = Gray()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(x.view(-1, 1, 28, 28)), batch_size=batch, shuffle=True, drop_last=True)

    def trained() -> None:
        for _ in range(epochs):
            for (pictures,) in loader:
                optimizer.zero_grad()
                model(pictures).backward()
                optimizer.step()

    return trained


@torch.no_grad()
def drawn_probability(model: Any, draws: int, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """-log mean p(x | z) over fresh draws of all rows at once, (N,)."""
    mean, std = model.posterior(x[None])
    noise = torch.randn(draws, 1, *mean.shape[1:], generator=generator)
    parts = []
    for z in (mean + std * noise).split(200):
        flat = z.flatten(0, 2)[None]
        again = x.expand(len(z), *x.shape).flatten(0, 1)[None]
        parts.append(model.likelihood.log_prob(again, model.decoder(flat)).view(len(z), len(x)))
    return np.log(draws) - torch.cat(parts).logsumexp(0)


def script(model: str, source: str, target: str) -> None:
    """Read, score and write as PyOD's documentation does."""
    import pandas as pd  # noqa: PLC0415
    from pyod.models.vae import VAE  # noqa: PLC0415

    scores = VAE.load(model).decision_function(pd.read_parquet(source).to_numpy())
    pd.DataFrame({"score": scores}).to_parquet(target)


if __name__ == "__main__":
    script(*sys.argv[1:])
