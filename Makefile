# Every target is a command that also works without make.
# BENCH selects benchmarks, BASE is the revision to compare with.
BENCH ?= .
BASE ?= main
CPU ?= 1,2
FUZZTIME ?= 60s
SOAK ?= 10m
SHELL := bash
FUZZ = grep -ro --include='*_test.go' '^func Fuzz[A-Za-z]*' . | sed 's|/[^/]*:func | |'
.PHONY: test fuzz soak bench table report graphs lab compare claims python race-demo mutants peers

test: ; go test ./...

# Gives every fuzz target FUZZTIME of new inputs. What fails is kept in its testdata. Only the
# packages of this module are instrumented: go test -fuzz would compile what they import as
# well, and try a fraction as many inputs. testing may take the end of FUZZTIME for a failure,
# without an input (golang/go#75804).
fuzz: ; @set -o pipefail; dir=$$(mktemp -d) && trap 'rm -r "$$dir"' EXIT && $(FUZZ) | while read -r folder target; do \
	go test -c -gcflags=boundaries/...=-d=libfuzzer -o "$$dir/fuzz.test" $$folder || exit; \
	out=$$(cd $$folder && "$$dir/fuzz.test" -test.run '^$$' -test.fuzz "^$$target$$" -test.fuzztime $(FUZZTIME) \
		-test.fuzzminimizetime 1s -test.fuzzcachedir "$$(go env GOCACHE)/fuzz/boundaries/$${folder#./}" 2>&1) && failed= || failed=1; \
	printf '%s %s\n%s\n' "$$folder" "$$target" "$$out"; \
	[[ -z $$failed || $$out == *'    context deadline exceeded'* && $$out != *'Failing input'* ]] || exit 1; done

# Runs every variant, for SOAK in total, and checks that nothing leaks.
soak: ; SOAK=$(SOAK) go test -count 1 -v -timeout 0 ./internal/soak

# Add ARGS='-count 10 -timeout 0' for intervals: ten repeats outlast go test's ten minutes. Rounds are better: go tool boundaries run.
bench: ; set -o pipefail; go test -bench '$(BENCH)' -cpu 1,2,4,8 $(ARGS) | tee bench.txt

table: ; @go tool boundaries table bench.txt

report: ; @go tool boundaries report -o report.html bench.txt

# Six rounds of what the article's graphs need, at 1 to 17 procs (CPU=1,2,3 and so on), and the page: 6 minutes.
graphs:
	go tool boundaries run -o graphs.txt -bench 'FibBoxed/system=(gil|gilectomy|nogil)$$' -cpu '$(CPU)' -rounds 6 $(ARGS)
	go tool boundaries report -o report.html graphs.txt

# The lab: which lock is cheapest for which case.
lab: ; set -o pipefail; go test -bench . -cpu 1,2 ./contention $(ARGS) | tee lab.txt && go tool boundaries map lab.txt

# Fails on a confirmed regression. ARGS='-merge-base -format markdown' is for a pull request; ARGS=-h lists all flags.
compare: ; @go tool boundaries compare -bench '$(BENCH)' $(ARGS) -- '$(BASE)'

# Measures nine rounds of the rows that the claims need, and judges the claims.
# CPU=1,2,7,17 has all columns of the article.
claims: ; @set -o pipefail; measure=$$(go tool boundaries claims -measure -cpu '$(CPU)') && eval "$$measure" | tee claims.txt && go tool boundaries claims claims.txt

# Breaks the code a line at a time, and the tests must notice. ARGS=-changed or names of mutants run a part.
mutants: ; @go run ./internal/mutants $(ARGS)

# The same jobs on CPython, with PYTHONS="python3 python3.14t", ROUNDS, THREADS and BENCHTIME.
python: ; @sh python/run.sh

# A guided tour of data races, for readers who know threads and no Go.
race-demo:
	@go test -count 1 -v -run 'RaceReplay|RaceOutcomes' ./races
	@go test -count 1 -v -run RaceDemo -race ./races

# The suite's rows beside the same jobs by other libraries: ten rounds, and a table for each job: 15 minutes.
# The rows stay in peers.txt, which must not exist before (ARGS=-resume continues it).
peers:
	cd peers || exit; status=0; go tool boundaries run -o ../peers.txt -bench '$(BENCH)' -cpu '$(CPU)' $(ARGS) || status=$$?; \
	((status < 2)) || exit $$status; go run ./cmd/table ../peers.txt && exit $$status
