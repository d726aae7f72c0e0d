"""Bring the console's browser assets in while the package is installed or built.

assets.lock names each npm package, its exact version, its sha512 and the files wanted; only Python is needed here.
The registry is the one the npm client would ask: the environment, then the user's npmrc, then the client's default.
"""

import hashlib
import io
import json
import os
import shutil
import ssl
import tarfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from hatch_npm_vendor.plugin import DEFAULT_REGISTRY
from hatch_npm_vendor.vendor import check_integrity
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FETCH_TRIES = 3
FETCH_TIMEOUT_S = 60
TARBALL_MAX_BYTES = 64 * 1024 * 1024
STAMP = ".taken.json"


@dataclass(frozen=True)
class Asset:
    """One npm package of the lock.  Shape: `into` is a folder of the project, `files` are patterns in the tarball."""

    package: str
    version: str
    integrity: str
    into: str
    files: tuple[str, ...]
    only: Literal["", "editable"] = ""

    def __post_init__(self) -> None:
        # The folder is wiped before it is filled, so it has to stay below the project root.
        into = PurePosixPath(self.into)
        if not into.parts or into.is_absolute() or ".." in into.parts:
            raise AssetError(f"assets.lock: {self.package}: `into` must be a folder of the project, not {self.into!r}")

    def wants(self, path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in self.files)

    def fingerprint(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()


class AssetError(RuntimeError):
    """An asset could not be fetched or is not what the lock says."""


class AssetsBuildHook(BuildHookInterface[Any]):
    """Fills the vendor folders before hatchling looks at the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del build_data  # the folders are declared as `artifacts`; nothing else to tell hatchling
        root = Path(self.root)
        for asset in read_lock(root / "assets.lock"):
            if asset.only in ("", version) and take(asset, root / asset.into):
                self.app.display_info(f"assets: {asset.package} {asset.version}")


def read_lock(path: Path) -> list[Asset]:
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["asset"]
    return [Asset(**{**entry, "files": tuple(entry["files"])}) for entry in entries]


def take(asset: Asset, folder: Path) -> bool:
    """Make `folder` hold exactly the wanted files.  Returns False when it already does."""
    if is_taken(asset, folder):
        return False
    wanted = wanted_files(asset, tarball(asset))
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in wanted.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in wanted.items()}
    (folder / STAMP).write_text(json.dumps({"asset": asset.fingerprint(), "files": digests}, indent=1) + "\n")
    return True


def is_taken(asset: Asset, folder: Path) -> bool:
    try:
        stamp = json.loads((folder / STAMP).read_text())
        return stamp["asset"] == asset.fingerprint() and all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
            for name, digest in stamp["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False  # half written or foreign: take it again


def wanted_files(asset: Asset, data: bytes) -> dict[str, bytes]:
    """Pick the files out of a checked tarball; every pattern must find something."""
    wanted: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for member in archive:
            # npm wraps everything in one top folder, usually but not always called "package".
            name = PurePosixPath(*PurePosixPath(member.name).parts[1:]).as_posix()
            if not member.isfile() or ".." in PurePosixPath(name).parts or not asset.wants(name):
                continue
            content = archive.extractfile(member)
            if content is not None:
                wanted[name] = content.read()
    missing = [pattern for pattern in asset.files if not any(fnmatchcase(name, pattern) for name in wanted)]
    if missing:
        raise AssetError(f"assets.lock: {asset.package} {asset.version} has no {', '.join(missing)}")
    return wanted


def tarball(asset: Asset) -> bytes:
    """The package's tarball, from the cache or the registry, checked against the lock either way."""
    cached = cache_folder() / f"{asset.package.replace('/', '+')}-{asset.version}.tgz"
    if cached.is_file():
        data = cached.read_bytes()
        if is_intact(data, asset):
            return data
    registry = registry_address(os.environ, Path.home() / ".npmrc")
    meta = json.loads(fetch(f"{registry}/{asset.package}/{asset.version}", asset))
    data = fetch(meta["dist"]["tarball"], asset)
    if not is_intact(data, asset):
        raise AssetError(
            f"assets.lock: {asset.package} {asset.version}: the tarball's sha512 is not the one in the lock"
        )
    keep(cached, data)
    return data


def is_intact(data: bytes, asset: Asset) -> bool:
    try:
        check_integrity(data, asset.integrity)
    except RuntimeError:
        return False
    return True


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "entrepot" / "assets"


def keep(path: Path, data: bytes) -> None:
    """Remember a tarball for the next checkout; a home that cannot be written to is no reason to fail."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.part")
        partial.write_bytes(data)
        partial.replace(path)
    except OSError:
        return


def registry_address(environ: Mapping[str, str], npmrc: Path) -> str:
    """The registry the npm client would ask, without a trailing slash."""
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        if environ.get(name):
            return environ[name].rstrip("/")
    lines: Iterable[str] = npmrc.read_text(encoding="utf-8").splitlines() if npmrc.is_file() else ()
    for line in lines:
        key, _, value = line.partition("=")
        if key.strip() == "registry" and value.strip():
            return value.strip().rstrip("/")
    return str(DEFAULT_REGISTRY).rstrip("/")


def fetch(url: str, asset: Asset) -> bytes:
    """GET with a few tries, since an install must not fail for one dropped connection."""
    if not url.startswith(("https://", "http://")):
        raise AssetError(f"{asset.package} {asset.version}: {url} is no web address")
    context = ssl.create_default_context()
    for attempt in range(1, FETCH_TRIES + 1):
        try:
            with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S, context=context) as response:  # noqa: S310  a web address, see above
                data: bytes = response.read(TARBALL_MAX_BYTES + 1)
        except (OSError, urllib.error.URLError) as error:
            if attempt == FETCH_TRIES:
                raise AssetError(
                    f"could not fetch {asset.package} {asset.version} for the console: {error}. Check the network, or "
                    f"point NPM_CONFIG_REGISTRY at a registry you can reach, and install again."
                ) from error
            time.sleep(attempt)
        else:
            if len(data) > TARBALL_MAX_BYTES:
                raise AssetError(f"{asset.package} {asset.version} is larger than {TARBALL_MAX_BYTES} bytes")
            return data
    raise AssertionError("unreachable")
