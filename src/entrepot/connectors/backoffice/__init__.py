"""The back office of a company that sells on several channels: OMS, ERP and PIM behind one small API (docs/back-office-api.md)."""
