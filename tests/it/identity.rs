//! Exports that share no id: every edge case of the rules by its number in docs/identity.md, each run proved by `verify`.

mod audits;
mod cases;
mod graphs;
mod lifecycle;
mod specs;
mod survivors;

use std::collections::{BTreeMap, BTreeSet};

use onefold::manifest::Manifest;

use crate::workdir::{Ran, Workdir};

/// Ids of Salesforce of 15 characters; the other three are `IAC` for each.
const A: &str = "001A0000006Vm9r";
const B: &str = "001A0000007Vm9r";
const C: &str = "001A0000008Vm9r";
const ZEROS: &str = "000000000000000AAA";

fn long(id: &str) -> String {
    format!("{id}IAC")
}

fn account(id: &str) -> String {
    format!("salesforce:{id}IAC")
}

/// Spec: four sources, as people have them; `IDENTITY` and `OUTPUT` are places for more lines.
const SPEC: &str = r#"
[profile]
name = "p"

[identity]
name_by = ["salesforce", "hubspot", "stripe", "email"]
link_by = ["salesforce", "email"]
IDENTITY
[identity.kinds]
salesforce = { is = "salesforce_id" }
hubspot = { is = "number" }
email = { is = "email" }
MAPS
[sources.accounts]
files = ["accounts*.csv"]
required = false
key = { column = "Id", kind = "salesforce" }
ids = [{ column = "Email", kind = "email", split = ";" }]
merged_into = "MasterRecordId"
deleted = { column = "IsDeleted", is = ["1", "true"] }
keep = ["Name"]

[sources.contacts]
files = ["contacts*.csv"]
required = false
ids = [{ column = "AccountId", kind = "salesforce" }, { column = "Mail", kind = "email" }]
aggregates = { contacts = "count(*)" }

[sources.hubspot]
files = ["hubspot*.csv"]
required = false
key = { column = "Record ID", kind = "hubspot" }
ids = [{ column = "Email", kind = "email" }]
merged_from = { column = "Merged", split = ";" }

[sources.stripe]
files = ["stripe*.csv"]
required = false
key = { column = "id", kind = "stripe" }
ids = [{ column = "Email", kind = "email", split = ";" }]
keep = [{ Email = "bill_to" }]

[output]
columns = ["customer_id", "ids_salesforce", "ids_hubspot", "ids_stripe", "ids_email", "Name", "contacts", "bill_to", "sources"]
"#;

const MAP: &str = "
[[identity.maps]]
file = \"map.csv\"
left = { column = \"account\", kind = \"salesforce\" }
right = { column = \"customer\", kind = \"stripe\" }
";

fn header(table: &str) -> &'static str {
    match table.split('_').next().unwrap_or_default() {
        "accounts" => "Id,Email,MasterRecordId,IsDeleted,Name",
        "contacts" => "AccountId,Mail",
        "hubspot" => "Record ID,Email,Merged",
        "stripe" => "id,Email",
        "map" => "account,customer",
        "apart" => "kind_a,value_a,kind_b,value_b",
        "erase" => "kind,value",
        other => panic!("{other}"),
    }
}

/// A folder with tables, and a spec for them.
struct Case {
    dir: Workdir,
}

/// What a run of a case gave.
struct Outcome {
    profiles: Vec<BTreeMap<String, String>>,
    identities: Vec<BTreeMap<String, String>>,
    refused: Vec<BTreeMap<String, String>>,
    manifest: Manifest,
}

/// A case of these tables, each with its rows; short rows are filled up with empty cells.
fn case(tables: &[(&str, &[&str])]) -> Case {
    case_with("", tables)
}

/// The same with more lines in `[identity]`.
fn case_with(identity: &str, tables: &[(&str, &[&str])]) -> Case {
    let dir = Workdir::new();
    let has = |name: &str| tables.iter().any(|(table, _)| *table == name);
    let lists = ["apart", "erase"].iter().filter(|list| has(list)).map(|list| format!("{list} = \"{list}.csv\"\n"));
    let identity = format!("{identity}\n{}", lists.collect::<String>());
    let spec = SPEC.replace("IDENTITY", &identity).replace("MAPS", if has("map") { MAP } else { "" });
    dir.write("p.toml", spec);
    dir.write("in/readme.txt", "");
    for (table, rows) in tables {
        let head = header(table);
        let full = |row: &&str| {
            let missing = head.matches(',').count().saturating_sub(row.matches(',').count());
            format!("{row}{}\n", ",".repeat(missing))
        };
        dir.write(&format!("in/{table}.csv"), format!("{head}\n{}", rows.iter().map(full).collect::<String>()));
    }
    Case { dir }
}

impl Case {
    fn run(&self, args: &[&str]) -> Ran {
        let own = ["run", "--profile", "p.toml", "--input", "in", "--output", "out", "--allow-empty", "--quiet"];
        self.dir.onefold(&[&own[..], args].concat())
    }

    /// Runs it, and has the run verified.
    fn outcome(&self) -> Outcome {
        self.run(&["--fresh"]).expect(0);
        self.dir.onefold(&["verify", "--input", "in", "--output", "out"]).expect(0);
        self.read()
    }

    fn read(&self) -> Outcome {
        let table = |name: &str| {
            let text = self.dir.read(&format!("out/{name}.csv"));
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            reader.deserialize().collect::<Result<_, _>>().expect("rows")
        };
        let manifest = self.dir.manifest("out");
        Outcome { profiles: table("profiles"), identities: table("identities"), refused: table("refused"), manifest }
    }
}

impl Outcome {
    fn customers(&self) -> Vec<&str> {
        self.profiles.iter().map(|profile| profile["customer_id"].as_str()).collect()
    }

    /// For each customer its identifiers.
    fn members(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in &self.identities {
            let one = format!("{}:{}", line["kind"], line["value"]);
            members.entry(line["customer_id"].clone()).or_default().insert(one);
        }
        members
    }

    /// State, rule and via of an identifier.
    fn line(&self, value: &str) -> (&str, &str, &str) {
        let line = self.identities.iter().find(|line| line["value"] == value).expect("a line");
        (&line["state"], &line["rule"], &line["via"])
    }

    /// Kinds and values that were refused for a reason.
    fn refused(&self, reason: &str) -> Vec<(&str, &str)> {
        let of = self.refused.iter().filter(|line| line["reason"] == reason);
        of.map(|line| (line["kind"].as_str(), line["value"].as_str())).collect()
    }

    /// A source's rows: used, superseded, merged, deleted, unidentified, erased.
    fn rows(&self, source: &str) -> [u64; 6] {
        let l = &self.manifest.ledger.0[source];
        [l.rows_used, l.rows_superseded, l.rows_merged, l.rows_deleted, l.rows_unidentified, l.rows_erased]
    }
}

/// A customer with its identifiers.
fn of(customer: &str, ids: &[&str]) -> (String, BTreeSet<String>) {
    let own = |id: &&str| if id.contains(':') { id.to_string() } else { account(id) };
    (own(&customer), std::iter::once(&customer).chain(ids).map(own).collect())
}
