"""A memory that forgets what other code has computed.

`functools.cache` remembers by arguments alone.  On a page whose reader
edits a technique and runs the experiment again, it gives the old numbers.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import inspect
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from .arguments import said, whole


def remember(function: Callable | None = None, *,
             most: int | None = None) -> Callable:
    """Decorator: compute once for the same arguments *and the same code*.

    The code counted is that of the function itself and of all functions,
    classes and plain values of the page that it reaches by name, however
    far: edit one of them, run its cell, and the memory is no longer used.

    most: how many results are kept, the last used ones; None for all.
    What is given out is a copy, so that nobody who writes into it spoils
    the memory; only what Python cannot copy is given out itself.
    The arguments should be numbers, texts or tuples of them.  Raises
    TypeError that names an argument which cannot be remembered by.

    Use as `@remember` or `@remember(most=8)`.
    """
    if function is None:
        if most is not None:
            most = whole("most", most, 1)
        return functools.partial(remember, most=most)
    if not callable(function):
        raise TypeError("remember should stand over a function, got "
                        f"{said(function)}; its limit is given as most=")
    shape, kept = inspect.signature(function), OrderedDict()

    @functools.wraps(function)
    def remembered(*args, **settings):
        given = shape.bind(*args, **settings)
        given.apply_defaults()
        key = (code_of(function), *(
            (name, _hashable(function.__name__, name, value))
            for name, value in given.arguments.items()))
        if key not in kept:
            kept[key] = function(*args, **settings)
        kept.move_to_end(key)
        while most is not None and len(kept) > most:
            kept.popitem(last=False)
        return _copied(kept[key])

    remembered.forget = kept.clear
    return remembered


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except (TypeError, RuntimeError):  # a tensor inside a graph, a file ...
        return value


def _hashable(function: str, name: str, value: Any) -> Any:
    if isinstance(value, dict):       # what **settings collected
        return tuple((k, _hashable(function, k, v))
                     for k, v in sorted(value.items()))
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"{function} is remembered by its arguments: {name} should be a "
            "number, a text or a tuple of them, got "
            f"{type(value).__name__}") from None
    return type(value), value         # 1 and 1.0 and True are three


def code_of(function: Callable) -> str:
    """Hash of the code that a function of a page runs, and of the plain
    values that it reads: see `remember`."""
    digest = hashlib.sha256()
    for name, thing in reached(function):
        digest.update(repr((name, _content(thing))).encode())
    return digest.hexdigest()


def reached(*functions: Callable) -> Iterator[tuple[str, Any]]:
    """(name, object) of all that functions of a page reach by name: they
    themselves, functions and classes of the same page, and what else their
    names stand for; no modules, and nothing of other modules."""
    home = inspect.unwrap(functions[0]).__globals__
    seen: set[int] = set()
    todo = [(f.__name__, f) for f in reversed(functions)]
    while todo:
        name, thing = todo.pop()
        thing = inspect.unwrap(thing) if callable(thing) else thing
        if isinstance(thing, (types.FunctionType, type, dict, list, tuple)):
            if id(thing) in seen:
                continue
            seen.add(id(thing))
        if isinstance(thing, types.FunctionType):
            if thing.__globals__ is not home:
                continue
            yield name, thing
            todo += [(n, home[n]) for n in _names(thing.__code__)
                     if n in home]
            todo += [(name, v) for v in (
                *(thing.__defaults__ or ()),
                *(thing.__kwdefaults__ or {}).values(),
                *_closed(thing))]
        elif isinstance(thing, type):
            if thing.__module__ != home.get("__name__"):
                continue
            yield name, thing
            todo += [(f"{name}.{k}", _inner(v))
                     for k, v in vars(thing).items()
                     if not k.startswith("__") or callable(_inner(v))]
            todo += [(b.__name__, b) for b in thing.__bases__]
        elif isinstance(thing, functools.partial):
            todo += [(name, x) for x in (thing.func, *thing.args,
                                         *thing.keywords.values())]
        elif isinstance(thing, (dict, list, tuple)):
            yield name, thing
            todo += [(name, v) for v in (
                thing.values() if isinstance(thing, dict) else thing)]
        elif not isinstance(thing, types.ModuleType):
            yield name, thing


def _names(code: types.CodeType) -> list[str]:
    """Global names in a function's code and in that of its inner ones."""
    found = list(code.co_names)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            found += _names(const)
    return sorted(set(found), reverse=True)


def _closed(function: types.FunctionType) -> list:
    found = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:            # not filled yet
            pass
    return found


def _inner(thing: Any) -> Any:
    """The function in a method of any kind."""
    thing = getattr(thing, "__func__", thing)
    return getattr(thing, "fget", None) or thing


def _content(thing: Any) -> Any:
    """What a change of the thing would change; only its type where its
    content cannot be seen, such as a generator's, which moves on."""
    if isinstance(thing, types.FunctionType):
        return _code(thing.__code__)
    if isinstance(thing, dict):       # what they hold comes by itself
        return list(map(repr, thing))
    if isinstance(thing, (list, tuple)):
        return len(thing)
    if hasattr(thing, "dtype") and hasattr(thing, "shape"):
        import numpy as np
        array = np.asarray(thing.detach().cpu() if hasattr(thing, "detach")
                           else thing)
        return (str(array.dtype), array.shape,
                hashlib.sha256(np.ascontiguousarray(array)).hexdigest())
    said = type(thing).__name__ if isinstance(thing, type) else repr(thing)
    return type(thing).__name__ if " at 0x" in said else said


def _code(code: types.CodeType) -> tuple:
    return (code.co_code, code.co_names, code.co_varnames,
            code.co_exceptiontable, code.co_freevars, tuple(
                _code(c) if isinstance(c, types.CodeType) else repr(c)
                for c in code.co_consts))
