"""Do two exports of a dataset hold the same rows? Read by DuckDB, which knows neither of their writers.

    python same.py CSV_GLOB PARQUET_GLOB

Columns are compared as the Parquet file types them. Prints {"rows", "columns", "only_csv", "only_parquet"}.
"""

import json
import sys

import duckdb


def main(csv, parquet):
    db = duckdb.connect()
    columns = db.execute(f"describe select * from read_parquet('{parquet}')").fetchall()
    types = {name: kind for name, kind, *_ in columns}
    db.execute(f"create table p as select * from read_parquet('{parquet}')")
    db.execute(
        f"create table c as select * from read_csv('{csv}', header = true, all_varchar = true, nullstr = '', delim = ',')"
    )
    listed = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in types.items())
    db.execute(f"create table t as select {listed} from c")
    count = lambda query: db.execute(f"select count(*) from ({query})").fetchone()[0]
    print(
        json.dumps(
            {
                "rows": count("select * from p"),
                "columns": len(types),
                "only_csv": count("select * from t except all select * from p"),
                "only_parquet": count("select * from p except all select * from t"),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
