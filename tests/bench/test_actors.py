from click.testing import CliRunner

from bench.actors import command
from bench.result import load_result


def test_a_small_real_run_has_every_figure(tmp_path):
    path = tmp_path / "actors.json"
    done = CliRunner().invoke(command, ["--actors", "200", "--json", str(path)])
    assert done.exit_code == 0, done.output
    rows = {row.name: row.cells for row in load_result(path).rows}
    assert {"spawn", "ask", "activation", "table read"} <= set(rows)
    assert all(value > 0 for cells in rows.values() for value in cells.values())
