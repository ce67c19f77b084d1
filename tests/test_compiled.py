"""Machine code is kept under a name that changes with every source it may have been made of."""

from pathlib import Path

from processors.compiled import SHARED, sources_digest


def package(folder: Path, source: str) -> Path:
    folder.mkdir()
    (folder / "module.py").write_text(source)
    return folder


def test_another_source_of_the_package_is_another_digest(tmp_path: Path) -> None:
    one, same, other = (package(tmp_path / name, name[:1]) for name in ("a1", "a2", "b"))
    assert sources_digest(one) == sources_digest(same) != sources_digest(other)


def test_what_all_may_call_is_part_of_every_digest() -> None:
    assert all(folder.parent.name == "processors" for folder in SHARED)
    assert "wire" in {folder.name for folder in SHARED}
