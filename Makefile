# In one word each: check, test, e2e-split, faults, faults-some, fuzz, fuzz-api, stateful, bench, up, clean.

.PHONY: check test e2e-split faults faults-some fuzz fuzz-api stateful up clean
.PHONY: bench bench-fanout bench-evaluate bench-dacha bench-split bench-mr
.PHONY: bench-soak bench-million

check: ## formatting, lint, types, import contracts, tests
	./dev.sh check
	./dev.sh test

test: ## tests only
	./dev.sh test

e2e-split: ## the tests with real SDKs against MR, Dacha and Edge apart
	./dev.sh setup
	FH_E2E_SHAPE=split .venv/bin/pytest -q -n 2 --dist loadfile -m e2e tests/e2e

faults: ## every fault with 1,000 streams and 10,000 polls; the report lands in bench/reports
	./dev.sh setup
	FH_FAULTS=full .venv/bin/pytest -q -m faults tests/faults

faults-some: ## those that NAMES picks, as in NAMES="cut or (Edge and worker)"; the others' rows stay
	./dev.sh setup
	FH_FAULTS=full .venv/bin/pytest -q -m faults tests/faults -k "$(NAMES)"

fuzz: ## hostile bytes at the door, ten minutes (FH_FUZZ_SECONDS for another time)
	./dev.sh setup
	FH_FUZZ_SECONDS=$${FH_FUZZ_SECONDS:-600} .venv/bin/pytest -q tests/edge/test_fuzz.py

fuzz-api: ## whatever fits the admin API's document, ten minutes (FH_API_FUZZ_SECONDS for another time)
	./dev.sh setup
	FH_API_FUZZ_SECONDS=$${FH_API_FUZZ_SECONDS:-600} .venv/bin/pytest -q tests/mr/hostile

stateful: ## admins do whatever they may, ten minutes (FH_STATEFUL_SECONDS for another time)
	./dev.sh setup
	FH_STATEFUL_SECONDS=$${FH_STATEFUL_SECONDS:-600} .venv/bin/pytest -q tests/mr/stateful

bench: bench-fanout bench-evaluate bench-dacha bench-split ## every benchmark; the reports land in bench/reports
	.venv/bin/fh bench connections --json bench/reports/connections.json > bench/reports/connections.txt
	.venv/bin/fh bench poll --json bench/reports/poll.json > bench/reports/poll.txt
	.venv/bin/fh bench actors --json bench/reports/actors.json > bench/reports/actors.txt
	.venv/bin/fh bench start --json bench/reports/start.json > bench/reports/start.txt
	.venv/bin/fh bench herd --json bench/reports/herd.json > bench/reports/herd.txt
	.venv/bin/fh bench meanwhile --json bench/reports/meanwhile.json > bench/reports/meanwhile.txt
	.venv/bin/fh bench propagation --json bench/reports/propagation.json > bench/reports/propagation.txt
	.venv/bin/fh bench churn --json bench/reports/churn.json > bench/reports/churn.txt
	.venv/bin/fh bench convergence --json bench/reports/convergence.json > bench/reports/convergence.txt
	.venv/bin/fh bench plan --profile bench/reports/fanout.json --profile bench/reports/connections.json \
		--json bench/reports/plan.json > bench/reports/plan.txt

bench-fanout: ## one environment, a hundred, one for each stream, and events back to back
	./dev.sh setup
	.venv/bin/fh bench fanout --eval server --json bench/reports/fanout.json > bench/reports/fanout.txt
	.venv/bin/fh bench fanout --environments 100 --rounds 10 --events 40 --json bench/reports/fanout-100.json > bench/reports/fanout-100.txt
	.venv/bin/fh bench fanout --environments 10000 --events 5 --json bench/reports/fanout-each.json > bench/reports/fanout-each.txt
	.venv/bin/fh bench fanout --back-to-back --events 50 --json bench/reports/fanout-burst.json > bench/reports/fanout-burst.txt

bench-evaluate:
	./dev.sh setup
	.venv/bin/fh bench evaluate --json bench/reports/evaluate.json > bench/reports/evaluate.txt

bench-dacha: ## 10,000 environments in one Dacha, about half an hour
	./dev.sh setup
	.venv/bin/fh bench dacha --json bench/reports/dacha.json | tee bench/reports/dacha.txt

bench-split:
	./dev.sh setup
	.venv/bin/fh bench split --json bench/reports/split.json | tee bench/reports/split.txt

bench-mr: ## what people wait for when there is much in the admin API; FULL=--full takes an hour
	./dev.sh setup
	.venv/bin/fh bench mr $(FULL) --json bench/reports/mr.json | tee bench/reports/mr.txt

bench-soak: ## half an hour at 15,000 streams that come and go; the report lands in docs/bench
	./dev.sh setup
	mkdir -p docs/bench build
	.venv/bin/fh bench soak --streams 15000 --environments 50 --check \
		--json docs/bench/soak.json --html build/soak.html > docs/bench/soak.txt; \
		status=$$?; cat docs/bench/soak.txt; exit $$status

bench-million: ## a million streams on this machine, as root; the report lands in docs/bench
	./dev.sh setup
	mkdir -p docs/bench build
	.venv/bin/fh bench million --netns --check \
		--json docs/bench/million.json --html build/million.html > docs/bench/million.txt; \
		status=$$?; cat docs/bench/million.txt; exit $$status

up: ## the party-server on http://localhost:8085
	./dev.sh up

clean:
	rm -rf .venv .venv-ci .venv-ci-313 build .mypy_cache .ruff_cache .pytest_cache .hypothesis
