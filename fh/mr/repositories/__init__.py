"""SQL in, values out, each inside the caller's transaction."""
