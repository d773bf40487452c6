"""How an operation is answered: document and rights -> plan -> one SQL statement -> JSON bytes."""
