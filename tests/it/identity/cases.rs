//! The edge cases, by number.

use std::collections::BTreeMap;

use super::{A, B, C, Outcome, ZEROS, account, case, case_with, long, of};

fn members(all: &[(&str, &[&str])]) -> BTreeMap<String, std::collections::BTreeSet<String>> {
    all.iter().map(|(customer, ids)| of(customer, ids)).collect()
}

const ONE_ACCOUNT: &str = "at_most = { salesforce = 1 }";

#[test]
fn case_01_to_03_an_account_has_one_id() {
    let both = case(&[("accounts", &[A]), ("contacts", &[&long(A)])]).outcome();
    assert_eq!(both.customers(), [account(A)]);
    assert_eq!(both.profiles[0]["contacts"], "1");
    let other = A.replace("Vm9r", "vM9r");
    assert_eq!(case(&[("accounts", &[A, &other])]).outcome().customers().len(), 2);
    let lower = long(A).to_lowercase();
    let restored = case(&[("accounts", &[&lower, A])]).outcome();
    assert_eq!((restored.customers(), restored.rows("accounts")), (vec![account(A).as_str()], [1, 1, 0, 0, 0, 0]));
}

#[test]
fn case_04_zeros_are_nobody() {
    let rows: Vec<String> =
        (0..50).map(|i| if i == 0 { ZEROS.to_owned() } else { format!("{ZEROS},c{i}@x.io") }).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let all = case(&[("contacts", &rows)]);
    let got = all.outcome();
    assert_eq!((got.customers().len(), got.rows("contacts")), (49, [49, 0, 0, 0, 1, 0]));
    assert_eq!((got.refused[0]["value"].as_str(), got.refused[0]["rows"].as_str()), (ZEROS, "50"));
    assert_eq!(got.refused[0]["customers"].split(';').count(), 20);
    // The row is in the rejects, as it stands in the file.
    assert!(
        all.dir.read("out/rejects/contacts.csv").ends_with(&format!("contacts.csv,2,,no_identifier,\"{ZEROS},\"\n"))
    );
}

#[test]
fn case_05_a_chain_of_merges() {
    let rows = [&format!("{A},a@x.io,{B},1"), &format!("{B},,{C},1") as &str, C];
    let got = case(&[("accounts", &[rows[0], rows[1], rows[2]]), ("stripe", &["cus_1,a@x.io"])]).outcome();
    assert_eq!(got.rows("accounts"), [1, 0, 2, 0, 0, 0]);
    assert_eq!(got.members(), members(&[(C, &[A, B, "email:a@x.io", "stripe:cus_1"])]));
    assert_eq!(got.profiles[0]["ids_salesforce"], long(C));
    assert_eq!(got.line(&long(A)), ("merged", "merge", account(B).as_str()));
    assert_eq!(got.line(&long(C)), ("id", "self", ""));
    assert_eq!(got.line("a@x.io"), ("id", "email", account(A).as_str()));
    assert_eq!(got.line("cus_1"), ("id", "email", "email:a@x.io"));
}

/// The warnings about identifiers.
fn warnings(got: &Outcome) -> Vec<&str> {
    let all = got.manifest.warnings.iter().map(|warning| warning.warning.as_str());
    all.filter(|name| ["apart_merged", "identities_refused", "many_unidentified"].contains(name)).collect()
}

fn merges(got: &Outcome) -> (u64, u64, u64) {
    let merges = got.manifest.identity.as_ref().expect("a record").merges;
    (merges.losers, merges.cycles, merges.winners_missing)
}

#[test]
fn case_06_07_cycles_and_missing_winners() {
    let flagged = case(&[("accounts", &[&format!("{A},,{B},1"), &format!("{B},,{A},1")])]).outcome();
    assert_eq!((merges(&flagged), flagged.rows("accounts")), ((1, 1, 0), [0, 0, 1, 1, 0, 0]));
    let cycle = case(&[("accounts", &[&format!("{A},,{B}"), &format!("{B},,{A}")])]).outcome();
    assert_eq!((cycle.customers(), cycle.rows("accounts")), (vec![account(A).as_str()], [1, 0, 1, 0, 0, 0]));
    let gone = case(&[("accounts", &[&format!("{A},,{B}")])]).outcome();
    assert_eq!((gone.customers().len(), merges(&gone)), (0, (1, 0, 1)));
    for known in [A, B] {
        let got = case(&[("accounts", &[&format!("{A},,{B}")]), ("contacts", &[known])]).outcome();
        assert_eq!((got.customers(), merges(&got)), (vec![account(B).as_str()], (1, 0, 1)));
    }
    // An id that is its own winner is ignored.
    let own = case(&[("accounts", &[&format!("{A},,{A}")])]).outcome();
    assert_eq!((own.customers(), merges(&own)), (vec![account(A).as_str()], (0, 0, 0)));
}

