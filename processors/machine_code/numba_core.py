"""Everything used of numba below its public interface, which is why numba is pinned exactly."""

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
