"""Everything used of numba below its public interface, which is why numba is pinned exactly."""

from typing import Any

from numba import types as numba_types
from numba.core import codegen, compiler, cpu, dispatcher, registry, serialize

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
