"""A small classifier of pictures: it counts modes, and measures quality where no other weights may be had.

References:
    | GANs Trained by a Two Time-Scale Update Rule (Heusel et al., 2017), https://arxiv.org/abs/1706.08500
    | Improved Techniques for Training GANs (Salimans et al., 2016), https://arxiv.org/abs/1606.03498
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..errors import FileError

__all__ = ["Classifier", "Features", "Imported", "frechet_distance", "inception_score"]

CHUNK = 500


class Features(Protocol):
    """What tells classes of pictures apart."""

    @property
    def word(self) -> str:
        """A mark for numbers made with it: `c` for a classifier that was trained here."""

    def __call__(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Class probabilities (N, K) and features (N, F) of pictures in [0, 1]."""


@dataclass
class Classifier:
    """Two or three convolutions and two dense layers, trained by stochastic gradient descent.

    Attributes:
        network: Up to the features.
        head: From the features to the classes.
        accuracy: On pictures that it did not learn.
    """

    network: nn.Module
    head: nn.Module
    accuracy: float
    word: str = "c"

    @classmethod
    def trained(
        cls,
        pictures: np.ndarray,
        labels: np.ndarray,
        tests: tuple[np.ndarray, np.ndarray],
        *,
        epochs: int,
        device: torch.device,
        seed: int = 0,
    ) -> Self:
        """Learn from pictures (N, H, W) or (N, H, W, 3) of 8 bits."""
        color = pictures.ndim == 4
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network, head = built(color, pictures.shape[1], int(labels.max()) + 1)
            both = nn.Sequential(network, head).to(device)
            lr = 0.05
            steps = epochs * -(-len(pictures) // 64)
            optimizer = torch.optim.SGD(both.parameters(), lr=lr, momentum=0.9, weight_decay=5e-4, nesterov=True)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=steps)
            target = torch.from_numpy(labels.astype(np.int64))
            for _ in range(epochs):
                for rows in torch.randperm(len(pictures)).split(64):
                    x = shown(pictures[rows.numpy()], device)
                    if color:
                        x = jittered(x)
                    loss = cross_entropy(both(x), target[rows].to(device))
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    schedule.step()
        made = cls(network.eval(), head.eval(), 0.0)
        made.accuracy = float((made(tests[0] / 255)[0].argmax(1) == tests[1]).mean())
        return made

    @torch.inference_mode()
    def __call__(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Class probabilities (N, K) and features (N, F) of pictures in [0, 1]."""
        device = next(self.network.parameters()).device
        every = []
        for start in range(0, len(pictures), CHUNK):
            features = self.network(shown(255 * pictures[start : start + CHUNK], device))
            every.append((self.head(features).softmax(-1).cpu().numpy(), features.cpu().numpy()))
        probabilities, features = zip(*every, strict=True)
        return np.concatenate(probabilities), np.concatenate(features)


@dataclass
class Imported:
    """A network of the user's own, as TorchScript: pictures (N, 3, H, W) in [0, 1] → class logits and features.

    Inception's weights may not be shipped; who has them wraps them so, and gets numbers to compare with published ones.

    Attributes:
        module: The network.
    """

    module: Callable[[Tensor], tuple[Tensor, Tensor]]
    word: str = "user"

    @classmethod
    def read(cls, path: Path) -> Self:
        """The network in a file.

        Raises:
            FileError: If it is none.
        """
        try:
            return cls(torch.jit.load(str(path), map_location="cpu").eval())
        except (RuntimeError, ValueError, OSError) as error:
            raise FileError(f"{path} holds no TorchScript network: save one with torch.jit.save.") from error

    @torch.inference_mode()
    def __call__(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Class probabilities (N, K) and features (N, F) of pictures in [0, 1]."""
        every = []
        for start in range(0, len(pictures), CHUNK):
            x = torch.from_numpy(np.ascontiguousarray(pictures[start : start + CHUNK])).float().permute(0, 3, 1, 2)
            logits, features = self.module(x)
            every.append((logits.softmax(-1).numpy(), features.numpy()))
        probabilities, found = zip(*every, strict=True)
        return np.concatenate(probabilities), np.concatenate(found)


def built(color: bool, side: int, classes: int) -> tuple[nn.Module, nn.Module]:
    """The network up to its features, and its head."""
    if not color:  # the digits' classic: 10 and 20 filters of 5 x 5 with max-pooling, then 50 features
        small = ((side - 4) // 2 - 4) // 2
        convolutions = [
            *(nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.ReLU()),
            *(nn.Conv2d(10, 20, 5), nn.Dropout2d(), nn.MaxPool2d(2), nn.ReLU()),
        ]
        dense = nn.Linear(20 * small**2, 50)
        return nn.Sequential(*convolutions, nn.Flatten(), dense, nn.ReLU()), nn.Linear(50, classes)
    layers: list[nn.Module] = []
    channels = 3
    for width in (32, 64, 128):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        channels = width
    small = side // 8
    dense = nn.Linear(128 * small**2, 128)
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), dense, nn.ReLU()), nn.Linear(128, classes)


def shown(pictures: np.ndarray, device: torch.device) -> Tensor:
    """Pictures of 0 to 255 as a network reads them, (N, C, H, W)."""
    x = torch.from_numpy(np.ascontiguousarray(pictures)).to(device).float() / 255
    return x.unsqueeze(1) if x.dim() == 3 else x.permute(0, 3, 1, 2)


def jittered(x: Tensor) -> Tensor:
    """Half of the pictures mirrored, all moved by up to two pixels."""
    x = torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5, x.flip(-1), x)
    down, across = torch.randint(-2, 3, (2,)).tolist()
    return x.roll((down, across), (-2, -1))


def inception_score(probabilities: np.ndarray, splits: int = 10) -> tuple[float, float]:
    r"""$\exp E_x KL(p(y|x) \| p(y))$: mean and standard deviation over splits; between 1 and the number of classes."""
    scores = []
    for part in np.array_split(probabilities.astype(np.float64), splits):
        part = part.clip(1e-12)  # noqa: PLW2901
        scores.append(np.exp((part * (np.log(part) - np.log(part.mean(0)))).sum(1).mean()))
    return float(np.mean(scores)), float(np.std(scores))


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    r"""$\|\mu_1 - \mu_2\|^2 + tr(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})$ of two sets of features."""
    means = [features.mean(0, dtype=np.float64) for features in (first, second)]
    covariances = [np.cov(features.astype(np.float64), rowvar=False) for features in (first, second)]
    # The product has the eigenvalues of a symmetric matrix, which stay real where there are fewer rows than features.
    sizes, axes = np.linalg.eigh(covariances[0])
    root = (axes * np.sqrt(sizes.clip(0))) @ axes.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ covariances[1] @ root).clip(0)).sum()
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(covariances[0] + covariances[1]) - 2 * cross)
