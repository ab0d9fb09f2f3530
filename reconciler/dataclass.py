"""`dataclass` as the standard library has it, for classes that are imported often and used seldom.

The standard library writes and compiles seven methods for each class. A command imports some three hundred classes, so
that was a fifth of its start, and of most of them it makes no instance. Here those methods in which time counts are
written when they are first called, and all classes share the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen=False, slots=False, eq=True, order=False, kw_only=False):
        """Make a class a dataclass; see `dataclasses.dataclass`. There is no `InitVar`."""
        if order:
            return dataclasses.dataclass(frozen=frozen, slots=slots, order=True, kw_only=kw_only)

        def make(cls):
            own = dict(cls.__dict__)
            # Without a docstring a class would get its signature, which takes longer than all else.
            cls.__doc__ = cls.__doc__ or cls.__name__
            made = dataclasses.dataclass(cls, init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)
            methods = {"__init__": _first(made, "__init__", _frozen_init if frozen else _init), "__repr__": _repr}
            if eq:
                methods["__eq__"] = _first(made, "__eq__", _equal)
                methods["__hash__"] = _first(made, "__hash__", _hash) if frozen else None
            if frozen:
                methods |= {"__setattr__": _refuse, "__delattr__": _refuse}
                methods |= {"__getstate__": _state, "__setstate__": _set_state}
            for name, method in methods.items():
                # Who says what equals it has no hash, unless it says that, too.
                if own.get(name) is None:
                    setattr(made, name, method)
            return made

        return make


def _first(cls: Any, name: str, write: Callable[[Any, dict[str, Any]], str]) -> Callable[..., Any]:
    """Return a method that puts the real one in its place when it is first called."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        known: dict[str, Any] = {}
        exec(write(cls, known), known)  # noqa: S102 - its words are names of fields
        known[name].__qualname__ = f"{cls.__qualname__}.{name}"
        setattr(cls, name, known[name])
        return known[name](self, *args, **kwargs)

    return method


def _frozen_init(cls: Any, known: dict[str, Any]) -> str:
    known["_put"] = object.__setattr__
    return _init(cls, known, "_put(self, {0!r}, {1})")


def _init(cls: Any, known: dict[str, Any], put: str = "self.{0} = {1}") -> str:
    """Return the text of `__init__`, and add to what is `known` to it."""
    known["_none"] = dataclasses.MISSING
    parameters, lines = ["self"], []
    for field in sorted(dataclasses.fields(cls), key=lambda field: bool(field.kw_only)):
        name, default, factory = field.name, f"_default_{field.name}", f"_make_{field.name}"
        known |= {default: field.default, factory: field.default_factory}
        has_default, has_factory = (known[each] is not dataclasses.MISSING for each in (default, factory))
        if field.init:
            if field.kw_only and "*" not in parameters:
                parameters.append("*")
            parameters.append(f"{name}={default}" if has_default else f"{name}=_none" if has_factory else name)
            value = f"{factory}() if {name} is _none else {name}" if has_factory else name
        elif has_default or has_factory:
            value = default if has_default else f"{factory}()"
        else:
            continue
        lines.append(put.format(name, value))
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    return f"def __init__({', '.join(parameters)}):\n" + "".join(f"    {line}\n" for line in lines or ["pass"])


def _equal(cls: Any, _: dict[str, Any]) -> str:
    return f"""def __eq__(self, other):
    if other.__class__ is self.__class__:
        return {_compared(cls, "self")} == {_compared(cls, "other")}
    return NotImplemented
"""


def _hash(cls: Any, _: dict[str, Any]) -> str:
    return f"def __hash__(self):\n    return hash({_compared(cls, 'self')})\n"


def _compared(cls: Any, name: str) -> str:
    return f"({''.join(f'{name}.{field.name}, ' for field in dataclasses.fields(cls) if field.compare)})"


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse(self: Any, name: str, *value: object) -> None:  # noqa: ARG001 - whatever it is set to
    raise dataclasses.FrozenInstanceError(f"cannot {'assign to' if value else 'delete'} field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
