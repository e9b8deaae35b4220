"""How compiled rules see tables: as borrowed columns, which cost nothing to pass on.

To Numba a named tuple of arrays owns a reference to each of them, so that every rule that is handed the state would
count some two hundred references up and down on every way through it, which takes longer to compile, and to run in a
small ecosystem, than the rule itself. A table outlives any rule that it is handed to: Python holds it. So tables
are of a type of their own here, whose columns are borrowed. An array that a rule makes is counted as always.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numba

Table = TypeVar("Table", bound=type)


def native_table(kind: Table) -> Table:
    """Let compiled rules borrow the columns of this class of named tuples; return the class."""
    if not numba.config.DISABLE_JIT:
        _typeof_impl.register(kind)(lambda value, context: _table_type(value, context))
    return kind


if not numba.config.DISABLE_JIT:
    from numba.core import cgutils, types
    from numba.core.datamodel import models
    from numba.core.typing.typeof import typeof_impl as _typeof_impl
    from numba.extending import NativeValue, register_model, unbox

    class TableType(types.NamedTuple):  # type: ignore[misc]
        """A named tuple whose arrays are borrowed."""

    @register_model(TableType)
    class TableModel(models.TupleModel):  # type: ignore[misc]
        """Laid out as any tuple, but without anything to count references of."""

        def traverse(self, builder: Any) -> list[Any]:
            """Return nothing: no reference is counted."""
            return []

        def contains_nrt_meminfo(self) -> bool:
            """Return False: no reference is counted."""
            return False

    def _table_type(value: Any, context: Any) -> TableType:
        return TableType(tuple(_typeof_impl(column, context) for column in value), type(value))

    @unbox(TableType)
    def _unbox_table(kind: Any, value: Any, c: Any) -> NativeValue:
        """Take over where the columns lie, and no reference to them."""
        failed = cgutils.alloca_once_value(c.builder, cgutils.false_bit)
        columns = []
        for position, column_type in enumerate(kind):
            column = c.pyapi.tuple_getitem(value, position)
            if isinstance(column_type, types.Array):
                native = c.context.make_array(column_type)(c.context, c.builder)
                place = native._getpointer()
                error = c.pyapi.numba_array_adaptor(column, c.builder.bitcast(place, c.pyapi.voidptr))
                columns.append(c.builder.load(place))
                wrong = cgutils.is_not_null(c.builder, error)
            else:
                unboxed = c.unbox(column_type, column)
                columns.append(unboxed.value)
                wrong = unboxed.is_error
            with c.builder.if_then(wrong, likely=False):
                c.builder.store(cgutils.true_bit, failed)
        table = c.context.make_tuple(c.builder, kind, columns)
        return NativeValue(table, is_error=c.builder.load(failed))
