"""What we promise to do outside: intent first, then one of done, refused, later, unknown; never twice, never blindly."""
