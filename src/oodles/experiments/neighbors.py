"""Maps of many numbers in the plane, and whether neighbors are of one class."""

import numpy as np

__all__ = ["map_in_the_plane", "neighbor_accuracy"]

PERPLEXITY, COMPONENTS, NEIGHBORS = 30, 50, 10


def map_in_the_plane(rows: np.ndarray) -> np.ndarray:
    """t-SNE of rows (N, W), (N, 2), with perplexity 30 and a fixed seed, from the first two principal components.

    More than fifty columns are their first fifty principal components before, as the authors do.

    References:
        | Visualizing Data using t-SNE (van der Maaten & Hinton, 2008)
    """
    from sklearn.decomposition import PCA  # noqa: PLC0415 - scikit-learn is slow to import
    from sklearn.manifold import TSNE  # noqa: PLC0415

    if rows.shape[1] > COMPONENTS:
        rows = PCA(COMPONENTS, random_state=0).fit_transform(rows)
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    places: np.ndarray = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(rows)
    return places


def neighbor_accuracy(rows: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows (N, W) whose class most of their ten nearest neighbors have; a row is no neighbor of its own."""
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 - scikit-learn is slow to import

    near = NearestNeighbors(n_neighbors=min(NEIGHBORS, len(rows) - 1)).fit(rows).kneighbors(return_distance=False)
    votes = (labels[near][..., None] == np.arange(labels.max() + 1)).sum(1)
    return float((votes.argmax(1) == labels).mean())
