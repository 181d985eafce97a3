import pytest

from bench.baselines import compiled
from bench.baselines.compiled import NotCompiled, compile_broadcaster


def test_a_machine_without_a_compiler_is_told_apart(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotCompiled, match="no compiler"):
        compile_broadcaster(tmp_path)


def test_what_the_compiler_says_is_passed_on(monkeypatch, tmp_path):
    broken = tmp_path / "broken.c"
    broken.write_text("int main(void) { return nothing; }")
    monkeypatch.setattr(compiled, "_SOURCE", broken)
    with pytest.raises(NotCompiled, match=r"no compiler|nothing"):
        compile_broadcaster(tmp_path)
