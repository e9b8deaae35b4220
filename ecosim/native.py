"""How compiled rules see tables: by reference, as one pointer to where the columns are written down.

To Numba a named tuple of arrays is a value: each function that is handed one takes seven numbers an array, and counts
a reference to each array up and down on every way through it. The state has some two hundred and fifty arrays; what that
adds to a rule takes a hundred times as long to compile as the rule itself, and in a small ecosystem longer to run. A table
outlives every rule that it is handed to, and nobody replaces a column while a rule runs. So a table is a type of its own
here: a pointer to its columns, which are borrowed from Python and do not move, as the loads of them tell the compiler. An
array that a rule makes is counted as always.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numba

Class = TypeVar("Class", bound=type)


def native_table(kind: Class) -> Class:
    """Let compiled rules take this class of named tuples by reference; return the class."""
    if not numba.config.DISABLE_JIT:
        typeof_impl.register(kind)(_type_of)
    return kind


if not numba.config.DISABLE_JIT:
    from llvmlite import ir  # type: ignore[import-untyped]
    from numba.core import cgutils, types
    from numba.core.datamodel import models
    from numba.core.typing.typeof import typeof_impl
    from numba.extending import NativeValue, lower_builtin, lower_getattr_generic, register_model, unbox

    class TableType(types.NamedTuple):  # type: ignore[misc, name-defined]
        """A named tuple taken by reference; it is the same type only if all names in it are."""

        def __init__(self, columns: tuple[Any, ...], kind: type, names: tuple[Any, ...]) -> None:
            self.names = names
            super().__init__(columns, kind)

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
