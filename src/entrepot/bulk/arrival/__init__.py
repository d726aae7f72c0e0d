"""How sellers' files arrive: seen in folders or sent to us, kept whole, then applied one after the other."""