#[test]
fn case_08_deleted_rows_link_nothing() {
    let got = case(&[
        ("accounts", &[&format!("{A},a@x.io,,TRUE"), B]),
        ("contacts", &[&format!("{A},b@x.io")]),
        ("stripe", &["cus_1,a@x.io"]),
    ])
    .outcome();
    assert_eq!(got.rows("accounts"), [1, 0, 0, 1, 0, 0]);
    let want = members(&[(A, &["email:b@x.io"]), (B, &[]), ("stripe:cus_1", &["email:a@x.io"])]);
    assert_eq!(got.members(), want);
    // A loser that is flagged deleted is merged, and gives its links.
    let loser = case(&[("accounts", &[&format!("{A},a@x.io,{B},1"), B]), ("stripe", &[",a@x.io"])]).outcome();
    assert_eq!(loser.customers(), [account(B)]);
}

#[test]
fn case_09_a_winner_lists_its_losers() {
    let got = case(&[("hubspot", &["13,w@x.io,11;12"]), ("hubspot_old", &["11,old@x.io"])]).outcome();
    assert_eq!((got.rows("hubspot"), got.customers()), ([1, 0, 1, 0, 0, 0], vec!["hubspot:13"]));
    assert_eq!(["11", "12", "13"].map(|id| got.line(id).0), ["merged", "merged", "id"]);
    assert!(got.members()["hubspot:13"].contains("email:old@x.io"));
}

#[test]
fn case_10_to_12_guests() {
    let known = case(&[("stripe", &["cus_1,a@x.io", ",a@x.io"])]).outcome();
    assert_eq!((known.customers(), known.rows("stripe")), (vec!["stripe:cus_1"], [1, 1, 0, 0, 0, 0]));
    assert_eq!(case(&[("stripe", &[",A@x.io"])]).outcome().customers(), ["email:a@x.io"]);
    let six = ["cus_0,s@x.io", "cus_1,s@x.io", "cus_2,s@x.io", "cus_3,s@x.io", "cus_4,s@x.io", "cus_5,s@x.io"];
    let rows = [&[",noreply@x.io"][..], &six, &[",s@x.io"]].concat();
    let got = case(&[("stripe", &rows)]).outcome();
    assert_eq!(got.rows("stripe")[4], 2);
    assert_eq!(
        (got.refused("blocked"), got.refused("shared")),
        (vec![("email", "noreply@x.io")], vec![("email", "s@x.io")])
    );
}

