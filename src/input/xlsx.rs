//! A sheet of an Excel workbook as rows of cells. Owns how cells become text: dates as ISO, numbers in their shortest form;
//! refuses workbooks that unpack to too much.

use std::fs::File;
use std::io::BufReader;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx};
use chrono::{NaiveDate, NaiveTime};

use super::InputFile;
use super::cells::Cell;
use super::columns::{Header, HeaderOf};
use super::place::Opened;
use super::unpack::{self, Fault, Packing, Unpacked};
use crate::error::Result;

type Workbook = Xlsx<BufReader<File>>;

/// Visits a row: its number in the sheet, from 1, and its cells. False ends the reading.
pub trait Visit: FnMut(u64, &mut dyn Iterator<Item = Cell<'_>>) -> bool {}

impl<V: FnMut(u64, &mut dyn Iterator<Item = Cell<'_>>) -> bool> Visit for V {}

/// Finds the sheet and its header.
pub fn open(of: &HeaderOf<'_>, file: &Opened, packing: &Packing) -> Result<(String, Header)> {
    let source = of.source;
    let unreadable = |e| unpack::unreadable(&source.name, of.path, of.name, e);
    let file = unpack::seekable(file, packing).map(Opened::of).map_err(unreadable)?;
    check_parts(&file, packing.most).map_err(unreadable)?;
    let mut workbook = file.seekable().and_then(workbook).map_err(unreadable)?;
    let sheet = find_sheet(of, &workbook)?;
    let (mut first, skip) = (None, source.form.skip_lines);
    let mut visit = |row: u64, cells: &[Held]| {
        let is_first = row > skip && !is_comment(source.form.comment.as_deref(), cells);
        if is_first {
            first = Some((row, cells.iter().map(|cell| cell.text.clone()).collect::<Vec<_>>()));
        }
        !is_first
    };
    rows(&mut workbook, &sheet, &mut visit).map_err(|cause| unreadable(Fault::error(damaged(&cause))))?;
    let header = match (&source.form.header, first) {
        (Some(given), first) => {
            let header = of.table(given.clone())?.with_names(source, given.clone());
            Header { data_line: first.map_or(skip + 1, |(row, _)| row), ..header }
        }
        (None, Some((row, names))) => {
            Header { data_line: row + 1, ..of.table(names.clone())?.with_names(source, names) }
        }
        (None, None) => return Err(of.fault(&format!("sheet `{sheet}` of `{}` is empty", of.name))),
    };
    Ok((sheet, header))
}

/// The sheet that the source names, or the first one that can be seen.
fn find_sheet(of: &HeaderOf<'_>, workbook: &Workbook) -> Result<String> {
    let sheets = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let wanted = of.source.form.sheet.as_deref();
    let mut fitting = sheets.clone().filter(|sheet| match wanted {
        Some(name) => sheet.name == name,
        None => sheet.visible == SheetVisible::Visible,
    });
    if let Some(sheet) = fitting.next() {
        return Ok(sheet.name.clone());
    }
    let names: Vec<String> = sheets.map(|sheet| format!("`{}`", sheet.name)).collect();
    let wanted = wanted.map_or("visible sheet".to_owned(), |name| format!("sheet `{name}`"));
    Err(of.fault(&format!("`{}` has no {wanted}; it has {}: say which with `sheet`", of.name, names.join(", "))))
}

/// Visits all rows of data that have a value.
pub fn each_row(input: &InputFile, sheet: &str, comment: Option<&str>, mut visit: impl Visit) -> Result<()> {
    let file = input.reopen()?;
    let file = unpack::seekable(&file, &input.packing);
    let mut workbook = file.and_then(workbook).map_err(|e| input.unreadable(e))?;
    let mut data = |row: u64, cells: &[Held]| {
        if row < input.header.data_line || is_comment(comment, cells) {
            return true;
        }
        visit(row, &mut cells.iter().map(Held::cell))
    };
    rows(&mut workbook, sheet, &mut data).map_err(|cause| input.damaged(cause))
}

fn is_comment(comment: Option<&str>, cells: &[Held]) -> bool {
    comment.is_some_and(|mark| cells.first().is_some_and(|cell| cell.text.starts_with(mark)))
}

/// Fails for a workbook with a part that is not whole or too large: its reader holds texts in memory. A file that has not
/// changed since need not be checked again.
fn check_parts(file: &Opened, most: u64) -> std::io::Result<()> {
    for part in unpack::members(file)? {
        if let Some(fault) = &part.fault {
            return Err(Fault::error(fault.clone()));
        }
        let packing = Packing { member: Some(part), compressed: None, most };
        let mut bytes = Unpacked::new(file, &packing)?;
        let mut piece = Vec::new();
        while bytes.append(1 << 20, &mut piece)? > 0 {
            piece.clear();
        }
    }
    Ok(())
}

fn workbook(file: File) -> std::io::Result<Workbook> {
    Xlsx::new(BufReader::new(file)).map_err(|cause| Fault::error(damaged(&cause)))
}

fn damaged(cause: &impl std::fmt::Display) -> String {
    format!("is damaged: it cannot be read as xlsx ({cause})")
}

/// A cell's text.
#[derive(Debug, Clone, Default)]
struct Held {
    text: String,
    is_typed: bool,
}

impl Held {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self { text, .. } if text.is_empty() => Cell::Empty,
            Self { text, is_typed: true } => Cell::Typed(text),
            Self { text, is_typed: false } => Cell::Text(text),
        }
    }
}

