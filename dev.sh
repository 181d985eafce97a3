#!/bin/sh
# Everything that a machine with Python 3.11 or newer needs, and then the wanted command.
#
#   ./dev.sh up [option …]     set up, then run the party-server (options: see `fh party-server -h`)
#   ./dev.sh test [option …]   set up, then run the tests (options: pytest's)
#   ./dev.sh check             set up, then formatting, lint, types and import contracts
#   ./dev.sh setup             set up only
#
# PYTHON chooses the interpreter, FH_VENV the virtual environment (.venv), FH_TEST_PROCESSES how many
# processes share the tests.
set -eu
cd "$(dirname "$0")"
venv=${FH_VENV:-.venv}

say() { printf 'fh: %s\n' "$*" >&2; }

find_python() {
    for candidate in "${PYTHON:-}" python3.11 python3 python3.12 python3.13; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
    say "no Python 3.11 or newer found: install one, or name it with PYTHON=…"
    exit 1
}

make_venv() {
    [ ! -x "$venv/bin/pip" ] || return 0
    python=$(find_python)
    say "making the virtual environment $venv with $("$python" --version)"
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        # Debian and Ubuntu keep it in a package of its own.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            say "installing python3-venv"
            apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null
        else
            say "this Python can't make virtual environments: apt-get install python3-venv"
            exit 1
        fi
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv"
}

# Installs what an extra names, unless that was done since the pins or the project changed.
install() {
    mark="$venv/.installed-$1"
    if [ ! -e "$mark" ] || [ pyproject.toml -nt "$mark" ] || [ constraints.txt -nt "$mark" ]; then
        say "installing (about a minute)"
        target=.
        [ "$1" = user ] || target=".[$1]"
        "$venv/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt -e "$target"
        touch "$mark"
    fi
}

# One more than there are processors, for tests wait a lot; but each has a PostgreSQL of its own.
test_processes() {
    count=$(($(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1))
    [ "$count" -le 4 ] || count=4
    printf '%s' "${FH_TEST_PROCESSES:-$count}"
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
    up)
        make_venv
        install user
        exec "$venv/bin/fh" party-server "$@"
        ;;
    test)
        make_venv
        install dev
        exec "$venv/bin/pytest" -n "$(test_processes)" --dist loadfile "$@"
        ;;
    check)
        make_venv
        install dev
        "$venv/bin/ruff" format --check .
        "$venv/bin/ruff" check .
        "$venv/bin/mypy"
        "$venv/bin/lint-imports"
        ;;
    setup)
        make_venv
        install dev
        ;;
    *)
        sed -n '2,10s/^# \{0,1\}//p' "$0"
        ;;
esac
