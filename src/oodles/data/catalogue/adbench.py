"""The 47 classical tables of ADBench: numbers without column names, 1 = anomaly.

Sizes are those of the paper: Han, Hu, Huang, Jiang & Zhao, ADBench: Anomaly Detection Benchmark (2022),
https://arxiv.org/abs/2206.09426.
"""

import numpy as np

from ..download import File
from .listing import Content, Edition, Listing, Request, intact

__all__ = ["LISTINGS"]

_ADDRESSES = (
    "https://raw.githubusercontent.com/Minqi824/ADBench/main/adbench/datasets/Classical",
    "https://jihulab.com/BraudoCC/ADBench_datasets/-/raw/339d2ab2d53416854f6535442a67393634d1a778/Classical",
)

# Name of the file, rows, columns, anomalies, subject.
_TABLES = (
    ("1_ALOI", 49_534, 27, 1_508, "objects"),
    ("2_annthyroid", 7_200, 6, 534, "healthcare"),
    ("3_backdoor", 95_329, 196, 2_329, "network"),
    ("4_breastw", 683, 9, 239, "healthcare"),
    ("5_campaign", 41_188, 62, 4_640, "finance"),
    ("6_cardio", 1_831, 21, 176, "healthcare"),
    ("7_Cardiotocography", 2_114, 21, 466, "healthcare"),
    ("8_celeba", 202_599, 39, 4_547, "attributes of faces, not pictures"),
    ("9_census", 299_285, 500, 18_568, "sociology"),
    ("10_cover", 286_048, 10, 2_747, "botany"),
    ("11_donors", 619_326, 10, 36_710, "sociology"),
    ("12_fault", 1_941, 27, 673, "physics"),
    ("13_fraud", 284_807, 29, 492, "finance"),
    ("14_glass", 214, 7, 9, "forensics"),
    ("15_Hepatitis", 80, 19, 13, "healthcare"),
    ("16_http", 567_498, 3, 2_211, "web"),
    ("17_InternetAds", 1_966, 1_555, 368, "web"),
    ("18_Ionosphere", 351, 32, 126, "physics"),
    ("19_landsat", 6_435, 36, 1_333, "astronautics"),
    ("20_letter", 1_600, 32, 100, "letters"),
    ("21_Lymphography", 148, 18, 6, "healthcare"),
    ("22_magic.gamma", 19_020, 10, 6_688, "physics"),
    ("23_mammography", 11_183, 6, 260, "healthcare"),
    ("24_mnist", 7_603, 100, 700, "digits, 100 features of each"),
    ("25_musk", 3_062, 166, 97, "chemistry"),
    ("26_optdigits", 5_216, 64, 150, "digits"),
    ("27_PageBlocks", 5_393, 10, 510, "documents"),
    ("28_pendigits", 6_870, 16, 156, "digits"),
    ("29_Pima", 768, 8, 268, "healthcare"),
    ("30_satellite", 6_435, 36, 2_036, "astronautics"),
    ("31_satimage-2", 5_803, 36, 71, "astronautics"),
    ("32_shuttle", 49_097, 9, 3_511, "astronautics"),
    ("33_skin", 245_057, 3, 50_859, "pixels"),
    ("34_smtp", 95_156, 3, 30, "web"),
    ("35_SpamBase", 4_207, 57, 1_679, "documents"),
    ("36_speech", 3_686, 400, 61, "linguistics"),
    ("37_Stamps", 340, 9, 31, "documents"),
    ("38_thyroid", 3_772, 6, 93, "healthcare"),
    ("39_vertebral", 240, 6, 30, "biology"),
    ("40_vowels", 1_456, 12, 50, "linguistics"),
    ("41_Waveform", 3_443, 21, 100, "physics"),
    ("42_WBC", 223, 9, 10, "healthcare"),
    ("43_WDBC", 367, 30, 10, "healthcare"),
    ("44_Wilt", 4_819, 5, 257, "botany"),
    ("45_wine", 129, 13, 10, "chemistry"),
    ("46_WPBC", 198, 33, 47, "healthcare"),
    ("47_yeast", 1_484, 8, 507, "biology"),
)

