//! How is a table written as Parquet? Row group by row group, so that no more than one is held as cells.

use std::sync::Arc;

use ::parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel},
    data_type::{
        BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
    },
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};
use releve_finance::{
    Column, Row, Schema,
    table::{Cell, ColumnType, DECIMAL_DIGITS_MAX},
};
use rust_decimal::Decimal;

use super::WriteError;

/// Rows of a row group: what is in memory at once.
pub const ROW_GROUP_ROWS: usize = 65_536;
/// Bytes of a decimal of 38 digits.
const DECIMAL_BYTES: i32 = 16;

pub struct ParquetWriter {
    schema: &'static Schema,
    file: SerializedFileWriter<Vec<u8>>,
    rows: Vec<Row>,
}

impl ParquetWriter {
    pub fn new(schema: &'static Schema) -> Result<Self, WriteError> {
        let fields = schema.columns.iter().map(|column| field(column).map(Arc::new)).collect::<Result<_, _>>()?;
        let root = Arc::new(Type::group_type_builder(schema.name).with_fields(fields).build()?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_created_by("releve".to_owned()) // not the library's version, which would change the bytes
            .build();
        let file = SerializedFileWriter::new(Vec::new(), root, Arc::new(properties))?;
        Ok(Self { schema, file, rows: Vec::new() })
    }

    pub fn push(&mut self, row: Row) -> Result<(), WriteError> {
        self.schema.check(&row)?;
        self.rows.push(row);
        if self.rows.len() >= ROW_GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    pub fn finish(mut self) -> Result<Vec<u8>, WriteError> {
        if !self.rows.is_empty() {
            self.flush()?;
        }
        Ok(self.file.into_inner()?)
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        let mut group = self.file.next_row_group()?;
        for (at, column) in self.schema.columns.iter().enumerate() {
            write_column(self.schema, column, at, &self.rows, &mut group)?;
        }
        group.close()?;
        self.rows.clear();
        Ok(())
    }
}

fn field(column: &Column) -> Result<Type, WriteError> {
    let (physical, logical) = match column.holds {
        ColumnType::Text | ColumnType::Json => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnType::Integer => (Physical::INT64, None),
        ColumnType::Boolean => (Physical::BOOLEAN, None),
        ColumnType::Date => (Physical::INT32, Some(LogicalType::Date)),
        ColumnType::Timestamp => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        ColumnType::Decimal(_) => (Physical::FIXED_LEN_BYTE_ARRAY, None),
    };
    let repetition = if column.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let mut builder = Type::primitive_type_builder(column.name, physical).with_repetition(repetition);
    builder = match column.holds {
        ColumnType::Decimal(scale) => {
            let (scale, precision) =
                (i32::try_from(scale).unwrap_or(0), i32::try_from(DECIMAL_DIGITS_MAX).unwrap_or(38));
            builder
                .with_length(DECIMAL_BYTES)
                .with_logical_type(Some(LogicalType::decimal(scale, precision)))
                .with_precision(precision)
                .with_scale(scale)
        }
        _ => builder.with_logical_type(logical),
    };
    Ok(builder.build()?)
}

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

fn write_column(
    schema: &'static Schema,
    column: &'static Column,
    at: usize,
    rows: &[Row],
    group: &mut Group<'_>,
) -> Result<(), WriteError> {
    let Some(mut writer) = group.next_column()? else { return Ok(()) };
    let cells = || rows.iter().filter_map(|row| row.get(at));
    let there: Option<Vec<i16>> = column.nullable.then(|| cells().map(|cell| i16::from(*cell != Cell::Null)).collect());
    let there = there.as_deref();
    match column.holds {
        ColumnType::Text | ColumnType::Json => {
            let values = cells().filter_map(|cell| match cell {
                Cell::Text(text) | Cell::Json(text) => Some(ByteArray::from(text.as_str())),
                _ => None,
            });
            put::<ByteArrayType>(&mut writer, &values.collect::<Vec<_>>(), there)?;
        }
        ColumnType::Integer | ColumnType::Timestamp => {
            let values = cells().filter_map(|cell| match cell {
                Cell::Integer(value) => Some(*value),
                Cell::Timestamp(at) => Some(at.as_millis()),
                _ => None,
            });
            put::<Int64Type>(&mut writer, &values.collect::<Vec<_>>(), there)?;
        }
        ColumnType::Boolean => {
            let values = cells().filter_map(|cell| match cell {
                Cell::Boolean(value) => Some(*value),
                _ => None,
            });
            put::<BoolType>(&mut writer, &values.collect::<Vec<_>>(), there)?;
        }
        ColumnType::Date => {
            let values = cells().filter_map(|cell| match cell {
                Cell::Date(day) => i32::try_from(day.index()).ok(),
                _ => None,
            });
            put::<Int32Type>(&mut writer, &values.collect::<Vec<_>>(), there)?;
        }
        ColumnType::Decimal(scale) => {
            let mut values = Vec::new();
            for cell in cells() {
                if let Cell::Decimal(value) = cell {
                    let digits = |value: Decimal| WriteError::Digits { table: schema.name, column: column.name, value };
                    values.push(scaled(*value, scale).ok_or_else(|| digits(*value))?);
                }
            }
            put::<FixedLenByteArrayType>(&mut writer, &values, there)?;
        }
    }
    writer.close()?;
    Ok(())
}

fn put<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: &[T::T],
    there: Option<&[i16]>,
) -> Result<(), WriteError> {
    writer.typed::<T>().write_batch(values, there, None)?;
    Ok(())
}

/// A decimal as the integer of its column's scale, big-endian.
fn scaled(value: Decimal, scale: u32) -> Option<FixedLenByteArray> {
    let value = value.normalize();
    let up = 10_i128.checked_pow(scale.checked_sub(value.scale())?)?;
    let mantissa = value.mantissa().checked_mul(up)?;
    (mantissa.unsigned_abs() < 10_u128.pow(DECIMAL_DIGITS_MAX))
        .then(|| FixedLenByteArray::from(mantissa.to_be_bytes().to_vec()))
}
