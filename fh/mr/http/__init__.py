"""The admin API's routes: decode, one use case, encode. `app` is where they come together."""
