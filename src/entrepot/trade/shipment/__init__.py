"""Parcels: who carries them, under which number, and where they are."""
