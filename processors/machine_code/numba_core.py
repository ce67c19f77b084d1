"""Everything used of numba below its public interface, which is why numba is pinned exactly.

`tests/compiling/test_numba_core.py` checks that each of these does what is relied on.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from numba import types as numba_types
from numba.core import cgutils, codegen, compiler, cpu, dispatcher, extending, imputils, registry, serialize
from numba.core.datamodel import models
from numba.core.typing import templates
from numba.core.typing import typeof as typing_of

_dispatcher: Any = dispatcher
_cpu: Any = cpu

types: Any = numba_types
CompileResult: Any = compiler.CompileResult
CPUDispatcher: Any = registry.CPUDispatcher
Flags: Any = compiler.Flags
FunctionCompiler: Any = _dispatcher._FunctionCompiler  # noqa: SLF001
JITCodeLibrary: Any = codegen.JITCodeLibrary
compile_extra: Any = compiler.compile_extra
dumps: Any = serialize.dumps
get_host_cpu_features: Any = codegen.get_host_cpu_features
make_function: Any = _cpu._dynfunc.make_function  # noqa: SLF001

NUMBA_VERSION = "0.68.1"
"""The version that all this has been checked with."""

COUNTS_REFERENCES: Mapping[str, Any] = {"_nrt": True}
BORROWS: Mapping[str, Any] = {"_nrt": False}
INLINED_BY_LLVM: Mapping[str, Any] = {"forceinline": True}
"""Options of a compiled function that numba does not document: with or without its run time, which counts references to
arrays; and whether LLVM inlines it."""


def has_run_time(context: Any) -> bool:
    """Whether code for this target counts references."""
    return bool(context.enable_nrt)


def rebuilt(context: Any, parts: Iterable[Any]) -> Any:
    """The result of a compilation from its parts, as numba's own cache does."""
    return CompileResult._rebuild(context, *parts)  # noqa: SLF001


def parts_of(result: Any) -> Any:
    """The parts of the result of a compilation, to be cached."""
    return result._reduce()  # noqa: SLF001


def environments_of(result: Any) -> Any:
    """The environments that compiled code refers to."""
    return result._find_referenced_environments()  # noqa: SLF001


def empty_module(codegen: Any, name: str) -> Any:
    """An empty LLVM module for this target."""
    return codegen._create_empty_module(name)  # noqa: SLF001


AttributeTemplate: Any = templates.AttributeTemplate
NativeValue: Any = extending.NativeValue
OpaqueModel: Any = models.OpaqueModel
alloca_once_value: Any = cgutils.alloca_once_value
borrowed: Any = imputils.impl_ret_borrowed
infer_getattr: Any = templates.infer_getattr
lower_getattr_generic: Any = extending.lower_getattr_generic
register_model: Any = extending.register_model
typeof: Any = typing_of.typeof
typeof_impl: Any = typing_of.typeof_impl
unbox: Any = extending.unbox
