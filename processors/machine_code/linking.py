"""Links compiled functions into units: each function that Python calls is one unit with everything it calls.

By default, numba optimises every function alone, emits machine code for it with wrappers for Python and C, and
optimises it again inside each of its callers. Here a function that only compiled code calls remains LLVM bitcode
(`Fragment`), is linked into each unit that reaches it (`Unit`), and is optimised and emitted there, once. That takes
half of the time, with the same optimisations.

This uses numba below its public interface, so it is pinned exactly; `tests/compiling` checks what is used.
"""

from typing import Any

import llvmlite.binding as llvm
from typing_extensions import override

from processors.machine_code.numba_core import JITCodeLibrary, empty_module


class Fragment(JITCodeLibrary):  # type: ignore[misc]  # numba has no types
    """A function that only compiled code calls, without machine code of its own."""

    @override
    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True

    @override
    def get_pointer_to_function(self, name: str) -> int:
        return 0


class Unit(JITCodeLibrary):  # type: ignore[misc]  # numba has no types
    """A function that Python calls, with everything it reaches."""

    _linking_libraries: list[Any]

    @override
    def finalize(self) -> None:
        self._linking_libraries = _reached(self._linking_libraries)
        super().finalize()

    @override
    def serialize_using_object_code(self) -> tuple[str, str, tuple[bytes, bytes]]:
        """Machine code and its symbols; bitcode is omitted, because nothing is linked to a unit."""
        self._ensure_finalized()
        return self.name, "object", (self._get_compiled_object(), self._names())

    def _names(self) -> bytes:
        """A module with the same definitions and empty bodies, from which numba reads the symbols."""
        module = empty_module(self._codegen, self.name)
        text = [str(module)]
        text += [f'define void @"{function.name}"() {{ ret void }}' for function in self.get_defined_functions()]
        text += [
            f'@"{one.name}" = global i8 0' for one in self._final_module.global_variables if not one.is_declaration
        ]
        bitcode: bytes = llvm.parse_assembly("\n".join(text)).as_bitcode()
        return bitcode


def _reached(libraries: list[Any]) -> list[Any]:
    """Libraries and the callees of fragments; callers first, each once."""
    found: dict[Any, None] = {}
    waiting = list(libraries)
    while waiting:
        library = waiting.pop(0)
        if library not in found:
            found[library] = None
            if isinstance(library, Fragment):
                waiting += library._linking_libraries  # noqa: SLF001  our own kind
    return list(found)
