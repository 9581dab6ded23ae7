//! What auditors say of an identity run: verify finds a wrong group, explain shows the tree, diff what was regrouped.

use serde_json::Value;

use super::{A, B, Case, account, case, long};
use crate::workdir::Ran;

fn sample() -> Case {
    case(&[
        ("accounts", &[&format!("{A},a@x.io"), &format!("{B},b@x.io")]),
        ("hubspot", &["5,a@x.io"]),
        ("stripe", &["cus_1,a@x.io", "cus_2,c@x.io", "cus_3,noreply@x.io"]),
    ])
}

/// Replaces a published file and what the manifest says of it, as somebody would who hides a change.
fn forge(all: &Case, file: &str, bytes: &[u8]) {
    let (_, old) = onefold::manifest::sha256_of(&all.dir.path(&format!("out/{file}"))).expect("a digest");
    let before = all.dir.bytes(&format!("out/{file}")).len();
    all.dir.write(&format!("out/{file}"), bytes);
    let (_, new) = onefold::manifest::sha256_of(&all.dir.path(&format!("out/{file}"))).expect("a digest");
    let mut run: Value = serde_json::from_str(&all.dir.read("out/run.json")).expect("JSON");
    for output in run["outputs"].as_array_mut().expect("outputs") {
        if output["sha256"] == old.as_str() {
            assert_eq!(output["bytes"], before);
            output["sha256"] = new.clone().into();
            output["bytes"] = bytes.len().into();
        }
    }
    all.dir.write("out/run.json", run.to_string());
}

#[test]
fn verify_finds_a_wrong_group() {
    let all = sample();
    all.run(&[]).expect(0);
    let verify = || all.dir.onefold(&["verify", "--input", "in", "--output", "out"]);
    verify().expect(0);
    // The same run over inputs in which another customer has the email: its outputs are whole, and wrong for these inputs.
    let wrong = sample();
    let changed = wrong.dir.read("in/stripe.csv").replace("cus_1,a@x.io", "cus_1,b@x.io");
    wrong.dir.write("in/stripe.csv", changed);
    wrong.run(&[]).expect(0);
    for file in ["identities.csv", "identities.parquet"] {
        forge(&all, file, &wrong.dir.bytes(&format!("out/{file}")));
    }
    let told = verify().expect(6);
    assert!(told.contains("of customers that the inputs do not give them"), "{told}");
    // One format alone.
    let all = sample();
    all.run(&[]).expect(0);
    let text = all.dir.read("out/identities.csv").replace("cus_2", "cus_9");
    forge(&all, "identities.csv", text.as_bytes());
    let told = all.dir.onefold(&["verify", "--input", "in", "--output", "out"]).expect(6);
    assert!(told.contains("`identities.csv` and `identities.parquet` differ"), "{told}");
}

fn sample_run() -> Case {
    let all = sample();
    all.run(&[]).expect(0);
    all
}

fn explain(all: &Case, args: &[&str]) -> Ran {
    all.dir.onefold(&[&["explain", "--input", "in", "--output", "out"], args].concat())
}

