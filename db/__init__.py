"""The Postgres store: tables, migrations, pools, the embedded server, and SQL that is not compiled from GraphQL."""
