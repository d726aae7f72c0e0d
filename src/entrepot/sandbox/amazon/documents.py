"""Files behind presigned addresses: uploaded and fetched without a token, for a few minutes."""

import gzip
import hashlib
import hmac
from typing import Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from entrepot.sandbox.amazon.errors import not_found
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.state import Document
from entrepot.sandbox.core import Request, Response

PATH: Final = "/documents/"
IN_PROCESS_HOST: Final = "documents.sandbox"
UPLOAD, DOWNLOAD = "uploadDocument", "downloadDocument"


class Documents:
    """The store. Its refusals are XML, as the storage service behind the real addresses writes them."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._settings = platform.settings

    def open(self, content_type: str) -> Document:
        """A document still to be uploaded."""
        return self._keep(content_type, None, gzipped=False)

    def store(self, content_type: str, body: bytes) -> Document:
        """A document of Amazon's own, compressed."""
        return self._keep(content_type, gzip.compress(body, mtime=0), gzipped=True)

    def _keep(self, content_type: str, body: bytes | None, gzipped: bool) -> Document:
        document_id = f"amzn1.tortuga.4.eu.{self._platform.uuid()}.{self._platform.letters(13)}"
        document = Document(document_id, content_type, body, gzipped)
        self._platform.documents[document_id] = document
        return document

    def find(self, document_id: str) -> Document:
        """One document. Errors: NotFound."""
        found = self._platform.documents.get(document_id)
        if found is None:
            raise not_found(f"Document {document_id} is not found.")
        return found

    def url(self, document: Document, method: str, request: Request) -> str:
        """An address that lets its holder PUT or GET this document until it expires."""
        expires = int((self._platform.now() + self._settings.document_life).timestamp())
        host = request.headers.get("host") or IN_PROCESS_HOST
        base = (self._settings.base_url or f"http://{host}").rstrip("/")
        query = urlencode({"Expires": expires, "Signature": self._signature(document, method, str(expires))})
        return f"{base}{PATH}{document.document_id}?{query}"

    def _signature(self, document: Document, method: str, expires: str) -> str:
        signed = "\n".join((method, document.document_id, document.content_type if method == "PUT" else "", expires))
        return hmac.new(self._settings.document_secret.encode(), signed.encode(), hashlib.sha256).hexdigest()

    # -- the storage service -----------------------------------------------------------------------------------------

    def operation(self, request: Request) -> str | None:
        """Which of the two calls this is."""
        if not request.path.startswith(PATH):
            return None
        return {"PUT": UPLOAD, "GET": DOWNLOAD}.get(request.method)

    def handle(self, request: Request) -> Response:
        """PUT or GET. 403 when the address is over, forged, or made for something else."""
        document = self._platform.documents.get(request.path.removeprefix(PATH))
        expires, given = request.first("Expires") or "", request.first("Signature") or ""
        if document is None or not expires.isdecimal():
            return _refused(403, "AccessDenied", "Access Denied")
        if not hmac.compare_digest(given.encode(), self._signature(document, request.method, expires).encode()):
            return _refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        if self._platform.now().timestamp() > int(expires):
            return _refused(403, "AccessDenied", "Request has expired")
        if request.method == "PUT":
            return self._put(document, request)
        if document.body is None:
            return _refused(404, "NoSuchKey", "The specified key does not exist.")
        return Response(200, {"content-type": document.content_type}, document.body)

    def _put(self, document: Document, request: Request) -> Response:
        if request.headers.get("content-type", "").replace(" ", "") != document.content_type.replace(" ", ""):
            return _refused(403, "SignatureDoesNotMatch", "The content type is not the one that was signed.")
        document.body = request.body
        return Response(200, {"etag": f'"{hashlib.sha256(request.body).hexdigest()[:32]}"'})


def _refused(status: int, code: str, message: str) -> Response:
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'
    return Response(status, {"content-type": "application/xml"}, body.encode())
