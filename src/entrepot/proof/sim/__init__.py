"""Seeded days in one thread: real PostgreSQL, everything else virtual; workers that crash, freeze and lose their connections."""
