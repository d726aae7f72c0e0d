"""PostgreSQL: launcher of the embedded server, pools, schema, migrations, set-based writes."""
