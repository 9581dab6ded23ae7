//! Files in every form that onefold reads, made here with the crates that write them; shared by laws, hostile inputs and
//! fuzzing.

use std::fmt::Write as _;
use std::io::{Cursor, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression as Codec;
use parquet::file::properties::WriterProperties;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A table of texts: names, and rows of which a short one lacks cells.
pub type Table = (Vec<String>, Vec<Vec<String>>);

/// The forms, by name.
pub const FORMS: [&str; 10] =
    ["csv", "gz", "zst", "zip", "gz in zip", "jsonl", "json", "xlsx", "parquet", "parquet in zip"];

/// A table in one of the forms.
pub fn form(name: &str, table: &Table) -> Vec<u8> {
    match name {
        "csv" => csv(table),
        "gz" => gz(&csv(table)),
        "zst" => zstd::encode_all(Cursor::new(csv(table)), 1).expect("packed"),
        "zip" => zip(&[("a/t.csv", &csv(table))]),
        "gz in zip" => zip(&[("t.csv.gz", &gz(&csv(table))), ("__MACOSX/._t.csv", b"\0")]),
        "jsonl" => json(table, "", "\n", "\n"),
        "json" => json(table, "[\n ", ",\n", "]\n"),
        "xlsx" => xlsx(&[("Data", true, &sheet(table))]),
        "parquet" => parquet(table),
        "parquet in zip" => zip(&[("t.parquet", &parquet(table))]),
        other => panic!("no form {other}"),
    }
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

/// A zip archive with these members.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        archive.start_file(*name, options).expect("a member");
        archive.write_all(bytes).expect("packed");
    }
    archive.finish().expect("packed").into_inner()
}

pub fn csv((names, rows): &Table) -> Vec<u8> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(names).expect("written");
    rows.iter().for_each(|row| csv.write_record(row).expect("written"));
    csv.into_inner().expect("written")
}

/// Objects; every second one leaves out its empty cells, as exports do.
fn json((names, rows): &Table, start: &str, between: &str, end: &str) -> Vec<u8> {
    let object = |(at, row): (usize, &Vec<String>)| {
        let cells = names.iter().zip(row).filter(|(_, cell)| at % 2 == 0 || !cell.is_empty());
        let cells = cells.map(|(name, cell)| (name.clone(), serde_json::Value::from(cell.as_str())));
        serde_json::Value::Object(cells.collect()).to_string()
    };
    let objects: Vec<String> = rows.iter().enumerate().map(object).collect();
    format!("{start}{}{end}", objects.join(between)).into_bytes()
}

fn parquet((names, rows): &Table) -> Vec<u8> {
    let column = |at: usize| -> ArrayRef {
        Arc::new(StringArray::from_iter(rows.iter().map(|row| Some(row[at].as_str()).filter(|cell| !cell.is_empty()))))
    };
    let columns = names.iter().enumerate().map(|(at, name)| (name.as_str(), column(at), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("a batch");
    parquet_of(&batch, Codec::SNAPPY)
}

pub fn parquet_of(batch: &RecordBatch, codec: Codec) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(codec).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a writer");
    writer.write(batch).expect("written");
    writer.close().expect("written");
    bytes
}

/// The XML of a sheet with texts.
pub fn sheet((names, rows): &Table) -> String {
    let row = |(at, row): (usize, &Vec<String>)| {
        let cell = |(column, text): (usize, &String)| match text.as_str() {
            "" => String::new(),
            text => text_cell(at + 1, column, text),
        };
        format!("<row r=\"{}\">{}</row>", at + 1, row.iter().enumerate().map(cell).collect::<String>())
    };
    let rows = std::iter::once(names).chain(rows).enumerate().map(row);
    sheet_of(&rows.collect::<String>(), "A1")
}

/// A cell with a text, in a row from 1 and a column from 0.
pub fn text_cell(row: usize, column: usize, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<c r=\"{}{row}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>", letters(column))
}

/// A cell with a number and a style: 0 general, 1 a date, 2 a date with its time, 3 a duration.
pub fn number_cell(row: usize, column: usize, number: &str, style: usize) -> String {
    format!("<c r=\"{}{row}\" s=\"{style}\"><v>{number}</v></c>", letters(column))
}

fn letters(column: usize) -> String {
    let last = char::from(b'A' + (column % 26) as u8);
    if column < 26 { last.to_string() } else { letters(column / 26 - 1) + &last.to_string() }
}

/// A sheet that says of itself that it is this large.
pub fn sheet_of(rows: &str, dimension: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
         <dimension ref=\"{dimension}\"/><sheetData>{rows}</sheetData></worksheet>"
    )
}

/// A workbook with sheets: name, whether it can be seen, XML.
pub fn xlsx(sheets: &[(&str, bool, &str)]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    let (mut list, mut relations, mut parts) = (String::new(), String::new(), Vec::new());
    for (at, (name, visible, xml)) in sheets.iter().enumerate() {
        let (id, state) = (at + 1, if *visible { "" } else { " state=\"hidden\"" });
        let _ = write!(list, "<sheet name=\"{name}\" sheetId=\"{id}\"{state} r:id=\"rId{id}\"/>");
        let target = format!("worksheets/sheet{id}.xml");
        let _ = write!(relations, "<Relationship Id=\"rId{id}\" Type=\"{RELS}/worksheet\" Target=\"{target}\"/>");
        parts.push((format!("xl/{target}"), (*xml).to_owned()));
    }
    let _ = write!(relations, "<Relationship Id=\"rId99\" Type=\"{RELS}/styles\" Target=\"styles.xml\"/>");
    let styles = "<numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"[h]:mm:ss\"/></numFmts><cellXfs count=\"4\">\
                  <xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/><xf numFmtId=\"164\"/></cellXfs>";
    let types = "<Default Extension=\"xml\" ContentType=\"application/xml\"/>";
    let start = format!("<Relationship Id=\"rId1\" Type=\"{RELS}/officeDocument\" Target=\"xl/workbook.xml\"/>");
    parts.extend([
        ("[Content_Types].xml".to_owned(), format!("<Types xmlns=\"{PACKAGE}/content-types\">{types}</Types>")),
        ("_rels/.rels".to_owned(), format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{start}</Relationships>")),
        (
            "xl/workbook.xml".to_owned(),
            format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELS}\"><sheets>{list}</sheets></workbook>"),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{relations}</Relationships>"),
        ),
        ("xl/styles.xml".to_owned(), format!("<styleSheet xmlns=\"{MAIN}\">{styles}</styleSheet>")),
    ]);
    let members: Vec<(&str, &[u8])> = parts.iter().map(|(name, xml)| (name.as_str(), xml.as_bytes())).collect();
    zip(&members)
}
