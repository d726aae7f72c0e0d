"""Who calls, by what key, and how often he may."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final
from urllib.parse import parse_qs

from entrepot.sandbox.core import Request, Response, World
from entrepot.sandbox.mirakl.errors import MiraklError, forbidden, unauthorized
from entrepot.sandbox.mirakl.settings import Settings
from entrepot.sandbox.mirakl.state import Shop
from entrepot.sandbox.mirakl.wire import answer

FRONT_OR_OPERATOR: Final = frozenset({"front", "operator"})
ANYONE: Final = frozenset({"front", "operator", "shop"})
SHOP_ONLY: Final = frozenset({"shop"})


@dataclass(frozen=True)
class Caller:
    """Whoever a key stands for; `shop_id` for sellers only."""

    key: str
    role: str
    shop_id: int | None

    def sees(self, shop_id: int) -> bool:
        """Whether a record of this shop is any of his business."""
        return self.shop_id is None or self.shop_id == shop_id

    def asked_shop(self, request: Request) -> int | None:
        """The shop a call is about: his own, or for the operator the one named in the query."""
        asked = request.first("shop_id")
        if asked is None or asked == "":
            return self.shop_id
        if not asked.isdigit():
            raise MiraklError(400, "Parameter 'shop_id' must be a whole number")
        if self.shop_id is not None and int(asked) != self.shop_id:
            raise forbidden()
        return int(asked)


class Access:
    """Keys, tokens and their lives."""

    def __init__(self, world: World, settings: Settings, shops: dict[int, Shop]) -> None:
        self._world = world
        self._settings = settings
        self._tokens: dict[str, tuple[Caller, datetime]] = {}
        self._rng = world.stream("mirakl tokens")
        self._callers = {key: Caller(key, role, None) for key, role in settings.keys.items()}
        for shop_id in shops:
            key = settings.key_of_shop(shop_id)
            self._callers[key] = Caller(key, "shop", shop_id)

    def caller(self, request: Request, roles: frozenset[str]) -> Caller:
        """Who this is. Errors: 401 when nobody, or too late; 403 when somebody else may do this."""
        header = request.headers.get("authorization", "").strip()
        if not header:
            raise unauthorized("the Authorization header is missing")
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer" and token:
            found = self._tokens.get(token.strip())
            if found is None:
                raise unauthorized("unknown token")
            caller, until = found
            if self._world.clock() >= until:
                raise unauthorized("token expired")
        else:
            known = self._callers.get(header)
            if known is None:
                raise unauthorized("unknown key")
            caller = known
        if caller.role not in roles:
            raise forbidden()
        return caller

    def token(self, request: Request) -> Response:
        """Client credentials against a bearer token (our guess of the path; the grant is OAuth2's)."""
        form = {key: values[0] for key, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        secret, role = self._settings.clients.get(form.get("client_id", ""), (None, ""))
        if form.get("grant_type") != "client_credentials":
            return answer(400, {"error": "unsupported_grant_type"})
        if secret is None or form.get("client_secret") != secret:
            return answer(401, {"error": "invalid_client"})
        token = f"{self._rng.getrandbits(160):040x}"
        life = self._settings.token_life
        self._tokens[token] = (Caller(form["client_id"], role, None), self._world.clock() + life)
        return answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": int(life.total_seconds())})


class Ceilings:
    """Call ceilings per key and operation, in business seconds; refused calls do not count."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._by_role = settings.ceilings
        self._served: dict[tuple[str, str], deque[datetime]] = {}

    def refuse(self, caller: Caller, operation: str) -> Response | None:
        """The 429 this call meets, or None and it counts."""
        ceilings = self._by_role.get(caller.role, {}).get(operation)
        if not ceilings:
            return None
        now = self._world.clock()
        served = self._served.setdefault((caller.key, operation), deque())
        longest = now - timedelta(seconds=max(seconds for _, seconds in ceilings))
        while served and served[0] <= longest:
            served.popleft()
        wait = 0.0
        for count, seconds in ceilings:
            window = timedelta(seconds=seconds)
            inside = [at for at in served if at > now - window]
            if len(inside) >= count:
                wait = max(wait, (inside[-count] + window - now).total_seconds())
        if wait > 0:
            headers = {"retry-after": str(max(1, ceil(wait)))}
            return answer(429, {"status": 429, "message": f"Too many calls of {operation}"}, headers)
        served.append(now)
        return None
