"""How compiled rules see tables: by reference, as one pointer to where the columns are written down.

To Numba a named tuple of arrays is a value: each function that is handed one takes seven numbers an array, and counts
a reference to each array up and down on every way through it. The state has some two hundred and fifty arrays; what that
adds to a rule takes a hundred times as long to compile as the rule itself, and in a small ecosystem longer to run. A table
outlives every rule that it is handed to, and nobody replaces a column while a rule runs. So a table is a type of its own
here: a pointer to its columns, which are borrowed from Python and do not move, as the loads of them tell the compiler. An
array that a rule makes is counted as always.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numba
import numpy as np

Class = TypeVar("Class", bound=type)


def native_table(kind: Class) -> Class:
    """Let compiled rules take this class of named tuples by reference; return the class."""
    if not numba.config.DISABLE_JIT:
        typeof_impl.register(kind)(_type_of)
    return kind


if numba.config.DISABLE_JIT:
    # Plain Python has no addresses: a rule stands for its own.

    def addresses_of(rules: Sequence[Callable[..., Any]], arguments: Sequence[tuple[Any, ...]]) -> Any:
        """Return the rules, for `call_by_address`."""
        return np.array(rules, object)

    def call_by_address(rule: Any, arguments: tuple[Any, ...]) -> bool:
        """Call a rule."""
        return bool(rule(*arguments))

    def place_of(tables: tuple[Any, ...], position: int) -> Any:
        """Return one of some tables, for `call_by_address`."""
        return tables[position]

    def fetch(column: Any, row: int) -> None:
        """Do nothing: a row is there when it is asked for."""

else:
    from llvmlite import ir  # type: ignore[import-untyped]
    from numba.core import cgutils, types
    from numba.core.datamodel import models
    from numba.core.typing.typeof import typeof_impl
    from numba.extending import NativeValue, intrinsic, lower_builtin, lower_getattr_generic, register_model, unbox

    class TableType(types.NamedTuple):  # type: ignore[misc, name-defined]
        """A named tuple taken by reference; it is the same type only if all names in it are."""

        def __init__(self, columns: tuple[Any, ...], kind: type, names: tuple[Any, ...]) -> None:
            self.names = names
            self.hashed: int | None = None
            super().__init__(columns, kind)

        def __hash__(self) -> int:
            """Return the hash of the key, computed once: it goes through some three hundred columns."""
            if self.hashed is None:
                self.hashed = hash(self.key)
            return self.hashed

        def __reduce__(self) -> Any:
            """Leave the hash out of what is kept: another process hashes differently."""
            rebuild, (reconstructor, arguments, state) = super().__reduce__()
            return rebuild, (reconstructor, arguments, {**state, "hashed": None})

        @property
        def key(self) -> Any:
            """What tells one type from another: kept machine code is of use for the same key only."""
            return self.instance_class, self.types, self.names

    @register_model(TableType)
    class TableModel(models.PrimitiveModel):  # type: ignore[misc]
        """A pointer without a type; `_columns` knows what it points to."""

        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, ir.IntType(8).as_pointer())

    def _type_of(value: Any, context: Any) -> TableType:
        names = tuple((name, getattr(column, "_fields", ())) for name, column in zip(value._fields, value, strict=True))
        return TableType(tuple(typeof_impl(column, context) for column in value), type(value), names)

    def _columns(context: Any, kind: Any) -> Any:
        """Return the layout of what the pointer of a table points to."""
        return ir.LiteralStructType([context.get_value_type(column) for column in kind.types])

    def _column(context: Any, builder: Any, kind: Any, table: Any, position: int) -> Any:
        """Load a column; it never changes while a rule runs, so that the load can be moved out of loops."""
        columns = builder.bitcast(table, _columns(context, kind).as_pointer())
        loaded = builder.load(cgutils.gep_inbounds(builder, columns, 0, position))
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        return loaded

    @lower_getattr_generic(TableType)  # type: ignore[untyped-decorator]
    def _attribute(context: Any, builder: Any, kind: Any, table: Any, name: str) -> Any:
        return _column(context, builder, kind, table, kind.fields.index(name))

    @lower_builtin("typed_getitem", TableType, types.Any)  # type: ignore[untyped-decorator]
    def _item(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Load the column at a position known when the rule runs, of those of one type: what `literal_unroll` asks for."""
        (kind, _), (table, index), wanted = signature.args, arguments, signature.return_type
        item = cgutils.alloca_once(builder, context.get_value_type(wanted))
        for position, column_type in enumerate(kind.types):
            if column_type == wanted:
                with builder.if_then(builder.icmp_signed("==", index, ir.Constant(index.type, position))):
                    builder.store(_column(context, builder, kind, table, position), item)
        return builder.load(item)

    @unbox(TableType)  # type: ignore[untyped-decorator]
    def _unbox_table(kind: Any, value: Any, c: Any) -> NativeValue:
        """Write down where the columns lie, for as long as the call from Python lasts; take no reference to them."""
        failed = cgutils.alloca_once_value(c.builder, cgutils.false_bit)
        columns = cgutils.alloca_once(c.builder, _columns(c.context, kind))
        for position, column_type in enumerate(kind.types):
            column, error = _unbox_column(column_type, c.pyapi.tuple_getitem(value, position), c)
            c.builder.store(column, cgutils.gep_inbounds(c.builder, columns, 0, position))
            with c.builder.if_then(error, likely=False):
                c.builder.store(cgutils.true_bit, failed)
        return NativeValue(c.builder.bitcast(columns, ir.IntType(8).as_pointer()), is_error=c.builder.load(failed))

    def _unbox_column(kind: Any, value: Any, c: Any) -> tuple[Any, Any]:
        """Return a column and whether it could not be read; of an array only where it lies, no reference to it."""
        if not isinstance(kind, types.Array):
            native = c.unbox(kind, value)
            return native.value, native.is_error
        place = c.context.make_array(kind)(c.context, c.builder)._getpointer()
        pointer = ir.IntType(8).as_pointer()
        adapt_type = ir.FunctionType(ir.IntType(32), [c.pyapi.pyobj, pointer])
        adapt = c.pyapi._get_function(adapt_type, name="numba_adapt_ndarray")
        error = c.builder.call(adapt, (value, c.builder.bitcast(place, pointer)))
        return c.builder.load(place), cgutils.is_not_null(c.builder, error)

    # Rules called by address are not linked into their caller, so that the caller of all of them stays small: to link a
    # rule into another means to optimise it once more.

    _ADDRESSES: dict[Any, int] = {}

    def addresses_of(rules: Sequence[Callable[..., Any]], arguments: Sequence[tuple[Any, ...]]) -> Any:
        """Return where the machine code of each rule lies, for `call_by_address`, (rules,).

        Parameters
        ----------
        arguments : for each rule, arguments of the types that it will be called with.

        Notes
        -----
        Each process goes through the rules in an order of its own: of several that find no machine code kept, as when
        many begin at once after an installation, each then finds most of it made by the others.
        """
        each = {id(argument): argument for every in arguments for argument in every}
        kinds = {identity: numba.typeof(argument) for identity, argument in each.items()}
        called = [tuple(kinds[id(argument)] for argument in every) for every in arguments]
        addresses = np.zeros(len(rules), np.int64)
        for place in random.Random().sample(range(len(rules)), len(rules)):
            addresses[place] = _address(rules[place], called[place])
        return addresses

    def _address(rule: Any, kinds: tuple[Any, ...]) -> int:
        if (rule, kinds) not in _ADDRESSES:
            rule.apart.compile(kinds)
            result = rule.apart.overloads[kinds]
            address = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
            if not address:
                raise RuntimeError(f"{rule.__name__}: its machine code was not found")
            _ADDRESSES[rule, kinds] = address
        return _ADDRESSES[rule, kinds]

    @intrinsic  # type: ignore[untyped-decorator]
    def call_by_address(typing: Any, address: Any, arguments: Any) -> Any:
        """Call the rule whose machine code lies at an address, which returns a truth value."""

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            convention, kinds = context.call_conv, signature.args[1].types
            function = convention.get_function_type(types.boolean, kinds)
            pointer = builder.inttoptr(values[0], function.as_pointer())
            unpacked = cgutils.unpack_tuple(builder, values[1])
            status, result = convention.call_function(builder, pointer, types.boolean, kinds, unpacked)
            with cgutils.if_unlikely(builder, status.is_error):
                convention.return_status_propagate(builder, status)
            return result

        return types.boolean(types.int64, arguments), generate

    @intrinsic  # type: ignore[untyped-decorator]
    def place_of(typing: Any, tables: Any, position: Any) -> Any:
        """Return where the columns of one of some tables lie."""

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            place = cgutils.alloca_once_value(builder, ir.Constant(ir.IntType(8).as_pointer(), None))
            for number, table in enumerate(cgutils.unpack_tuple(builder, values[0])):
                with builder.if_then(builder.icmp_signed("==", values[1], ir.Constant(values[1].type, number))):
                    builder.store(table, place)
            return builder.load(place)

        return types.voidptr(tables, types.int64), generate

    @intrinsic  # type: ignore[untyped-decorator]
    def fetch(typing: Any, column: Any, row: Any) -> Any:
        """Ask memory for a row of a column that a rule will need soon, and go on; nothing changes by it.

        The partners of a large ecosystem lie anywhere in memory, and a processor guesses only what follows in order.
        """

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            array = context.make_array(column)(context, builder, values[0])
            strides = cgutils.unpack_tuple(builder, array.strides, column.ndim)
            pointer = ir.IntType(8).as_pointer()
            place = builder.gep(builder.bitcast(array.data, pointer), [builder.mul(values[1], strides[0])])
            number = ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
            read, keep, data = number(0), number(3), number(1)
            builder.call(builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind), [place, read, keep, data])
            return context.get_dummy_value()

        return types.void(column, types.intp), generate
