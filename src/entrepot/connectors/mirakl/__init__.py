"""Mirakl, operator side: orders, debits, refunds, returns, shipments, billing cycles, transaction log, shops."""
