"""The two forms of a compiled function: Python calls its unit, compiled code its fragment."""

from types import FunctionType
from typing import Any, Protocol

from typing_extensions import override

from processors.machine_code.keeping import Kept
from processors.machine_code.linking import Fragment, Unit
from processors.machine_code.numba_core import (
    INLINED_BY_LLVM,
    CPUDispatcher,
    Flags,
    FunctionCompiler,
    compile_extra,
    environments_of,
    make_function,
    types,
)


class Observer(Protocol):
    """Is told of compilations; that of a callee begins and ends within that of its caller."""

    def began(self, name: str, *, is_unit: bool) -> None:
        """A function is compiled: as a unit that Python calls, or as a fragment."""
        ...

    def ended(self) -> None:
        """The compilation that began last has ended."""
        ...


observers: list[Observer] = []


class _Compiler(FunctionCompiler):  # type: ignore[misc]  # numba has no types
    """Compiles into a library of the given kind."""

    def __init__(self, like: Any, kind: type[Fragment | Unit]) -> None:
        super().__init__(like.py_func, like.targetdescr, like.targetoptions, like.locals, like.pipeline_class)
        self._kind = kind

    @override
    def _compile_core(self, args: Any, return_type: Any) -> Any:
        for observer in observers:
            observer.began(f"{self.py_func.__module__}.{self.py_func.__qualname__}", is_unit=self._kind is Unit)
        try:
            return self._compiled(args, return_type)
        finally:
            for observer in observers:
                observer.ended()

    def _compiled(self, args: Any, return_type: Any) -> Any:
        flags, context = Flags(), self.targetdescr.target_context
        self.targetdescr.options.parse_as_flags(flags, self.targetoptions)
        flags.no_compile = self._kind is Fragment
        library = self._kind(context.codegen(), self.py_func.__qualname__)
        library.enable_object_caching()
        result = compile_extra(
            self.targetdescr.typing_context, context, self.py_func, args=args, return_type=return_type, flags=flags,
            locals=self.locals, library=library, pipeline_class=self.pipeline_class,
        )  # fmt: skip
        if flags.no_compile:
            return _callable_by_compiled_code(context, result)
        for environment in environments_of(result):
            context.codegen().set_env(environment.env_name, environment)
        return result


def _callable_by_compiled_code(context: Any, result: Any) -> Any:
    described = result.fndesc
    key = make_function(described.lookup_module(), described.qualname, "", 0, result.environment, (result.library,))
    context.insert_user_function(key, described, [result.library])
    return result._replace(entry_point=key)


class _Inner(CPUDispatcher):  # type: ignore[misc]  # numba has no types
    _compiler: Any

    def __init__(self, py_func: FunctionType, targetoptions: dict[str, Any]) -> None:
        super().__init__(py_func, targetoptions=targetoptions | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True})
        self._compiler = _Compiler(self._compiler, Fragment)

    @override
    def get_call_template(self, args: Any, kws: Any) -> Any:
        named = {name: _plain(kind) for name, kind in dict(kws).items()}
        return super().get_call_template(tuple(map(_plain, args)), named)


def _plain(kind: Any) -> Any:
    """Widen integers to 64 bits, and constants to their type: separate versions would do the same."""
    plain = types.unliteral(kind)
    return types.int64 if isinstance(plain, types.Integer) and plain.signed else plain


class Dispatching(CPUDispatcher):  # type: ignore[misc]  # numba has no types
    """Compiles a unit when called from Python; compiled callers get its fragment."""

    _compiler: Any

    def __init__(self, py_func: FunctionType, targetoptions: dict[str, Any]) -> None:
        self._inner: Any = None
        unit_options = {name: value for name, value in targetoptions.items() if name not in INLINED_BY_LLVM}
        super().__init__(py_func, targetoptions=unit_options | {"no_cfunc_wrapper": True})
        self._compiler = _Compiler(self._compiler, Unit)
        self._cache = Kept(py_func)
        self._inner = _Inner(py_func, targetoptions)

    @property
    @override
    def _numba_type_(self) -> Any:
        return types.Dispatcher(self._inner)
