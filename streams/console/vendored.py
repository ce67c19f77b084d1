"""The JavaScript libraries of the console, as published by npm: their versions and digests, and how to get them again.

`make console-assets` runs this file: it downloads each package and replaces the files, or fails if a digest differs.
"""

import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

ASSETS = Path(__file__).parent / "assets"


class Library(Struct, frozen=True):
    """One file of an npm package, kept with the package's licence."""

    package: str
    version: str
    member: str
    digest: str

    @property
    def file_name(self) -> str:
        """Name of the file among our assets."""
        return Path(self.member).name

    @property
    def licence_name(self) -> str:
        """Name of the licence among our assets."""
        return f"{self.package}.LICENSE.txt"


LIBRARIES = (
    Library("vega", "6.4.0", "build/vega.min.js", "8f6a3587cf8d4f42c7e08120e3eb05d067e746d554e39d2dcf52acc0bd5ba28f"),
    Library(
        "vega-lite",
        "6.5.0",
        "build/vega-lite.min.js",
        "83e215e84e308ee8688fa6503ba0f1cf8a3c05c0d61df2841a0b92bf86809e00",
    ),
    Library(
        "vega-embed",
        "7.3.0",
        "build/vega-embed.min.js",
        "b1455caba2fb1a72fb46025ba0ba1316e2dbc7f0dd40a3f6040172bf9c08ba91",
    ),
    Library(
        "idiomorph",
        "0.8.0",
        "dist/idiomorph.min.js",
        "4cbd535caf7663a51eda9bce6595371c384fc430d54b8d414e29a61167f19f96",
    ),
)


def digest_of(content: bytes) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return sha256(content).hexdigest()


def fetch(library: Library, into: Path) -> None:
    """Download the package with npm, and write the file and its licence; raises `ValueError` if the digest differs."""
    with tempfile.TemporaryDirectory() as folder:
        name = f"{library.package}@{library.version}"
        packing = ["npm", "pack", "--silent", "--pack-destination", folder, name]
        packed = subprocess.run(packing, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
        with tarfile.open(Path(folder) / packed) as archive:
            content = _member(archive, library.member)
            licence = _member(archive, "LICENSE")
    if digest_of(content) != library.digest:
        raise ValueError(f"{name} has the digest {digest_of(content)}, not {library.digest}")
    (into / library.file_name).write_bytes(content)
    (into / library.licence_name).write_bytes(licence)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    found = archive.extractfile(f"package/{name}")
    if found is None:
        raise ValueError(f"{name} is no file")
    return found.read()


if __name__ == "__main__":
    for each in LIBRARIES:
        fetch(each, ASSETS)
        sys.stdout.write(f"{each.package} {each.version} {each.digest}\n")
