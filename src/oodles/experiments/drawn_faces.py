"""Faces drawn by a rule: seventeen free numbers for each, and nothing that anyone owns."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["drawn_faces"]

SKINS = np.array([[0.93, 0.78, 0.69], [0.36, 0.22, 0.15]])
HAIRS = np.array([[0.08, 0.06, 0.05], [0.85, 0.70, 0.40]])
LIPS = np.array([0.62, 0.20, 0.22])


def drawn_faces(n: int, seed: int, *, side: int = 128) -> NDArray[np.uint8]:
    """Pictures of a head with hair, eyes and a mouth before a plain wall, (n, side, side, 3).

    Free are the wall's color (3), the tones of skin and hair, the head's place (2), width and height, how far the hair
    reaches up and down, distance and size of the eyes, where they look, and how wide, open and bent the mouth is. Each
    is drawn independently.
    """
    return np.stack([face(np.random.default_rng((seed, number)), side) for number in range(n)])


def face(rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """One picture."""
    down, across = np.mgrid[0:side, 0:side] * (2 / side) - 1 + 1 / side
    picture = np.broadcast_to(rng.uniform(0.2, 0.95, 3), (side, side, 3)).copy()
    skin, hair = (low + rng.random() * (high - low) for low, high in (SKINS, HAIRS))
    x, y = rng.normal(0, 0.06, 2)
    width, height = rng.uniform(0.40, 0.52), rng.uniform(0.56, 0.68)
    above, below = rng.uniform(0.05, 0.20), rng.uniform(-0.2, 0.5)

    def paint(color: NDArray[np.float64], place: NDArray[np.float64]) -> None:
        """Where `place` is above 0, with an edge of about a pixel."""
        share = (0.5 + 0.5 * side * place).clip(0, 1)[..., None]
        picture[...] = (1 - share) * picture + share * color

    def ellipse(at: tuple[float, float], reach: tuple[float, float]) -> NDArray[np.float64]:
        """About the distance to an ellipse's edge, positive inside."""
        far = np.hypot((across - at[0]) / reach[0], (down - at[1]) / reach[1])
        return (1 - far) * min(reach)

    paint(hair, np.minimum(ellipse((x, y - above), (width + 0.12, height + 0.12)), y + below - down))
    paint(0.75 * skin, ellipse((x, y + 0.95), (0.6 * width, 0.6)))
    paint(skin, ellipse((x, y), (width, height)))
    paint(hair, np.minimum(ellipse((x, y), (width + 0.03, height + 0.03)), y - 0.55 * height - down))
    apart, size, look = rng.uniform(0.16, 0.23), rng.uniform(0.06, 0.10), rng.uniform(-0.03, 0.03)
    for eye in (x - apart, x + apart):
        paint(np.ones(3), ellipse((eye, y - 0.08), (size, 0.6 * size)))
        paint(np.full(3, 0.1), ellipse((eye + look, y - 0.08), (0.4 * size, 0.45 * size)))
        paint(0.6 * hair, ellipse((eye, y - 0.1 - 1.3 * size), (1.2 * size, 0.025)))
    paint(0.85 * skin, ellipse((x, y + 0.1), (0.05, 0.12)))
    wide, gap, bend = rng.uniform(0.12, 0.24), rng.uniform(0.025, 0.07), rng.uniform(-2, 3)
    bent = bend * ((across - x) ** 2 - wide**2 / 3)
    far = np.hypot((across - x) / wide, (down + bent - y - 0.34) / gap)
    paint(LIPS, (1 - far) * gap)
    return np.rint(255 * picture).astype(np.uint8)
