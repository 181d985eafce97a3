"""What else there is to fan events out with, on the same workload: who takes part, and how.

lineup        everybody by name, started; or why not, and what to do about it
nchan         nginx with the nchan module
broadcaster.js Node's http module
quart_app     quart-trio on hypercorn, as the admin API is served
"""
