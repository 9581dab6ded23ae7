//! Cells and ledger against the independent oracle in `../shared`, which must be there in CI.

use std::path::PathBuf;
use std::process::Command;

use crate::workdir::{Workdir, project};

/// The oracle's script; none in a clone without `../shared`, where this proof cannot be made.
fn oracle() -> Option<PathBuf> {
    let script = project().join("../shared/oracle/profiles.py");
    assert!(script.exists() || std::env::var_os("CI").is_none(), "CI needs {}", script.display());
    script.exists().then_some(script)
}

fn agrees(dir: &Workdir, input: &str) {
    let Some(script) = oracle() else { return };
    let checked = Command::new("python3")
        .arg(script)
        .arg(dir.path(input))
        .arg("--check")
        .arg(dir.path("data_out"))
        .output()
        .expect("python3 starts");
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(
        checked.status.success() && text.contains("no difference"),
        "{text}{}",
        String::from_utf8_lossy(&checked.stderr)
    );
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

/// Every rule of the contract's §2 that a file can break, in one small folder.
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
    dir.write("in/crm-2.csv", "email,customer_id,company_name,industry,employee_count,deal_stage,deal_value,sales_owner,last_contact\n,a,old,,,,,,2025-12-31\n,c,cr,,,,,,\r,d,\" q\"tail,,,,,,2026-01-01\n");
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
