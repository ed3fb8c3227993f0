"""Profiles and the directory, read from files."""

from pathlib import Path
from typing import Literal

from bridge.config.files import FileError, read_text
from bridge.core.directory import Directory, parse_directory
from bridge.core.profile import Profile, compile_profile
from bridge.core.profile_text import suggestion
from bridge.profiles import preset_names, preset_text


class UnusableFile(Exception):
    """A file can't be used; one text for each thing that is wrong, with file and line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_profile(name: str, on_unknown: Literal["reject", "omit"]) -> Profile:
    """The preset `name`, or the profile in the file of that path. UnusableFile, ProfileError."""
    try:
        return compile_profile(preset_text(name), f"{name}.yaml", on_unknown=on_unknown)
    except KeyError:
        pass
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        raise UnusableFile(
            [f"{name}: no such profile; a path ending in .yaml, or a preset{suggestion(name, preset_names())}"]
        )
    return compile_profile(_read(path), name, on_unknown=on_unknown)


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except FileError as error:
        raise UnusableFile([str(error)]) from None


class DirectoryFile:
    """The directory of campaign groups, read again when its file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None

    def read(self) -> Directory:
        """What the file says now. UnusableFile, DirectoryError."""
        self._seen = self._stamp()
        return parse_directory(_read(self._path), str(self._path))

    @property
    def changed(self) -> bool:
        """Whether the file is another one than was last read."""
        return self._stamp() != self._seen

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
