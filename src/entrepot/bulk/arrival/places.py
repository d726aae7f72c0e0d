"""Folders that are looked at: local, SFTP, S3, all through fsspec. The only module that knows how each is reached.

They are looked at and read, never written to: what was taken is known by name, size and age. An SFTP server must show the
host key that the plan names; a key nobody pinned is not trusted on first sight.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol
from urllib.parse import urlsplit

from entrepot.blueprint.model import FeedRule
from entrepot.blueprint.references import resolve
from entrepot.kernel.errors import NotNow, WrongSetting

FILES_MAX = 10_000  # of one folder
BLOCK_BYTES = 2**20
CALL_S = 20.0
UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".swp", ".uploading", "~")
S3_KNOWS = ("access_key_id", "secret_access_key", "region", "endpoint")
SFTP_NEEDS = ("username", "host_key")


@dataclass(frozen=True, slots=True)
class Seen:
    """One file as a folder shows it. `stamp`: its age or version there, in whatever words."""

    origin: str
    name: str
    size_bytes: int
    stamp: str


class Place(Protocol):
    def files(self) -> list[Seen]:
        """What lies there now under the feed's pattern, by name. Errors: NotNow."""
        ...

    def look(self, origin: str) -> Seen | None:
        """One of them as it is now; None: it is gone. Errors: NotNow."""
        ...

    def read(self, origin: str) -> Iterator[bytes]:
        """Errors: NotNow."""
        ...


@contextmanager
def at(feed: FeedRule) -> Iterator[Place]:
    """A feed's folder, reached anew each time. Errors: NotNow where it cannot be reached; WrongSetting where the plan is wrong."""
    with _speaking(feed):
        system, root = _system(feed)
        try:
            yield _Folder(system, root, feed)
        finally:
            client = getattr(system, "client", None)
            if client is not None:
                with suppress(Exception):
                    client.close()


@dataclass(frozen=True, slots=True)
class _Folder:
    system: Any
    root: str
    feed: FeedRule

    def files(self) -> list[Seen]:
        with _speaking(self.feed):
            found = [self._seen(one) for one in self.system.ls(self.root, detail=True) if one["type"] == "file"]
        found = sorted((one for one in found if self._wanted(one.name)), key=lambda one: one.origin)
        if len(found) > FILES_MAX:
            raise NotNow(f"feed {self.feed.name}: {len(found)} files lie in {self.feed.source}, more than {FILES_MAX}")
        return found

    def look(self, origin: str) -> Seen | None:
        with _speaking(self.feed):
            try:
                return self._seen(self.system.info(origin))
            except FileNotFoundError:
                return None

    def read(self, origin: str) -> Iterator[bytes]:
        with _speaking(self.feed), self.system.open(origin, "rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                yield bytes(block)

    def _wanted(self, name: str) -> bool:
        lowered = name.lower()
        return fnmatchcase(name, self.feed.pattern) and not name.startswith(".") and not lowered.endswith(UNFINISHED)

    def _seen(self, one: Mapping[str, Any]) -> Seen:
        stamp = next((one[key] for key in ("e_tag", "ETag", "mtime", "last_modified", "LastModified", "created") if one.get(key)), "")  # fmt: skip
        name = str(one["name"])
        return Seen(name, name.rstrip("/").rpartition("/")[2], int(one["size"] or 0), str(stamp))


def _system(feed: FeedRule) -> tuple[Any, str]:
    """The file system of a feed, and its folder there."""
    import fsspec

    scheme, _, rest = feed.source.rpartition("://")
    given = {name: resolve(reference) for name, reference in feed.credentials.items()}
    uncached = {"skip_instance_cache": True}
    if scheme in ("", "file"):
        return fsspec.filesystem("file", **uncached), rest
    if scheme == "sftp":
        address = urlsplit(feed.source)
        return _sftp(feed, given, address.hostname or "", address.port or 22, uncached), address.path or "/"
    return _s3(given, uncached), rest.rstrip("/")


def _sftp(feed: FeedRule, given: Mapping[str, str], host: str, port: int, uncached: Mapping[str, Any]) -> Any:
    import fsspec
    import paramiko

    if missing := [name for name in SFTP_NEEDS if not given.get(name)]:
        raise WrongSetting(f"feeds.{feed.name}: an SFTP source needs credentials {', '.join(missing)}")

    class Pinned(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # it ships no types
        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            if key.get_base64() not in given["host_key"].split():
                raise paramiko.SSHException(f"{hostname} shows another host key than the plan names")

    signs = {"key_filename": given["private_key"]} if given.get("private_key") else {"password": given.get("password", "")}  # fmt: skip
    times = dict.fromkeys(("timeout", "banner_timeout", "auth_timeout", "channel_timeout"), CALL_S)
    return fsspec.filesystem(
        "sftp", host=host, port=port, username=given["username"], host_key_policy=Pinned(), allow_agent=False,
        look_for_keys=False, **signs, **times, **uncached,
    )  # fmt: skip


def _s3(given: Mapping[str, str], uncached: Mapping[str, Any]) -> Any:
    from obstore.fsspec import FsspecStore

    make: Any = FsspecStore  # its overloads list every region by name
    named = {name: given[name] for name in S3_KNOWS if given.get(name)}
    options = {"timeout": f"{CALL_S:g}s", "allow_http": given.get("endpoint", "").startswith("http://")}
    return make("s3", config=named, client_options=options, retry_config={"max_retries": 1}, **uncached)


@contextmanager
def _speaking(feed: FeedRule) -> Iterator[None]:
    """Whatever a library says when a folder cannot be reached, in one sentence: time acts next."""
    try:
        yield
    except (NotNow, WrongSetting, GeneratorExit):
        raise
    except Exception as error:
        if not _theirs(error):
            raise
        words = " ".join(str(error).split())[:300] or type(error).__name__
        raise NotNow(f"feed {feed.name}: {feed.source} cannot be reached or read: {words}") from error


def _theirs(error: Exception) -> bool:
    kinds = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError | EOFError | TimeoutError) or kinds in ("paramiko", "obstore", "socket")