/// Visits every row that has a value, up to its last one. A sheet says itself how large it is, and can lie: only cells that
/// are there take memory.
fn rows(
    workbook: &mut Workbook,
    sheet: &str,
    visit: &mut dyn FnMut(u64, &[Held]) -> bool,
) -> std::result::Result<(), String> {
    let mut cells = workbook.worksheet_cells_reader(sheet).map_err(|e| e.to_string())?;
    let (mut row, mut at): (Vec<Held>, u32) = (Vec::new(), 0);
    while let Some(cell) = cells.next_cell().map_err(|e| e.to_string())? {
        let ((line, column), held) = (cell.get_position(), held(cell.get_value()));
        if line < at {
            return Err(format!("row {} stands behind row {}", line + 1, at + 1));
        }
        if line > at {
            if !row.is_empty() && !visit(u64::from(at) + 1, &row) {
                return Ok(());
            }
            row.clear();
            at = line;
        }
        if held.text.is_empty() {
            continue;
        }
        let column = column as usize;
        if column >= row.len() {
            row.resize_with(column + 1, Held::default);
        }
        if !row[column].text.is_empty() {
            return Err(format!("row {} has a cell twice", line + 1));
        }
        row[column] = held;
    }
    if !row.is_empty() {
        visit(u64::from(at) + 1, &row);
    }
    Ok(())
}

fn held(value: &DataRef<'_>) -> Held {
    let typed = |text: String| Held { text, is_typed: true };
    let plain = |text: &str| Held { text: text.to_owned(), is_typed: false };
    match value {
        DataRef::Empty => Held::default(),
        DataRef::String(text) | DataRef::DurationIso(text) => plain(text),
        DataRef::SharedString(text) => plain(text),
        DataRef::Int(n) => typed(n.to_string()),
        // The shortest text that is read as the same number, never with an exponent.
        // Of more digits a spreadsheet keeps 15, and shows the rest as an exponent: as an id such a number is none.
        DataRef::Float(x) if x.abs() >= 1e15 => typed(format!("{x:E}").replacen('E', "E+", 1)),
        DataRef::Float(x) => typed(x.to_string()),
        DataRef::Bool(b) => typed(b.to_string()),
        DataRef::DateTime(moment) => typed(iso(moment)),
        DataRef::DateTimeIso(text) => {
            let text = text.trim_end_matches('Z').replace('T', " ");
            typed(text.strip_suffix(" 00:00:00").unwrap_or(&text).to_owned())
        }
        DataRef::Error(error) => plain(&error.to_string()),
    }
}

/// A date, a moment, a time of day or a duration as text.
fn iso(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let time =
        NaiveTime::from_hms_milli_opt(hour.into(), minute.into(), second.into(), milli.into()).unwrap_or_default();
    let serial = moment.as_f64();
    if moment.is_duration() {
        let (sign, seconds) = (if serial < 0.0 { "-" } else { "" }, (serial.abs() * 86_400.0).round() as u64);
        return format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    // Before and behind these numbers there is no day: it is a number that has been given the form of a date.
    if !(0.0..2_958_466.0).contains(&serial) {
        return serial.to_string();
    }
    if (0.0..1.0).contains(&serial) {
        return time.format("%H:%M:%S%.f").to_string();
    }
    match NaiveDate::from_ymd_opt(year.into(), month.into(), day.into()) {
        Some(date) if time == NaiveTime::MIN => date.to_string(),
        Some(date) => format!("{date} {}", time.format("%H:%M:%S%.f")),
        // Excel has a 29th of February 1900.
        None => serial.to_string(),
    }
}
