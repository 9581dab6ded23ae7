//! Large inputs: one huge field, thousands of columns, a million rejects, all with bounded memory.

use std::fs::File;
use std::io::{BufWriter, Write};

use super::{SPEC, profiles, rejects, run, with};

/// Writes the input through a buffer, not as one large text.
fn write(dir: &crate::workdir::Workdir, fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) {
    let mut file = BufWriter::new(File::create(dir.path("in/s.csv")).expect("a file"));
    fill(&mut file).and_then(|()| file.flush()).expect("written");
}

#[test]
fn a_field_of_200_mb_is_a_field() {
    let dir = with("", "");
    write(&dir, |file| {
        file.write_all(b"id,t,n,f,d\n1,\"")?;
        (0..200_000).try_for_each(|_| file.write_all(&[b'x'; 1000]))?;
        file.write_all(b"\",1,,\n2,b,,,\n")
    });
    let csv = profiles(&dir, &[]);
    assert_eq!((csv.len(), csv.ends_with("x,1,,\n2,b,,,\n")), (200_000_014, true));
    let peak = dir.manifest("data_out").peak_memory_bytes.expect("Linux tells");
    assert!(peak < 2_000_000_000, "{peak}");
}

#[test]
fn a_record_without_an_end_is_a_fault_before_memory_is() {
    let dir = with("", "");
    for (open, want) in [
        ("", "line 2: a record is longer than 256 MiB"),
        ("\"", "line 2: a quote opens here and is not closed within 256 MiB"),
    ] {
        // A sparse file, whose NUL bytes need no space on the disk.
        let file = File::create(dir.path("in/s.csv")).expect("a file");
        write!(&file, "id,t,n,f,d\n1,{open}").expect("written");
        file.set_len(300 << 20).expect("sparse");
        let told = run(&dir, &[]).expect(4);
        assert!(told.contains(want), "{told}");
    }
}

#[test]
fn ten_thousand_columns() {
    let names: Vec<String> = (0..9_995).map(|i| format!("c{i}")).collect();
    let head = |sep: char| format!("{}{sep}d{sep}f{sep}n{sep}t{sep}id\n", names.join(&sep.to_string()));
    for sep in [',', ';'] {
        let row = format!("{}{sep}2026-01-31{sep}0.5{sep}1{sep}a{sep}x\n", sep.to_string().repeat(9_994));
        let dir = with("", head(sep) + &row + "short\n");
        assert_eq!(profiles(&dir, &[]), "x,a,1,0.5,2026-01-31\n");
        assert_eq!(rejects(&dir), "s.csv,3,,field_count,short\n");
    }
    // The columns are declared and used.
    let dir = with("", head(',') + &format!("{}x,,,,,1\n", "a,".repeat(9_994)));
    let keep: Vec<String> = names.iter().map(|n| format!("{n:?}")).collect();
    let spec = SPEC.replace("keep = [", &format!("keep = [{}, ", keep.join(", ")));
    dir.write(
        "p.toml",
        spec.replace("columns = [\"id\", \"t\", \"n\", \"f\", \"d\"]", "columns = [\"id\", \"c0\", \"c9994\"]"),
    );
    assert_eq!(profiles(&dir, &["--shards", "1"]), "1,a,x\n");
}

#[test]
fn a_million_rejects_take_no_more_memory_than_a_few() {
    let dir = with("", "id,t,n,f,d\n1,a,,,\n");
    run(&dir, &["--output", "few"]).expect(0);
    let few = dir.manifest("few").peak_memory_bytes.expect("Linux tells");
    write(&dir, |file| {
        file.write_all(b"id,t,n,f,d\n1,a,,,\n")?;
        (0..500_000).try_for_each(|_| file.write_all(b"short of fields\n2,b,bad number,bad too,2026-02-30\n"))
    });
    let csv = profiles(&dir, &["--max-rejects", "100%"]);
    assert_eq!(csv, "1,a,,,\n2,b,,,\n");
    let ledger = dir.manifest("data_out").ledger.0["s"].clone();
    assert_eq!((ledger.rows_read, ledger.rows_used, ledger.rows_rejected), (1_000_001, 2, 500_000));
    assert_eq!(ledger.bad_values.values().copied().collect::<Vec<_>>(), [500_000; 3]);
    let all = rejects(&dir);
    assert_eq!(all.lines().count(), 2_000_000);
    for (at, lines) in all.lines().collect::<Vec<_>>().chunks_exact(4).enumerate() {
        let (short, bad) = (3 + 2 * at, 4 + 2 * at);
        let want = [
            format!("s.csv,{short},,field_count,short of fields"),
            format!("s.csv,{bad},d,bad_value,2026-02-30"),
            format!("s.csv,{bad},f,bad_value,bad too"),
            format!("s.csv,{bad},n,bad_value,bad number"),
        ];
        assert_eq!(lines, want);
    }
    let peak = dir.manifest("data_out").peak_memory_bytes.expect("Linux tells");
    assert!(peak < few + 200_000_000, "{peak} against {few}: 100 MB of rejects are not all in memory");

    // A run that fails because of them keeps all of them.
    let told = run(&dir, &[]).expect(4);
    let folder = told.split("all are in `").nth(1).and_then(|s| s.split('`').next()).expect("a folder");
    assert_eq!(dir.read(&format!("{folder}/rejects/s.csv")), format!("file,line,column,reason,raw\n{all}"));
}
