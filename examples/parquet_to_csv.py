#!/usr/bin/env python3
"""Converts a Parquet edge list into CSV that `ranvier connectome import` reads.

    python3 parquet_to_csv.py edges.parquet edges.csv.gz
    python3 parquet_to_csv.py Connectivity_783.parquet Connectivity_783.csv.gz

Columns keep their names. 64-bit ids stay integers: they never pass through a
real number, which would destroy their last digits. Needs pyarrow.
"""

import argparse
import gzip
import os
import sys


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parquet", help="file to read")
    parser.add_argument("csv", help="file to write; .gz is compressed")
    parser.add_argument("--columns", nargs="+", help="only these columns")
    arguments = parser.parse_args()
    try:
        import pyarrow as pa
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        sys.exit("parquet_to_csv: needs pyarrow; try: pip install pyarrow")

    temporary = arguments.csv + ".tmp"
    try:
        source = pa.parquet.ParquetFile(arguments.parquet)
        names = source.schema_arrow.names
        for name in arguments.columns or []:
            if name not in names:
                sys.exit(f"parquet_to_csv: {arguments.parquet}: no column "
                         f"{name!r}; the columns are {', '.join(names)}")
        for field in source.schema_arrow:
            if field.name.lower().endswith("_id") and pa.types.is_floating(field.type):
                sys.exit(f"parquet_to_csv: {arguments.parquet}: column "
                         f"{field.name!r} holds ids as reals, whose last digits "
                         "are lost; export it again with integers")
        packed = arguments.csv.endswith(".gz")
        with (gzip.open(temporary, "wb", compresslevel=6)
              if packed else open(temporary, "wb")) as out:
            # One row group at a time: memory does not depend on the file.
            for i, batch in enumerate(
                    source.iter_batches(columns=arguments.columns)):
                pa.csv.write_csv(
                    pa.Table.from_batches([batch]), out,
                    pa.csv.WriteOptions(include_header=i == 0,
                                        quoting_style="needed"))
        os.replace(temporary, arguments.csv)
    except (OSError, pa.ArrowException) as error:
        sys.exit(f"parquet_to_csv: {arguments.parquet}: {error}")
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


if __name__ == "__main__":
    main()
