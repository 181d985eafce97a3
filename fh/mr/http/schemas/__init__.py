"""Bodies of requests and answers, under their names in the admin contract."""
