"""Browser assets: taken by name, version and digest; nothing else gets in."""

import base64
import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from hatch_build import Asset, AssetError, read_lock, registry_address, take

LOCK = Path(__file__).parents[2] / "assets.lock"


def tarball_of(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def integrity(data: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asset:
    """An asset whose tarball lies in the cache, so that no network is needed."""
    data = tarball_of(
        {"package/dist/a.js": "one", "package/LICENSE": "free", "package/other.js": "no", "package/../../out.js": "no"}
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "entrepot" / "assets"
    folder.mkdir(parents=True)
    (folder / "@scope+name-1.0.0.tgz").write_bytes(data)
    return Asset("@scope/name", "1.0.0", integrity(data), "vendor/name", ("dist/*.js", "LICENSE"))


def test_only_the_wanted_files_are_taken_and_a_second_time_nothing_is_done(cached: Asset, tmp_path: Path) -> None:
    folder = tmp_path / cached.into
    assert take(cached, folder)
    assert {file.name for file in folder.rglob("*") if file.is_file()} == {"a.js", "LICENSE", ".taken.json"}
    assert not take(cached, folder)


def test_a_file_that_was_changed_by_hand_is_put_right(cached: Asset, tmp_path: Path) -> None:
    folder = tmp_path / cached.into
    take(cached, folder)
    (folder / "dist" / "a.js").write_text("evil")
    assert take(cached, folder)
    assert (folder / "dist" / "a.js").read_text() == "one"


def test_a_tarball_with_another_digest_is_refused(
    cached: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hatch_build.fetch", lambda url, asset: b'{"dist": {"tarball": "https://registry.test/x.tgz"}}')
    with pytest.raises(AssetError, match="sha512"):
        take(replace(cached, integrity=integrity(b"something else")), tmp_path / "vendor")


def test_a_file_the_package_lacks_is_named(cached: Asset, tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"has no missing\.css"):
        take(replace(cached, files=("missing.css",)), tmp_path / "vendor")


@pytest.mark.parametrize("into", ["", "/etc", "../out", "a/../../b"])
def test_assets_never_leave_the_project(cached: Asset, into: str) -> None:
    with pytest.raises(AssetError, match="folder of the project"):
        replace(cached, into=into)


def test_the_registry_is_the_one_the_npm_client_would_ask(tmp_path: Path) -> None:
    npmrc = tmp_path / ".npmrc"
    default = registry_address({}, npmrc)
    assert default.startswith("https://")
    npmrc.write_text("fund=false\nregistry = https://packages.test/npm/\n")
    assert registry_address({}, npmrc) == "https://packages.test/npm"
    assert registry_address({"NPM_CONFIG_REGISTRY": "https://other.test/"}, npmrc) == "https://other.test"


def test_the_lock_pins_every_asset_and_names_no_address() -> None:
    assets = read_lock(LOCK)
    assert {asset.package for asset in assets} >= {"htmx.org", "@tabler/core", "echarts", "@fontsource-variable/inter"}
    assert all(asset.integrity.startswith("sha512-") and asset.version[0].isdigit() for asset in assets)
    assert "://" not in LOCK.read_text()
