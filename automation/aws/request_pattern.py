"""What stays the same from one request of a kind to the next, and the signature of each."""

import functools
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

from botocore.auth import EMPTY_SHA256_HASH, SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.compat import get_current_datetime

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_TOKEN = "x-amz-security-token"  # noqa: S105 the name of a header
_DATE = "x-amz-date"
# Of one request alone. botocore numbers its requests for the statistics of AWS's SDK teams.
_NOT_REPEATED = frozenset(
    {"amz-sdk-invocation-id", "amz-sdk-request", "authorization", "content-length", _DATE}
)


@dataclass(frozen=True, kw_only=True)
class RequestPattern:
    """A signed request of botocore's, without its body and its time.

    Attributes:
        url: where to.
        headers: by their names in lower case, without those that the next has of its own.
        access_key: whose signature it is.
        region, signing_name: what it is good for.
        signed_headers: names, as the signature's header lists them.
        canonical: what is hashed, in two halves: the time is between them, the body's hash behind.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    access_key: str
    region: str
    signing_name: str
    signed_headers: str
    canonical: tuple[str, str] = field(repr=False)

    @classmethod
    def of(cls, request: AWSPreparedRequest) -> Self | None:
        """The pattern of a request; None when it is signed in another way."""
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        algorithm, _, signature = headers.get("authorization", "").partition(" Credential=")
        if algorithm != _ALGORITHM or "x-amz-content-sha256" in headers:
            return None
        access_key, _, region, signing_name, _ = signature.partition(",")[0].rsplit("/", 4)
        kept = {name: value for name, value in headers.items() if name not in _NOT_REPEATED}
        kept = {"host": urlsplit(request.url).netloc.rpartition("@")[2], **kept}
        signer: Any = SigV4Auth(cast("Any", None), signing_name, region)
        timeless = AWSRequest(
            method="POST", url=request.url, headers=cast("Any", {**kept, _DATE: ""})
        )
        before, _, behind = signer.canonical_request(timeless).partition(f"{_DATE}:\n")
        return cls(
            url=request.url,
            headers=kept,
            access_key=access_key,
            region=region,
            signing_name=signing_name,
            signed_headers=signer.signed_headers(signer.headers_to_sign(timeless)),
            canonical=(f"{before}{_DATE}:", f"\n{behind.removesuffix(EMPTY_SHA256_HASH)}"),
        )

    def is_of(self, credentials: "ReadOnlyCredentials") -> bool:
        """Whether these credentials have signed it; they may be renewed."""
        mine = (self.access_key, self.headers.get(_TOKEN))
        return mine == (credentials.access_key, credentials.token or None)

    def request(self, body: bytes, secret_key: str) -> AWSPreparedRequest:
        """The next of the kind, signed with the credentials that signed the first (Signature
        Version 4: IAM User Guide, "Create a signed AWS API request").
        """
        time = get_current_datetime().strftime(SIGV4_TIMESTAMP)
        scope = f"{time[:8]}/{self.region}/{self.signing_name}/aws4_request"
        canonical = time.join(self.canonical) + hashlib.sha256(body).hexdigest()
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{time}\n{scope}\n{hashed}"
        signature = hmac.digest(_signing_key(secret_key, scope), text.encode(), "sha256").hex()
        authorization = (
            f"{_ALGORITHM} Credential={self.access_key}/{scope}, "
            f"SignedHeaders={self.signed_headers}, Signature={signature}"
        )
        headers = {
            **self.headers,
            _DATE: time,
            "authorization": authorization,
            "content-length": str(len(body)),
        }
        return AWSPreparedRequest("POST", self.url, cast("Any", headers), body, stream_output=False)


@functools.lru_cache(maxsize=8)
def _signing_key(secret_key: str, scope: str) -> bytes:
    """Good for a day, a region and a service; it takes four times as long as a signature."""
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
