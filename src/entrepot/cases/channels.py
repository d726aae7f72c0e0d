"""How words leave the house: any service apprise knows, or `spool:/folder`, where each alert becomes a mail file."""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import ModuleType

from entrepot.blueprint.references import resolve
from entrepot.cases.model import Notice
from entrepot.kernel.errors import WrongSetting

SPOOL = "spool:"
SEND_S = 6.0  # machine seconds for one alert: below a lane's lease
ERROR_MAX = 500


@dataclass(frozen=True, slots=True)
class Channels:
    """Sends a notice to a channel of a team; `environ` holds what references point at."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def send(self, notice: Notice, channel: str) -> str | None:
        """None: delivered; else why not. Never retries by itself: the alert's row does."""
        try:
            address = resolve(channel, self.environ)
        except WrongSetting as error:
            return error.message
        if address.startswith(SPOOL):
            return _spool(notice, Path(address.removeprefix(SPOOL)))
        return _apprise(notice, channel, address)


def _spool(notice: Notice, folder: Path) -> str | None:
    """A mail file per alert, complete or not there at all; the same alert again is the same file."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Entrepot <entrepot@localhost>"
    mail["To"] = f"{notice.team} <{notice.team}@localhost>"
    mail["Subject"] = " ".join(notice.subject.split())
    mail["Date"] = format_datetime(notice.at)
    name = blake2b(notice.key.encode(), digest_size=12).hexdigest()
    mail["Message-ID"] = f"<{name}@entrepot.localhost>"
    mail.set_content(notice.body)
    written = folder / f"{notice.at:%Y%m%dT%H%M%S}-{name}.eml"
    part = folder / f".{name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(mail.as_bytes())
        part.replace(written)
    except OSError as error:
        return f"the mail folder {folder} cannot be written: {error.strerror}"
    return None


@cache
def _library() -> ModuleType:
    """Apprise with all its services, loaded when the first alert needs it: half a second that no other process pays."""
    import apprise

    with warnings.catch_warnings():  # its mail service imports a module that Python deprecates (imghdr)
        warnings.simplefilter("ignore", DeprecationWarning)
        apprise.Apprise.instantiate("json://localhost")
    return apprise


def _apprise(notice: Notice, channel: str, address: str) -> str | None:
    apprise = _library()
    said: list[str] = []
    asset = apprise.AppriseAsset(
        app_id="Entrepot", async_mode=False, http_redirects=False, service_timeout=SEND_S, storage_mode="memory"
    )
    service = apprise.Apprise(asset=asset)
    if not service.add(address):
        return f"{channel} is not an address that alerts can be sent to"
    result = service.notify(
        body=notice.body,
        title=notice.subject,
        body_format="text",
        log_callback=lambda entry, _service: said.append(str(entry.message)),
    )
    if result:
        return None
    return (" ".join(said) or f"{channel} did not take it")[:ERROR_MAX].replace(address, channel)
