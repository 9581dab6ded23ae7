//! Cells and ledger compared with the independent oracle in `tests/oracle`.

use onefold::sample::{Kind, Request, generate};
use serde_json::Value;

use crate::python::{cells_agree, oracle_agrees};
use crate::workdir::{Workdir, project};

fn agrees(dir: &Workdir, input: &str) {
    oracle_agrees(&dir.path(input), &dir.path("data_out"));
}

#[test]
fn the_sample_in_the_repository() {
    let dir = Workdir::new();
    let sample = project().join("sample_data");
    dir.onefold(&["run", "--input", &sample.display().to_string()]).expect(0);
    let lines = |text: String| text.lines().count();
    assert_eq!(lines(dir.read("data_out/profiles.csv")), 1001);
    for file in ["crm", "billing", "product", "support"] {
        let text = std::fs::read_to_string(sample.join(format!("{file}.csv"))).expect("a sample file");
        assert_eq!(lines(text), 1001);
    }
    agrees(&dir, &sample.display().to_string());
    dir.onefold(&["verify", "--input", &sample.display().to_string()]).expect(0);
}

#[test]
fn the_sample_in_the_repository_is_what_generate_writes() {
    let dir = Workdir::with_sample(1000);
    for file in ["crm.csv", "billing.csv", "product.csv", "support.csv"] {
        let kept = std::fs::read(project().join("sample_data").join(file)).expect("a sample file");
        assert!(kept == dir.bytes(&format!("sample_data/{file}")), "{file}");
    }
}

#[test]
fn a_hundred_thousand_customers() {
    let dir = Workdir::with_sample(100_000);
    dir.onefold(&["run"]).expect(0);
    agrees(&dir, "sample_data");
    dir.onefold(&["verify"]).expect(0);
}

/// Every rule of reading that a file can break, in one small folder.
#[test]
fn dirt_of_every_kind() {
    let dir = Workdir::new();
    dir.write(
        "in/crm-10.csv",
        b"\xEF\xBB\xBFcustomer_id,last_contact,email,company_name,industry,employee_count,deal_stage,deal_value,sales_owner,extra\r\n\
          a,2026-01-01,a@x,\"A, \"\"Inc\"\"\",x,007,Enterprise,+5,o,\xC3\xA9\r\n\r\n\
          \xC2\xA0a\xE2\x80\x83,2026-01-01,late@x,tie,x,-0,e,9223372036854775808,o,\r\n\
          bad,2026-01-01,\xFF,x,x,1,e,1,o,\r\nragged,1\r\n ,2026-01-01,,,,,,,,\r\n\
          b,2026-02-30,,\"line\nbreak\",,1.5,,,,\r\n00123,,,5\" pipe,,,,,,"
            .as_slice(),
    );
    dir.write("in/crm-2.csv", "email,customer_id,company_name,industry,employee_count,deal_stage,deal_value,sales_owner,last_contact\n,a,old,,,,,,2025-12-31\n,c,cr,,,,,,\r,d,\" q\",,,,,,2026-01-01\n");
    dir.write(
        "in/crm.csv",
        "customer_id,email,company_name,industry,employee_count,deal_stage,deal_value,sales_owner,last_contact\n",
    );
    dir.write("in/billing.csv", "customer_id,email,plan,mrr,payment_status,subscription_start,last_payment\norphan,o@x, Pro ,1, Past Due ,2026-01-01,\na,,free,,failed,,2026-01-01\n");
    dir.write("in/product.csv", "customer_id,email,signup_date,last_active,total_sessions,features_used,usage_pct,account_status\na,,,,,, 85 ,\n");
    dir.write("in/support.csv", "customer_id,email,total_tickets,open_tickets,avg_resolution_hrs,last_ticket_date,nps_score,csat_score\na,,,0,1e1,,10,.5\nb,,,,inf,,,4.\n");
    dir.write("in/notes.csv", "x\n");
    dir.onefold(&["run", "--input", "in"]).expect(0);
    agrees(&dir, "in");
    dir.onefold(&["verify", "--input", "in"]).expect(0);
    let rejects = dir.read("data_out/rejects/crm.csv");
    let want = "file,line,column,reason,raw\n\
        crm-10.csv,4,deal_value,bad_value,9223372036854775808\n\
        crm-10.csv,5,,encoding,\"bad,2026-01-01,\u{fffd},x,x,1,e,1,o,\"\n\
        crm-10.csv,6,,field_count,\"ragged,1\"\n\
        crm-10.csv,7,,blank_id,\" ,2026-01-01,,,,,,,,\"\n\
        crm-10.csv,8,employee_count,bad_value,1.5\n\
        crm-10.csv,8,last_contact,bad_value,2026-02-30\n";
    assert_eq!(rejects, want);
    let ledger = &dir.manifest("data_out").ledger.0["crm"];
    assert_eq!((ledger.rows_read, ledger.rows_used, ledger.rows_superseded, ledger.rows_rejected), (10, 5, 2, 3));
    let csv = dir.read("data_out/profiles.csv");
    assert!(csv.contains("\na,late@x,tie,x,0,e,,o,2026-01-01,"), "the later of two equal dates wins: {csv}");
    assert!(csv.contains("\n00123,,\"5\"\" pipe\","), "{csv}");
}

#[test]
fn messy_exports_of_many_seeds() {
    for (seed, customers) in
        [(1, 0), (2, 1), (3, 40), (4, 2000), (5, 2000), (6, 2000), (7, 2000), (8, 2000), (9, 2000), (10, 20_000)]
    {
        let dir = Workdir::new();
        let request = Request { customers, seed, kind: Kind::Messy, output: dir.path("sample_data"), force: false };
        generate(&request).expect("messy data");
        dir.onefold(&["run", "--allow-empty"]).expect(0);
        agrees(&dir, "sample_data");
        dir.onefold(&["verify"]).expect(0);
        let run: Value = serde_json::from_slice(&dir.bytes("data_out/run.json")).expect("a manifest");
        let expected: Value = serde_json::from_slice(&dir.bytes("sample_data/expected.json")).expect("expected.json");
        assert_eq!(run["ledger"], expected["ledger"], "seed {seed}");
        assert_eq!(run["customers"]["total"], expected["customers"], "seed {seed}");
        for source in ["crm", "billing", "product", "support"] {
            let of = |what: &str| run["ledger"][source][what].as_u64().expect("a count");
            assert!(of("rows_rejected") * 100 <= of("rows_read"), "seed {seed}: rejects stay under 1 %");
            assert!(
                customers < 20_000 || of("rows_rejected") > 10 && of("rows_superseded") > 100,
                "seed {seed}: there is dirt"
            );
        }
    }
}

/// Random cells of every type, marks, zones and kinds of ids, read by plain Python.
#[test]
fn cells_of_every_type() {
    cells_agree("1", "50");
}

#[test]
fn the_same_seed_gives_the_same_mess() {
    let bytes = |seed| {
        let dir = Workdir::new();
        let request = Request { customers: 300, seed, kind: Kind::Messy, output: dir.path("m"), force: false };
        let files = generate(&request).expect("messy data");
        assert_eq!(files.len(), 13);
        files.iter().map(|f| std::fs::read(f).expect("a file")).collect::<Vec<_>>()
    };
    assert!(bytes(7) == bytes(7) && bytes(7) != bytes(8));
}
