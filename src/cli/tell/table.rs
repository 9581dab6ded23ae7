//! Cells in columns for a terminal: each column is as wide as its widest cell. Never knows what the cells mean.

/// Spaces between two columns.
const GAP: usize = 2;

/// How the first column is aligned; the others are numbers and aligned to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

/// The lines, each with its line end. A first column of names is cut if the lines would be wider than `most`.
pub fn aligned(rows: &[Vec<String>], first: First, most: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| length(cell)).max();
    let mut widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let others: usize = widths.iter().skip(1).map(|width| width + GAP).sum();
    if let (First::Left, Some(names)) = (first, widths.first_mut()) {
        *names = (*names).min(most.saturating_sub(others).max(SHORTEST_NAME));
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match (at, first) {
            (0, First::Left) => format!("{:<width$}", cut(cell, *width)),
            _ => format!("{cell:>0$}", width + GAP),
        });
        let line: String = cells.collect();
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// A shorter name could not be told from others.
const SHORTEST_NAME: usize = 8;

/// The text cut to a width, in its middle, because similar names often have the same start and end in a number.
fn cut(text: &str, width: usize) -> String {
    let length = length(text);
    if length <= width {
        return text.to_owned();
    }
    let end = (width - 1) / 2;
    let begin = width - 1 - end;
    let part = |from: usize, count: usize| text.chars().skip(from).take(count).collect::<String>();
    format!("{}…{}", part(0, begin), part(length - end, end))
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn columns_are_as_wide_as_necessary() {
        let rows = rows(&[&["source", "read"], &["crm", "1,000"], &["a_long_name", "7"]]);
        assert_eq!(aligned(&rows, First::Left, 80), "source        read\ncrm          1,000\na_long_name      7\n");
        assert_eq!(
            aligned(&rows, First::Right, 80),
            "       source   read\n          crm  1,000\n  a_long_name      7\n"
        );
    }

    #[test]
    fn long_names_make_room_for_numbers() {
        let rows = rows(&[&["source", "read"], &["payments_of_the_north_2026", "1,000,000"], &["é", "1"]]);
        let text = aligned(&rows, First::Left, 30);
        assert_eq!(text.lines().nth(1), Some("payments_…orth_2026  1,000,000"));
        assert!(text.lines().all(|line| length(line) <= 30), "{text}");
    }
}
