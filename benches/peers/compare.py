#!/usr/bin/env python3
"""Compares the cells of two Parquet files, column by column, by name; the first column of the first file is the id.

    compare.py OURS.parquet THEIRS.parquet [--floats 1e-9] [--show 3]

Rows are taken in the order of the files, which must both be sorted by id. `idempotency_key` is left out: each engine
has a hash of its own. Null and empty text are the same cell, as they are in CSV. Everything is compared exactly but
floats, which may differ by a relative 1e-9. One column of each file is in memory at a time.
Exit code: 0 the same, 1 different, 2 not comparable.
"""
import argparse
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

LEFT_OUT = {"idempotency_key"}


def normal(column, kind):
    """The column in the type to compare in; raises ArrowInvalid where a cell has no place in it."""
    if pa.types.is_timestamp(kind):
        kind = pa.timestamp("us")
        if pa.types.is_timestamp(column.type) and column.type.tz:
            column = column.cast(pa.timestamp("us", "UTC"))
    if pa.types.is_decimal(kind):
        kind = pa.decimal128(38, kind.scale)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.large_string()).fill_null("")
    return column.cast(kind)


def far_apart(ours, theirs, tolerance):
    """Where two columns of floats differ by more than the tolerance; NaN is far from all, itself included."""
    greater = pc.max_element_wise(pc.abs(ours), pc.abs(theirs))
    near = pc.less_equal(pc.abs(pc.subtract(ours, theirs)), pc.multiply(greater, tolerance))
    return pc.invert(pc.or_(pc.equal(ours, theirs), near))


def different(ours, theirs, tolerance):
    """A mask of the rows whose cells differ."""
    nulls = pc.not_equal(pc.is_null(ours), pc.is_null(theirs))
    if pa.types.is_floating(ours.type):
        unequal = far_apart(ours, theirs, tolerance)
    else:
        unequal = pc.not_equal(ours, theirs)
    return pc.or_(nulls, pc.fill_null(unequal, False))


def compare_column(files, name, tolerance):
    """The mask of differing rows and the two columns; an error's text where they cannot be compared."""
    ours, theirs = (f.read(columns=[name]).column(0) for f in files)
    try:
        kind = ours.type
        ours, theirs = (normal(column, kind) for column in (ours, theirs))
    except pa.ArrowException as error:
        return None, f"{kind} against {theirs.type}: {error}"
    return different(ours, theirs, tolerance), (ours, theirs)


def compare_ids(files, key):
    """The ids, once both files have the same, in strictly rising order; else an error's text."""
    ours, theirs = (f.read(columns=[key]).column(0).cast(pa.large_string()).fill_null("") for f in files)
    for name, ids in (("ours", ours), ("theirs", theirs)):
        if len(ids) > 1 and not pc.all(pc.less(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py():
            return None, f"{name} is not sorted by `{key}`, or has an id twice"
    if len(ours) != len(theirs):
        return None, f"{len(ours):,} rows in ours, {len(theirs):,} in theirs"
    unequal = pc.not_equal(ours, theirs)
    if pc.any(unequal).as_py():
        row = pc.index(unequal, True).as_py()
        return None, f"row {row + 1} is `{ours[row]}` in ours, `{theirs[row]}` in theirs"
    return ours, None


def show(name, mask, columns, ids, most):
    """Prints the first differing cells of a column."""
    rows = pc.indices_nonzero(mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask)
    print(f"DIFFERENT {name}: {len(rows):,} cells")
    for row in rows[:most].to_pylist():
        print(f"  {ids[row]}: ours {columns[0][row].as_py()!r}, theirs {columns[1][row].as_py()!r}")


def compare_cells(files, names, ids, tolerance, most):
    """Compares the columns in turn: how many differ, and whether the floats are the same to the last bit."""
    differing, exact = 0, True
    for name in names:
        mask, columns = compare_column(files, name, tolerance)
        if mask is None:
            print(f"DIFFERENT {name}: {columns}")
            differing += 1
        elif pc.any(mask).as_py():
            show(name, mask, columns, ids, most)
            differing += 1
        elif pa.types.is_floating(columns[0].type):
            exact = exact and not pc.any(different(*columns, 0.0)).as_py()
    return differing, exact


def compare(paths, tolerance, most):
    """Compares two files and prints what it finds; true when they are the same."""
    files = [pq.ParquetFile(path) for path in paths]
    ours, theirs = ([n for n in f.schema_arrow.names if n not in LEFT_OUT] for f in files)
    alone = [(n, "ours") for n in ours if n not in theirs] + [(n, "theirs") for n in theirs if n not in ours]
    for name, whose in alone:
        print(f"DIFFERENT {name}: a column of {whose} alone")
    key = ours[0]
    if key not in theirs:
        return False
    ids, error = compare_ids(files, key)
    if error:
        print(f"DIFFERENT rows: {error}")
        return False
    names = [n for n in ours if n in theirs and n != key]
    differing, exact = compare_cells(files, names, ids, tolerance, most)
    differing += len(alone)
    if differing:
        print(f"different: {differing} columns of {len(names) + len(alone) + 1}, over {len(ids):,} rows")
        return False
    floats = "floats to the last bit" if exact else f"floats within a relative {tolerance:g}"
    print(f"same: {len(ids):,} rows, {len(names) + 1} columns; {floats}")
    return True


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("ours")
    a.add_argument("theirs")
    a.add_argument("--floats", type=float, default=1e-9, help="relative tolerance for floats (default 1e-9)")
    a.add_argument("--show", type=int, default=3, help="differing cells to show of each column (default 3)")
    a = a.parse_args()
    try:
        return 0 if compare((a.ours, a.theirs), a.floats, a.show) else 1
    except (OSError, pa.ArrowException) as error:
        print(f"cannot compare: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
