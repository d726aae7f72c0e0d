"""What the join map answers: frozen data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identifier:
    """One system's name for an object of ours: (account, scheme, value) → (object, object id)."""

    account: str
    scheme: str
    value: str
    object: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Joined:
    """It names this object. `path`: which system calls it what, from the name asked for to the one that is known."""

    object: str
    object_id: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotKnown:
    """Nobody has said what it names. `sought`: what was looked for, and where, in words."""

    sought: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It names more than one object; nothing is joined by guessing."""

    sought: str
    candidates: tuple[Identifier, ...]


Resolved = Joined | NotKnown | Ambiguous


@dataclass(frozen=True, slots=True)
class Conflict:
    """`asked` could not be remembered: its value names another object of the same kind there already."""

    asked: Identifier
    stands: Identifier

    @property
    def words(self) -> str:
        a = self.asked
        return (
            f"{a.scheme} {a.value} of {a.account} names {self.stands.object} {self.stands.object_id} already; "
            f"{a.object} {a.object_id} carries it too and was not joined by it"
        )
