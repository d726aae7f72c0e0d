"""Lists as files: what a page shows, to be kept or calculated with."""

from fastapi.responses import Response

from entrepot.blueprint.draw.svg import Sheet
from entrepot.blueprint.draw.table import Table, to_csv

# A drawing opened alone may use its own style sheet and nothing else: no scripts, no fonts, no pictures.
DRAWING_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"  # fmt: skip


def csv_file(name: str, table: Table) -> Response:
    response = Response(to_csv(table), media_type="text/csv; charset=utf-8")
    response.headers["content-disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["cache-control"] = "no-store"
    return response


def drawing(sheet: Sheet) -> Response:
    response = Response(sheet.as_a_file(), media_type="image/svg+xml")
    response.headers["content-security-policy"] = DRAWING_POLICY
    response.headers["cache-control"] = "no-store"
    return response
