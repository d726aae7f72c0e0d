"""What a source answers about itself, for the three ways in which sources are made: from a row of the manifest, from a spec, from another."""

from typing import Protocol

from entrepot.outbox.port import Limit


class _Row(Protocol):
    @property
    def flow(self) -> str: ...
    @property
    def every_s(self) -> float: ...


class _Spec(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def row(self) -> _Row: ...


class _Source(_Row, Protocol):
    @property
    def name(self) -> str: ...
    @property
    def limit(self) -> Limit | None: ...


class ByRow:
    """Its flow and its pace stand in its row of the manifest."""

    __slots__ = ()

    @property
    def _described(self) -> _Row:
        return self.row  # type: ignore[attr-defined,no-any-return]  # a field of whoever inherits this

    @property
    def flow(self) -> str:
        return self._described.flow

    @property
    def every_s(self) -> float:
        return self._described.every_s


class BySpec:
    """Its spec names it, and has the row of the manifest."""

    __slots__ = ()

    @property
    def _specified(self) -> _Spec:
        return self.spec  # type: ignore[attr-defined,no-any-return]  # a field of whoever inherits this

    @property
    def name(self) -> str:
        return self._specified.name

    @property
    def flow(self) -> str:
        return self._specified.row.flow

    @property
    def every_s(self) -> float:
        return self._specified.row.every_s


class OfPages:
    """It reads the pages of another source, and adds to them."""

    __slots__ = ()

    @property
    def _pages(self) -> _Source:
        return self.pages  # type: ignore[attr-defined,no-any-return]  # a field of whoever inherits this

    @property
    def name(self) -> str:
        return self._pages.name

    @property
    def flow(self) -> str:
        return self._pages.flow

    @property
    def every_s(self) -> float:
        return self._pages.every_s

    @property
    def limit(self) -> Limit | None:
        return self._pages.limit
