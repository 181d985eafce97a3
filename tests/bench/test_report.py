from click.testing import CliRunner

from bench.report import command
from bench.result import encode_result
from tests.bench.results import a_result


def test_a_page_holds_all_results_with_links_to_each(tmp_path):
    files = []
    for bench in ("fanout", "connections"):
        files.append(tmp_path / f"{bench}.json")
        files[-1].write_bytes(encode_result(a_result(bench=bench)))
    page = tmp_path / "page.html"
    done = CliRunner().invoke(command, [*map(str, files), "--html", str(page)])
    assert done.exit_code == 0
    assert done.output == f"{page}: fanout, connections\n"
    assert '<a href="#result-1">connections</a>' in page.read_text()


def test_what_is_no_result_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("[]")
    done = CliRunner().invoke(command, [str(tmp_path / "x.json")])
    assert done.exit_code == 2
    assert "not a result" in done.stderr
