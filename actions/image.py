"""Container images as text: `registry:5000/team/checkout:1.4.2@sha256:…`."""

from __future__ import annotations


def split(image: str) -> tuple[str, str]:
    """(repository, version). The version is the tag, else the digest, else `latest`, which is what Docker assumes."""
    name, _, digest = image.partition("@")
    repository, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        return repository, tag
    return name, digest or "latest"


def join(repository: str, version: str) -> str:
    """The image of this version: `repo:tag` or `repo@sha256:…`."""
    return f"{repository}{'@' if version.startswith('sha256:') else ':'}{version}"


def version(image: str) -> str:
    """What people call the version of this image: its tag, or the first digits of its digest."""
    found = split(image)[1]
    return found[: len("sha256:") + 12] if found.startswith("sha256:") else found
