#!/usr/bin/env python3
"""Opens a run's CSV and Parquet with DuckDB, pyarrow and Polars: right types, same cells in all six.

    open.py DATA_OUT
"""
import sys

import duckdb
import polars as pl
import pyarrow.csv as pc
import pyarrow.parquet as pq

# Parquet's type by pyarrow -> DuckDB's and Polars' names of it.
NAMES = {"string": ("VARCHAR", pl.String), "int64": ("BIGINT", pl.Int64), "double": ("DOUBLE", pl.Float64),
         "date32[day]": ("DATE", pl.Date), "bool": ("BOOLEAN", pl.Boolean)}


def names(arrow):
    """DuckDB's and Polars' type for an arrow type."""
    if str(arrow).startswith("timestamp[us"):
        return "TIMESTAMP WITH TIME ZONE", pl.Datetime("us", "UTC")
    if str(arrow).startswith("decimal128"):
        return f"DECIMAL({arrow.precision},{arrow.scale})", pl.Decimal(arrow.precision, arrow.scale)
    return NAMES[str(arrow)]


def main(folder):
    parquet, csv = f"{folder}/profiles.parquet", f"{folder}/profiles.csv"
    table = pq.read_table(parquet)
    want = {f.name: f.type for f in table.schema}

    by_polars = pl.read_parquet(parquet)
    assert dict(by_polars.schema) == {c: names(t)[1] for c, t in want.items()}, by_polars.schema
    assert by_polars.equals(pl.from_arrow(table)), "Polars and pyarrow read other cells from Parquet"
    # Decimals and instants go through text: Polars' CSV reader takes neither as such.
    plain = {c: t for c, (_, t) in ((c, names(t)) for c, t in want.items())}
    as_text = {c: pl.String if isinstance(t, (pl.Decimal, pl.Datetime)) else t for c, t in plain.items()}
    from_csv = pl.read_csv(csv, schema=as_text)
    for c, t in plain.items():
        if isinstance(t, pl.Decimal):
            from_csv = from_csv.with_columns(pl.col(c).cast(t))
        elif isinstance(t, pl.Datetime):
            from_csv = from_csv.with_columns(pl.col(c).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us").dt.replace_time_zone("UTC"))
    assert from_csv.equals(by_polars), "Polars reads other cells from CSV"

    options = pc.ConvertOptions(column_types=want, strings_can_be_null=True, null_values=[""])
    from_csv = pc.read_csv(csv, parse_options=pc.ParseOptions(newlines_in_values=True), convert_options=options)
    for c in want:
        assert from_csv[c].equals(table[c]), f"pyarrow reads other cells of {c} from CSV"

    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    types = {c: t for c, t, *_ in con.execute(f"describe select * from '{parquet}'").fetchall()}
    assert types == {c: names(t)[0] for c, t in want.items()}, types
    columns = ", ".join(f"'{c}': '{t}'" for c, t in types.items())
    from_csv = f"(select * from read_csv('{csv}', header = true, columns = {{{columns}}}))"
    for a, b in ((from_csv, f"'{parquet}'"), (f"'{parquet}'", from_csv)):
        (more,) = con.execute(f"select count(*) from (select * from {a} except all select * from {b})").fetchone()
        assert more == 0, f"DuckDB reads {more} other rows from CSV"
    rows = con.execute(f"select count(*), count(distinct {list(want)[0]}) from '{parquet}'").fetchone()
    assert rows == (table.num_rows, table.num_rows), rows
    print(f"{table.num_rows} rows, {len(want)} columns: same types and cells in DuckDB {duckdb.__version__}, pyarrow and Polars {pl.__version__}")


if __name__ == "__main__":
    main(sys.argv[1])