# The sha256 of the published files, of those that were at hand.
_HASHES = {
    "2_annthyroid": "e738f7c58a8740d2c4aac4c71ff49ce5e1d1aa16f44178135fc9c09df05fad1b",
    "4_breastw": "4f37ce07dbc25ddad8178fdc6d664ab46d2d0000ee28c2787c3c7ff3c03ef9f6",
    "5_campaign": "74dd4d0072d6c6f1aabab63bc102f9633454f32bb936fa9bcfbd38f9f2386bcd",
    "6_cardio": "bc5009bde6930b4d298b594f31b34485a9a17210cff0e8fb00a8c3068b885a2d",
    "16_http": "9d98710091551587f4740cfc851a6b064fff6319a337c2dc77ee6da4bcc2e02c",
    "18_Ionosphere": "bca46cb0cfd1bf9ddef6cde5ad2215d54fb0189508d0d4c4eb98e788cad69001",
    "23_mammography": "a0308ac9712d78321073b1c2dc98dc37665c0f35c1cc33019416fe8f8d7de7ea",
    "24_mnist": "be7706272325fdd3592c1be555ae1a82f916a2f8545f4f8cbaa548ab102cc44c",
    "26_optdigits": "60de17a375a278ba220a7849727d998aa02b5e2f9fd17732a004bba28de4656e",
    "27_PageBlocks": "10a9b4d5bb5d3b9083caab4c4062f665610eada703c3d927bf7c34b1f2d0d223",
    "28_pendigits": "c4936b89dcdad59d303020e492f763a0f54170080d787c77497609acbb9c2d79",
    "30_satellite": "1f048f5686f1b8c16a227fdfa3c81a62cd9a92715714a6b24c69b1c5ad96b46e",
    "31_satimage-2": "1b056e357f801b8b20c3f380a30224a3c4088d7ed764ec5a24828dc9b1918d6f",
    "32_shuttle": "26900b0f6be45d9ddb7a402c9b2f956ceda42d23a8ca4cf4406b8bc1352823d1",
    "38_thyroid": "8de161b3f235b7647bb0b39a836d983ff61d67bf234edac461da2d71e889cb87",
    "40_vowels": "4bfc4244d1c882773bbbc50d4a5db5e52276e53506e46b2d45e02d074cfcb1b6",
}


def _read(request: Request) -> Content:
    (path,) = request.paths
    with intact(path, "an npz archive with X (N, F) and y (N,) of 0 and 1"), np.load(path) as archive:
        X, y = archive["X"].astype(np.float64), archive["y"]
        if X.ndim != 2 or y.shape != X.shape[:1] or not np.isin(y, (0, 1)).all():
            raise ValueError(f"X {X.shape} and y {y.shape} with values {np.unique(y)[:5]}")
    return Content(X, y.astype(np.int8))


def _listing(name: str, rows: int, columns: int, anomalies: int, subject: str) -> Listing:
    short = name.partition("_")[2]
    addresses = tuple(f"{address}/{name}.npz" for address in _ADDRESSES)
    hashes = (_HASHES[name],) if name in _HASHES else ()
    return Listing(
        name=name,
        description=f"ADBench, {subject}: {anomalies:,} anomalies ({anomalies / rows:.2%})",
        kind="table",
        size=f"{rows:,} × {columns:,}",
        citation="Han, Hu, Huang, Jiang & Zhao, ADBench (2022), https://arxiv.org/abs/2206.09426",
        licence="BSD-2 (repository)",
        read=_read,
        editions={"train": (Edition((File(f"adbench/{name}.npz", addresses, hashes),)),)},
        aliases=(short, f"adbench/{short}", f"adbench/{name}"),
    )


LISTINGS = tuple(_listing(*table) for table in _TABLES)