#[test]
fn case_13_an_email_of_five_keys_and_of_six() {
    let rows: Vec<String> = (0..6).map(|i| format!("cus_{i},s@x.io")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    assert_eq!(case(&[("stripe", &rows[..5])]).outcome().customers(), ["stripe:cus_0"]);
    let six = case(&[("stripe", &rows)]).outcome();
    assert_eq!((six.customers().len(), six.refused("shared")), (6, vec![("email", "s@x.io")]));
    assert_eq!(six.refused[0]["customers"], (0..6).map(|i| format!("stripe:cus_{i}")).collect::<Vec<_>>().join(";"));
    // Keys are counted for each kind, losers as their survivor.
    let keys: Vec<String> = (1..7).map(|i| format!("001A000000{i}Vm9r")).collect();
    let with = |last: String| {
        let rows: Vec<String> = keys[..5].iter().map(|key| format!("{key},s@x.io")).chain([last]).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        case(&[("accounts", &rows), ("stripe", &["cus_1,s@x.io"])]).outcome().refused("shared").len()
    };
    assert_eq!(with(format!("{},s@x.io", keys[5])), 1);
    assert_eq!(with(format!("{},s@x.io,{}", keys[5], keys[0])), 0, "it lost to the first");
    assert_eq!(with(format!("{},s@x.io,,1", keys[5])), 0, "it is deleted");
}

#[test]
fn case_14_an_email_on_two_accounts() {
    let got = case_with(
        ONE_ACCOUNT,
        &[
            ("accounts", &[&format!("{A},both@x.io;a@x.io"), &format!("{B},both@x.io;b@x.io")]),
            ("stripe", &["cus_1,a@x.io", "cus_2,b@x.io"]),
        ],
    )
    .outcome();
    assert_eq!(got.refused("conflict"), [("email", "both@x.io")]);
    let want = members(&[(A, &["email:a@x.io", "stripe:cus_1"]), (B, &["email:b@x.io", "stripe:cus_2"])]);
    assert_eq!(got.members(), want);
    let line = &got.refused[0];
    assert_eq!((line["rows"].as_str(), line["customers"].clone()), ("2", format!("{};{}", account(A), account(B))));
    assert_eq!(warnings(&got), ["identities_refused"]);
}

#[test]
fn case_15_where_no_value_alone_is_wrong_all_go_back() {
    let got = case_with(
        ONE_ACCOUNT,
        &[
            ("accounts", &[&format!("{A},a@x.io;own@x.io"), &format!("{B},b@x.io")]),
            ("stripe", &["cus_1,a@x.io;b@x.io"]),
            ("contacts", &[&format!("{A},c@x.io")]),
            ("map", &[&format!("{B},cus_9")]),
        ],
    )
    .outcome();
    assert_eq!(
        got.refused("conflict"),
        ["a", "b", "c", "own"]
            .map(|v| ("email", format!("{v}@x.io")))
            .iter()
            .map(|(k, v)| (*k, v.as_str()))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        got.members(),
        members(&[(A, &[]), (B, &["stripe:cus_9"]), ("stripe:cus_1", &[])]),
        "a stronger tier stays"
    );
    assert!(got.refused.iter().all(|line| line["customers"] == format!("{};{};stripe:cus_1", account(A), account(B))));
}

#[test]
fn case_16_a_map_to_two_accounts() {
    let got = case_with(
        ONE_ACCOUNT,
        &[
            ("accounts", &[&format!("{A},a@x.io"), B]),
            ("stripe", &["cus_1,a@x.io"]),
            ("map", &[&format!("{A},cus_1"), &format!("{B},cus_1")]),
        ],
    )
    .outcome();
    assert_eq!((got.refused("conflict"), got.line("cus_1").2), (vec![("stripe", "cus_1")], "email:a@x.io"));
    assert_eq!(got.customers(), [account(A), account(B)]);
}

#[test]
fn case_17_18_pairs_that_are_apart() {
    let pair = "stripe,cus_1,stripe,cus_2";
    let got = case(&[("stripe", &["cus_1,a@x.io", "cus_2,a@x.io"]), ("apart", &[pair])]).outcome();
    assert_eq!(
        (got.customers(), got.refused("conflict")),
        (vec!["stripe:cus_1", "stripe:cus_2"], vec![("email", "a@x.io")])
    );
    let within = case(&[
        ("accounts", &[&format!("{A},a@x.io,{B}"), B]),
        ("stripe", &["cus_1,a@x.io"]),
        ("apart", &[&format!("salesforce,{A},salesforce,{B}")]),
    ])
    .outcome();
    assert_eq!(within.members(), members(&[(B, &[A]), ("stripe:cus_1", &[])]));
    assert_eq!(within.refused("conflict"), [("email", "a@x.io")]);
    assert_eq!(warnings(&within), ["apart_merged", "identities_refused"]);
}

#[test]
fn case_19_a_rounded_number_is_no_key() {
    let got = case(&[("hubspot", &["6.89E+11,a@x.io"])]).outcome();
    assert_eq!((got.customers(), got.refused("bad")), (vec!["email:a@x.io"], vec![("hubspot", "6.89E+11")]));
}

#[test]
fn case_20_to_22_erasing() {
    let tables: &[(&str, &[&str])] = &[
        ("accounts", &[&format!("{A},a@x.io"), &format!("{B},b@x.io")]),
        ("contacts", &[&format!("{A},c@x.io")]),
        ("hubspot", &["5,c@x.io"]),
        ("stripe", &["cus_1,a@x.io", "cus_2,b@x.io"]),
    ];
    let whole = case(tables).outcome();
    let erased = case(&[tables, &[("erase", &["stripe,cus_1"])]].concat()).outcome();
    let rows = ["accounts", "contacts", "hubspot", "stripe"].map(|source| erased.rows(source)[5]);
    assert_eq!(rows, [1, 1, 1, 1]);
    let others: Vec<_> = whole.profiles.iter().filter(|p| p["customer_id"] == account(B)).cloned().collect();
    assert_eq!(erased.profiles, others);
    let record = erased.manifest.identity.expect("a record").erased;
    assert_eq!((record.values, record.customers), (1, 1));
    // A shared email erases the rows that hold it, not their customers' others.
    let six: Vec<String> = (0..6).map(|i| format!("cus_{i},s@x.io")).chain(["cus_0,own@x.io".to_owned()]).collect();
    let six: Vec<&str> = six.iter().map(String::as_str).collect();
    let shared = case(&[("stripe", &six), ("erase", &["email,s@x.io"])]).outcome();
    assert_eq!((shared.customers(), shared.rows("stripe")), (vec!["stripe:cus_0"], [1, 0, 0, 0, 0, 6]));
    assert!(shared.refused("shared").is_empty());
    let loser = case(&[
        ("accounts", &[&format!("{A},,{B}"), B]),
        ("stripe", &["cus_1"]),
        ("erase", &[&format!("salesforce,{A}")]),
    ]);
    let loser = loser.outcome();
    assert_eq!((loser.customers(), loser.rows("accounts")), (vec!["stripe:cus_1"], [0, 0, 0, 0, 0, 2]));
}

#[test]
fn case_23_nothing_shows_what_is_erased() {
    let shows = case(&[
        ("accounts", &[&format!("{A},,,,was Ann@x.io."), &format!("{B},,,,joann@x.io")]),
        ("stripe", &["cus_1,ann@x.io"]),
        ("erase", &["email,ann@x.io"]),
    ]);
    let told = shows.run(&[]).expect(6);
    assert!(told.contains("`Name` of 1 profile") && !told.to_lowercase().contains("ann@x"), "{told}");
    assert!(!shows.dir.exists("out/profiles.csv"));
    // Rejects show `[erased]` instead; failed runs keep none.
    let rejects = case(&[
        ("accounts", &[&format!("{A},ann@x.io,,,,too long"), B]),
        ("stripe", &["cus_1,ann@x.io"]),
        ("erase", &["email,ann@x.io"]),
    ]);
    let got = rejects.outcome();
    assert_eq!(got.customers(), [account(B)]);
    assert!(rejects.dir.read("out/rejects/accounts.csv").ends_with("accounts.csv,2,,field_count,[erased]\n"));
    rejects.run(&["--fresh", "--max-rejects", "0"]).expect(4);
    let failed =
        std::fs::read_dir(rejects.dir.path("out/.onefold/failed")).expect("a list").flatten().next().expect("one");
    assert!(!failed.path().join("rejects").exists());
    // Other kinds too, in any form, and where a row was cut off.
    let kinds = case(&[
        (
            "accounts",
            &[
                &format!("{A},,,,,{}", long(A).to_lowercase()),
                &format!("{B},,,,,{}", "x".repeat(5000)),
                C,
                "001A0000009Vm9r",
            ],
        ),
        ("erase", &[&format!("salesforce,{A}")]),
    ]);
    kinds.outcome();
    let told = kinds.dir.read("out/rejects/accounts.csv");
    assert_eq!(told.matches("field_count,[erased]\n").count(), 2, "{told}");
    // A list given by hand adds to the spec's.
    rejects.dir.write("more.csv", format!("kind,value\nsalesforce,{B}\n"));
    rejects.run(&["--erase", "more.csv"]).expect(0);
    assert!(rejects.read().customers().is_empty());
    rejects.dir.onefold(&["verify", "--input", "in", "--output", "out"]).expect(0);
}

#[test]
fn the_population_decides_who_has_a_profile() {
    let all = case(&[("accounts", &[&format!("{A},,{B}"), C]), ("contacts", &[B, C])]);
    let spec = all.dir.read("p.toml").replace("name = \"p\"\n", "name = \"p\"\npopulation = [\"accounts\"]\n");
    all.dir.write("p.toml", spec);
    let got = all.outcome();
    assert_eq!((got.customers(), got.manifest.ledger.0["contacts"].rows_excluded), (vec![account(C).as_str()], 1));
}
