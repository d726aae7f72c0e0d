"""What `entrepot doctor` looks at: this machine, the database, the work in it, the systems outside."""
