"""Which addresses the hub may connect to: public ones; in a sandbox also this machine itself.

Checked on the address used, not on the name.
"""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]  # host and port to addresses, in order of preference

RESOLVING_THREADS = 4
_TRANSLATED = ip_network("64:ff9b::/96")  # NAT64: an IPv4 address lives in the last four bytes


class Forbidden(OSError):
    """The name leads to an address the hub must not call."""


def system_resolver(host: str, port: int) -> list[str]:
    """Errors: OSError when the name has no address."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class BoundedResolver:
    """A resolver whose answer is waited for no longer than told: getaddrinfo itself knows no timeout."""

    def __init__(self, resolve: Resolver = system_resolver) -> None:
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(RESOLVING_THREADS, thread_name_prefix="resolve")

    def addresses(self, host: str, port: int, timeout_s: float) -> Sequence[str]:
        """Errors: OSError when there is none, TimeoutError when it takes too long."""
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        answer: Future[Sequence[str]] = self._threads.submit(self._resolve, host, port)
        try:
            return answer.result(timeout=max(0.0, timeout_s))
        except FutureTimeout:
            answer.cancel()
            raise TimeoutError(f"no address for {host} in time") from None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _really(address: Address) -> Address:
    """The address behind the forms that hide one inside another."""
    if isinstance(address, IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if hidden is not None:
            return hidden
        if address in _TRANSLATED:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def may_connect(text: str, *, loopback: bool) -> bool:
    """Public unicast only; `loopback`: this machine too."""
    address = _really(ip_address(text.split("%", 1)[0]))
    if address.is_loopback:
        return loopback
    return address.is_global and not address.is_multicast


def checked(host: str, addresses: Sequence[str], *, loopback: bool) -> str:
    """The address to connect to. One bad address among good ones condemns the name: rebinding hides there.

    Errors: Forbidden.
    """
    bad = [address for address in addresses if not may_connect(address, loopback=loopback)]
    if bad or not addresses:
        raise Forbidden(f"{host} leads to {bad[0] if bad else 'no address'}, which the hub does not call")
    return addresses[0]