#[test]
fn explain_shows_the_tree_for_any_identifier() {
    let all = case(&[
        (
            "accounts",
            &[&format!("{B},old@x.io,{A},1"), &format!("{A},a@x.io;shared@x.io"), "001A0000009Vm9r,shared@x.io"],
        ),
        ("hubspot", &["5,a@x.io"]),
        ("stripe", &["cus_1,old@x.io"]),
    ]);
    let spec = all.dir.read("p.toml").replace("link_by =", "at_most = { salesforce = 1 }\nlink_by =");
    all.dir.write("p.toml", spec);
    all.run(&[]).expect(0);
    let customer = account(A);
    for asked in [customer.as_str(), A, "stripe:cus_1", "cus_1", "A@x.io", &format!("salesforce:{B}"), "hubspot:5"] {
        let ran = explain(&all, &["--json", asked]);
        ran.expect(0);
        let told: Value = serde_json::from_str(&ran.stdout()).expect("JSON");
        assert_eq!(told["customer"], customer.as_str(), "{asked}");
        let found = told["identity"]["identifiers"].as_array().expect("identifiers");
        let of: Vec<(&str, &str)> =
            found.iter().map(|id| (id["value"].as_str().unwrap_or(""), id["rule"].as_str().unwrap_or(""))).collect();
        let (a, b) = (long(A), long(B));
        let want = [
            ("a@x.io", "email"),
            ("old@x.io", "email"),
            ("5", "email"),
            (a.as_str(), "self"),
            (b.as_str(), "merge"),
            ("cus_1", "email"),
        ];
        assert_eq!(of, want);
        assert_eq!(told["identity"]["refused"][0]["value"], "shared@x.io");
    }
    let text = explain(&all, &[A]).stdout();
    let tree = text.split("\nIdentifiers\n").nth(1).expect("a tree");
    let (a, b) = (long(A), long(B));
    assert_eq!(
        tree,
        format!(
            "  salesforce:{a}  (accounts.csv line 2)\n    email:a@x.io  (by email, accounts.csv line 3)\n      hubspot:5  (by email, hubspot.csv line 2)\n    salesforce:{b}  (merged, by merge, accounts.csv line 2)\n      email:old@x.io  (by email, accounts.csv line 2)\n        stripe:cus_1  (by email, stripe.csv line 2)\n\nRefused\n  email:shared@x.io  conflict, in 2 rows, first accounts.csv line 3\n    would link {}, salesforce:001A0000009Vm9rIAC\n",
            account(A)
        )
    );
    let path = explain(&all, &[A, "--path-to", "cus_1"]).stdout();
    let path: Vec<&str> = path.split("\nPath\n").nth(1).expect("a path").lines().take(4).collect();
    assert!(
        path[0].contains(&a) && path[1].contains(&b) && path[2].contains("old@x.io") && path[3].contains("cus_1"),
        "{path:?}"
    );
    let refused = explain(&all, &[A, "--path-to", "001A0000009Vm9r"]).stdout();
    assert!(refused.contains("email:shared@x.io  conflict"), "{refused}");
    assert!(explain(&all, &[A, "--path-to", "nobody@x.io"]).expect(2).contains("no customer of the run has"));
    assert!(explain(&all, &["nobody@x.io"]).expect(4).contains("were excluded, merged away, deleted or erased"));
    let shared = explain(&sample_run(), &["noreply@x.io"]).expect(4);
    assert!(shared.contains("as email it is refused: blocked, first in stripe.csv line 4"), "{shared}");
}

#[test]
fn diff_says_who_was_merged_split_and_renamed() {
    let all = sample();
    all.run(&[]).expect(0);
    all.dir.onefold(&["run", "--profile", "p.toml", "--input", "in", "--output", "old", "--quiet"]).expect(0);
    // b@x.io joins the second customer of Stripe to an account, a@x.io has moved, and cus_3 has got an account.
    let stripe = all.dir.read("in/stripe.csv").replace("cus_2,c@x.io", "cus_2,c@x.io;b@x.io");
    all.dir.write("in/stripe.csv", stripe);
    all.dir.write("in/hubspot.csv", "Record ID,Email,Merged\n5,other@x.io,\n");
    let accounts = all.dir.read("in/accounts.csv") + "001A0000009Vm9r,new@x.io,,,\n";
    all.dir.write("in/accounts.csv", accounts);
    all.dir.write("in/stripe_new.csv", "id,Email\ncus_3,new@x.io\n");
    all.run(&[]).expect(0);
    let ran = all.dir.onefold(&["diff", "old", "out", "--json"]);
    ran.expect(0);
    let told: Value = serde_json::from_str(&ran.stdout()).expect("JSON");
    let of = |what: &str| told["identity"][what].clone();
    assert_eq!(of("merged"), serde_json::json!([{"old": [account(B), "stripe:cus_2"], "new": [account(B)]}]));
    assert_eq!(of("split"), serde_json::json!([{"old": [account(A)], "new": ["hubspot:5", account(A)]}]));
    assert_eq!(of("renamed"), serde_json::json!([{"old": ["stripe:cus_3"], "new": ["salesforce:001A0000009Vm9rIAC"]}]));
    let csv = all.dir.onefold(&["diff", "old", "out", "--csv"]).stdout();
    assert!(csv.contains(&format!("{},split,,{},hubspot:5;{}\n", account(A), account(A), account(A))), "{csv}");
    let text = all.dir.onefold(&["diff", "old", "out", "--top", "0"]).stdout();
    assert!(text.contains("1 customer renamed, with the same identifiers and another id\n"), "{text}");
}

#[test]
fn the_report_shows_sizes_rules_and_what_was_refused() {
    let all = sample();
    all.run(&[]).expect(0);
    let page = all.dir.read("out/report.html");
    for part in ["id=\"identity\"", "Customers by number of identifiers", "<th scope=\"row\">blocked</th>", &account(A)]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("a@x.io"));
}
